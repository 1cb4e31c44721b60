/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/batch_trouble: what keeps the spool from its disk is told while it lasts, since when, and is
 * over when it is over.
 */
#include "../../../src/gate/batch_private.h"
#include "weir/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "spool_double.h"

static struct {
    unsigned n;
    char about[16], why[200];
    int64_t since_ms;
} told;

static void note(void *arg, const struct batch_trouble *t)
{
    told.n++;
    told.since_ms = t->since_ms;
    snprintf(told.about, sizeof told.about, "%.*s", STR_ARG(t->about));
    snprintf(told.why, sizeof told.why, "%.*s", STR_ARG(t->why));
}

static unsigned look(struct batch *b)
{
    batch_trouble_see_spool(b);
    told.n = 0;
    batch_troubles(b, note, NULL);
    assert_int_equal(b->counts.troubles, told.n);
    return told.n;
}

static void the_spool_is_in_trouble(void **state)
{
    struct batch b = {0};
    list_init(&b.troubles);
    clock_fake(1000 * NS_A_MS, 5000);
    assert_int_equal(look(&b), 0);
    den.trouble = "/s/spool: there is no room on its disk";
    assert_int_equal(look(&b), 1);
    clock_fake(2000 * NS_A_MS, 6000);
    assert_int_equal(look(&b), 1);
    assert_int_equal(told.since_ms, 5000);
    assert_string_equal(told.about, "spool");
    assert_string_equal(told.why, "/s/spool: there is no room on its disk; what could wait goes on "
                                  "demand");
    den.trouble = NULL;
    assert_int_equal(look(&b), 0);
    den.counts.full = true;
    assert_int_equal(look(&b), 1);
    assert_non_null(strstr(told.why, "the spool is full"));
    den.counts.full = false;
    assert_int_equal(look(&b), 0);
    batch_trouble_free(&b);
    clock_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_spool_is_in_trouble)};
    return cmocka_run_group_tests_name("batch_trouble", tests, NULL, NULL);
}
