/* SPDX-License-Identifier: Apache-2.0
 *
 * book/report_saved: what the control group says, or why it says nothing, to people and programs.
 */
#include "book_make.h"
#include "weir/book/report.h"

#include <cjson/cJSON.h>
#include <string.h>

static const uint32_t day0 = 20777 * 1440; /* 2026-11-20 */

/* A prompt that would cost a thousandth of a dollar as plain input. */
static struct record prompt(enum record_arm arm, unsigned group, uint64_t input)
{
    return (struct record){.time_ms = (int64_t)day0 * 60000,
                           .client = S("search"),
                           .model = S("m"),
                           .flags = RECORD_INVOCATION,
                           .marks = arm == RECORD_ARM_TREATED,
                           .arm = arm,
                           .group = group,
                           .usage = {{1000}},
                           .cost_nanousd = input,
                           .unmarked_nanousd = 1000000,
                           .untouched_nanousd = 1000000,
                           .input_nanousd = input,
                           .plain_nanousd = 1000000};
}

static void add(struct made *m, enum record_arm arm, unsigned groups, uint64_t input)
{
    for (unsigned i = 0; i < groups; i++) {
        struct record r = prompt(arm, i, input + 1000 * i);
        r.id[0] = (unsigned char)arm;
        r.id[1] = (unsigned char)i;
        made_add(m, &r);
    }
}

static struct report *report_of(struct made *m)
{
    made_commit(m);
    struct report *r = report_new(&(struct report_query){.from = day0, .until = day0 + 60});
    assert_int_equal(report_step(r, m->store, 1000), 0);
    return r;
}

/* The sentence below the table is this one. */
static void says(struct made *m, const char *sentence)
{
    struct report *r = report_of(m);
    struct buf b = {0};
    report_add_table(r, 0, &b);
    const char *found = strstr(buf_cstr(&b), "Saved by");
    assert_string_equal(found ? found : "", sentence);
    buf_fini(&b);
    report_free(r);
}

static void in_words(void **state)
{
    struct made m;
    made_init(&m);
    says(&m, "");
    add(&m, RECORD_ARM_TREATED, 8, 700000);
    says(&m,
         "Saved by caching: $0.002372 (estimate); against the control group: nothing to compare, "
         "no prompt was left alone (cache.holdout).\n");
    add(&m, RECORD_ARM_CONTROL, 3, 999000);
    says(&m, "Saved by caching: $0.002372 (estimate); against the control group: 29.6 % of input "
             "cost, $0.002372, but how sure that is cannot be said: 3 of the 8 random groups left "
             "alone have traffic, 5 are needed.\n");
    add(&m, RECORD_ARM_CONTROL, 8, 1000000);
    struct report *r = report_of(&m);
    struct buf b = {0};
    report_add_table(r, 0, &b);
    assert_non_null(strstr(buf_cstr(&b), "; against the control group: 29.6 % to 30.1 % of input "
                                         "cost, $0.002367 to $0.002417 (95 % sure).\n"));
    buf_fini(&b);
    report_free(r);
    made_fini(&m);
}

static void all_left_alone(void **state)
{
    struct made m;
    made_init(&m);
    add(&m, RECORD_ARM_CONTROL, 8, 1000000);
    says(&m, "Saved by caching: -$0.000028 (estimate); against the control group: nothing to "
             "compare, every prompt was left alone (cache.holdout).\n");
    made_fini(&m);
}

static double number(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static cJSON *json_of(struct made *m, bool savings)
{
    struct report *r = report_of(m);
    struct buf b = {0};
    while (savings ? report_add_savings(r, 10, &b) : report_add_json(r, 10, &b)) {
    }
    cJSON *top = cJSON_Parse(buf_cstr(&b));
    assert_non_null(top);
    buf_fini(&b);
    report_free(r);
    return top;
}

static void add_observed(struct made *m)
{
    for (unsigned i = 0; i < 2; i++) {
        struct record r = prompt(RECORD_ARM_NONE, 0, 1000000);
        r.id[0] = 9;
        r.id[1] = (unsigned char)i;
        r.flags |= RECORD_OBSERVED;
        r.observed_nanousd = 250000;
        made_add(m, &r);
    }
}

static void observed(void **state)
{
    struct made m;
    made_init(&m);
    add_observed(&m);
    struct report *r = report_of(&m);
    struct buf b = {0};
    report_add_table(r, 0, &b);
    assert_non_null(strstr(buf_cstr(&b),
                           "levers: observe: 2 requests; with what was withheld they "
                           "would have cost about $0.000500 instead of $0.002000 (by belief).\n"));
    buf_clear(&b);
    report_add_csv(r, &b);
    assert_true(str_ends(buf_str(&b), S(",2,0.002000000,0.000500000,0.000000000,0,0\n")));
    buf_fini(&b);
    report_free(r);
    for (int savings = 0; savings < 2; savings++) {
        cJSON *top = json_of(&m, savings);
        const cJSON *sum = cJSON_GetObjectItem(cJSON_GetObjectItem(top, "total"), "observed");
        assert_true(number(sum, "requests") == 2 && number(sum, "cost_usd") == 0.002);
        assert_true(number(sum, "would_have_cost_usd") == 0.0005);
        cJSON_Delete(top);
    }
    made_fini(&m);
}

static void as_json(void **state)
{
    struct made m;
    made_init(&m);
    add(&m, RECORD_ARM_TREATED, 8, 700000);
    add(&m, RECORD_ARM_CONTROL, 4, 1000000);
    for (int savings = 0; savings < 2; savings++) {
        cJSON *top = json_of(&m, savings);
        const cJSON *total = cJSON_GetObjectItem(top, "total");
        const cJSON *group = cJSON_GetObjectItem(total, "control_group");
        assert_string_equal(cJSON_GetObjectItem(group, "state")->valuestring, "few");
        assert_true(number(cJSON_GetObjectItem(group, "control"), "groups") == 4);
        assert_true(number(cJSON_GetObjectItem(group, "treated"), "plain_usd") == 0.008);
        assert_true(number(group, "saved_share") > 0.29 && number(group, "saved_usd") > 0.0023);
        assert_true(cJSON_IsNull(cJSON_GetObjectItem(group, "saved_usd_low")));
        assert_true(number(total, "treated") == 8 && number(total, "control") == 4);
        assert_true(number(total, "marked") == 8);
        assert_true(number(cJSON_GetObjectItem(total, "saved_by"), "cache") == 0.002366);
        cJSON_Delete(top);
    }
    add(&m, RECORD_ARM_CONTROL, 8, 990000);
    cJSON *top = json_of(&m, false);
    const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(top, "rows"), 0);
    const cJSON *group = cJSON_GetObjectItem(row, "control_group");
    assert_string_equal(cJSON_GetObjectItem(group, "state")->valuestring, "known");
    assert_true(number(group, "saved_share_low") < number(group, "saved_share"));
    assert_true(number(group, "saved_share_high") > number(group, "saved_share"));
    assert_true(number(group, "saved_usd_low") < number(group, "saved_usd_high"));
    cJSON_Delete(top);
    made_fini(&m);
}

static void as_csv(void **state)
{
    struct made m;
    made_init(&m);
    add(&m, RECORD_ARM_TREATED, 8, 1250000);
    add(&m, RECORD_ARM_CONTROL, 1, 1000000);
    struct report *r = report_of(&m);
    struct buf b = {0};
    report_add_csv(r, &b);
    struct str rest = buf_str(&b), head = str_cut(&rest, '\n'), row = str_cut(&rest, '\n');
    assert_true(
        str_ends(head, S("treated,control,marked,refused,saved_by_cache_usd,saved_by_flex_usd,"
                         "control_state,control_saved_share,control_saved_share_low,"
                         "control_saved_share_high,control_saved_usd,control_saved_usd_low,"
                         "control_saved_usd_high,observed_requests,observed_cost_usd,"
                         "observed_would_have_cost_usd,saved_by_batch_usd,maybe_twice,batch_fit")));
    assert_true(str_ends(row, S(",8,1,8,0,-0.002028000,0.000000000,few,-0.253500,,,-0.002028000,,"
                                ",0,0.000000000,0.000000000,0.000000000,0,0")));
    buf_fini(&b);
    report_free(r);
    made_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_words), cmocka_unit_test(all_left_alone), cmocka_unit_test(observed),
        cmocka_unit_test(as_json),  cmocka_unit_test(as_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
