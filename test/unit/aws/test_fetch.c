/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/fetch over a real origin, against a server of a few lines on loopback and the same loop.
 */
#include "weir/aws/fetch.h"
#include "weir/base/clock.h"
#include "weir/net/dns.h"

#include "loopback.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct {
    struct loop *loop;
    struct dns *dns;
    struct aws_signer *signer;
    struct origin *origin;
    struct creds creds;
    struct fetch *fetch;
    unsigned told;
    bool drops; /* in the callback */
    struct fetch_answer answer;
    char body[256], why[256], etag[32];
} t;

static int setup(void **state)
{
    memset(&t, 0, sizeof t);
    t.loop = loop_new();
    t.dns = dns_new(t.loop);
    t.signer = aws_signer_new();
    t.creds = (struct creds){.version = 1, .access_key = S("AKID"), .secret_key = S("secret")};
    server_open(t.loop);
    struct origin_options o = {.host = S("127.0.0.1"), .port = server.port, .connect_ms = 3000};
    t.origin = origin_new(t.loop, t.dns, &o);
    return 0;
}

static int teardown(void **state)
{
    fetch_drop(t.fetch);
    origin_free(t.origin);
    server_close();
    dns_free(t.dns);
    aws_signer_free(t.signer);
    loop_turn(t.loop, 0);
    loop_free(t.loop);
    clock_real();
    return 0;
}

static void keep(char *to, size_t size, struct str s)
{
    s = str_sub(s, 0, size - 1);
    if (s.len)
        memcpy(to, s.ptr, s.len);
    to[s.len] = 0;
}

static void on_done(void *arg, const struct fetch_answer *a)
{
    t.told++;
    t.answer = *a;
    keep(t.body, sizeof t.body, a->body);
    keep(t.why, sizeof t.why, str_of(a->why));
    keep(t.etag, sizeof t.etag, fields_get(a->fields, S("etag")));
    if (t.drops)
        fetch_drop(t.fetch);
    t.fetch = NULL;
}

static void begin(size_t max_bytes, int64_t whole_ms)
{
    static const struct str body[] = {STR("a=1"), STR("&b=2")};
    static const struct field fields[] = {{STR("content-type"), STR("text/x")}};
    struct aws_target target = {.origin = t.origin,
                                .authority = S("h.example"),
                                .region = S("us-east-1"),
                                .service = S("sts")};
    struct aws_request r = {.method = S("POST"),
                            .target = S("/x?y=z"),
                            .fields = fields,
                            .n_fields = 1,
                            .body = body,
                            .n_body = 2};
    struct fetch_limits limits = {max_bytes, whole_ms};
    t.fetch = fetch_start(t.loop, t.signer, &target, &t.creds, &r, &limits, on_done, NULL);
    assert_int_equal(t.told, 0);
}

static void wait_for_end(void)
{
    for (int i = 0; i < 1000 && !t.told; i++)
        loop_turn(t.loop, 10);
    assert_int_equal(t.told, 1);
}

static void fetches(void **state)
{
    server.says = S("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 5\r\n\r\nhello");
    begin(100, 60000);
    wait_for_end();
    assert_int_equal(t.answer.end, ORIGIN_DONE);
    assert_int_equal(t.answer.status, 200);
    assert_string_equal(t.body, "hello");
    assert_string_equal(t.etag, "\"e\"");
    const char *heard = buf_cstr(&server.heard);
    assert_ptr_equal(strstr(heard, "POST /x?y=z HTTP/1.1\r\n"), heard);
    assert_non_null(strcasestr(heard, "host: h.example\r\n"));
    assert_non_null(strcasestr(heard, "authorization: AWS4-HMAC-SHA256 Credential=AKID/"));
    assert_non_null(strcasestr(heard, "content-length: 7\r\n"));
    assert_non_null(strstr(heard, "\r\n\r\na=1&b=2"));
}

static void takes_chunks_and_errors(void **state)
{
    server.says =
        S("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
    begin(100, 60000);
    wait_for_end();
    assert_int_equal(t.answer.end, ORIGIN_DONE);
    assert_int_equal(t.answer.status, 404);
    assert_string_equal(t.body, "abc");
}

static void has_a_limit(void **state)
{
    server.says = S("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    begin(4, 60000);
    wait_for_end();
    assert_int_equal(t.answer.end, ORIGIN_BAD);
    assert_true(t.answer.too_big);
}

static void tells_a_cut_answer(void **state)
{
    server.says = S("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    server.then_closes = true;
    begin(100, 60000);
    wait_for_end();
    assert_int_equal(t.answer.end, ORIGIN_GONE);
    assert_int_equal(t.answer.status, 200);
    assert_true(t.why[0]);
}

static void tells_garbage(void **state)
{
    server.says = S("SSH-2.0-x\r\n\r\n");
    begin(100, 60000);
    wait_for_end();
    assert_int_equal(t.answer.end, ORIGIN_BAD);
    assert_int_equal(t.answer.status, 0);
}

static void tells_a_closed_port(void **state)
{
    server_close();
    begin(100, 60000);
    wait_for_end();
    assert_int_equal(t.answer.end, ORIGIN_UNREACHABLE);
    assert_non_null(strstr(t.why, "efused"));
}

static void has_a_deadline(void **state)
{
    clock_fake(1000000000, 1767323045000);
    begin(100, 1000);
    for (int i = 0; i < 1000 && !buf_len(&server.heard); i++)
        loop_turn(t.loop, 10);
    clock_fake(1999000000, 1767323045000);
    loop_turn(t.loop, 0);
    assert_int_equal(t.told, 0);
    clock_fake(2001000000, 1767323045000);
    loop_turn(t.loop, 0);
    assert_int_equal(t.told, 1);
    assert_int_equal(t.answer.end, ORIGIN_TIMEOUT);
}

static void may_be_dropped(void **state)
{
    server.says = S("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    begin(100, 60000);
    fetch_drop(t.fetch);
    t.fetch = NULL;
    loop_turn(t.loop, 0);
    begin(100, 60000);
    while (!buf_len(&server.heard))
        loop_turn(t.loop, 10);
    fetch_drop(t.fetch);
    t.fetch = NULL;
    for (int i = 0; i < 5; i++)
        loop_turn(t.loop, 0);
    assert_int_equal(t.told, 0);
    t.drops = true;
    begin(100, 60000);
    wait_for_end();
    fetch_drop(NULL);
}

static void says_when_the_head_is_too_large(void **state)
{
    static char huge[300 * 1024];
    memset(huge, 'a', sizeof huge);
    t.creds.session_token = str_from(huge, sizeof huge);
    begin(100, 60000);
    wait_for_end();
    assert_int_equal(t.answer.end, ORIGIN_UNSENT);
    t.told = 0;
    begin(100, 60000);
    fetch_drop(t.fetch);
    t.fetch = NULL;
    loop_turn(t.loop, 0);
    assert_int_equal(t.told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fetches, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_chunks_and_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_a_cut_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_a_closed_port, setup, teardown),
        cmocka_unit_test_setup_teardown(has_a_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(may_be_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(says_when_the_head_is_too_large, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
