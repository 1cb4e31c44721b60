/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/json_watch: the members of text that passes by, the same however it is cut.
 */
#include "vectors.h"
#include "weir/base/mem.h"
#include "weir/wire/json_watch.h"

enum { A, NAME, IN, IN_A, LIST, LIST_A, LENGTH, PIECES };

static const struct json_name at_in[] = {{STR("a"), IN_A, JSON_WATCH_TAKE, NULL}};
static const struct json_names in = {at_in, 1};
static const struct json_name at_list[] = {{STR("a"), LIST_A, JSON_WATCH_TAKE, NULL}};
static const struct json_names list = {at_list, 1};
static const struct json_name at_top[] = {{STR("a"), A, JSON_WATCH_TAKE, NULL},
                                          {STR("na\"me"), NAME, JSON_WATCH_TAKE, NULL},
                                          {STR("in"), IN, JSON_WATCH_ENTER, &in},
                                          {STR("list"), LIST, JSON_WATCH_EACH, &list},
                                          {STR("long"), LENGTH, JSON_WATCH_MEASURE, NULL},
                                          {STR("p"), PIECES, JSON_WATCH_PIECES, NULL}};
static const struct json_names top = {at_top, 6};

/* Finds as "id=raw ", an entered one as "id{ " or "id[ ", a measured one as "id:size ". */
static void say(struct json_watch *w, struct str piece, struct buf *out)
{
    char *exact = mem_new(piece.len);
    if (piece.len)
        memcpy(exact, piece.ptr, piece.len);
    struct str bytes = {exact, piece.len};
    struct json_found f;
    while (json_watch_next(w, &bytes, &f)) {
        if (f.id == PIECES && f.kind == JSON_STRING)
            buf_add(out, f.raw);
        if (f.more)
            continue;
        if (f.passed_over)
            buf_addf(out, "%d too long ", f.id);
        else if (f.size == 0)
            buf_addf(out, "%d%c ", f.id, f.kind == JSON_ARRAY ? '[' : '{');
        else if (f.raw.len && f.id != PIECES)
            buf_addf(out, "%d=%.*s ", f.id, STR_ARG(f.raw));
        else
            buf_addf(out, "%d:%zu ", f.id, f.size);
    }
    assert_int_equal(bytes.len, 0);
    mem_free(exact);
}

static void assert_says(struct str text, struct str want, size_t first, size_t step)
{
    struct json_watch w = {.names = &top};
    struct buf out = {0};
    say(&w, str_sub(text, 0, first), &out);
    for (size_t at = first; at < text.len; at += step)
        say(&w, str_sub(text, at, step), &out);
    assert_str(buf_str(&out), want);
    buf_fini(&out);
    json_watch_fini(&w);
}

static void assert_finds(struct str text, struct str want)
{
    for (size_t at = 0; at <= text.len; at++) {
        assert_says(text, want, at, text.len);
        assert_says(text, want, at, 5);
    }
    assert_says(text, want, 0, 1);
}

static void finds_members(void **state)
{
    assert_finds(S("{ \"x\":[{\"a\":1},\"\\\\\",\"]}\\\"\"], \"a\" :\t-1.5e3 ,\"y\":{\"a\":2}}"),
                 S("0=-1.5e3 "));
    assert_finds(S("{\"na\\\"me\":\"q\\\\\",\"\\u0061\":null,\"a\":[1,{\"]\":\"\\\"\"}]}"),
                 S("1=\"q\\\\\" 0=null 0=[1,{\"]\":\"\\\"\"}] "));
    assert_finds(
        S("{\"long\":\"\\u0061\\\"\",\"long\":[ 1 ],\"p\":\"ab\\\"c\",\"p\":\"\",\"a\":{}}"),
        S("6:10 6:5 ab\\\"c7:7 7:2 0={} "));
}

static void enters(void **state)
{
    assert_finds(S("{\"in\":{\"b\":{\"a\":0},\"a\":1},\"list\":[{\"a\":2},7,[{\"a\":3}],{},{\"x\":"
                   "{\"a\":4},\"a\":5}],\"a\":6}"),
                 S("2{ 3=1 4[ 4{ 5=2 4{ 4{ 5=5 0=6 "));
    assert_finds(S("{\"in\":[{\"a\":1}],\"in\":null,\"list\":{\"a\":1},\"list\":[],\"p\":[7]}"),
                 S("2:9 2:4 4:7 4[ 7:3 "));
}

/* Up to where it is none. */
static void bears_what_is_not_json(void **state)
{
    assert_finds(S(""), S(""));
    assert_finds(S("[{\"a\":1}]"), S(""));
    assert_finds(S("\"a\":1"), S(""));
    assert_finds(S("{\"a\":1,a:2,\"a\":3}"), S("0=1 "));
    assert_finds(S("{\"a\":1,\"a\" 2}"), S("0=1 "));
    assert_finds(S("{\"a\":?}"), S(""));
    assert_finds(S("{\"a\":1}{\"a\":2}"), S("0=1 "));
    assert_finds(S("{\"a\":\"never ends, \\"), S(""));
}

static void passes_over_what_is_long(void **state)
{
    struct buf b = {0};
    buf_add(&b, S("{\"a\":\""));
    for (int i = 0; i < JSON_WATCH_MOST; i++)
        buf_add_char(&b, 'x');
    buf_add(&b, S("\",\"a\":\""));
    for (int i = 0; i < JSON_WATCH_MOST; i++)
        buf_add_char(&b, 'y');
    buf_add(&b, S("yyy\":0,\"a\":1}"));
    assert_says(buf_str(&b), S("0 too long 0 too long "), buf_len(&b), 1);
    assert_says(buf_str(&b), S("0 too long 0 too long "), 100, 1000);
    buf_fini(&b);
}

static void goes_on_with_another_text(void **state)
{
    struct json_watch w = {.names = &top};
    struct buf out = {0};
    say(&w, S("{\"in\":{\"a\":\"begun"), &out);
    json_watch_reset(&w);
    say(&w, S("{\"a\":1}"), &out);
    assert_str(buf_str(&out), S("2{ 0=1 "));
    buf_fini(&out);
    json_watch_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_members),
        cmocka_unit_test(enters),
        cmocka_unit_test(bears_what_is_not_json),
        cmocka_unit_test(passes_over_what_is_long),
        cmocka_unit_test(goes_on_with_another_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
