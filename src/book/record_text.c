/* SPDX-License-Identifier: Apache-2.0
 *
 * One record for others' programs: a JSON object or a line of CSV, the same fields in both; they
 * are in docs/OPERATIONS.md: only append.
 */
#include "weir/book/record.h"

#include "report_parts.h"
#include "weir/base/text.h"

static const struct {
    enum record_flag flag;
    struct str word;
} flags[] = {
    {RECORD_INVOCATION, STR("invocation")},   {RECORD_STREAM, STR("stream")},
    {RECORD_ESTIMATED, STR("estimated")},     {RECORD_UNPRICED, STR("unpriced")},
    {RECORD_PROVISIONAL, STR("provisional")}, {RECORD_JOINED, STR("joined")},
    {RECORD_UNREADABLE, STR("unreadable")},
};
enum { FLAGS = sizeof flags / sizeof *flags, TEXTS = 11 };

struct text {
    struct str key, value;
};

static struct str end_word(enum record_end end)
{
    static const struct str words[RECORD_ENDS] = {
        [RECORD_GOOD] = STR("good"),
        [RECORD_CLIENT_ERROR] = STR("client_error"),
        [RECORD_THROTTLED] = STR("throttled"),
        [RECORD_SERVER_ERROR] = STR("server_error"),
    };
    return words[end];
}

static struct str arm_word(enum record_arm arm)
{
    static const struct str words[RECORD_ARMS] = {
        [RECORD_ARM_NONE] = STR("none"),
        [RECORD_ARM_TREATED] = STR("treated"),
        [RECORD_ARM_CONTROL] = STR("control"),
    };
    return words[arm];
}

/* `room` holds the time and the id. */
static void texts_of(const struct record *r, char room[25 + 33], struct text out[TEXTS])
{
    struct buf id = {0};
    text_iso_time_ms(r->time_ms, room);
    text_add_hex(&id, r->id, sizeof r->id);
    for (size_t i = 0; i < 2 * RECORD_ID_BYTES; i++)
        room[25 + i] = id.data[id.head + i];
    buf_fini(&id);
    const struct text texts[TEXTS] = {
        {S("time"), str_of(room)},      {S("id"), str_from(room + 25, 2 * RECORD_ID_BYTES)},
        {S("client"), r->client},       {S("workload"), r->workload},
        {S("asked"), r->asked},         {S("model"), r->model},
        {S("operation"), r->operation}, {S("lane"), lane_word(r->lane)},
        {S("decision"), r->decision},   {S("outcome"), r->outcome},
        {S("end"), end_word(r->end)},
    };
    for (size_t i = 0; i < TEXTS; i++)
        out[i] = texts[i];
}

/* "null" or "" for what is not known. */
static void add_usd(struct buf *b, const struct record *r, uint64_t nanousd, struct str unknown)
{
    if (r->flags & RECORD_UNPRICED)
        buf_add(b, unknown);
    else
        price_add_usd(b, (int64_t)nanousd);
}

static void add_observed(struct buf *b, const struct record *r, struct str unknown)
{
    if (r->flags & RECORD_OBSERVED)
        add_usd(b, r, r->observed_nanousd, unknown);
    else
        buf_add(b, unknown);
}

static void add_first(struct buf *b, const struct record *r, struct str unknown)
{
    if (r->flags & RECORD_STREAM && r->first_us)
        report_add_ms(b, r->first_us);
    else
        buf_add(b, unknown);
}

void record_add_json(const struct record *r, struct buf *out)
{
    char room[25 + 33];
    struct text texts[TEXTS];
    texts_of(r, room, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        buf_addf(out, "%s\"%s\":\"", i ? "," : "{", texts[i].key.ptr);
        text_add_json(out, texts[i].value, RECORD_TEXT_MOST);
        buf_add_char(out, '"');
    }
    buf_addf(out, ",\"status\":%u,\"attempts\":%u", r->status, r->attempts);
    for (size_t i = 0; i < FLAGS; i++)
        buf_addf(out, ",\"%s\":%s", flags[i].word.ptr, r->flags & flags[i].flag ? "true" : "false");
    buf_add(out, S(",\"tokens\":"));
    for (size_t i = 0; i < TOKENS; i++)
        buf_addf(out, "%s\"%s\":%llu", i ? "," : "{", usage_word((enum token_kind)i).ptr,
                 (unsigned long long)r->usage.tokens[i]);
    buf_add(out, S("},\"cost_usd\":"));
    add_usd(out, r, r->cost_nanousd, S("null"));
    buf_add(out, S(",\"untouched_usd\":"));
    add_usd(out, r, r->untouched_nanousd, S("null"));
    buf_add(out, S(",\"latency_ms\":"));
    report_add_ms(out, r->latency_us);
    buf_add(out, S(",\"added_ms\":"));
    report_add_ms(out, r->added_us);
    buf_add(out, S(",\"first_token_ms\":"));
    add_first(out, r, S("null"));
    buf_addf(
        out,
        ",\"moved\":%s,\"refused\":%s,\"marks\":%u,\"arm\":\"%s\",\"group\":%u,\"unmarked_usd\":",
        r->flags & RECORD_MOVED ? "true" : "false", r->flags & RECORD_REFUSED ? "true" : "false",
        r->marks, arm_word(r->arm).ptr, r->group);
    add_usd(out, r, r->unmarked_nanousd, S("null"));
    buf_add(out, S(",\"input_usd\":"));
    add_usd(out, r, r->input_nanousd, S("null"));
    buf_add(out, S(",\"plain_usd\":"));
    add_usd(out, r, r->plain_nanousd, S("null"));
    buf_add(out, S(",\"observed_usd\":"));
    add_observed(out, r, S("null"));
    buf_addf(out, ",\"maybe_twice\":%s,\"batch_fit\":%s}",
             r->flags & RECORD_MAYBE_TWICE ? "true" : "false",
             r->flags & RECORD_BATCH_FIT ? "true" : "false");
}

void record_add_csv_head(struct buf *out)
{
    char room[25 + 33];
    struct text texts[TEXTS];
    texts_of(&(struct record){0}, room, texts);
    for (size_t i = 0; i < TEXTS; i++)
        buf_addf(out, "%s,", texts[i].key.ptr);
    buf_add(out, S("status,attempts"));
    for (size_t i = 0; i < FLAGS; i++)
        buf_addf(out, ",%s", flags[i].word.ptr);
    for (size_t i = 0; i < TOKENS; i++)
        buf_addf(out, ",%s", usage_word((enum token_kind)i).ptr);
    buf_add(out,
            S(",cost_usd,untouched_usd,latency_ms,added_ms,first_token_ms,moved,refused,marks,arm,"
              "group,unmarked_usd,input_usd,plain_usd,observed_usd,maybe_twice,batch_fit\n"));
}

void record_add_csv(const struct record *r, struct buf *out)
{
    char room[25 + 33];
    struct text texts[TEXTS];
    texts_of(r, room, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        report_add_csv_text(out, texts[i].value);
        buf_add_char(out, ',');
    }
    buf_addf(out, "%u,%u", r->status, r->attempts);
    for (size_t i = 0; i < FLAGS; i++)
        buf_addf(out, ",%d", !!(r->flags & flags[i].flag));
    for (size_t i = 0; i < TOKENS; i++)
        buf_addf(out, ",%llu", (unsigned long long)r->usage.tokens[i]);
    buf_add_char(out, ',');
    add_usd(out, r, r->cost_nanousd, S(""));
    buf_add_char(out, ',');
    add_usd(out, r, r->untouched_nanousd, S(""));
    buf_add_char(out, ',');
    report_add_ms(out, r->latency_us);
    buf_add_char(out, ',');
    report_add_ms(out, r->added_us);
    buf_add_char(out, ',');
    add_first(out, r, S(""));
    buf_addf(out, ",%d,%d,%u,%s,%u,", !!(r->flags & RECORD_MOVED), !!(r->flags & RECORD_REFUSED),
             r->marks, arm_word(r->arm).ptr, r->group);
    add_usd(out, r, r->unmarked_nanousd, S(""));
    buf_add_char(out, ',');
    add_usd(out, r, r->input_nanousd, S(""));
    buf_add_char(out, ',');
    add_usd(out, r, r->plain_nanousd, S(""));
    buf_add_char(out, ',');
    add_observed(out, r, S(""));
    buf_addf(out, ",%d,%d\n", !!(r->flags & RECORD_MAYBE_TWICE), !!(r->flags & RECORD_BATCH_FIT));
}
