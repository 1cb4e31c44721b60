/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/tokens: text by its bytes, images flat, files by theirs.
 */
#include "weir/base/buf.h"
#include "weir/plan/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A body of `n` bytes of base64 that begin with `head`, in a little JSON: 20 bytes around it. */
static uint64_t of_file(const char *head, size_t n)
{
    struct buf b = {0};
    buf_add(&b, S("{\"a\":\"x\",\"bytes\":\""));
    buf_add(&b, str_of(head));
    for (size_t i = strlen(head); i < n; i++)
        buf_add_char(&b, "QUJDREVG0123+/"[i % 14]);
    buf_add(&b, S("\"}"));
    uint64_t tokens = tokens_estimate(buf_str(&b));
    buf_fini(&b);
    return tokens;
}

static void text_by_its_bytes(void **state)
{
    static char body[100000];
    assert_int_equal(tokens_estimate(S("")), 0);
    assert_int_equal(tokens_estimate(S("x")), 1);
    assert_int_equal(tokens_estimate(S("12345678")), 2);
    memset(body, ' ', sizeof body);
    assert_int_equal(tokens_estimate(str_from(body, sizeof body)), 25000);
    memset(body, '"', sizeof body);
    assert_int_equal(tokens_estimate(str_from(body, sizeof body)), 25000);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = "\"some words \\\" and more\", "[i % 26];
    assert_int_equal(tokens_estimate(str_from(body, sizeof body)), 25000);
}

static void files_by_their_kind(void **state)
{
    assert_int_equal(of_file("iVBORw0KGgo", 4000000), 1605);
    assert_int_equal(of_file("/9j/", 2000), 1605);
    assert_int_equal(of_file("data:image/jpeg;base64,/9j/", 20000), 1605);
    assert_int_equal(of_file("JVBERi0", 1600000), 100005);
    assert_int_equal(of_file("iVBORw0KGgo", 1000), 255); /* short */
    assert_int_equal(of_file("no base64.", 4000), 1005);
}

static void many_of_them(void **state)
{
    struct buf b = {0};
    for (int i = 0; i < 20; i++) {
        buf_add(&b, S("\"R0lGOD"));
        for (int j = 0; j < 5000; j++)
            buf_add_char(&b, 'A');
        buf_add(&b, S("\","));
    }
    assert_int_equal(tokens_estimate(buf_str(&b)), 20 * 1600 + 15);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_by_its_bytes),
        cmocka_unit_test(files_by_their_kind),
        cmocka_unit_test(many_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
