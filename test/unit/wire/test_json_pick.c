/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/json_pick: the wanted members of an object, however they are written, sliced or repeated.
 */
#include "vectors.h"
#include "weir/wire/json_pick.h"

enum { MODEL, STREAM, MAX_TOKENS, TIER, N_WANTED };

struct answer {
    struct json_member of[N_WANTED];
    enum json_token verdict;
    bool object;
    int pauses;
};

/* `slice` 0: all at once. */
static struct answer pick(struct str text, size_t slice)
{
    struct answer a = {.of = {{.name = STR("model"), .times = 7, .kind = JSON_NULL},
                              {.name = STR("stream")},
                              {.name = STR("max_tokens")},
                              {.name = STR("serviceTier")}}};
    struct json_pick p;
    json_pick_init(&p, text, a.of, N_WANTED);
    if (slice)
        p.scan.stop = 0;
    while ((a.verdict = json_pick_step(&p)) == JSON_PAUSE) {
        p.scan.stop += slice;
        a.pauses++;
    }
    a.object = p.object;
    return a;
}

static void finds_members(void **state)
{
    struct str text = S("{ \"messages\":[{\"model\":\"inner\",\"stream\":true}],\n"
                        "\"max_tokens\" : 4096, \"mod\\u0065l\":\"a\\\"b\",\"x\":{\"model\":0},"
                        "\"serviceTier\":{\"type\":\"flex\"},\"Stream\":true }");
    for (size_t slice = 0; slice <= text.len; slice++) {
        struct answer a = pick(text, slice);
        assert_int_equal(a.verdict, JSON_END);
        assert_true(a.object);
        assert_true(a.pauses > 0 || slice == 0);
        assert_int_equal(a.of[MODEL].times, 1);
        assert_int_equal(a.of[MODEL].kind, JSON_STRING);
        assert_str(a.of[MODEL].raw, S("\"a\\\"b\""));
        assert_int_equal(a.of[STREAM].times, 0);
        assert_int_equal(a.of[MAX_TOKENS].kind, JSON_NUMBER);
        assert_str(a.of[MAX_TOKENS].raw, S("4096"));
        assert_int_equal(a.of[TIER].kind, JSON_OBJECT);
        assert_str(a.of[TIER].raw, S("{\"type\":\"flex\"}"));
    }
}

static void counts_twice(void **state)
{
    struct str text = S("{\"model\":[1],\"stream\":false,\"\\u006dodel\":2,\"model\":3}");
    for (size_t slice = 0; slice <= text.len; slice++) {
        struct answer a = pick(text, slice);
        assert_int_equal(a.verdict, JSON_END);
        assert_int_equal(a.of[MODEL].times, 2);
        assert_int_equal(a.of[MODEL].kind, JSON_ARRAY);
        assert_str(a.of[MODEL].raw, S("[1]"));
        assert_int_equal(a.of[STREAM].times, 1);
        assert_int_equal(a.of[STREAM].kind, JSON_FALSE);
    }
}

static void a_value_is_not_a_key(void **state)
{
    struct answer a = pick(S("{\"x\":\"model\",\"y\":1}"), 0);
    assert_int_equal(a.verdict, JSON_END);
    assert_int_equal(a.of[MODEL].times, 0);
}

static void says_when_not_strict(void **state)
{
    static const struct str texts[] = {
        STR("{\"model\":\"m\"} x"), STR("{\"model\":\"m\",}"), STR("{\"model\":\"\\x\"}"),
        STR("{\"model\":[1,2}"),    STR("{\"x\":{\"y\":01}}"), STR(""),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t slice = 0; slice <= texts[i].len; slice++)
            assert_int_equal(pick(texts[i], slice).verdict, JSON_BAD);
}

static void other_texts_have_no_members(void **state)
{
    static const struct str texts[] = {
        STR("[]"), STR("[\"model\",1,{\"model\":2}]"), STR("\"model\""), STR("12"), STR(" null "),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t slice = 0; slice <= texts[i].len; slice++) {
            struct answer a = pick(texts[i], slice);
            assert_int_equal(a.verdict, JSON_END);
            assert_false(a.object);
            assert_int_equal(a.of[MODEL].times, 0);
        }
    assert_true(pick(S("{}"), 0).object);
    assert_int_equal(pick(S("{\"model\":0}"), 0).of[MODEL].times, 1);
}

static void picks_within_what_was_picked(void **state)
{
    struct json_member outer = {.name = STR("inferenceConfig")}, inner = {.name = STR("maxTokens")};
    struct json_pick p;
    json_pick_init(&p, S("{\"inferenceConfig\":{\"topP\":1,\"maxTokens\":99}}"), &outer, 1);
    assert_int_equal(json_pick_step(&p), JSON_END);
    json_pick_init(&p, outer.raw, &inner, 1);
    assert_int_equal(json_pick_step(&p), JSON_END);
    assert_str(inner.raw, S("99"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_members),
        cmocka_unit_test(counts_twice),
        cmocka_unit_test(a_value_is_not_a_key),
        cmocka_unit_test(says_when_not_strict),
        cmocka_unit_test(other_texts_have_no_members),
        cmocka_unit_test(picks_within_what_was_picked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
