/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/json_scan: what it accepts, refuses and says where; that slices of every size and every
 * instruction set change nothing; JSONTestSuite where the shared data is there.
 *
 * Every text goes through trace(), which shows the scanner only what it may look at: the bytes
 * from `stop` on are something else until they are given out.
 */
#include "json_make.h"
#include "json_runs.h"
#include "vectors.h"
#include "weir/base/mem.h"
#include "weir/wire/json_scan.h"

_Static_assert(sizeof(struct json_scan) <= 4096, "at most 4 KiB of state");

static const char letters[] = {
    [JSON_OBJECT] = '{', [JSON_OBJECT_END] = '}', [JSON_ARRAY] = '[',  [JSON_ARRAY_END] = ']',
    [JSON_KEY] = 'k',    [JSON_STRING] = 's',     [JSON_NUMBER] = 'n', [JSON_TRUE] = 't',
    [JSON_FALSE] = 'f',  [JSON_NULL] = '0',
};

struct trace {
    struct buf shape; /* a letter per token */
    struct buf spans; /* each token's letter and span, then the end or the fault */
    enum json_token verdict;
    size_t fault_at;
};

static void trace_fini(struct trace *t)
{
    buf_fini(&t->shape);
    buf_fini(&t->spans);
}

static enum json_token more(struct json_scan *s, struct str text, size_t slice, char *shown)
{
    for (;;) {
        enum json_token t = json_next(s);
        if (t != JSON_PAUSE)
            return t;
        assert_true(s->stop < text.len);
        assert_true(s->pos <= s->stop);
        size_t n = text.len - s->stop < slice ? text.len - s->stop : slice;
        memcpy(shown + s->stop, text.ptr + s->stop, n);
        s->stop += n;
    }
}

static struct trace trace(struct str text, run_fn run, size_t slice)
{
    struct trace out = {.verdict = JSON_PAUSE};
    struct json_scan s;
    char *shown = mem_new(text.len ? text.len : 1); /* exact, for a sanitizer */
    memset(shown, "\"x "[slice % 3], text.len);
    json_init(&s, (struct str){shown, text.len});
    s.run = run;
    s.stop = 0;
    while ((out.verdict = more(&s, text, slice, shown)) > JSON_END) {
        buf_add_char(&out.shape, letters[out.verdict]);
        buf_addf(&out.spans, "%c %zu %zu\n", letters[out.verdict], s.at, s.pos);
    }
    if (out.verdict == JSON_BAD)
        buf_addf(&out.spans, "bad %zu %s\n", s.fault_at, s.fault);
    out.fault_at = s.fault_at;
    assert_int_equal(json_next(&s), out.verdict);
    assert_int_equal(json_skip(&s), out.verdict);
    assert_int_equal(s.fault_at, out.fault_at);
    mem_free(shown);
    return out;
}

/* Of two traces the first lines that differ. */
static void fail_at_difference(struct str got, struct str want, int run, size_t slice)
{
    for (;;) {
        struct str a = str_cut(&got, '\n'), b = str_cut(&want, '\n');
        if (!str_eq(a, b))
            fail_msg("run %d, slices of %zu: %.*s, not %.*s", run, slice, STR_ARG(a), STR_ARG(b));
    }
}

/* The verdict of the exact reader, once that of every run and slice is seen to be the same. */
static struct trace agreed(struct str text, size_t largest_slice)
{
    struct trace want = trace(text, run_none, text.len + 1);
    for (int i = 0; i < n_runs; i++)
        for (size_t slice = 1; slice <= largest_slice + 1; slice++) {
            struct trace got = trace(text, runs[i], slice <= largest_slice ? slice : text.len + 1);
            if (!str_eq(buf_str(&got.spans), buf_str(&want.spans)))
                fail_at_difference(buf_str(&got.spans), buf_str(&want.spans), i, slice);
            trace_fini(&got);
        }
    return want;
}

/* --- tables */

#define BLOCK "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ."

static const struct {
    struct str text, shape;
} good[] = {
    {STR("{}"), STR("{}")},
    {STR("[]"), STR("[]")},
    {STR(" \t\r\n[ \n] "), STR("[]")},
    {STR("{\"a\":{\"b\":[1,\"x\",null]},\"c\":true}"), STR("{k{k[ns0]}kt}")},
    {STR("[[],{},[[]],{\"\":{}}]"), STR("[[]{}[[]]{k{}}]")},
    {STR("true"), STR("t")},
    {STR("false"), STR("f")},
    {STR("null "), STR("0")},
    {STR("\"\""), STR("s")},
    {STR("0"), STR("n")},
    {STR("-0"), STR("n")},
    {STR("-0.0e-0"), STR("n")},
    {STR("[1e5,1E+5,0e1,10.01,-9,0.5]"), STR("[nnnnnn]")},
    {STR("123456789012345678901234567890.5e99999"), STR("n")},
    {STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uABcd\""), STR("s")},
    {STR("\"\\ud800\""), STR("s")},
    {STR("\"\\udc00\\ud800x\""), STR("s")},
    {STR("\"\\u0000 \x7f\""), STR("s")},
    {STR("{\"a\":1,\"a\":2}"), STR("{knkn}")},
    {STR("\"" BLOCK BLOCK "\""), STR("s")},
    {STR("\"" BLOCK "\\n" BLOCK BLOCK "\""), STR("s")},
    {STR("\"" BLOCK "\\\\" BLOCK "\\\\\\\"\""), STR("s")},
    {STR("\"012345678901234567890123456789012345678901234567890123456789\\u00e9 and on\""),
     STR("s")},
    {STR("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""), STR("s")},
    {STR("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), STR("s")},
    {STR("[                                            1                   ]"), STR("[n]")},
};

/* Each with the offset of the first byte that is wrong. */
static const struct {
    struct str text;
    size_t at;
} bad[] = {
    {STR(""), 0},
    {STR("  "), 2},
    {STR("\xef\xbb\xbf{}"), 0},
    {STR("{}x"), 2},
    {STR("{}{}"), 2},
    {STR("1 2"), 2},
    {STR("[1,]"), 3},
    {STR("[,1]"), 1},
    {STR("[1 2]"), 3},
    {STR("[1}"), 2},
    {STR("{]"), 1},
    {STR("{\"a\"}"), 4},
    {STR("{\"a\":}"), 5},
    {STR("{\"a\":1,}"), 7},
    {STR("{\"a\":1]"), 6},
    {STR("{\"a\" 1}"), 5},
    {STR("{\"a\"::1}"), 5},
    {STR("{1:2}"), 1},
    {STR("{,}"), 1},
    {STR("{\"a\":1 \"b\":2}"), 7},
    {STR("["), 1},
    {STR("{\"a\":"), 5},
    {STR("{\"a"), 3},
    {STR("]"), 0},
    {STR(":"), 0},
    {STR("tru"), 3},
    {STR("trUe"), 2},
    {STR("truex"), 4},
    {STR("nul"), 3},
    {STR("False"), 0},
    {STR("NaN"), 0},
    {STR("Infinity"), 0},
    {STR("'a'"), 0},
    {STR("/*x*/1"), 0},
    {STR("1//x"), 1},
    {STR("+1"), 0},
    {STR("-"), 1},
    {STR("--1"), 1},
    {STR("01"), 1},
    {STR("-01"), 2},
    {STR("1."), 2},
    {STR("1.e1"), 2},
    {STR("[1.]"), 3},
    {STR(".5"), 0},
    {STR("1e"), 2},
    {STR("1e+"), 3},
    {STR("1e+-1"), 3},
    {STR("1.5.5"), 3},
    {STR("1e5.5"), 3},
    {STR("1e5e5"), 3},
    {STR("0x10"), 1},
    {STR("1_000"), 1},
    {STR("\"a"), 2},
    {STR("\"\\\""), 3},
    {STR("\"\\"), 2},
    {STR("\"\\u12"), 5},
    {STR("\"\\u12G4\""), 5},
    {STR("\"\\u 123\""), 3},
    {STR("\"\\U0041\""), 2},
    {STR("\"\\x41\""), 2},
    {STR("\"\\'\""), 2},
    {STR("\"\\\n\""), 2},
    {STR("\"\\\xc3\xa9\""), 2},
    {STR("\"a\nb\""), 2},
    {STR("\"a\tb\""), 2},
    {STR("\"a\0b\""), 2},
    {STR("\"\x1f\""), 1},
    {STR("\"\x80\""), 1},
    {STR("\"\xc0\xaf\""), 1},
    {STR("\"\xc3\""), 2},
    {STR("\"\xe0\x9f\xbf\""), 2},
    {STR("\"\xed\xa0\x80\""), 2},
    {STR("\"\xf0\x8f\xbf\xbf\""), 2},
    {STR("\"\xf4\x90\x80\x80\""), 2},
    {STR("\"\xf5\x80\x80\x80\""), 1},
    {STR("\"\xe6\xb0"), 3},
    {STR("\"\xe6\xb0\""), 3},
    {STR("\"\xff\""), 1},
    {STR("[1,\f2]"), 3},
    {STR("[1,\xc2\xa0\x32]"), 3},
    {STR("[\0]"), 1},
    {STR("{\"a\nb\":1}"), 3},
    {STR("\"" BLOCK BLOCK), 129},
    {STR("\"" BLOCK "\x01" BLOCK "\""), 65},
    {STR("\"" BLOCK "\\q" BLOCK "\""), 66},
    {STR("\"" BLOCK "\xc3" BLOCK "\""), 66},
    {STR("[\"" BLOCK "\"\x01\"" BLOCK "\"]"), 67},
};

static void accepts(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct trace t = agreed(good[i].text, good[i].text.len);
        if (t.verdict != JSON_END)
            fail_msg("refused: %.*s", STR_ARG(good[i].text));
        assert_str(buf_str(&t.shape), good[i].shape);
        trace_fini(&t);
    }
}

static void refuses_and_says_where(void **state)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct trace t = agreed(bad[i].text, bad[i].text.len);
        if (t.verdict != JSON_BAD || t.fault_at != bad[i].at)
            fail_msg("%.*s: verdict %d, fault at %zu, not %zu", STR_ARG(bad[i].text),
                     (int)t.verdict, t.fault_at, bad[i].at);
        trace_fini(&t);
    }
}

static void sticks_to_a_fault(void **state)
{
    struct json_scan s;
    json_init(&s, S("[1,,2]"));
    assert_int_equal(json_next(&s), JSON_ARRAY);
    assert_int_equal(json_next(&s), JSON_NUMBER);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(json_next(&s), JSON_BAD);
        assert_int_equal(json_skip(&s), JSON_BAD);
        assert_int_equal(json_leave(&s), JSON_BAD);
        assert_int_equal(s.fault_at, 3);
    }
}

/* --- levels */

/* Level i is an object when bit i % 64 of the pattern is set. */
static struct buf nested(unsigned levels, uint64_t pattern)
{
    struct buf b = {0};
    for (unsigned i = 0; i < levels; i++)
        buf_add(&b, pattern >> (i % 64) & 1 ? S("{\"k\":") : S("["));
    buf_add_char(&b, '7');
    for (unsigned i = levels; i > 0; i--)
        buf_add_char(&b, pattern >> ((i - 1) % 64) & 1 ? '}' : ']');
    return b;
}

static void goes_deep(void **state)
{
    static const uint64_t patterns[] = {0, ~0ull, 0x5555555555555555ull, 0x123456789abcdef1ull};
    for (int i = 0; i < 4; i++) {
        struct buf b = nested(JSON_DEPTH, patterns[i]);
        struct trace t = agreed(buf_str(&b), 3);
        assert_int_equal(t.verdict, JSON_END);
        trace_fini(&t);
        buf_fini(&b);
    }
}

static void has_a_floor(void **state)
{
    struct buf b = nested(JSON_DEPTH + 1, 0);
    struct trace t = agreed(buf_str(&b), 3);
    assert_int_equal(t.verdict, JSON_BAD);
    assert_int_equal(t.fault_at, JSON_DEPTH);
    trace_fini(&t);
    buf_fini(&b);
}

/* --- skip and leave */

static void skips_whole_values(void **state)
{
    struct json_scan s;
    json_init(&s, S("[ {\"a\":[1,{}]} ,\"x\", [[]],7]"));
    assert_int_equal(json_next(&s), JSON_ARRAY);
    assert_int_equal(json_skip(&s), JSON_OBJECT);
    assert_str(json_raw(&s), S("{\"a\":[1,{}]}"));
    assert_int_equal(json_skip(&s), JSON_STRING);
    assert_str(json_raw(&s), S("\"x\""));
    assert_int_equal(json_skip(&s), JSON_ARRAY);
    assert_str(json_raw(&s), S("[[]]"));
    assert_int_equal(json_skip(&s), JSON_NUMBER);
    assert_int_equal(json_skip(&s), JSON_ARRAY_END);
    assert_int_equal(s.depth, 0);
    assert_int_equal(json_skip(&s), JSON_END);
    assert_int_equal(json_next(&s), JSON_END);
}

static void leaves_a_level(void **state)
{
    struct json_scan s;
    json_init(&s, S("{\"a\":{\"b\":[1,[2],3]},\"c\":4}"));
    for (int i = 0; i < 6; i++)
        (void)json_next(&s); /* { a { b [ 1 */
    assert_int_equal(json_leave(&s), JSON_ARRAY_END);
    assert_str(json_raw(&s), S("]"));
    assert_int_equal(json_leave(&s), JSON_OBJECT_END);
    assert_int_equal(s.depth, 1);
    assert_int_equal(json_next(&s), JSON_KEY);
    assert_str(json_raw(&s), S("\"c\""));
}

static void skips_in_slices(void **state)
{
    struct str text = S("[{\"a\":[1,\"" BLOCK "\\n\",{}],\"b\":-1.5e7},[],0]");
    for (size_t slice = 1; slice < text.len; slice++)
        for (int leave = 0; leave < 2; leave++) {
            struct json_scan s;
            enum json_token t;
            int pauses = 0;
            json_init(&s, text);
            assert_int_equal(json_next(&s), JSON_ARRAY);
            if (leave)
                assert_int_equal(json_next(&s), JSON_OBJECT);
            s.stop = s.pos;
            while ((t = leave ? json_leave(&s) : json_skip(&s)) == JSON_PAUSE) {
                pauses++;
                s.stop += slice;
            }
            assert_true(pauses > 0);
            assert_int_equal(t, leave ? JSON_OBJECT_END : JSON_OBJECT);
            assert_str(json_raw(&s), leave ? S("}") : str_sub(text, 1, text.len - 7));
            s.stop = text.len;
            assert_int_equal(json_skip(&s), JSON_ARRAY);
            assert_str(json_raw(&s), S("[]"));
        }
}

/* --- slices */

static void scans_what_arrives(void **state)
{
    struct json_scan s;
    char room[64] = "[1,2";
    json_init(&s, str_from(room, sizeof room));
    s.stop = 4;
    assert_int_equal(json_next(&s), JSON_ARRAY);
    assert_int_equal(json_next(&s), JSON_NUMBER);
    assert_int_equal(json_next(&s), JSON_PAUSE);
    memcpy(room + 4, "3]", 2);
    s.stop = 6;
    assert_int_equal(json_next(&s), JSON_NUMBER);
    assert_str(json_raw(&s), S("23"));
    assert_int_equal(json_next(&s), JSON_ARRAY_END);
    assert_int_equal(json_next(&s), JSON_PAUSE);
    s.text.len = 6;
    assert_int_equal(json_next(&s), JSON_END);
}

static void a_number_may_end_the_text(void **state)
{
    struct json_scan s;
    json_init(&s, S("12"));
    s.stop = 1;
    assert_int_equal(json_next(&s), JSON_PAUSE);
    s.text.len = 1; /* nothing more came */
    assert_int_equal(json_next(&s), JSON_NUMBER);
    assert_int_equal(json_next(&s), JSON_END);
}

static void looks_at_nothing_when_stop_moves_back(void **state)
{
    struct json_scan s;
    struct str text = S("[\"" BLOCK BLOCK BLOCK "\"]");
    json_init(&s, text);
    assert_int_equal(json_next(&s), JSON_ARRAY);
    s.stop = 100;
    assert_int_equal(json_next(&s), JSON_PAUSE);
    s.stop = 3;
    assert_int_equal(json_next(&s), JSON_PAUSE);
    s.stop = text.len;
    assert_int_equal(json_next(&s), JSON_STRING);
}

static void slices_always_get_on(void **state)
{
    struct json_scan s;
    struct str text = S("[\"\\ud83c\\udf0a\\ud83c\\udf0a\", 12345678901234567890 ,false]");
    enum json_token t = JSON_PAUSE;
    int calls = 0;
    json_init(&s, text);
    while (t != JSON_END && t != JSON_BAD && calls++ < 100) {
        json_slice(&s, 1);
        t = json_next(&s);
    }
    assert_int_equal(t, JSON_END);
}

/* --- histories */

/* One byte of a strict text becomes another: mostly wrong, sometimes not, always agreed. */
static void survives_mutation(void **state)
{
    static const char bytes[] = "\"\\{}[]:, \n0-.eu\x01\x80\xbf\xc3\xe0\xed\xf0\xf4\xff";
    const uint64_t seed = 20260102;
    print_message("# seed %llu\n", (unsigned long long)seed);
    random_seed(seed);
    for (int i = 0; i < 3000; i++) {
        struct buf b = {0};
        json_make_value(&b, 4);
        struct trace t = agreed(buf_str(&b), 2);
        if (t.verdict != JSON_END)
            fail_msg("refused at %zu: %.*s", t.fault_at, STR_ARG(buf_str(&b)));
        trace_fini(&t);
        b.data[b.head + random_below(buf_len(&b))] = bytes[random_below(sizeof bytes - 1)];
        t = agreed(buf_str(&b), 2);
        trace_fini(&t);
        buf_fini(&b);
    }
    random_seed(0);
}

/* --- JSONTestSuite */

/* The i_ cases are free to choose. Ours: numbers of any size, escapes of surrogates, and 500
 * levels are taken; bytes that are not UTF-8, and a byte order mark, are not. */
static bool taken_i(const char *name)
{
    bool escape = strstr(name, "surrogate") && !strstr(name, "UTF8_surrogate");
    return strstr(name, "i_number_") || escape || strstr(name, "500_nested");
}

static void passes_the_suite(void **state)
{
    char folder[VECTOR_PATH], path[2 * VECTOR_PATH];
    static struct vector_names names;
    int y = 0, n = 0;
    vector_list(vector_shared("corpora/JSONTestSuite/test_parsing", folder), &names);
    for (int i = 0; i < names.n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names.at[i]);
        struct buf file = vector_read(path);
        struct trace t = agreed(buf_str(&file), buf_len(&file) < 300 ? buf_len(&file) : 5);
        char kind = names.at[i][0];
        bool want = kind == 'y' || (kind == 'i' && taken_i(names.at[i]));
        if ((t.verdict == JSON_END) != want)
            fail_msg("%s: %.*s", names.at[i], STR_ARG(buf_str(&t.spans)));
        y += kind == 'y';
        n += kind == 'n';
        trace_fini(&t);
        buf_fini(&file);
    }
    assert_int_equal(y, 95);
    assert_int_equal(n, 188);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses_and_says_where),
        cmocka_unit_test(sticks_to_a_fault),
        cmocka_unit_test(goes_deep),
        cmocka_unit_test(has_a_floor),
        cmocka_unit_test(skips_whole_values),
        cmocka_unit_test(leaves_a_level),
        cmocka_unit_test(skips_in_slices),
        cmocka_unit_test(scans_what_arrives),
        cmocka_unit_test(a_number_may_end_the_text),
        cmocka_unit_test(looks_at_nothing_when_stop_moves_back),
        cmocka_unit_test(slices_always_get_on),
        cmocka_unit_test(survives_mutation),
        cmocka_unit_test(passes_the_suite),
    };
    return cmocka_run_group_tests(tests, find_runs, NULL);
}
