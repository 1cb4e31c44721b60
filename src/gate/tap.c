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
    t->ttl_len = 0;
    t->has_detail = false;
    if (f->kind != JSON_ARRAY && f->kind != JSON_OBJECT && f->kind != JSON_NULL)
        t->now.unreadable = true;
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
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* A backslash before a slash is JSON's; padding is at the end. Both are stepped over. */
static void take_chunk(struct tap *t, const struct json_found *f)
{
    char out[512];
    size_t n = 0;
    for (size_t i = 0; i < f->raw.len; i++) {
        int value = base64_value(f->raw.ptr[i]);
        if (value < 0)
            continue;
        t->base64 = t->base64 << 6 | (uint32_t)value;
        if (++t->base64_n % 4 == 1)
            continue;
        out[n++] = (char)(t->base64 >> (6 - 2 * ((t->base64_n + 3) % 4)));
        if (n == sizeof out) {
            feed_text(t, str_from(out, n));
            n = 0;
        }
    }
    feed_text(t, str_from(out, n));
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

static void take_field(struct tap *t, const struct fields *fields, struct str name,
                       enum tap_count count)
{
    uint64_t n;
    struct str value = str_trim(fields_get(fields, name));
    if (!value.ptr)
        return;
    bool good = fields_count(fields, name) == 1 && text_u64(value, &n) && n <= USAGE_MOST_TOKENS;
    if (good)
        tap_count_set(&t->counts, PLACE_FIELDS, count, n);
    t->now.unreadable |= !good;
    t->dirty = true;
}

static void take_fields(struct tap *t, const struct fields *fields)
{
    take_field(t, fields, S("x-amzn-bedrock-input-token-count"), COUNT_INPUT);
    take_field(t, fields, S("x-amzn-bedrock-output-token-count"), COUNT_OUTPUT);
    take_field(t, fields, S("x-amzn-bedrock-cache-read-input-token-count"), COUNT_READ);
    take_field(t, fields, S("x-amzn-bedrock-cache-write-input-token-count"), COUNT_WRITE);
    take_tier(t, str_trim(fields_get(fields, S("x-amzn-bedrock-service-tier"))));
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
