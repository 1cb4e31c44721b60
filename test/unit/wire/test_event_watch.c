/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/event_watch: frames that pass by, the same however they are cut; what is not wanted is not
 * shown.
 */
#include "vectors.h"
#include "weir/base/mem.h"
#include "weir/wire/event_watch.h"

/* Frames as "name(payload) ", of those whose name begins with '-' only the name. */
static void say(struct event_watch *w, struct str piece, struct buf *out)
{
    char *exact = mem_new(piece.len);
    if (piece.len)
        memcpy(exact, piece.ptr, piece.len);
    struct str in = {exact, piece.len}, name;
    enum event_watch_found found;
    struct event_part p;
    while ((found = event_watch_next(w, &in, &p)) != EVENT_WATCH_NOTHING) {
        if (found == EVENT_WATCH_HEAD) {
            name = event_stream_text(&p.head, S("name"));
            buf_add(out, name);
            w->want = !str_starts(name, S("-"));
            buf_add_char(out, w->want ? '(' : ' ');
        } else {
            buf_add(out, found == EVENT_WATCH_END ? S(") ") : p.bytes);
        }
    }
    assert_int_equal(in.len, 0);
    mem_free(exact);
}

static void add(struct buf *b, const char *name, const char *payload)
{
    struct event_header h = {STR("name"), EVENT_STRING, 0, str_of(name)};
    assert_int_equal(event_stream_add(b, &h, name ? 1 : 0, str_of(payload)), 0);
}

static void assert_says(struct str stream, struct str want, size_t first, size_t step, bool between)
{
    struct event_watch w = {0};
    struct buf out = {0};
    say(&w, str_sub(stream, 0, first), &out);
    for (size_t at = first; at < stream.len; at += step)
        say(&w, str_sub(stream, at, step), &out);
    assert_str(buf_str(&out), want);
    assert_int_equal(event_watch_between(&w), between);
    buf_fini(&out);
    event_watch_fini(&w);
}

static void assert_all_cuts(const struct buf *b, struct str want, bool between)
{
    struct str stream = buf_str(b);
    for (size_t at = 0; at <= stream.len; at++) {
        assert_says(stream, want, at, stream.len, between);
        assert_says(stream, want, at, 7, between);
    }
    assert_says(stream, want, 0, 1, between);
}

static void follows_frames(void **state)
{
    struct buf b = {0};
    add(&b, "one", "payload");
    add(&b, "-two", "not wanted");
    add(&b, NULL, "");
    add(&b, "three", "");
    b.data[b.tail - 1] ^= 1; /* the last checksum is the client's to look at */
    add(&b, "four", "end");
    assert_all_cuts(&b, S("one(payload) -two () three() four(end) "), true);
    buf_fini(&b);
}

/* Headers that no reader needs here are stepped over with the rest. */
static void steps_over_long_headers(void **state)
{
    static char value[EVENT_WATCH_HEADERS_MOST];
    memset(value, 'v', sizeof value);
    struct event_header h = {STR("name"), EVENT_STRING, 0, {value, sizeof value}};
    struct buf b = {0};
    assert_int_equal(event_stream_add(&b, &h, 1, S("payload")), 0);
    add(&b, "next", "x");
    assert_says(buf_str(&b), S("next(x) "), buf_len(&b), 1, true);
    assert_says(buf_str(&b), S("next(x) "), 5, 3, true);
    buf_fini(&b);
}

static void knows_when_it_is_lost(void **state)
{
    struct buf b = {0};
    add(&b, "one", "payload");
    size_t good = buf_len(&b);
    add(&b, "two", "payload");
    b.data[b.head + good + 9] ^= 1; /* the checksum of the lengths */
    add(&b, "three", "payload");
    assert_all_cuts(&b, S("one(payload) "), false);
    assert_says(S("this is no event stream"), S(""), 0, 23, false);
    buf_fini(&b);
}

static void knows_where_frames_end(void **state)
{
    struct buf b = {0}, out = {0};
    struct event_watch w = {0};
    add(&b, "one", "payload");
    struct str stream = buf_str(&b);
    assert_true(event_watch_between(&w));
    for (size_t at = 0; at < stream.len; at++) {
        say(&w, str_sub(stream, at, 1), &out);
        assert_int_equal(event_watch_between(&w), at + 1 == stream.len);
    }
    buf_fini(&b);
    buf_fini(&out);
    event_watch_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_frames),
        cmocka_unit_test(steps_over_long_headers),
        cmocka_unit_test(knows_when_it_is_lost),
        cmocka_unit_test(knows_where_frames_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
