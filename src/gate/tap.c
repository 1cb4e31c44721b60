/* SPDX-License-Identifier: Apache-2.0
 *
 * Three layers, each of which shows pieces of what passes to the next and keeps nothing: the
 * stream's messages (wire/event_watch or wire/sse_watch; a plain answer has none), InvokeModel's
 * chunks (base64 in a member of a message), and the members of the JSON text (wire/json_watch).
 * What is found becomes counts (tap_count).
 *
 * What a find says is believed as far as it can be read: a count is a whole number from 0 to 2^53.
 * Any other one, and an object where none can be, sets `unreadable` and is as if it had not been
 * told; null is as if it were not there. Of equal names in one object the larger number counts, and
 * it is `unreadable`, since other readers may take the other.
 *
 * Bedrock's padding `p` is never looked at.
 */
#include "weir/gate/tap.h"

#include "tap_names.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/event_watch.h"
#include "weir/wire/json_string.h"
#include "weir/wire/sse_watch.h"

#include <string.h>

enum { TTL_MOST = 8, MODEL_MOST = 2048 };

struct tap {
    struct tap_usage now;
    struct tap_counts counts;
    enum usage_place place;
    enum stream_shape shape;
    bool has_usage; /* an object with counts was seen */
    bool dirty;     /* counts changed since `now` was made */
    uint64_t seen;  /* a bit per find, of counts in the text under way */
    uint64_t binary_bytes;

    /* The element of cacheDetails under way. */
    char ttl[TTL_MOST];
    unsigned char ttl_len;
    bool has_detail;
    uint64_t detail;

    char *invoked;
    struct json_watch text;
    struct json_watch chunk;
    uint32_t base64;
    unsigned base64_n;
    struct event_watch events;
    struct sse_watch sse;
};

/* --- values */

static bool read_count(struct tap *t, const struct json_found *f, uint64_t *out)
{
    if (f->kind == JSON_NULL)
        return false;
    bool good = f->kind == JSON_NUMBER && text_u64(f->raw, out) && *out <= USAGE_MOST_TOKENS;
    t->now.unreadable |= !good;
    return good;
}

/* Without a copy where nothing is escaped; else into `room`. Empty for what is no string. */
static struct str read_text(const struct json_found *f, char *room, size_t room_size)
{
    struct json_scan s;
    size_t len;
    if (f->kind != JSON_STRING || f->raw.len < 2)
        return S("");
    if (str_chr(f->raw, '\\') < 0)
        return str_sub(f->raw, 1, f->raw.len - 2);
    json_init(&s, f->raw);
    bool strict = json_next(&s) == JSON_STRING && json_next(&s) == JSON_END;
    return strict && json_string_copy(f->raw, room, room_size, &len) == 0 ? str_from(room, len)
                                                                          : S("");
}

/* --- finds */

static void take_count(struct tap *t, const struct json_found *f)
{
    uint64_t n, bit = 1ull << (f->id - FIND_COUNT);
    int at = f->id - FIND_COUNT;
    t->now.unreadable |= (t->seen & bit) != 0;
    t->seen |= bit;
    if (!read_count(t, f, &n))
        return;
    tap_count_set(&t->counts, (enum tap_place)(at / COUNTS), (enum tap_count)(at % COUNTS), n);
    t->dirty = true;
}

/* An object of counts, or null, or a mistake. */
static void take_usage(struct tap *t, const struct json_found *f)
{
    if (f->kind == JSON_OBJECT)
        t->has_usage |= f->id == FIND_USAGE;
    else
        t->now.unreadable |= f->kind != JSON_NULL;
}

static void begin_parts(struct tap *t, const struct json_found *f, enum tap_count first,
                        enum tap_count last)
{
    for (int count = (int)first; f->kind == JSON_ARRAY && count <= (int)last; count++)
        tap_count_clear(&t->counts, (enum tap_count)count);
    t->dirty |= f->kind == JSON_ARRAY;
    t->ttl_len = 0;
    t->has_detail = false;
    bool element = f->kind == JSON_OBJECT && f->size == 0;
    bool good = element || f->kind == JSON_ARRAY || f->kind == JSON_NULL;
    t->now.unreadable |= f->id == FIND_DETAILS && !good;
}

/* An element is known when both of its members are; they come in any order. */
static void take_detail(struct tap *t, const struct json_found *f)
{
    char room[TTL_MOST];
    if (f->id == FIND_DETAIL_INPUT) {
        t->has_detail = read_count(t, f, &t->detail);
    } else {
        struct str ttl = read_text(f, room, sizeof room);
        t->ttl_len = (unsigned char)(ttl.len <= TTL_MOST ? ttl.len : 0);
        memcpy(t->ttl, ttl.ptr, t->ttl_len);
        t->now.unreadable |= t->ttl_len == 0;
    }
    if (!t->has_detail || t->ttl_len == 0)
        return;
    static const struct str ttls[] = {STR("5m"), STR("1h"), STR("30m")};
    struct str ttl = {t->ttl, t->ttl_len};
    int i = 0;
    while (i < 3 && !str_eq(ttl, ttls[i]))
        i++;
    if (i < 3)
        tap_count_add(&t->counts, (enum tap_count)(COUNT_WRITE_5M + i), t->detail);
    t->now.unreadable |= i == 3;
    t->has_detail = false;
    t->ttl_len = 0;
    t->dirty = true;
}

static void take_result(struct tap *t, const struct json_found *f)
{
    uint64_t n;
    if (!read_count(t, f, &n))
        return;
    tap_count_add(&t->counts, COUNT_OUTPUT, n);
    t->dirty = true;
}

/* A tier that Weir does not know ("auto") says nothing. */
static void take_tier(struct tap *t, struct str tier)
{
    t->now.has_tier |= lane_of_tier(tier, &t->now.lane);
}

static void take_invoked(struct tap *t, const struct json_found *f)
{
    char room[MODEL_MOST];
    struct str id = read_text(f, room, sizeof room);
    if (id.len == 0 || id.len > MODEL_MOST || t->invoked)
        return;
    t->invoked = mem_new(id.len);
    memcpy(t->invoked, id.ptr, id.len);
    t->now.invoked = (struct str){t->invoked, id.len};
}

static void take_size(struct tap *t, const struct json_found *f)
{
    bool output = f->id != FIND_NO_OUTPUT && f->id != FIND_BINARY;
    if (!output)
        t->binary_bytes += f->size;
    if (f->id == FIND_NO_OUTPUT)
        t->dirty = t->counts.no_output = true;
    size_t wrapping = tap_wrapping(f->id);
    if (output && t->shape != STREAM_NONE && f->size > wrapping)
        t->now.text_bytes += f->size - wrapping;
}

static void take_chunk(struct tap *t, const struct json_found *f);

static void take(struct tap *t, const struct json_found *f)
{
    char room[16];
    switch (f->id < FIND_COUNT ? (enum tap_find)f->id : FIND_COUNT) {
    case FIND_USAGE:
    case FIND_PARTS:
        take_usage(t, f);
        break;
    case FIND_DETAILS:
        begin_parts(t, f, COUNT_WRITE_5M, COUNT_WRITE_30M);
        break;
    case FIND_DETAIL_TTL:
    case FIND_DETAIL_INPUT:
        take_detail(t, f);
        break;
    case FIND_RESULTS:
        begin_parts(t, f, COUNT_OUTPUT, COUNT_OUTPUT);
        break;
    case FIND_RESULT_OUTPUT:
        take_result(t, f);
        break;
    case FIND_TIER:
        take_tier(t, read_text(f, room, sizeof room));
        break;
    case FIND_INVOKED:
        take_invoked(t, f);
        break;
    case FIND_ERROR:
        t->now.exception |= f->kind == JSON_OBJECT && t->shape != STREAM_NONE;
        break;
    case FIND_CHUNK:
        take_chunk(t, f);
        break;
    case FIND_NO_OUTPUT:
    case FIND_BINARY:
    case FIND_TEXT_BARE:
    case FIND_TEXT_BLOCK:
    case FIND_TEXT_CLAUDE:
    case FIND_TEXT_CHOICES:
        take_size(t, f);
        break;
    case FIND_TIER_OBJECT:
    case FIND_TRACE:
    case FIND_INSIDE:
        break;
    case FIND_COUNT:
        take_count(t, f);
        break;
    }
}

static void feed_text(struct tap *t, struct str bytes)
{
    struct json_found found;
    while (json_watch_next(&t->text, &bytes, &found))
        take(t, &found);
}

static void end_text(struct tap *t)
{
    json_watch_reset(&t->text);
    t->seen = 0;
}

/* --- InvokeModel's chunks */

static int base64_value(char c)
{
    static const signed char values['z' - '+' + 1] = {
        62, -1, -1, -1, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1,
        -1, -1, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28, 29, 30, 31,
        32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};
    unsigned at = (unsigned)(unsigned char)c - '+';
    return at < sizeof values ? values[at] : -1;
}

/* Four letters at once, as long as nothing but letters comes. Returns how many were taken. */
static size_t decode_fours(struct str in, char *out, size_t room)
{
    size_t i = 0, n = 0;
    for (; i + 4 <= in.len && n + 3 <= room; i += 4, n += 3) {
        int a = base64_value(in.ptr[i]), b = base64_value(in.ptr[i + 1]);
        int c = base64_value(in.ptr[i + 2]), d = base64_value(in.ptr[i + 3]);
        if ((a | b | c | d) < 0)
            break;
        int bits = a << 18 | b << 12 | c << 6 | d;
        out[n] = (char)(bits >> 16);
        out[n + 1] = (char)(bits >> 8);
        out[n + 2] = (char)bits;
    }
    return i;
}

/* One letter. A backslash before a slash is JSON's, and padding is at the end: both say nothing. */
static size_t decode_one(struct tap *t, char c, char *out)
{
    int value = base64_value(c);
    if (value < 0)
        return 0;
    t->base64 = t->base64 << 6 | (uint32_t)value;
    t->base64_n = (t->base64_n + 1) % 4;
    if (t->base64_n == 1)
        return 0;
    out[0] = (char)(t->base64 >> 2 * ((4 - t->base64_n) % 4));
    return 1;
}

static void take_chunk(struct tap *t, const struct json_found *f)
{
    char out[768];
    struct str in = f->raw;
    while (in.len) {
        size_t fours = t->base64_n ? 0 : decode_fours(in, out, sizeof out);
        size_t n = fours / 4 * 3;
        in = str_from_offset(in, fours);
        for (bool one = true; in.len && n < sizeof out && (one || t->base64_n); one = false) {
            n += decode_one(t, in.ptr[0], out + n);
            in = str_from_offset(in, 1);
        }
        feed_text(t, str_from(out, n));
    }
    if (!f->more)
        t->base64_n = 0;
}

static void feed_chunk(struct tap *t, struct str bytes)
{
    struct json_found found;
    while (json_watch_next(&t->chunk, &bytes, &found))
        if (found.kind == JSON_STRING)
            take(t, &found);
}

/* --- streams */

static bool wants(struct tap *t, const struct event_frame *head)
{
    struct str type = event_stream_text(head, S(":message-type"));
    if (str_eq(type, S("exception")) || str_eq(type, S("error")))
        t->now.exception = true;
    return t->place != NO_USAGE && str_eq(type, S("event"));
}

static void feed_events(struct tap *t, struct str bytes)
{
    struct event_part part;
    for (;;) {
        switch (event_watch_next(&t->events, &bytes, &part)) {
        case EVENT_WATCH_NOTHING:
            return;
        case EVENT_WATCH_HEAD:
            t->events.want = wants(t, &part.head);
            break;
        case EVENT_WATCH_PAYLOAD:
            if (t->place == USAGE_INVOKE)
                feed_chunk(t, part.bytes);
            else
                feed_text(t, part.bytes);
            break;
        case EVENT_WATCH_END:
            end_text(t);
            json_watch_reset(&t->chunk);
            t->base64_n = 0;
            break;
        }
    }
}

static void feed_sse(struct tap *t, struct str bytes)
{
    struct str piece;
    for (;;) {
        switch (sse_watch_next(&t->sse, &bytes, &piece)) {
        case SSE_WATCH_NOTHING:
            return;
        case SSE_WATCH_DATA:
            feed_text(t, piece);
            break;
        case SSE_WATCH_END:
            t->now.exception |= str_eq(sse_watch_name(&t->sse), S("error"));
            end_text(t);
            break;
        }
    }
}

/* --- header fields */

static void take_count_field(struct tap *t, enum tap_count count, struct str value)
{
    uint64_t n;
    bool good = text_u64(value, &n) && n <= USAGE_MOST_TOKENS &&
                !(t->counts.at[PLACE_FIELDS].told >> count & 1);
    if (good)
        tap_count_set(&t->counts, PLACE_FIELDS, count, n);
    t->now.unreadable |= !good;
    t->dirty = true;
}

/* `name` without "x-amzn-bedrock-". */
static void take_field(struct tap *t, struct str name, struct str value)
{
    static const struct {
        struct str name;
        enum tap_count count;
    } rows[] = {{STR("input-token-count"), COUNT_INPUT},
                {STR("output-token-count"), COUNT_OUTPUT},
                {STR("cache-read-input-token-count"), COUNT_READ},
                {STR("cache-write-input-token-count"), COUNT_WRITE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq(name, rows[i].name))
            take_count_field(t, rows[i].count, value);
    if (str_eq(name, S("service-tier")))
        take_tier(t, value);
}

static void take_fields(struct tap *t, const struct fields *fields)
{
    static const struct str prefix = STR("x-amzn-bedrock-");
    for (size_t i = 0; i < fields->n; i++) {
        struct str name = fields->at[i].name;
        if (name.len > prefix.len && name.ptr[7] == 'b' && str_starts(name, prefix))
            take_field(t, str_from_offset(name, prefix.len), str_trim(fields->at[i].value));
    }
}

/* --- the door */

static void settle(struct tap *t)
{
    if (!t->dirty)
        return;
    t->dirty = false;
    tap_count_resolve(&t->counts, &t->now);
}

static enum stream_shape shape_of(struct str content_type)
{
    if (str_istarts(content_type, S("application/vnd.amazon.eventstream")))
        return STREAM_EVENTS;
    return str_istarts(content_type, S("text/event-stream")) ? STREAM_SSE : STREAM_NONE;
}

struct tap *tap_new(const struct operation *op, int status, const struct fields *fields)
{
    enum usage_place place = status >= 200 && status < 300 ? op->usage : NO_USAGE;
    enum stream_shape shape = shape_of(fields_get(fields, S("content-type")));
    if (place == NO_USAGE && shape == STREAM_NONE)
        return NULL;
    struct tap *t = mem_new(sizeof *t);
    t->place = place;
    t->shape = shape;
    t->text.names = tap_names(place);
    t->chunk.names = &tap_chunk_names;
    if (place != NO_USAGE)
        take_fields(t, fields);
    settle(t);
    return t;
}

void tap_free(struct tap *t)
{
    if (!t)
        return;
    json_watch_fini(&t->text);
    json_watch_fini(&t->chunk);
    event_watch_fini(&t->events);
    mem_free(t->invoked);
    mem_free(t);
}

void tap_feed(struct tap *t, struct str bytes)
{
    if (!t)
        return;
    switch (t->shape) {
    case STREAM_EVENTS:
        feed_events(t, bytes);
        break;
    case STREAM_SSE:
        feed_sse(t, bytes);
        break;
    case STREAM_NONE:
        t->now.text_bytes += bytes.len;
        feed_text(t, bytes);
        break;
    }
    settle(t);
}

void tap_end(struct tap *t)
{
    if (!t)
        return;
    if (t->shape == STREAM_NONE)
        t->now.text_bytes -= t->binary_bytes;
    t->now.unreadable |= t->has_usage && !t->now.told;
}

const struct tap_usage *tap_usage(const struct tap *t)
{
    static const struct tap_usage nothing = {0};
    return t ? &t->now : &nothing;
}

enum stream_shape tap_shape(const struct tap *t)
{
    return t ? t->shape : STREAM_NONE;
}

bool tap_between(const struct tap *t)
{
    if (!t || t->shape == STREAM_NONE)
        return false;
    return t->shape == STREAM_EVENTS ? event_watch_between(&t->events) : sse_watch_between(&t->sse);
}
