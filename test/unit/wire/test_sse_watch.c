/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/sse_watch: events that pass by, the same however they are cut.
 */
#include "vectors.h"
#include "weir/wire/sse_watch.h"

/* Events as "[name|data]". */
static void say(struct sse_watch *w, struct str in, struct buf *data, struct buf *out)
{
    enum sse_watch_found found;
    struct str piece;
    while ((found = sse_watch_next(w, &in, &piece)) != SSE_WATCH_NOTHING) {
        if (found == SSE_WATCH_DATA) {
            buf_add(data, piece);
            continue;
        }
        assert_true(sse_watch_between(w));
        buf_addf(out, "[%.*s|", STR_ARG(sse_watch_name(w)));
        buf_add(out, buf_str(data));
        buf_add_char(out, ']');
        buf_clear(data);
    }
    assert_int_equal(in.len, 0);
}

static void assert_says(struct str stream, struct str want, size_t first, size_t step)
{
    struct sse_watch w = {0};
    struct buf out = {0}, data = {0};
    say(&w, str_sub(stream, 0, first), &data, &out);
    for (size_t at = first; at < stream.len; at += step)
        say(&w, str_sub(stream, at, step), &data, &out);
    assert_str(buf_str(&out), want);
    buf_fini(&out);
    buf_fini(&data);
}

static const struct {
    struct str stream, events;
} cases[] = {
    {STR("data: YHOO\ndata: +2\ndata: 10\n\n"), STR("[|YHOO\n+2\n10]")},
    {STR(": test\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n"),
     STR("[|first][|second]")},
    {STR("data\n\ndata\ndata\n\ndata:"), STR("[|][|\n]")},
    {STR("event: error\r\ndata: {}\r\n\r\nevent: x\r\revent: y\rdata:z\r\r"),
     STR("[error|{}][y|z]")},
    {STR("\xef\xbb\xbf"
         "data: a\n\n\xef\xbb\xbf"
         "data: b\n\ndatabase: c\ndat: d\n\n"),
     STR("[|a]")},
    {STR("event: one\nevent: two\ndata: a:b\n\ndata: c\n\n"), STR("[two|a:b][|c]")},
};

static void reads_events(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t at = 0; at <= cases[i].stream.len; at++) {
            assert_says(cases[i].stream, cases[i].events, at, cases[i].stream.len);
            assert_says(cases[i].stream, cases[i].events, at, 1);
        }
}

static void cuts_long_names(void **state)
{
    struct sse_watch w = {0};
    struct buf b = {0}, data = {0}, out = {0};
    buf_add(&b, S("event: "));
    for (int i = 0; i < 200; i++)
        buf_add_char(&b, 'n');
    buf_add(&b, S("\ndata: 1\n\n"));
    say(&w, buf_str(&b), &data, &out);
    assert_int_equal(buf_len(&out), SSE_WATCH_NAME_MOST + 4);
    buf_fini(&b);
    buf_fini(&data);
    buf_fini(&out);
}

static void knows_where_events_end(void **state)
{
    static const struct {
        struct str bytes;
        bool between;
    } steps[] = {{STR("d"), false},   {STR("ata: x"), false}, {STR("\r"), false},
                 {STR("\n"), false},  {STR("\r"), true},      {STR("\n"), true},
                 {STR(": c"), false}, {STR("\n"), false},     {STR("\n"), true}};
    struct sse_watch w = {0};
    struct buf data = {0}, out = {0};
    assert_true(sse_watch_between(&w));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        say(&w, steps[i].bytes, &data, &out);
        assert_int_equal(sse_watch_between(&w), steps[i].between);
    }
    buf_fini(&data);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_events),
        cmocka_unit_test(cuts_long_names),
        cmocka_unit_test(knows_where_events_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
