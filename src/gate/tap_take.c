/* SPDX-License-Identifier: Apache-2.0
 *
 * One small function for each kind of find.
 */
#include "tap_take.h"

#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/json_string.h"

#include <string.h>

/* --- values */

static bool read_count(struct tap_take *t, const struct json_found *f, uint64_t *out)
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

static void take_count(struct tap_take *t, const struct json_found *f)
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
static void take_usage(struct tap_take *t, const struct json_found *f)
{
    if (f->kind == JSON_OBJECT)
        t->has_usage |= f->id == FIND_USAGE;
    else
        t->now.unreadable |= f->kind != JSON_NULL;
}

static void begin_parts(struct tap_take *t, const struct json_found *f, enum tap_count first,
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
static void take_detail(struct tap_take *t, const struct json_found *f)
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

static void take_result(struct tap_take *t, const struct json_found *f)
{
    uint64_t n;
    if (!read_count(t, f, &n))
        return;
    tap_count_add(&t->counts, COUNT_OUTPUT, n);
    t->dirty = true;
}

/* A tier that Weir does not know ("auto") says nothing. */
static void take_tier(struct tap_take *t, struct str tier)
{
    t->now.has_tier |= lane_of_tier(tier, &t->now.lane);
}

static void take_invoked(struct tap_take *t, const struct json_found *f)
{
    char room[INVOKED_MOST];
    struct str id = read_text(f, room, sizeof room);
    if (id.len == 0 || id.len > INVOKED_MOST || t->invoked)
        return;
    t->invoked = mem_new(id.len);
    memcpy(t->invoked, id.ptr, id.len);
    t->now.invoked = (struct str){t->invoked, id.len};
}

static void take_size(struct tap_take *t, const struct json_found *f)
{
    bool output = f->id != FIND_NO_OUTPUT && f->id != FIND_BINARY;
    if (!output)
        t->binary_bytes += f->size;
    if (f->id == FIND_NO_OUTPUT)
        t->dirty = t->counts.no_output = true;
    size_t wrapping = tap_wrapping(f->id);
    if (output && t->stream && f->size > wrapping)
        t->now.text_bytes += f->size - wrapping;
}

void tap_take(struct tap_take *t, const struct json_found *f)
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
        t->now.exception |= f->kind == JSON_OBJECT && t->stream;
        break;
    case FIND_NO_OUTPUT:
    case FIND_BINARY:
    case FIND_TEXT_BARE:
    case FIND_TEXT_BLOCK:
    case FIND_TEXT_CLAUDE:
    case FIND_TEXT_CHOICES:
        take_size(t, f);
        break;
    case FIND_CHUNK:
    case FIND_TIER_OBJECT:
    case FIND_TRACE:
    case FIND_INSIDE:
        break;
    case FIND_COUNT:
        take_count(t, f);
        break;
    }
}

/* --- header fields */

static void take_count_field(struct tap_take *t, enum tap_count count, struct str value)
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
static void take_field(struct tap_take *t, struct str name, struct str value)
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

void tap_take_fields(struct tap_take *t, const struct fields *fields)
{
    static const struct str prefix = STR("x-amzn-bedrock-");
    for (size_t i = 0; i < fields->n; i++) {
        struct str name = fields->at[i].name;
        if (name.len > prefix.len && name.ptr[7] == 'b' && str_starts(name, prefix))
            take_field(t, str_from_offset(name, prefix.len), str_trim(fields->at[i].value));
    }
}

void tap_take_settle(struct tap_take *t)
{
    if (t->dirty)
        tap_count_resolve(&t->counts, &t->now);
    t->dirty = false;
}

void tap_take_fini(struct tap_take *t)
{
    mem_free(t->invoked);
}
