/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of parameters; each reads its value into the query. An empty value is as good as none.
 */
#include "usage_query.h"

#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/form.h"

enum { MINUTE_MS = 60 * 1000, SHOWN_MOST = 80 };

struct span {
    int64_t since_ms, until_ms, now_ms;
};

static bool read_time(struct str value, int64_t now_ms, int64_t *out, struct buf *sentence)
{
    if (report_read_time(value, now_ms, out))
        return true;
    buf_add(sentence, S("Times are a time ago (7d, 12h, 30m), a day (2026-11-20) or a moment "
                        "(2026-11-20T08:00:00Z)."));
    if (str_chr(value, ' ') >= 0)
        buf_add(sentence, S(" A + in a URL is a space: write %2B, as in 08:00:00%2B01:00."));
    return false;
}

static bool read_by(struct str value, struct report_query *q, struct buf *sentence)
{
    struct str bad;
    if (report_read_by(value, &q->by, &bad))
        return true;
    buf_addf(sentence, "by takes client, workload, model and lane, with commas, not \"%.*s\".",
             STR_ARG(str_sub(bad, 0, SHOWN_MOST)));
    return false;
}

static bool read_period(struct str value, struct report_query *q, struct buf *sentence)
{
    int64_t ms;
    if (text_duration_ms(value, &ms) && ms > 0 && ms % MINUTE_MS == 0 &&
        ms / MINUTE_MS <= UINT32_MAX) {
        q->period = (uint32_t)(ms / MINUTE_MS);
        return true;
    }
    buf_add(sentence, S("period takes whole minutes, like 5m, 1h or 1d."));
    return false;
}

static bool read_n(struct str value, uint64_t *out, struct buf *sentence)
{
    uint64_t n;
    if (text_u64(value, &n) && n > 0 && n <= USAGE_N_MOST) {
        *out = n;
        return true;
    }
    buf_addf(sentence, "n takes a number from 1 to %d.", USAGE_N_MOST);
    return false;
}

static const struct {
    enum usage_param param;
    struct str name;
} params[] = {{USAGE_SINCE, STR("since")},
              {USAGE_UNTIL, STR("until")},
              {USAGE_BY, STR("by")},
              {USAGE_PERIOD, STR("period")},
              {USAGE_N, STR("n")}};
enum { PARAMS = sizeof params / sizeof *params };

static bool refuse_name(struct str name, unsigned takes, struct buf *sentence)
{
    const char *before = "";
    buf_addf(sentence, "There is no parameter \"%.*s\" here; there is ",
             STR_ARG(str_sub(name, 0, SHOWN_MOST)));
    for (size_t i = 0; i < PARAMS; i++) {
        if (!(takes & params[i].param))
            continue;
        buf_addf(sentence, "%s%s", before, params[i].name.ptr);
        before = ", ";
    }
    buf_add_char(sentence, '.');
    return false;
}

static bool read_one(enum usage_param param, struct str value, struct span *s,
                     struct usage_query *out, struct buf *sentence)
{
    switch (param) {
    case USAGE_SINCE:
        return value.len == 0 || read_time(value, s->now_ms, &s->since_ms, sentence);
    case USAGE_UNTIL:
        return value.len == 0 || read_time(value, s->now_ms, &s->until_ms, sentence);
    case USAGE_BY:
        return read_by(value, &out->report, sentence);
    case USAGE_PERIOD:
        return value.len == 0 || read_period(value, &out->report, sentence);
    case USAGE_N:
        return value.len == 0 || read_n(value, &out->n, sentence);
    }
    return false;
}

static bool read_pair(struct str name, struct str value, unsigned takes, struct span *s,
                      struct usage_query *out, struct buf *sentence)
{
    for (size_t i = 0; i < PARAMS; i++)
        if (takes & params[i].param && str_eq(name, params[i].name))
            return read_one(params[i].param, value, s, out, sentence);
    return refuse_name(name, takes, sentence);
}

static bool read_pairs(struct form *f, unsigned takes, struct span *s, struct usage_query *out,
                       struct buf *sentence)
{
    struct str name, value;
    int more;
    while ((more = form_next(f, &name, &value)) == 1)
        if (!read_pair(name, value, takes, s, out, sentence))
            return false;
    if (more < 0)
        buf_add(sentence, S("The part behind the ? has a bad % escape."));
    return more == 0;
}

bool usage_query_read(struct str query, unsigned takes, int64_t now_ms, struct usage_query *out,
                      struct buf *sentence)
{
    const int64_t week_ms = 7LL * 24 * 60 * MINUTE_MS;
    struct span s = {now_ms > week_ms ? now_ms - week_ms : 0, now_ms, now_ms};
    struct usage_query q = {.n = USAGE_N_USUAL};
    struct form f;
    char *room = mem_new(query.len + 1);
    q.report.by = REPORT_BY_MODEL | (takes & USAGE_BY ? REPORT_BY_LANE : 0);
    q.report.rows_most = USAGE_ROWS_MOST;
    form_init(&f, query, room);
    bool good = read_pairs(&f, takes, &s, &q, sentence);
    mem_free(room);
    if (good && s.since_ms >= s.until_ms) {
        buf_add(sentence, S("since must be before until."));
        good = false;
    }
    if (!good)
        return false;
    q.report.from = (uint32_t)(s.since_ms / MINUTE_MS);
    q.report.until = (uint32_t)((s.until_ms + MINUTE_MS - 1) / MINUTE_MS);
    *out = q;
    return true;
}
