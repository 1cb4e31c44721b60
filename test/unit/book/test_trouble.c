/* SPDX-License-Identifier: Apache-2.0
 *
 * book/trouble: each trouble is told once, its end once.
 */
#include "../../../src/book/trouble.h"

#include "weir/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char heard[4 * TROUBLE_MOST];

static void hear(void *arg, const char *sentence)
{
    size_t len = strlen(heard);
    assert_ptr_equal(arg, heard);
    snprintf(heard + len, sizeof heard - len, "%s|", sentence ? sentence : "over");
}

static struct trouble make(void)
{
    *heard = 0;
    return (struct trouble){
        .dir = "/s", .full = "full", .gone = "gone", .tell = hear, .arg = heard};
}

static void the_same_again_is_no_news(void **state)
{
    struct trouble t = make();
    trouble_end(&t);
    trouble_tell(&t, ERR_FULL, NULL);
    trouble_tell(&t, ERR_FULL, NULL);
    trouble_tell(&t, ERR_NOT_FOUND, NULL);
    trouble_tell(&t, ERR_FULL, "no such place");
    trouble_tell(&t, ERR_NOT_FOUND, "no such place");
    trouble_end(&t);
    trouble_end(&t);
    trouble_tell(&t, ERR_FULL, NULL);
    assert_string_equal(heard, "/s: full|/s: gone|no such place|over|/s: full|");
    assert_string_equal(t.told, "/s: full");
}

/* `damaged` has no sentence here; nobody listens there. */
static void the_rest_is_the_disk(void **state)
{
    struct trouble t = make();
    trouble_tell(&t, ERR_BAD, NULL);
    assert_string_equal(heard, "/s: the disk failed|");
    t.tell = NULL;
    trouble_tell(&t, ERR_IO, "why");
    trouble_end(&t);
    assert_string_equal(heard, "/s: the disk failed|");
    assert_string_equal(t.told, "");
}

static void a_long_reason_is_cut(void **state)
{
    struct trouble t = make();
    char why[2 * TROUBLE_MOST];
    memset(why, 'x', sizeof why - 1);
    why[sizeof why - 1] = 0;
    trouble_tell(&t, ERR_IO, why);
    trouble_tell(&t, ERR_IO, why);
    assert_int_equal(strlen(t.told), TROUBLE_MOST - 1);
    assert_int_equal(strlen(heard), TROUBLE_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_again_is_no_news),
        cmocka_unit_test(the_rest_is_the_disk),
        cmocka_unit_test(a_long_reason_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
