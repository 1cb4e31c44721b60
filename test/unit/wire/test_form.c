/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/form: pairs as browsers and SDKs write them.
 */
#include "weir/wire/form.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char room[256];

static void is_pair(struct form *f, const char *name, const char *value)
{
    struct str n, v;
    assert_int_equal(form_next(f, &n, &v), 1);
    assert_true(str_eq(n, str_of(name)) && str_eq(v, str_of(value)));
}

static int ends(const char *body)
{
    struct form f;
    struct str n, v;
    int r;
    form_init(&f, str_of(body), room);
    while ((r = form_next(&f, &n, &v)) == 1)
        ;
    return r;
}

static void pairs(void **state)
{
    struct form f;
    form_init(&f, S("Action=ListMetrics&&a+b=c%20d&e&=f&g=h=i&"), room);
    is_pair(&f, "Action", "ListMetrics");
    is_pair(&f, "a b", "c d");
    is_pair(&f, "e", "");
    is_pair(&f, "", "f");
    is_pair(&f, "g", "h=i");
    struct str n, v;
    assert_int_equal(form_next(&f, &n, &v), 0);
    assert_int_equal(form_next(&f, &n, &v), 0);
}

static void any_byte(void **state)
{
    struct form f;
    struct str n, v;
    form_init(&f, S("a=%00%fF\xc3\xbc"), room);
    assert_int_equal(form_next(&f, &n, &v), 1);
    assert_true(str_eq(v, S("\0\xff\xc3\xbc")));
    assert_true(n.ptr[1] == '\0' && v.ptr[4] == '\0');
}

static void nothing(void **state)
{
    assert_int_equal(ends(""), 0);
    assert_int_equal(ends("&&&"), 0);
    struct form f;
    struct str n, v;
    form_init(&f, (struct str){NULL, 0}, room);
    assert_int_equal(form_next(&f, &n, &v), 0);
}

static void bad_escapes(void **state)
{
    assert_int_equal(ends("a=%"), ERR_BAD);
    assert_int_equal(ends("a=%4"), ERR_BAD);
    assert_int_equal(ends("a=%4&b=1"), ERR_BAD);
    assert_int_equal(ends("%zz=1"), ERR_BAD);
    assert_int_equal(ends("a=%41&b=%+1"), ERR_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs),
        cmocka_unit_test(any_byte),
        cmocka_unit_test(nothing),
        cmocka_unit_test(bad_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
