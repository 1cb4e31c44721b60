/* SPDX-License-Identifier: Apache-2.0
 *
 * Members are picked by name, so whatever else a record has does not matter. What stands there
 * twice is a fault, since the next reader may take the other one.
 */
#include "weir/plan/trace.h"

#include "weir/base/hash.h"
#include "weir/base/text.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/json_string.h"

#include <string.h>

enum { TEXT_MOST = 2048 }; /* an ARN: the longest that IAM and Bedrock take */

static int wrong(struct trace_fault *f, size_t at, const char *what)
{
    *f = (struct trace_fault){at, what};
    return ERR_BAD;
}

/* Where a part of the record begins in it. */
static size_t place(struct str record, struct str part)
{
    return part.ptr ? (size_t)(part.ptr - record.ptr) : 0;
}

/* --- single members */

struct reader {
    struct str record; /* borrowed */
    struct arena *arena;
    struct trace_fault *fault;
};

/* A number of whole units; what stands behind a point is cut off. */
static int read_number(struct reader *r, const struct json_member *m, const char *what,
                       uint64_t most, uint64_t *out)
{
    struct str digits = m->raw;
    ptrdiff_t point = str_chr(digits, '.');
    bool plain = str_chr(digits, 'e') < 0 && str_chr(digits, 'E') < 0;
    if (point > 0)
        digits.len = (size_t)point;
    if (m->times != 1 || m->kind != JSON_NUMBER || !plain || !text_u64(digits, out) || *out > most)
        return wrong(r->fault, place(r->record, m->raw), what);
    return 0;
}

/* Absent (or null) is empty. */
static int read_text(struct reader *r, const struct json_member *m, const char *what,
                     struct str *out)
{
    *out = S("");
    if (m->times == 0 || (m->times == 1 && m->kind == JSON_NULL))
        return 0;
    int err = m->times == 1 && m->kind == JSON_STRING
                  ? json_string_text(m->raw, TEXT_MOST, r->arena, out)
                  : ERR_BAD;
    return err == 0 || err == ERR_NO_MEMORY ? err : wrong(r->fault, place(r->record, m->raw), what);
}

/* The parts of an object that is strict already. */
static int pick_inside(struct reader *r, const struct json_member *m, const char *what,
                       struct json_member *members, size_t n)
{
    struct json_pick p;
    if (m->times != 1 || m->kind != JSON_OBJECT)
        return wrong(r->fault, place(r->record, m->raw), what);
    json_pick_init(&p, m->raw, members, n);
    (void)json_pick_step(&p);
    return 0;
}

/* --- rows */

/* The year 9999, in milliseconds of today's calendar: what is later counts in another unit. */
#define ROW_TIME_MOST UINT64_C(253402300799999)

enum {
    ROW_TIME,
    ROW_LENGTH,
    ROW_IDS,
    LOG_SCHEMA,
    LOG_ACCOUNT,
    LOG_REGION,
    LOG_OPERATION,
    LOG_MODEL,
    LOG_IDENTITY,
    LOG_INPUT,
    CLOUDWATCH_EVENTS,
    MEMBERS
};

static int read_row(struct reader *r, const struct json_member *m, struct trace_record *out)
{
    uint64_t time, length;
    const struct json_member *ids = &m[ROW_IDS];
    int err = read_number(r, &m[ROW_TIME], "timestamp is not a number of milliseconds",
                          ROW_TIME_MOST, &time);
    if (err == 0)
        err = read_number(r, &m[ROW_LENGTH], "input_length is not a number of tokens", UINT32_MAX,
                          &length);
    if (err)
        return err;
    if (ids->times != 1 || ids->kind != JSON_ARRAY)
        return wrong(r->fault, place(r->record, ids->raw), "hash_ids is not a list");
    *out = (struct trace_record){.kind = TRACE_ROW,
                                 .time_ms = (int64_t)time,
                                 .tokens = (uint32_t)length,
                                 .hash_ids = ids->raw};
    return 0;
}

/* An id is what it looks like: 7 and 07 cannot both be, 7 and 7.0 are two. */
static uint64_t roll(uint64_t hash, struct str id)
{
    return hash64(hash, id);
}

int trace_sites(struct str record, const struct trace_record *row, struct cache_site *room,
                size_t n, size_t *out_n, struct trace_fault *fault)
{
    size_t full = row->tokens / TRACE_BLOCK_TOKENS, ids = 0;
    size_t start = place(record, row->hash_ids);
    uint64_t hash = 0;
    struct json_scan s;
    enum json_token t;
    json_init(&s, row->hash_ids);
    for (t = json_next(&s); (t = json_next(&s)) == JSON_NUMBER; ids++) {
        if (ids >= full)
            continue;
        if (ids == n)
            return wrong(fault, start + s.at, "a prompt of more blocks than Weir plans for");
        hash = roll(hash, json_raw(&s));
        room[ids] = (struct cache_site){.key = hash,
                                        .tokens = (uint32_t)(ids + 1) * TRACE_BLOCK_TOKENS,
                                        .section = ASK_MESSAGES,
                                        .open = true};
    }
    if (t != JSON_ARRAY_END)
        return wrong(fault, start + s.at, "an id in hash_ids is not a number");
    if (ids > 2 * (full + 1))
        return wrong(fault, start, "more hash_ids than one for each 512 tokens of input_length");
    *out_n = ids < full ? ids : full;
    return 0;
}

/* --- logs */

/* "2026-01-05T09:02:18Z", "2026-01-05T09:02:18.123Z". */
static int read_time(struct reader *r, const struct json_member *m, int64_t *out_ms)
{
    static const char what[] = "timestamp is not a time as 2026-01-02T03:04:05Z";
    struct str text;
    int64_t seconds;
    int err = read_text(r, m, what, &text);
    if (err)
        return err;
    if (!text_parse_iso_time(text, &seconds))
        return wrong(r->fault, place(r->record, m->raw), what);
    *out_ms = seconds * 1000;
    ptrdiff_t point = str_chr(text, '.');
    for (int64_t i = 1, unit = 100; point >= 0 && unit && point + i < (ptrdiff_t)text.len; i++) {
        char c = text.ptr[point + i];
        if (c < '0' || c > '9')
            break;
        *out_ms += (c - '0') * unit;
        unit /= 10;
    }
    return 0;
}

/* What the model counted: plain, read and written. */
static int read_counts(struct reader *r, const struct json_member counts[3], uint32_t *out)
{
    uint64_t sum = 0, n;
    for (int i = 0; i < 3; i++) {
        if (counts[i].times == 0 || counts[i].kind == JSON_NULL)
            continue;
        int err = read_number(r, &counts[i], "a count of input tokens is none", UINT32_MAX, &n);
        if (err)
            return err;
        sum += n;
    }
    *out = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
    return 0;
}

static int read_input(struct reader *r, const struct json_member *input, struct trace_record *out)
{
    struct json_member m[] = {{.name = STR("inputBodyJson")},
                              {.name = STR("inputTokenCount")},
                              {.name = STR("cacheReadInputTokenCount")},
                              {.name = STR("cacheWriteInputTokenCount")}};
    int err = pick_inside(r, input, "input is not an object", m, 4);
    if (err)
        return err;
    if (m[0].times > 1)
        return wrong(r->fault, place(r->record, m[0].raw), "inputBodyJson stands there twice");
    if (m[0].times && m[0].kind == JSON_OBJECT)
        out->body = m[0].raw;
    return read_counts(r, m + 1, &out->tokens);
}

static int read_client(struct reader *r, const struct json_member *identity,
                       struct trace_record *out)
{
    struct json_member arn = {.name = STR("arn")};
    if (identity->times == 0 || (identity->times == 1 && identity->kind == JSON_NULL))
        return 0;
    int err = pick_inside(r, identity, "identity is not an object", &arn, 1);
    return err ? err : read_text(r, &arn, "identity.arn is not a text", &out->client);
}

static int read_log(struct reader *r, const struct json_member *m, struct trace_record *out)
{
    struct trace_record log = {.kind = TRACE_LOG};
    int err = read_time(r, &m[ROW_TIME], &log.time_ms);
    if (err == 0)
        err = read_text(r, &m[LOG_ACCOUNT], "accountId is not a text", &log.account);
    if (err == 0)
        err = read_text(r, &m[LOG_REGION], "region is not a text", &log.region);
    if (err == 0)
        err = read_text(r, &m[LOG_OPERATION], "operation is not a text", &log.operation);
    if (err == 0)
        err = read_text(r, &m[LOG_MODEL], "modelId is not a text", &log.model);
    if (err == 0)
        err = read_client(r, &m[LOG_IDENTITY], &log);
    if (err == 0)
        err = read_input(r, &m[LOG_INPUT], &log);
    if (err == 0)
        *out = log;
    return err;
}

int trace_read(struct str record, struct arena *a, struct trace_record *out,
               struct trace_fault *fault)
{
    struct json_member m[MEMBERS] = {
        [ROW_TIME] = {.name = STR("timestamp")},       [ROW_LENGTH] = {.name = STR("input_length")},
        [ROW_IDS] = {.name = STR("hash_ids")},         [LOG_SCHEMA] = {.name = STR("schemaType")},
        [LOG_ACCOUNT] = {.name = STR("accountId")},    [LOG_REGION] = {.name = STR("region")},
        [LOG_OPERATION] = {.name = STR("operation")},  [LOG_MODEL] = {.name = STR("modelId")},
        [LOG_IDENTITY] = {.name = STR("identity")},    [LOG_INPUT] = {.name = STR("input")},
        [CLOUDWATCH_EVENTS] = {.name = STR("events")},
    };
    struct reader r = {record, a, fault};
    struct json_pick p;
    json_pick_init(&p, record, m, MEMBERS);
    if (json_pick_step(&p) != JSON_END)
        return wrong(fault, p.scan.fault_at, p.scan.fault);
    if (m[LOG_SCHEMA].times == 1 && m[LOG_SCHEMA].kind == JSON_STRING &&
        json_string_is(m[LOG_SCHEMA].raw, S("ModelInvocationLog")))
        return read_log(&r, m, out);
    if (m[ROW_IDS].times)
        return read_row(&r, m, out);
    if (m[CLOUDWATCH_EVENTS].times)
        return wrong(fault, 0,
                     "events of CloudWatch; the records are in them: jq -r "
                     "'.events[].message' makes a trace of it");
    return wrong(fault, 0, "neither a row with hash_ids nor a ModelInvocationLog");
}
