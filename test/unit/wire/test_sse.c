/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/sse: a stream says the same however it is cut; the examples of the specification; the
 * limit; and what is written is read again.
 */
#include "vectors.h"
#include "weir/base/mem.h"
#include "weir/wire/sse.h"

/* Events as "[name|data|id]", or "[name|passed over|id]". */
static void say(struct sse *s, struct str piece, struct buf *text)
{
    char *exact = mem_new(piece.len ? piece.len : 1);
    if (piece.len)
        memcpy(exact, piece.ptr, piece.len);
    struct str in = {exact, piece.len};
    struct sse_event e;
    while (sse_next(s, &in, &e)) {
        if (e.passed_over)
            assert_int_equal(e.data.len, 0);
        buf_addf(text, "[%.*s|", STR_ARG(e.name));
        buf_add(text, e.passed_over ? S("passed over") : e.data);
        buf_addf(text, "|%.*s]", STR_ARG(e.id));
    }
    assert_int_equal(in.len, 0);
    mem_free(exact);
}

static void assert_says(struct str stream, struct str want, size_t event_most, size_t first,
                        size_t step)
{
    struct sse s = {.event_most = event_most};
    struct buf text = {0};
    say(&s, str_sub(stream, 0, first), &text);
    for (size_t at = first; at < stream.len; at += step)
        say(&s, str_sub(stream, at, step), &text);
    assert_str(buf_str(&text), want);
    buf_fini(&text);
    sse_fini(&s);
}

static void assert_all_cuts(struct str stream, struct str want, size_t event_most)
{
    assert_says(stream, want, event_most, stream.len, 1);
    assert_says(stream, want, event_most, 0, 1);
    assert_says(stream, want, event_most, 0, 3);
    for (size_t at = 1; at < stream.len; at++)
        assert_says(stream, want, event_most, at, stream.len);
}

static const struct {
    struct str stream, events;
} cases[] = {
    /* WHATWG HTML 9.2.6: the four examples. */
    {STR("data: YHOO\ndata: +2\ndata: 10\n\n"), STR("[|YHOO\n+2\n10|]")},
    {STR(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
         "event\n"),
     STR("[|first event|1][|second event|]")},
    {STR("data\n\ndata\ndata\n\ndata:"), STR("[||][|\n|]")},
    {STR("data:test\n\ndata: test\n\n"), STR("[|test|][|test|]")},
    /* Line ends. */
    {STR("data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\ndata: e\n\r\n"),
     STR("[|a|][|b|][|c|][|d|][|e|]")},
    {STR("data: a\r\rdata: b\r\n\r\r\n"), STR("[|a|][|b|]")},
    {STR("data: a\r\n\r\n\r\n\r\ndata: b\r\n\r\n"), STR("[|a|][|b|]")},
    {STR("\r\n\n\r\r\ndata: a\n\n"), STR("[|a|]")},
    {STR("data: a\r\ndata: b\r\n\r\n"), STR("[|a\nb|]")},
    /* The byte order mark, only at the start. */
    {STR("\xef\xbb\xbf"
         "data: a\n\n\xef\xbb\xbf"
         "data: b\n\n"),
     STR("[|a|]")},
    {STR("\xef\xbb\xbf\ndata: a\n\n"), STR("[|a|]")},
    {STR("\xef\xbb\xbf\xef\xbb\xbf"
         "data: a\n\ndata: b\n\n"),
     STR("[|b|]")},
    /* Fields. */
    {STR("event: ping\n\ndata: a\n\n"), STR("[|a|]")},
    {STR("event: one\nevent: two\ndata: a\n\ndata: b\n\n"), STR("[two|a|][|b|]")},
    {STR("event: message_start\ndata: {\"type\":\"message_start\"}\n\n"),
     STR("[message_start|{\"type\":\"message_start\"}|]")},
    {STR("id: 7\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\n"), STR("[|a|7][|b|7][|c|7]")},
    {STR("retry: 10\nDATA: no\n data: no\ndatas: no\nfoo\n:\ndata: a\n\n"), STR("[|a|]")},
    {STR("data::a:b\n\ndata: : \n\n"), STR("[|:a:b|][|: |]")},
    {STR("data: [DONE]\n\n"), STR("[|[DONE]|]")},
    {STR("data: \xff\xfe\n\n"), STR("[|\xff\xfe|]")},
    {STR(""), STR("")},
    {STR("data: a\n"), STR("")},
};

static void reads_the_same_however_it_is_cut(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_all_cuts(cases[i].stream, cases[i].events, 4096);
}

static void finds_its_way_behind_what_is_too_large(void **state)
{
    static const struct str lines =
        STR("event: big\ndata: 0123456789\ndata: 0123456789\n\nevent: small\ndata: x\n\n");
    static const struct str line = STR("data: 01234567890123456789\ndata: y\n\ndata: x\n\n");
    static const struct str comment = STR(": 01234567890123456789\n\ndata: x\n\n");
    static const struct str mark = STR("012345678901234567890\xef\xbb\xbf\ndata: y\n\ndata: x\n\n");
    assert_all_cuts(lines, S("[big|0123456789\n0123456789|][small|x|]"), 40);
    assert_all_cuts(lines, S("[big|passed over|][small|x|]"), 25);
    assert_all_cuts(line, S("[|passed over|][|x|]"), 20);
    assert_all_cuts(comment, S("[|passed over|][|x|]"), 20);
    assert_all_cuts(mark, S("[|passed over|][|x|]"), 20);
}

static void holds_no_more_than_it_may(void **state)
{
    struct sse s = {.event_most = 1000};
    struct buf text = {0};
    say(&s, S("data: "), &text);
    for (int i = 0; i < 10000; i++)
        say(&s, S("0123456789"), &text);
    assert_true(s.line.cap + s.data.cap <= 3000);
    say(&s, S("\n\ndata: x\n\n"), &text);
    assert_str(buf_str(&text), S("[|passed over|][|x|]"));
    buf_fini(&text);
    sse_fini(&s);
}

static void gives_a_large_hold_back(void **state)
{
    struct sse s = {.event_most = 1 << 20};
    struct buf stream = {0}, text = {0};
    buf_add(&stream, S("data: "));
    for (int i = 0; i < 10000; i++)
        buf_add(&stream, S("0123456789"));
    say(&s, buf_str(&stream), &text);
    assert_true(s.line.cap > 100000);
    say(&s, S("\n\n"), &text);
    assert_int_equal(buf_len(&text), 100000 + strlen("[||]"));
    say(&s, S(":\n"), &text);
    assert_true(s.line.cap + s.data.cap <= 8192);
    buf_fini(&stream), buf_fini(&text);
    sse_fini(&s);
}

static void writes_what_it_reads(void **state)
{
    struct buf b = {0};
    sse_add(&b, S("message_stop"), S("{}"));
    assert_str(buf_str(&b), S("event: message_stop\ndata: {}\n\n"));
    sse_add(&b, S(""), S(""));
    sse_add(&b, S(""), S("a\nb\r\nc\rd\n"));
    sse_add(&b, S(""), S(" led"));
    assert_all_cuts(buf_str(&b), S("[message_stop|{}|][||][|a\nb\nc\nd\n|][| led|]"), 4096);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_same_however_it_is_cut),
        cmocka_unit_test(finds_its_way_behind_what_is_too_large),
        cmocka_unit_test(holds_no_more_than_it_may),
        cmocka_unit_test(gives_a_large_hold_back),
        cmocka_unit_test(writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
