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

static void notes_are(const char *yaml, const char *const *lines, size_t n)
{
    const struct catalogue_terms terms = {0};
    struct buf faults = {0}, notes = {0};
    struct catalogue *catalogue = catalogue_load(NULL, &terms, &faults);
    struct config *c = config_parse(S("weir.yaml"), str_of(yaml), &faults);
    if (!catalogue || !c)
        fail_msg("%s", buf_cstr(&faults));
    config_add_notes(c, catalogue, &notes);
    struct str rest = buf_str(&notes);
    for (size_t i = 0; i < n; i++) {
        struct str line = str_cut(&rest, '\n');
        if (!str_eq(line, str_of(lines[i])))
            fail_msg("\"%.*s\", not \"%s\"", STR_ARG(line), lines[i]);
    }
    assert_int_equal(rest.len, 0);
    config_free(c);
    catalogue_free(catalogue);
    buf_fini(&notes);
    buf_fini(&faults);
}

#define NO_BUCKET "region: us-east-1\n"
#define BUCKET_AND(more)                         \
    NO_BUCKET "batch: {bucket: acme-weir, " more \
              "role_arn: 'arn:aws:iam::123456789012:role/weir-batch'}\n"
#define BUCKET  BUCKET_AND("")
#define NIGHTLY "rules: [{name: nightly, match: {client: 'r*'}, set: {deadline: 8h}}]\n"

static void notes_rules_that_batch_nothing(void **state)
{
    static const char *const no_bucket[] = {
        "weir.yaml:2:64: rule nightly: nothing of it is batched: batch.bucket is not set"};
    notes_are(NO_BUCKET NIGHTLY, no_bucket, 1);
    notes_are(NO_BUCKET "rules: [{name: nightly, set: {deadline: 8h, lane: [flex]}}]\n", NULL, 0);
    notes_are(BUCKET NIGHTLY, NULL, 0);
    static const char *const one[] = {
        "weir.yaml:4:64: rule nightly: client reports has data.persist: never: nothing of it is "
        "batched"};
    notes_are(
        BUCKET
        "clients: [{name: reports}, {name: rest, data: {persist: spool}}, {name: w}]\n" NIGHTLY,
        one, 1);
    static const char *const two[] = {"weir.yaml:4:41: rule nightly: client a (and 1 more) has "
                                      "data.persist: never: nothing of it "
                                      "is batched"};
    notes_are(BUCKET "clients: [{name: a}, {name: b}]\n"
                     "rules: [{name: nightly, set: {deadline: 8h}}]\n",
              two, 1);
}

static void notes_deadlines_that_are_near_or_lack(void **state)
{
    static const char *const near[] = {
        "weir.yaml:3:35: rule n: nothing of it is batched until a model was seen to take more than "
        "one call a second: the deadline is too near; 2m is enough with this batch.linger"};
    notes_are(BUCKET_AND("linger: 4s, ") "rules: [{name: n, set: {deadline: 9s}}]\n", near, 1);
    notes_are(BUCKET_AND("linger: 4s, ") "rules: [{name: n, set: {deadline: 2m}}]\n", NULL, 0);
    static const char *const lane[] = {
        "weir.yaml:3:31: rule n: no rule sets a deadline, so set.lane is only for requests that "
        "bring one (x-weir-deadline)"};
    notes_are(BUCKET "rules: [{name: n, set: {lane: [batch]}}]\n", lane, 1);
    notes_are(BUCKET "rules: [{name: n, set: {lane: [ondemand]}}]\n", NULL, 0);
}

static void notes_what_cannot_be_meant_in_batch(void **state)
{
    static const char *const linger[] = {
        "weir.yaml:2:36: batch.linger is as long as the longest deadline: nothing is batched, a "
        "pool would wait until it is too late"};
    notes_are(BUCKET_AND("linger: 365d, "), linger, 1);
    static const char *const keep[] = {
        "weir.yaml:2:34: batch.keep is shorter than batch.replay: an answer is forgotten sooner "
        "when nobody fetched it than when somebody did"};
    notes_are(BUCKET_AND("keep: 1ms, replay: 8d, "), keep, 1);
    static const char *const key[] = {"weir.yaml:2:37: batch.kms_key is no id, alias/NAME or ARN "
                                      "of a KMS key: S3 and Bedrock will refuse it"};
    notes_are(BUCKET_AND("kms_key: foo, "), key, 1);
    notes_are(BUCKET_AND("kms_key: 'arn:aws:s3:::acme', "), key, 1);
    notes_are(BUCKET_AND("kms_key: alias/weir, "), NULL, 0);
    notes_are(BUCKET_AND("kms_key: 'mrk-1234abcd12ab34cd56ef1234567890ab', "), NULL, 0);
    notes_are(BUCKET_AND("kms_key: 'arn:aws:kms:us-east-1:123456789012:alias/weir', "), NULL, 0);
    static const char *const lane[] = {"weir.yaml:3:35: rule n: its deadline moves nothing: "
                                       "set.lane allows neither flex nor batch"};
    notes_are(BUCKET "rules: [{name: n, set: {deadline: 8h, lane: [priority]}}]\n", lane, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(notes_patterns_that_mean_no_model),
                                       cmocka_unit_test(notes_rules_that_batch_nothing),
                                       cmocka_unit_test(notes_deadlines_that_are_near_or_lack),
                                       cmocka_unit_test(notes_what_cannot_be_meant_in_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
