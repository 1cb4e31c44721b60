/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/config_notes: what may be a mistake is told with its place, and nothing else is.
 */
#include "weir/book/catalogue.h"
#include "weir/gate/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Misspelt, or newer than the catalogue: nobody can tell. */
static void notes_patterns_that_mean_no_model(void **state)
{
    const struct catalogue_terms terms = {0};
    struct buf faults = {0}, notes = {0};
    struct catalogue *catalogue = catalogue_load(NULL, &terms, &faults);
    struct config *c =
        config_parse(S("weir.yaml"),
                     S("region: us-east-1\n"
                       "clients:\n"
                       "- {name: a, models: [anthropic.*, antropic.*, 'arn:x', '*']}\n"
                       "- {name: b}\n"
                       "rules:\n"
                       "- {name: q, match: {client: a}, set: {cache: off}}\n"
                       "- {name: r, match: {model: 'us.amazon.nova-9'}, set: {cache: off}}\n"),
                     &faults);
    if (!catalogue || !c)
        fail_msg("%s", buf_cstr(&faults));
    config_add_notes(c, catalogue, &notes);
    struct str rest = buf_str(&notes);
    struct str first = str_cut(&rest, '\n'), second = str_cut(&rest, '\n');
    assert_true(str_starts(first, S("weir.yaml:3:35: client a: models: no model of the ")));
    assert_true(str_find(first, S(" matches \"antropic.*\"")) > 0);
    assert_true(str_starts(second, S("weir.yaml:7:28: rule r: match.model: no model")));
    assert_true(str_find(second, S(" matches \"us.amazon.nova-9\"")) > 0);
    assert_int_equal(rest.len, 0);
    config_free(c);
    buf_clear(&notes);
    c = config_load(NULL, &faults); /* no file, nothing to say */
    if (c)
        config_add_notes(c, catalogue, &notes);
    assert_int_equal(buf_len(&notes), 0);
    config_free(c);
    catalogue_free(catalogue);
    buf_fini(&notes);
    buf_fini(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(notes_patterns_that_mean_no_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
