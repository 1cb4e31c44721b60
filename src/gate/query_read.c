/* SPDX-License-Identifier: Apache-2.0
 *
 * From the tree to a checked request. The reader's fault sticks: every step may be called behind a
 * failed one, and the first sentence is the one that is told. Single values: query_leaf.c.
 *
 * What CloudWatch would answer with no data (an unknown metric, namespace, dimension or unit) is no
 * fault here either. Its rules are those of its API reference, November 2026.
 */
#include "query_leaf.h"

#include "weir/base/mem.h"
#include "weir/base/text.h"

#include <math.h>
#include <stdio.h>

enum {
    ARENA_BYTES = 4 * QUERY_BODY_MOST,
    NAME_MOST = 255,
    VALUE_MOST = 1024,
    TEXT_MOST = 2048,
    DAY_MINUTES = 24 * 60,
    LISTED_DAYS = 14, /* ListMetrics knows what had data in two weeks */
    RECENT_MINUTES = 180
};

static const struct {
    unsigned by;
    struct str name;
} dimensions[QUERY_DIMENSIONS] = {{REPORT_BY_MODEL, STR("ModelId")},
                                  {REPORT_BY_CLIENT, STR("Client")},
                                  {REPORT_BY_LANE, STR("Lane")},
                                  {REPORT_BY_WORKLOAD, STR("Workload")}};

struct str query_dimension_name(unsigned by)
{
    for (size_t i = 0; i < QUERY_DIMENSIONS; i++)
        if (dimensions[i].by == by)
            return dimensions[i].name;
    return S("");
}

static unsigned dimension_of(struct str name)
{
    for (size_t i = 0; i < QUERY_DIMENSIONS; i++)
        if (str_eq(dimensions[i].name, name))
            return dimensions[i].by;
    return 0;
}

struct str query_dimension_value(const struct series *s, unsigned by)
{
    switch ((enum report_by)by) {
    case REPORT_BY_CLIENT:
        return s->client;
    case REPORT_BY_WORKLOAD:
        return s->workload;
    case REPORT_BY_MODEL:
        return s->model;
    case REPORT_BY_LANE:
        return lane_word(s->lane);
    }
    return S("");
}

static const struct str actions[QUERY_ACTIONS] = {[QUERY_METRIC_DATA] = STR("GetMetricData"),
                                                  [QUERY_METRIC_STATISTICS] =
                                                      STR("GetMetricStatistics"),
                                                  [QUERY_LIST_METRICS] = STR("ListMetrics")};

struct str query_action_word(enum query_action action)
{
    return actions[action];
}

bool query_action_of(struct str word, enum query_action *out)
{
    for (unsigned i = 0; i < QUERY_ACTIONS; i++)
        if (str_eq(actions[i], word)) {
            *out = (enum query_action)i;
            return true;
        }
    return false;
}

void query_fini(struct query *q)
{
    mem_free(q->items);
    arena_fini(&q->arena);
    *q = (struct query){0};
}

/* --- times */

static uint32_t minutes_of(double s)
{
    double m = s / 60;
    return m < 0 ? 0 : m > UINT32_MAX ? UINT32_MAX : (uint32_t)m;
}

/* Rounded down as CloudWatch does: to a minute, for older times to five or to an hour. */
static uint32_t round_start(uint32_t start, uint32_t now)
{
    uint32_t age = now > start ? now - start : 0;
    uint32_t step = age > 63 * DAY_MINUTES ? 60 : age > 15 * DAY_MINUTES ? 5 : 1;
    return start - start % step;
}

/* EndTime is not included: a minute that begins before it is. */
static void read_span(struct query_reader *r, const cJSON *o)
{
    double start = query_leaf_seconds(r, o, "StartTime"), end = query_leaf_seconds(r, o, "EndTime");
    if (r->f->error)
        return;
    if (start >= end) {
        query_fail(r->f, QUERY_BAD_COMBINATION,
                   "The parameter StartTime must be less than the parameter EndTime.");
        return;
    }
    r->q->from = round_start(minutes_of(start), r->now);
    r->q->until = minutes_of(ceil(end / 60) * 60);
    r->q->newest = r->now + 1;
    r->q->oldest = r->now > QUERY_REACH_MINUTES ? r->now - QUERY_REACH_MINUTES : 0;
}

static uint32_t read_period(struct query_reader *r, const cJSON *o)
{
    uint64_t s = query_leaf_whole(r, o, "Period", 0);
    if (!query_leaf_at(o, "Period"))
        query_leaf_missing(r, "Period");
    else if (s == 0 || s % 60)
        query_leaf_bad(r, "Period", "must be 60 seconds or a multiple of them");
    return s >= 60 ? (uint32_t)(s / 60) : 1;
}

/* --- statistics */

/* "p99", "p99.9": thousandths. */
static bool read_percentile(struct str s, unsigned *out_permille)
{
    uint64_t n, tenths = 0;
    if (!str_starts(s, S("p")))
        return false;
    struct str rest = str_from_offset(s, 1), head = str_cut(&rest, '.');
    if (!text_u64(head, &n) || n > 100)
        return false;
    while (rest.len > 1 && rest.ptr[rest.len - 1] == '0')
        rest.len--;
    if (rest.ptr && (rest.len != 1 || !text_u64(rest, &tenths)))
        return false;
    *out_permille = (unsigned)(n * 10 + tenths);
    return *out_permille <= 1000;
}

static struct query_stat read_stat(struct query_reader *r, const char *name, struct str word)
{
    static const struct str plain[] = {
        [QUERY_SAMPLES] = STR("SampleCount"),
        [QUERY_AVERAGE] = STR("Average"),
        [QUERY_SUM] = STR("Sum"),
        [QUERY_LEAST] = STR("Minimum"),
        [QUERY_MOST] = STR("Maximum"),
    };
    struct query_stat stat = {.word = word};
    for (unsigned i = 0; i < QUERY_PERCENTILE; i++)
        if (str_eq(word, plain[i])) {
            stat.kind = (enum query_stat_kind)i;
            return stat;
        }
    stat.kind = QUERY_PERCENTILE;
    if (!read_percentile(word, &stat.permille))
        query_fail(r->f, QUERY_BAD_VALUE,
                   "The value %.*s for parameter %s is not supported: Weir tells SampleCount, "
                   "Average, Sum, Minimum, Maximum, and percentiles like p99 and p99.9.",
                   STR_ARG(str_sub(word, 0, 100)), name);
    return stat;
}

/* --- metrics */

static bool our_namespace(const struct query_reader *r, struct str name)
{
    return str_eq(name, S("Weir")) || str_eq(name, S("AWS/Bedrock")) ||
           (r->env->namespace.len && str_eq(name, r->env->namespace));
}

static void set_dimension(struct query_item *it, unsigned by, struct str value)
{
    it->by |= by;
    if (by == REPORT_BY_MODEL)
        it->series.model = value;
    else if (by == REPORT_BY_CLIENT)
        it->series.client = value;
    else if (by == REPORT_BY_WORKLOAD)
        it->series.workload = value;
    else if (by != REPORT_BY_LANE)
        it->nothing = true;
    else
        for (it->series.lane = 0; !str_eq(lane_word(it->series.lane), value); it->series.lane++)
            if (it->series.lane + 1 == LANES) {
                it->nothing = true;
                return;
            }
}

static void read_dimensions(struct query_reader *r, const cJSON *o, struct query_item *it)
{
    const cJSON *e = query_leaf_elements(r, o, "Dimensions", QUERY_DIMENSIONS_MOST);
    for (; e && !r->f->error; e = e->next) {
        struct str name = query_leaf_text_needed(r, e, "Name", NAME_MOST);
        struct str value = query_leaf_text_needed(r, e, "Value", VALUE_MOST);
        unsigned by = dimension_of(name);
        if (by & it->by)
            query_fail(r->f, QUERY_BAD_VALUE, "The dimension %.*s is given twice.", STR_ARG(name));
        set_dimension(it, by, value);
    }
}

/* Namespace, MetricName, Dimensions of `o`, Unit of `unit`. */
static void read_metric(struct query_reader *r, const cJSON *o, const cJSON *unit,
                        struct query_item *it)
{
    it->namespace = query_leaf_text_needed(r, o, "Namespace", NAME_MOST);
    it->metric = query_leaf_text_needed(r, o, "MetricName", NAME_MOST);
    it->measure = measure_find(it->metric);
    read_dimensions(r, o, it);
    struct str word = query_leaf_text(r, unit, "Unit", NAME_MOST);
    if (!our_namespace(r, it->namespace) || !it->measure ||
        (word.len && !str_eq(word, it->measure->unit)))
        it->nothing = true;
}

static void new_items(struct query *q, size_t n)
{
    q->items = mem_new(n * sizeof *q->items);
}

/* --- GetMetricData */

static bool id_ok(struct str id)
{
    if (!id.len || id.ptr[0] < 'a' || id.ptr[0] > 'z')
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return true;
}

static void read_id(struct query_reader *r, const cJSON *o, struct query_item *it)
{
    it->id = query_leaf_text_needed(r, o, "Id", NAME_MOST);
    if (!r->f->error && !id_ok(it->id))
        query_leaf_bad(r, "Id",
                       "must begin with a small letter, and have letters, digits and _ only");
    for (const struct query_item *other = r->q->items; other < it; other++)
        if (str_eq(other->id, it->id))
            query_fail(r->f, QUERY_BAD_VALUE, "The Id %.*s is used twice.", STR_ARG(it->id));
}

/* It is a MetricStat, or nothing that Weir answers. */
static const cJSON *metric_stat(struct query_reader *r, const cJSON *o, const struct query_item *it)
{
    const cJSON *stat = query_leaf_at(o, "MetricStat");
    struct str expression = query_leaf_text(r, o, "Expression", TEXT_MOST);
    if (expression.len && stat)
        query_fail(r->f, QUERY_BAD_COMBINATION,
                   "The query %.*s has both a MetricStat and an Expression.", STR_ARG(it->id));
    else if (expression.len)
        query_fail(
            r->f, QUERY_BAD_VALUE,
            "Weir answers no expressions (the query %.*s has one: %.*s). Ask for each metric "
            "by a MetricStat of its own, with the exact dimensions that ListMetrics shows.",
            STR_ARG(it->id), STR_ARG(str_sub(expression, 0, 120)));
    else if (!stat)
        query_leaf_missing(r, "MetricStat");
    return stat;
}

static void read_data_query(struct query_reader *r, const cJSON *o, struct query_item *it)
{
    read_id(r, o, it);
    it->label = query_leaf_text(r, o, "Label", TEXT_MOST);
    it->hidden = !query_leaf_flag(r, o, "ReturnData", true);
    const cJSON *stat = metric_stat(r, o, it);
    if (!r->f->error && !query_leaf_at(stat, "Metric"))
        query_leaf_missing(r, "MetricStat.Metric");
    if (r->f->error)
        return;
    read_metric(r, query_leaf_at(stat, "Metric"), stat, it);
    it->period = read_period(r, stat);
    it->stat = read_stat(r, "Stat", query_leaf_text_needed(r, stat, "Stat", NAME_MOST));
}

static bool take_hex(struct str *rest, uint32_t *out)
{
    struct str word = str_cut(rest, '-');
    uint32_t n = 0;
    if (word.len == 0 || word.len > 8)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        n = n << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = n;
    return true;
}

/* "KIND-x-x". False also when there is none. */
static bool read_token(struct query_reader *r, const cJSON *o, const char *kind, uint32_t *a,
                       uint32_t *b)
{
    struct str token = query_leaf_text(r, o, "NextToken", TEXT_MOST), rest = token;
    if (!token.len)
        return false;
    if (str_eq(str_cut(&rest, '-'), str_of(kind)) && take_hex(&rest, a) && take_hex(&rest, b) &&
        !rest.ptr)
        return true;
    query_fail(r->f, QUERY_BAD_TOKEN, "The NextToken is none of Weir's for this operation.");
    return false;
}

static void read_paging(struct query_reader *r, const cJSON *o)
{
    struct query *q = r->q;
    uint32_t item = 0;
    uint64_t most = query_leaf_whole(r, o, "MaxDatapoints", QUERY_POINTS_MOST);
    struct str order = query_leaf_text(r, o, "ScanBy", NAME_MOST);
    if (most == 0 || most > QUERY_POINTS_MOST)
        query_leaf_bad(r, "MaxDatapoints", "must be from 1 to 100800");
    q->most_points = (uint32_t)most;
    q->ascending = str_eq(order, S("TimestampAscending"));
    if (order.len && !q->ascending && !str_eq(order, S("TimestampDescending")))
        query_leaf_bad(r, "ScanBy", "must be TimestampDescending or TimestampAscending");
    q->resumes = read_token(r, o, "data", &q->resume_minute, &item);
    q->resume_item = item;
}

static void read_metric_data(struct query_reader *r, const cJSON *o)
{
    const cJSON *e = query_leaf_elements(r, o, "MetricDataQueries", QUERY_ITEMS_MOST);
    if (!e && !r->f->error)
        query_leaf_missing(r, "MetricDataQueries");
    read_span(r, o);
    read_paging(r, o);
    new_items(r->q, QUERY_ITEMS_MOST);
    for (; e && !r->f->error; e = e->next)
        read_data_query(r, e, &r->q->items[r->q->n_items++]);
}

/* --- GetMetricStatistics: an item for each statistic */

static void add_statistics(struct query_reader *r, const cJSON *o, const char *name, size_t most,
                           const struct query_item *like)
{
    const cJSON *e = query_leaf_elements(r, o, name, most);
    for (; e && !r->f->error; e = e->next) {
        struct query_item *it = &r->q->items[r->q->n_items];
        *it = *like;
        struct str word =
            cJSON_IsString(e) ? arena_dup(&r->q->arena, str_of(e->valuestring)) : S("");
        it->stat = read_stat(r, name, word);
        if ((it->stat.kind == QUERY_PERCENTILE) != str_starts(str_of(name), S("Extended")))
            query_leaf_bad(r, name,
                           "is one of the other list's: percentiles are ExtendedStatistics");
        for (const struct query_item *other = r->q->items; other < it; other++)
            if (str_eq(other->stat.word, word))
                it = NULL;
        r->q->n_items += it != NULL;
    }
}

static void read_metric_statistics(struct query_reader *r, const cJSON *o)
{
    enum { STATISTICS_MOST = 5, EXTENDED_MOST = 10 };
    struct query *q = r->q;
    struct query_item like = {0};
    read_metric(r, o, o, &like);
    read_span(r, o);
    like.period = read_period(r, o);
    new_items(q, STATISTICS_MOST + EXTENDED_MOST + 1);
    add_statistics(r, o, "Statistics", STATISTICS_MOST, &like);
    size_t n_plain = q->n_items;
    add_statistics(r, o, "ExtendedStatistics", EXTENDED_MOST, &like);
    if (n_plain && q->n_items > n_plain)
        query_fail(r->f, QUERY_BAD_COMBINATION,
                   "Ask for Statistics or ExtendedStatistics, not for both at once.");
    if (!q->n_items)
        query_fail(r->f, QUERY_BAD_COMBINATION,
                   "At least one of the parameters Statistics and ExtendedStatistics must be "
                   "specified.");
    uint64_t points = ((uint64_t)q->until - q->from + like.period - 1) / like.period;
    if (points > QUERY_STATISTICS_MOST)
        query_fail(r->f, QUERY_BAD_COMBINATION,
                   "You have requested up to %llu datapoints, which exceeds the limit of %d. You "
                   "may reduce the datapoints requested by increasing Period, or decreasing the "
                   "time range.",
                   (unsigned long long)points, QUERY_STATISTICS_MOST);
    q->ascending = true;
    q->most_points = QUERY_POINTS_MOST;
}

/* --- ListMetrics */

static void read_filters(struct query_reader *r, const cJSON *o)
{
    struct query *q = r->q;
    const cJSON *e = query_leaf_elements(r, o, "Dimensions", QUERY_FILTERS_MOST);
    for (; e && !r->f->error; e = e->next) {
        struct query_filter *filter = &q->filters[q->n_filters++];
        filter->by = dimension_of(query_leaf_text_needed(r, e, "Name", NAME_MOST));
        struct str value = query_leaf_text(r, e, "Value", VALUE_MOST);
        filter->value = value.len ? value : (struct str){NULL, 0};
        if (!filter->by)
            q->nothing = true;
    }
}

static void read_list(struct query_reader *r, const cJSON *o)
{
    struct query *q = r->q;
    uint32_t until = r->now + 1;
    struct str recent = query_leaf_text(r, o, "RecentlyActive", NAME_MOST);
    q->namespace = query_leaf_text(r, o, "Namespace", NAME_MOST);
    q->metric = query_leaf_text(r, o, "MetricName", NAME_MOST);
    q->measure = measure_find(q->metric);
    q->accounts = query_leaf_flag(r, o, "IncludeLinkedAccounts", false);
    read_filters(r, o);
    if (recent.len && !str_eq(recent, S("PT3H")))
        query_leaf_bad(r, "RecentlyActive", "can only be PT3H");
    (void)read_token(r, o, "list", &until, &q->skip);
    if (until > r->now + 1)
        query_fail(r->f, QUERY_BAD_TOKEN, "The NextToken is none of Weir's.");
    if ((q->namespace.len && !our_namespace(r, q->namespace)) || (q->metric.len && !q->measure))
        q->nothing = true;
    if (!q->namespace.len)
        q->namespace = r->env->namespace.len ? arena_dup(&q->arena, r->env->namespace) : S("Weir");
    uint32_t reach = recent.len ? RECENT_MINUTES : LISTED_DAYS * DAY_MINUTES;
    q->until = until;
    q->from = until > reach ? until - reach : 0;
    if (!recent.len)
        q->from -= q->from % DAY_MINUTES;
}

bool query_read(struct query *q, enum query_action action, const cJSON *tree,
                const struct query_env *env, struct query_fault *f)
{
    struct query_reader r = {q, env, f, minutes_of((double)env->now_ms / 1000)};
    arena_init(&q->arena, ARENA_BYTES);
    q->action = action;
    switch (action) {
    case QUERY_METRIC_DATA:
        read_metric_data(&r, tree);
        break;
    case QUERY_METRIC_STATISTICS:
        read_metric_statistics(&r, tree);
        break;
    case QUERY_LIST_METRICS:
        read_list(&r, tree);
        break;
    case QUERY_ACTIONS:
        break;
    }
    if (q->arena.full)
        query_fail(f, QUERY_BAD_BODY, "The request is too large.");
    return !f->error;
}
