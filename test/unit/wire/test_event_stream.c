/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/event_stream: every vector says the same however it is cut; what was read can be written
 * again; frames past the hold pass by checked.
 */
#include "vectors.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/event_stream.h"

#include <cjson/cJSON.h>

static const char *const type_names[] = {"true",  "false", "int8",   "int16", "int32",
                                         "int64", "bytes", "string", "time",  "uuid"};

/* --- a stream as text, as expect.txt has it */

static void say_header(struct buf *text, const struct event_header *h)
{
    buf_addf(text, "header %.*s %s", STR_ARG(h->name), type_names[h->type]);
    bool has_bytes = h->type == EVENT_BYTES || h->type == EVENT_STRING || h->type == EVENT_UUID;
    if (has_bytes && h->bytes.len) {
        buf_add_char(text, ' ');
        text_add_hex(text, (const unsigned char *)h->bytes.ptr, h->bytes.len);
    } else if (!has_bytes && h->type != EVENT_TRUE && h->type != EVENT_FALSE) {
        buf_addf(text, " %lld", (long long)h->number);
    }
    buf_add_char(text, '\n');
}

static void say_frame(struct buf *text, const struct event_frame *f)
{
    struct str rest = f->headers;
    struct event_header h;
    buf_add(text, S("frame\n"));
    while (event_stream_header(&rest, &h))
        say_header(text, &h);
    assert_int_equal(rest.len, 0);
    assert_int_equal(f->payload.len, f->payload_len);
    assert_false(f->passed_over);
    buf_add(text, S("payload"));
    if (f->payload.len)
        buf_add_char(text, ' ');
    text_add_hex(text, (const unsigned char *)f->payload.ptr, f->payload.len);
    buf_add_char(text, '\n');
}

/* Feeds a piece from memory of its exact size, so that a sanitizer sees a step past the end. */
static int feed(struct event_stream *s, struct str piece, struct buf *text)
{
    char *exact = mem_new(piece.len ? piece.len : 1);
    if (piece.len)
        memcpy(exact, piece.ptr, piece.len);
    struct str in = {exact, piece.len};
    struct event_frame f;
    int got;
    while ((got = event_stream_next(s, &in, &f)) == 1)
        say_frame(text, &f);
    assert_true(got < 0 || in.len == 0);
    mem_free(exact);
    return got;
}

static void say_end(const struct event_stream *s, int got, struct buf *text)
{
    buf_addf(text, "%s\n",
             got == ERR_BAD            ? "bad"
             : got == ERR_TOO_BIG      ? "too-big"
             : event_stream_between(s) ? "end"
                                       : "more");
}

/* The first piece is `first` bytes, the others `step`. */
static struct buf read_cut(struct str stream, size_t first, size_t step)
{
    struct event_stream s = {.hold_most = EVENT_STREAM_FRAME_MOST};
    struct buf text = {0};
    int got = feed(&s, str_sub(stream, 0, first), &text);
    for (size_t at = first; got == 0 && at < stream.len; at += step)
        got = feed(&s, str_sub(stream, at, step), &text);
    say_end(&s, got, &text);
    event_stream_fini(&s);
    return text;
}

static void assert_reads(struct str stream, struct str want, size_t first, size_t step)
{
    struct buf got = read_cut(stream, first, step);
    assert_str(buf_str(&got), want);
    buf_fini(&got);
}

static void check_all_cuts(struct str stream, struct str want)
{
    assert_reads(stream, want, stream.len, 1);
    assert_reads(stream, want, 0, 1);
    assert_reads(stream, want, 0, 7);
    for (size_t at = 1; at < stream.len && at < 600; at++)
        assert_reads(stream, want, at, stream.len);
}

/* --- writing what was read gives the same bytes */

static size_t collect(const struct event_frame *f, struct event_header out[64])
{
    struct str rest = f->headers;
    size_t n = 0;
    while (event_stream_header(&rest, &out[n]))
        assert_true(++n < 64);
    return n;
}

static void check_written_again(struct str stream)
{
    struct event_stream s = {.hold_most = EVENT_STREAM_FRAME_MOST};
    struct event_header headers[64];
    struct event_frame f;
    struct buf b = {0};
    struct str in = stream;
    while (event_stream_next(&s, &in, &f) == 1)
        assert_int_equal(event_stream_add(&b, headers, collect(&f, headers), f.payload), 0);
    assert_str(buf_str(&b), str_sub(stream, 0, buf_len(&b)));
    buf_fini(&b);
    event_stream_fini(&s);
}

static void agrees_with_every_vector(void **state)
{
    struct vector_names names;
    char path[VECTOR_PATH];
    int cases = 0;
    vector_list("test/vectors/event_stream", &names);
    for (int i = 0; i < names.n; i++) {
        if (strchr(names.at[i], '.'))
            continue;
        snprintf(path, sizeof path, "test/vectors/event_stream/%s/stream.hex", names.at[i]);
        struct buf hex = vector_read(path), stream = vector_unhex(buf_cstr(&hex));
        snprintf(path, sizeof path, "test/vectors/event_stream/%s/expect.txt", names.at[i]);
        struct buf want = vector_read(path);
        check_all_cuts(buf_str(&stream), buf_str(&want));
        check_written_again(buf_str(&stream));
        buf_fini(&hex), buf_fini(&stream), buf_fini(&want);
        cases++;
    }
    assert_int_equal(cases, 37);
}

/* --- the tap's side */

static struct buf write_frame(const char *kind, size_t payload_len)
{
    struct event_header h = {S(":event-type"), EVENT_STRING, 0, str_of(kind)};
    struct buf b = {0};
    char *payload = mem_new(payload_len + 1);
    memset(payload, 'x', payload_len);
    assert_int_equal(event_stream_add(&b, &h, 1, str_from(payload, payload_len)), 0);
    mem_free(payload);
    return b;
}

static void finds_a_text(void **state)
{
    struct event_header h[] = {
        {S(":event-type"), EVENT_INT32, 7, {NULL, 0}},
        {S(":event-type"), EVENT_STRING, 0, S("metadata")},
        {S(":event-type"), EVENT_STRING, 0, S("second")},
    };
    struct event_stream s = {.hold_most = 1000};
    struct event_frame f;
    struct buf b = {0};
    assert_int_equal(event_stream_add(&b, h, 3, S("{}")), 0);
    struct str in = buf_str(&b);
    assert_int_equal(event_stream_next(&s, &in, &f), 1);
    assert_str(event_stream_text(&f, S(":event-type")), S("metadata"));
    assert_null(event_stream_text(&f, S(":message-type")).ptr);
    event_stream_fini(&s);
    buf_fini(&b);
}

static void gives_whole_frames_without_a_copy(void **state)
{
    struct event_stream s = {.hold_most = 1000};
    struct event_frame f;
    struct buf b = write_frame("chunk", 300);
    struct str in = buf_str(&b), all = in;
    assert_int_equal(event_stream_next(&s, &in, &f), 1);
    assert_true(f.payload.ptr > all.ptr && f.payload.ptr < all.ptr + all.len);
    assert_int_equal(in.len, 0);
    assert_null(s.held.data);
    buf_fini(&b);
}

/* A frame larger than the hold, between two small ones, however it arrives. */
static void passes_over_what_is_too_large_to_hold(void **state)
{
    static const size_t steps[] = {1, 50, 1000, 1 << 20};
    struct buf stream = write_frame("first", 10), large = write_frame("large", 300000),
               last = write_frame("last", 20);
    buf_add(&stream, buf_str(&large));
    buf_add(&stream, buf_str(&last));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct event_stream s = {.hold_most = 200};
        struct event_frame f;
        struct str all = buf_str(&stream), in = {NULL, 0};
        size_t at = 0;
        int frames = 0, got = 0;
        while (got == 1 || at < all.len) {
            if (got == 0) {
                in = str_sub(all, at, steps[i]);
                at += in.len;
            }
            if ((got = event_stream_next(&s, &in, &f)) != 1) {
                assert_int_equal(got, 0);
                continue;
            }
            frames++;
            assert_int_equal(f.passed_over, frames == 2);
            assert_int_equal(f.payload.len, frames == 1 ? 10 : frames == 2 ? 0 : 20);
            assert_int_equal(f.payload_len, frames == 1 ? 10 : frames == 2 ? 300000 : 20);
            assert_str(event_stream_text(&f, S(":event-type")), frames == 1   ? S("first")
                                                                : frames == 2 ? S("large")
                                                                              : S("last"));
            assert_true(s.held.cap <= 512);
        }
        assert_int_equal(frames, 3);
        assert_true(event_stream_between(&s));
        event_stream_fini(&s);
    }
    buf_fini(&stream), buf_fini(&large), buf_fini(&last);
}

static void checks_what_it_passes_over(void **state)
{
    struct buf large = write_frame("large", 5000);
    struct event_stream s = {.hold_most = 20};
    struct event_frame f;
    struct str in = buf_str(&large);
    assert_int_equal(event_stream_next(&s, &in, &f), 1);
    assert_true(f.passed_over && f.headers.len == 0 && f.payload_len == 5000);
    large.data[large.head + 2000] ^= 1;
    in = buf_str(&large);
    assert_int_equal(event_stream_next(&s, &in, &f), ERR_BAD);
    event_stream_fini(&s);
    buf_fini(&large);
}

static void stays_failed(void **state)
{
    struct buf good = write_frame("chunk", 10);
    struct event_stream s = {.hold_most = 1000};
    struct event_frame f;
    struct str in = S("HTTP/1.1 500 Oops");
    assert_int_equal(event_stream_next(&s, &in, &f), ERR_BAD);
    in = buf_str(&good);
    assert_int_equal(event_stream_next(&s, &in, &f), ERR_BAD);
    assert_int_equal(in.len, buf_len(&good));
    event_stream_fini(&s);
    buf_fini(&good);
}

static void gives_a_large_hold_back(void **state)
{
    struct buf b = write_frame("chunk", 100000);
    struct event_stream s = {.hold_most = 1 << 20};
    struct event_frame f;
    struct str all = buf_str(&b), in = str_sub(all, 0, 50000);
    assert_int_equal(event_stream_next(&s, &in, &f), 0);
    in = str_from_offset(all, 50000);
    assert_int_equal(event_stream_next(&s, &in, &f), 1);
    assert_int_equal(f.payload.len, 100000);
    assert_int_equal(event_stream_next(&s, &in, &f), 0);
    assert_null(s.held.data);
    event_stream_fini(&s);
    buf_fini(&b);
}

static void refuses_to_write_what_cannot_be_read(void **state)
{
    static char zeros[EVENT_STREAM_FRAME_MOST];
    struct str value = {zeros, EVENT_STREAM_VALUE_MOST + 1};
    struct event_header bad[] = {
        {S(""), EVENT_TRUE, 0, {NULL, 0}},
        {str_from(zeros, 256), EVENT_TRUE, 0, {NULL, 0}},
        {S("a"), EVENT_STRING, 0, value},
        {S("a"), EVENT_UUID, 0, str_from(zeros, 15)},
        {S("a"), EVENT_INT8, 128, {NULL, 0}},
        {S("a"), EVENT_INT16, -32769, {NULL, 0}},
        {S("a"), EVENT_INT32, 1ll << 31, {NULL, 0}},
        {S("a"), (enum event_type)10, 0, {NULL, 0}},
    };
    struct buf b = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(event_stream_add(&b, &bad[i], 1, S("")), ERR_BAD);
    value.len--;
    struct event_header large[] = {{S("a"), EVENT_BYTES, 0, value},
                                   {S("b"), EVENT_BYTES, 0, value},
                                   {S("c"), EVENT_TRUE, 0, {NULL, 0}}};
    assert_int_equal(event_stream_add(&b, large, 3, S("")), ERR_TOO_BIG);
    struct str payload = {zeros, EVENT_STREAM_FRAME_MOST - 15};
    assert_int_equal(event_stream_add(&b, NULL, 0, payload), ERR_TOO_BIG);
    assert_int_equal(buf_len(&b), 0);
    payload.len--;
    assert_int_equal(event_stream_add(&b, NULL, 0, payload), 0);
    buf_fini(&b);
}

/* --- shared data */

static cJSON *json_shared(const char *name)
{
    char path[VECTOR_PATH];
    struct buf text = vector_read(vector_shared(name, path));
    cJSON *json = cJSON_Parse(buf_cstr(&text));
    assert_non_null(json);
    buf_fini(&text);
    return json;
}

/* How it ends, after checking that every cut says the same and that frames can be written again. */
static struct str ending(struct str stream, char room[16], int *out_frames)
{
    struct buf text = read_cut(stream, stream.len, 1);
    check_all_cuts(stream, buf_str(&text));
    check_written_again(stream);
    struct str rest = buf_str(&text), line = {NULL, 0};
    *out_frames = 0;
    while (rest.len) {
        line = str_cut(&rest, '\n');
        *out_frames += str_eq(line, S("frame"));
    }
    memcpy(room, line.ptr, line.len);
    line.ptr = room;
    buf_fini(&text);
    return line;
}

static void check_verdict(struct str stream, const char *expect, const char *name)
{
    char room[16];
    int frames;
    struct str end = ending(stream, room, &frames);
    bool refused = str_eq(end, S("bad")) || str_eq(end, S("too-big"));
    bool ok = strcmp(expect, "accept") == 0           ? str_eq(end, S("end")) && frames > 0
              : strcmp(expect, "incomplete") == 0     ? str_eq(end, S("more"))
              : strcmp(expect, "reject-after-1") == 0 ? refused && frames == 1
                                                      : refused && frames == 0;
    if (!ok)
        fail_msg("%s: expected %s, got %d frames and %.*s", name, expect, frames, STR_ARG(end));
}

static const char *json_text(const cJSON *item, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
}

static void agrees_with_the_corpus(void **state)
{
    cJSON *json = json_shared("corpora/event-stream/vectors.json"), *item;
    int cases = 0;
    cJSON_ArrayForEach(item, json)
    {
        struct buf stream = vector_unhex(json_text(item, "hex"));
        check_verdict(buf_str(&stream), json_text(item, "expect"), json_text(item, "name"));
        buf_fini(&stream);
        cases++;
    }
    cJSON_Delete(json);
    print_message("# %d of the event-stream corpus\n", cases);
    assert_int_equal(cases, 34);
}

/* Verdicts of aws-c-event-stream's own cases follow from their CRCs and lengths. */
static const char *c_verdict(const cJSON *item)
{
    const cJSON *total = cJSON_GetObjectItem(item, "total_len");
    const cJSON *headers = cJSON_GetObjectItem(item, "headers_len");
    double most = total->valuedouble - 16;
    if (strcmp(json_text(item, "name"), "channel_handler_multiple_valid_messages_parse") == 0)
        return "accept";
    if (!cJSON_IsTrue(cJSON_GetObjectItem(item, "prelude_crc_ok")) || headers->valuedouble > most)
        return "reject";
    if (total->valuedouble > (double)strlen(json_text(item, "hex")) / 2)
        return "incomplete";
    return cJSON_IsTrue(cJSON_GetObjectItem(item, "message_crc_ok")) ? "accept" : "reject";
}

static void agrees_with_aws_c_event_stream(void **state)
{
    cJSON *json = json_shared("corpora/event-stream/aws-c-event-stream.json"), *item;
    int cases = 0;
    cJSON_ArrayForEach(item, json)
    {
        struct buf stream = vector_unhex(json_text(item, "hex"));
        check_verdict(buf_str(&stream), c_verdict(item), json_text(item, "name"));
        buf_fini(&stream);
        cases++;
    }
    cJSON_Delete(json);
    print_message("# %d of aws-c-event-stream's cases\n", cases);
    assert_int_equal(cases, 14);
}

static int check_folder(const char *name, const char *prefix, const char *expect)
{
    char base[VECTOR_PATH], path[VECTOR_PATH + 300];
    struct vector_names names;
    int cases = 0;
    vector_list(vector_shared(name, base), &names);
    for (int i = 0; i < names.n; i++) {
        if (!str_starts(str_of(names.at[i]), str_of(prefix)))
            continue;
        snprintf(path, sizeof path, "%s/%s", base, names.at[i]);
        struct buf stream = vector_read(path);
        check_verdict(buf_str(&stream), expect, names.at[i]);
        buf_fini(&stream);
        cases++;
    }
    return cases;
}

static void agrees_with_smithy(void **state)
{
    int go = check_folder("vectors/eventstream/smithy-go/encoded/positive", "", "accept") +
             check_folder("vectors/eventstream/smithy-go/encoded/negative", "", "reject");
    int rs = check_folder("vectors/eventstream/smithy-rs", "valid_", "accept") +
             check_folder("vectors/eventstream/smithy-rs", "invalid_", "reject");
    int real = check_folder("vectors/eventstream", "bedrock-real-chunk.bin", "accept");
    print_message("# %d of smithy-go, %d of smithy-rs, %d real frame\n", go, rs, real);
    assert_int_equal(go, 9);
    assert_int_equal(rs, 11);
    assert_int_equal(real, 1);
}

/* Headers by name against {"name": number | bool | text | {"hex": ...}}. */
static void check_header_value(const struct event_header *h, const cJSON *want)
{
    struct buf hex = {0};
    if (cJSON_IsBool(want)) {
        assert_int_equal(h->type, cJSON_IsTrue(want) ? EVENT_TRUE : EVENT_FALSE);
    } else if (cJSON_IsNumber(want)) {
        assert_int_equal(h->number, (int64_t)want->valuedouble);
    } else if (cJSON_IsString(want)) {
        assert_int_equal(h->type, EVENT_STRING);
        assert_str(h->bytes, str_of(want->valuestring));
    } else {
        text_add_hex(&hex, (const unsigned char *)h->bytes.ptr, h->bytes.len);
        assert_str(buf_str(&hex), str_of(json_text(want, "hex")));
    }
    buf_fini(&hex);
}

static void check_botocore_frame(const cJSON *item)
{
    struct buf stream = vector_unhex(json_text(item, "encoded_hex"));
    struct buf payload = vector_unhex(json_text(item, "payload_hex"));
    struct event_stream s = {.hold_most = EVENT_STREAM_FRAME_MOST};
    struct event_header headers[64];
    struct event_frame f;
    struct str in = buf_str(&stream);
    assert_int_equal(event_stream_next(&s, &in, &f), 1);
    size_t n = collect(&f, headers);
    const cJSON *want = cJSON_GetObjectItem(item, "headers");
    assert_int_equal(n, cJSON_GetArraySize(want));
    want = want->child;
    for (size_t i = 0; i < n; i++, want = want->next) {
        assert_str(headers[i].name, str_of(want->string));
        check_header_value(&headers[i], want);
    }
    assert_str(f.payload, buf_str(&payload));
    event_stream_fini(&s);
    buf_fini(&stream), buf_fini(&payload);
}

/* The one that is given as a recipe: its length alone refuses it. */
static struct buf unhex_recipe(const cJSON *item)
{
    const char *hex = json_text(item, "encoded_hex");
    if (hex)
        return vector_unhex(hex);
    return vector_unhex(json_text(cJSON_GetObjectItem(item, "encoded_recipe"), "prefix_hex"));
}

static void agrees_with_botocore(void **state)
{
    cJSON *json = json_shared("vectors/eventstream/botocore-vectors.json"), *item;
    int good = 0, bad = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "positive"))
    {
        check_botocore_frame(item);
        good++;
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "negative"))
    {
        /* Other readers take a name twice, and a tap must not stop for it. */
        bool twice = strcmp(item->string, "DUPLICATE_HEADER") == 0;
        struct buf stream = unhex_recipe(item);
        check_verdict(buf_str(&stream), twice ? "accept" : "reject", item->string);
        buf_fini(&stream);
        bad++;
    }
    cJSON_Delete(json);
    print_message("# %d good and %d bad of botocore's\n", good, bad);
    assert_int_equal(good, 9);
    assert_int_equal(bad, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_every_vector),
        cmocka_unit_test(finds_a_text),
        cmocka_unit_test(gives_whole_frames_without_a_copy),
        cmocka_unit_test(passes_over_what_is_too_large_to_hold),
        cmocka_unit_test(checks_what_it_passes_over),
        cmocka_unit_test(stays_failed),
        cmocka_unit_test(gives_a_large_hold_back),
        cmocka_unit_test(refuses_to_write_what_cannot_be_read),
        cmocka_unit_test(agrees_with_the_corpus),
        cmocka_unit_test(agrees_with_aws_c_event_stream),
        cmocka_unit_test(agrees_with_smithy),
        cmocka_unit_test(agrees_with_botocore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
