/* SPDX-License-Identifier: Apache-2.0
 *
 * A deadline that cannot be read is an error, not ignored: who sent it relies on it, in time or in
 * money.
 */
#include "weir/gate/lane_wish.h"

#include "weir/base/text.h"
#include "weir/plan/lane.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/json_string.h"

enum { TEXT_MOST = 64 };

static const struct str deadline_field = STR("x-weir-deadline"), reply_field = STR("x-weir-reply");

const char *lane_wish_deadline(struct str text, int64_t now_ms, int64_t *out_ms)
{
    int64_t ms, moment_s;
    text = str_trim(text);
    if (text_duration_ms(text, &ms)) {
        if (ms <= 0)
            return "A deadline is a time from now above 0, like 8h, or a moment to come.";
    } else if (text_parse_iso_time(text, &moment_s)) {
        if (moment_s <= now_ms / 1000)
            return "This deadline has passed: it is a time from now, like 8h, or a moment to come.";
        ms = moment_s - now_ms / 1000 < LANE_WISH_MOST_MS ? moment_s * 1000 - now_ms
                                                          : (int64_t)LANE_WISH_MOST_MS + 1;
    } else {
        return "A deadline is a time from now, like 30m or 8h, or a moment like "
               "2026-11-21T06:00:00Z.";
    }
    if (ms > LANE_WISH_MOST_MS)
        return "A deadline is at most 7 days from now: a batch job can take no longer.";
    *out_ms = ms;
    return NULL;
}

static const char *read_field(const struct rule_view *v, int64_t now_ms, struct lane_wish *out)
{
    struct str text = fields_get(v->fields, deadline_field);
    if (!text.ptr)
        return NULL;
    if (fields_count(v->fields, deadline_field) > 1)
        return "x-weir-deadline stands in this request more than once.";
    out->source = "x-weir-deadline";
    return lane_wish_deadline(text, now_ms, &out->deadline_ms);
}

/* Of requestMetadata, which Bedrock gets as well. */
static const char *read_metadata(const struct rule_view *v, int64_t now_ms, struct lane_wish *out)
{
    struct json_member m = {.name = STR("weir.deadline")};
    struct json_pick pick;
    char text[TEXT_MOST];
    size_t n;
    if (out->source || !v->metadata.len)
        return NULL;
    json_pick_init(&pick, v->metadata, &m, 1);
    if (json_pick_step(&pick) != JSON_END || !m.times)
        return NULL;
    out->source = "weir.deadline";
    if (m.times > 1 || m.kind != JSON_STRING || json_string_copy(m.raw, text, sizeof text, &n) < 0)
        return "weir.deadline in requestMetadata is one string, like \"8h\".";
    return lane_wish_deadline(str_from(text, n), now_ms, &out->deadline_ms);
}

static bool says_async(struct str list)
{
    while (list.len) {
        struct str one = str_trim(str_cut(&list, ','));
        if (str_ieq(str_trim(str_cut(&one, ';')), S("respond-async")))
            return true;
    }
    return false;
}

/* RFC 7240: a preference, among others; several lines are one list. */
static bool prefers_async(const struct rule_view *v)
{
    for (size_t i = 0; i < v->fields->n; i++) {
        const struct field *f = &v->fields->at[i];
        if (str_eq(f->name, S("prefer")) && says_async(f->value))
            return true;
    }
    return false;
}

static const char *read_reply(const struct rule_view *v, int rule, struct lane_wish *out)
{
    struct str text = str_trim(fields_get(v->fields, reply_field));
    if (fields_count(v->fields, reply_field) > 1)
        return "x-weir-reply stands in this request more than once.";
    out->reply = rule == CONFIG_NOT_SET ? SPOOL_WAIT : (enum spool_reply)rule;
    if (str_ieq(text, S("ticket")) || (!text.len && out->deadline_ms && prefers_async(v)))
        out->reply = SPOOL_TICKET;
    else if (str_ieq(text, S("wait")))
        out->reply = SPOOL_WAIT;
    else if (text.len)
        return "x-weir-reply is ticket or wait; retry is for a rule (set.reply) to say.";
    if (str_ieq(text, S("ticket")) && !out->deadline_ms)
        return "A ticket is for what can wait: send x-weir-deadline with it, like 8h.";
    return NULL;
}

const char *lane_wish(const struct config *c, const struct rule_view *v, int64_t now_ms,
                      struct lane_wish *out)
{
    struct rule_lanes rule;
    const char *fault;
    *out = (struct lane_wish){0};
    rules_lanes(c, v, &rule);
    if ((fault = read_field(v, now_ms, out)) || (fault = read_metadata(v, now_ms, out)))
        return fault;
    if (!out->source && rule.deadline_ms) {
        out->source = "rule";
        out->deadline_ms = rule.deadline_ms;
    }
    out->rule = rule.lanes ? rule.lane_rule : rule.deadline_rule;
    out->lanes = rule.lanes ? rule.lanes : LANE_SET_FLEX | LANE_SET_BATCH;
    if (!out->deadline_ms) {
        out->lanes &= LANE_SET_PRIORITY;
        out->over_ms = rule.over_ms;
    }
    return read_reply(v, rule.reply, out);
}
