/* SPDX-License-Identifier: Apache-2.0
 *
 * Points out of reports. Items that have period and dimensions in common are a group and share one
 * report, whose rows are then exactly the series that they ask for. The span is walked in windows,
 * in the order in which the points are told; in each window every group's reports are made one
 * after the other, and the points found are put into that order. So a page may end behind any
 * point, and never more than a window waits in memory.
 *
 *     from |----------|----------|----------|---- until      windows
 *          |--|--|--|--|--|--|--|--|--|--|--|--|              periods, begun at `from`
 *
 * A period begins at StartTime, as CloudWatch has it. Where these are not multiples of the period
 * since 1970, which is how reports cut time, each one is a report of its own.
 */
#include "query.h"

#include "weir/base/mem.h"

#include <stdlib.h>

enum {
    WINDOW_POINTS = 4096, /* about; of all items, by the shortest period */
    PERIODS_LEAST = 8,
    PERIODS_MOST = 1440,
    ROWS_WANTED = 2048, /* of a report: its rows are memory */
    FIRST_CHUNK = 16
};

struct group {
    uint32_t period;
    unsigned by;
    size_t first, n;        /* of `order` */
    uint32_t at, end;       /* periods of this window still to do */
    uint32_t chunk, asking; /* periods of a report: the next one, this one */
};

struct found {
    uint32_t minute;
    unsigned item;
    double value;
};

struct query_run {
    const struct query *q;
    const struct query_item **order; /* those that can have data, by period, dimensions, series */
    struct group *groups;
    size_t n_groups, group; /* the one at hand */
    struct query_result *results;
    struct found *found; /* of this window */
    size_t n_found, cap_found, n_points;
    uint32_t until; /* nothing is to be found from here on */
    uint32_t window_minutes, window, n_windows;
    struct report_query asked;
    bool useless; /* the report is of a longer span, and cannot be cut */
    bool done, cut;
    struct found next; /* when cut: what the next page begins with */
};

/* --- items to groups */

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Only what is asked for counts. */
static int series_order(const struct series *a, const struct series *b, unsigned by)
{
    int order = by & REPORT_BY_CLIENT ? str_cmp(a->client, b->client) : 0;
    if (!order && by & REPORT_BY_WORKLOAD)
        order = str_cmp(a->workload, b->workload);
    if (!order && by & REPORT_BY_MODEL)
        order = str_cmp(a->model, b->model);
    return order || !(by & REPORT_BY_LANE) ? order : compare(a->lane, b->lane);
}

static int item_order(const void *x, const void *y)
{
    const struct query_item *a = *(const struct query_item *const *)x;
    const struct query_item *b = *(const struct query_item *const *)y;
    int order = compare(a->period, b->period);
    if (!order)
        order = compare(a->by, b->by);
    return order ? order : series_order(&a->series, &b->series, a->by);
}

static void make_groups(struct query_run *r, size_t n)
{
    qsort(r->order, n, sizeof(struct query_item *), item_order);
    for (size_t i = 0; i < n; i++) {
        const struct query_item *it = r->order[i];
        struct group *g = r->n_groups ? &r->groups[r->n_groups - 1] : NULL;
        if (!g || g->period != it->period || g->by != it->by) {
            g = &r->groups[r->n_groups++];
            *g = (struct group){
                .period = it->period, .by = it->by, .first = i, .chunk = FIRST_CHUNK};
        }
        g->n++;
    }
}

static void make_windows(struct query_run *r, size_t n)
{
    uint64_t periods = WINDOW_POINTS / n;
    periods = periods < PERIODS_LEAST ? PERIODS_LEAST : periods;
    periods = periods > PERIODS_MOST ? PERIODS_MOST : periods;
    uint64_t minutes = periods * r->order[0]->period;
    r->window_minutes = minutes > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)minutes;
    r->n_windows =
        (uint32_t)(((uint64_t)r->until - r->q->from + r->window_minutes - 1) / r->window_minutes);
}

/* Minutes from the start: a period that begins earlier ends before the book begins. */
static uint32_t known_from(const struct query *q, uint32_t period)
{
    uint64_t reached = (uint64_t)q->from + period;
    return q->oldest > reached ? (uint32_t)(q->oldest - reached) : 0;
}

/* The windows that the book cannot know, and those that earlier pages have told. */
static void skip_windows(struct query_run *r, uint32_t longest)
{
    const struct query *q = r->q;
    uint32_t first = known_from(q, longest) / r->window_minutes;
    uint32_t at = q->resume_minute > q->from ? (q->resume_minute - q->from) / r->window_minutes : 0;
    if (q->ascending)
        r->window = q->resumes && at > first ? at : first;
    else if (q->resumes && at < r->n_windows)
        r->window = r->n_windows - 1 - at;
    if (!q->ascending)
        r->n_windows -= first < r->n_windows ? first : r->n_windows;
}

struct query_run *query_run_new(const struct query *q)
{
    struct query_run *r = mem_new(sizeof *r);
    size_t n = 0;
    r->q = q;
    r->until = q->until < q->newest ? q->until : q->newest;
    r->order = mem_new((q->n_items + 1) * sizeof(struct query_item *));
    r->groups = mem_new((q->n_items + 1) * sizeof *r->groups);
    r->results = mem_new((q->n_items + 1) * sizeof *r->results);
    for (size_t i = 0; i < q->n_items; i++)
        if (!q->items[i].nothing && !q->items[i].hidden)
            r->order[n++] = &q->items[i];
    if (n == 0 || q->from >= r->until) {
        r->done = true;
        return r;
    }
    make_groups(r, n);
    make_windows(r, n);
    skip_windows(r, r->order[n - 1]->period);
    r->group = r->n_groups;
    return r;
}

void query_run_free(struct query_run *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->q->n_items; i++) {
        mem_free(r->results[i].minutes);
        mem_free(r->results[i].values);
    }
    mem_free(r->results);
    mem_free(r->found);
    mem_free(r->groups);
    mem_free(r->order);
    mem_free(r);
}

/* --- windows */

/* The first period that begins at or behind `minutes` from the start. */
static uint32_t period_from(uint32_t minutes, uint32_t period)
{
    return (uint32_t)(((uint64_t)minutes + period - 1) / period);
}

static bool open_window(struct query_run *r)
{
    if (r->window >= r->n_windows)
        return false;
    uint32_t all = r->until - r->q->from;
    uint32_t last = (all - 1) / r->window_minutes;
    uint32_t nth = r->q->ascending ? r->window : last - r->window;
    uint32_t begin = nth * r->window_minutes;
    uint32_t end = nth == last ? all : begin + r->window_minutes;
    for (size_t i = 0; i < r->n_groups; i++) {
        struct group *g = &r->groups[i];
        uint32_t known = known_from(r->q, g->period);
        g->at = period_from(begin > known ? begin : known, g->period);
        g->end = period_from(end, g->period);
    }
    r->group = 0;
    r->window++;
    return true;
}

static int found_order(const void *x, const void *y)
{
    const struct found *a = x, *b = y;
    int order = compare(a->minute, b->minute);
    return order ? order : compare(a->item, b->item);
}

static int found_order_back(const void *x, const void *y)
{
    const struct found *a = x, *b = y;
    int order = compare(b->minute, a->minute);
    return order ? order : compare(a->item, b->item);
}

static bool told_before(const struct query_run *r, const struct found *f)
{
    const struct query *q = r->q;
    const struct found resume = {.minute = q->resume_minute, .item = q->resume_item};
    return q->resumes &&
           (q->ascending ? found_order(f, &resume) : found_order_back(f, &resume)) < 0;
}

static void keep_point(struct query_run *r, const struct found *f)
{
    struct query_result *result = &r->results[f->item];
    if (result->n == result->cap) {
        result->cap = result->cap ? 2 * result->cap : 16;
        result->minutes = mem_grow(result->minutes, result->cap * sizeof *result->minutes);
        result->values = mem_grow(result->values, result->cap * sizeof *result->values);
    }
    result->minutes[result->n] = f->minute;
    result->values[result->n++] = f->value;
    r->n_points++;
}

/* What was found in the window, in its order, as far as the page has room. */
static void close_window(struct query_run *r)
{
    if (r->n_found)
        qsort(r->found, r->n_found, sizeof *r->found,
              r->q->ascending ? found_order : found_order_back);
    for (size_t i = 0; i < r->n_found && !r->cut; i++) {
        if (told_before(r, &r->found[i]))
            continue;
        if (r->n_points == r->q->most_points) {
            r->cut = true;
            r->next = r->found[i];
        } else {
            keep_point(r, &r->found[i]);
        }
    }
    r->n_found = 0;
}

/* --- reports */

static void ask(struct query_run *r, struct group *g)
{
    const struct query *q = r->q;
    bool aligned = q->from % g->period == 0;
    uint32_t left = g->end - g->at;
    g->asking = !aligned ? 1 : g->chunk < left ? g->chunk : left;
    uint64_t until = q->from + ((uint64_t)g->at + g->asking) * g->period;
    r->asked = (struct report_query){.from = q->from + g->at * g->period,
                                     .until = until < q->until ? (uint32_t)until : q->until,
                                     .period = aligned ? g->period : 0,
                                     .by = g->by,
                                     .samples = true};
}

bool query_run_next(struct query_run *r, struct report_query *out)
{
    while (!r->done) {
        for (; r->group < r->n_groups; r->group++) {
            struct group *g = &r->groups[r->group];
            if (g->at >= g->end)
                continue;
            ask(r, g);
            *out = r->asked;
            return true;
        }
        close_window(r);
        r->done = r->cut || !open_window(r);
    }
    return false;
}

static bool percentile(const struct query_stat *stat, const struct measured *m, double *out)
{
    bool all_one = m->ranged && m->least >= m->most;
    if (!m->times && !all_one)
        return false;
    *out = m->times ? (double)histogram_at(m->times, stat->permille) / 1000 : m->least;
    return true;
}

static bool tell(const struct query_stat *stat, const struct measured *m, double *out)
{
    switch (stat->kind) {
    case QUERY_SAMPLES:
        *out = (double)m->samples;
        return true;
    case QUERY_AVERAGE:
        *out = m->sum / (double)m->samples;
        return true;
    case QUERY_SUM:
        *out = m->sum;
        return true;
    case QUERY_LEAST:
        *out = m->least;
        return m->ranged;
    case QUERY_MOST:
        *out = m->most;
        return m->ranged;
    case QUERY_PERCENTILE:
        return percentile(stat, m, out);
    }
    return false;
}

static void find_point(struct query_run *r, const struct query_item *it, uint32_t minute,
                       const struct rollup *sum)
{
    struct measured m;
    struct found f = {.minute = minute, .item = (unsigned)(it - r->q->items)};
    if (!measure_read(it->measure, sum, &m))
        return;
    if (!tell(&it->stat, &m, &f.value)) {
        r->results[f.item].unsaid = true;
        return;
    }
    if (r->n_found == r->cap_found) {
        r->cap_found = r->cap_found ? 2 * r->cap_found : 64;
        r->found = mem_grow(r->found, r->cap_found * sizeof *r->found);
    }
    r->found[r->n_found++] = f;
}

/* The first item of the group that asks for this series, or the place where it would be. */
static size_t first_of(const struct query_run *r, const struct group *g, const struct series *s)
{
    size_t low = g->first, high = g->first + g->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series_order(&r->order[middle]->series, s, g->by) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where only hours are kept a report grows to whole ones. With periods its rows say when they
 * begin; without, its neighbours would tell the same hour again. */
void query_run_span(struct query_run *r, uint32_t from, uint32_t until)
{
    r->useless = !r->asked.period && (from < r->asked.from || until > r->asked.until);
}

void query_run_row(struct query_run *r, const struct report_row *row)
{
    const struct group *g = &r->groups[r->group];
    uint32_t minute = r->asked.period ? row->minute : r->asked.from;
    if (r->useless || minute < r->asked.from || minute >= r->asked.until)
        return;
    for (size_t i = first_of(r, g, &row->series); i < g->first + g->n; i++) {
        if (series_order(&r->order[i]->series, &row->series, g->by) != 0)
            return;
        find_point(r, r->order[i], minute, &row->sum);
    }
}

/* The next report of this group shall have about ROWS_WANTED rows. */
void query_run_taken(struct query_run *r, size_t n_rows)
{
    struct group *g = &r->groups[r->group];
    uint64_t chunk = (uint64_t)g->asking * ROWS_WANTED / (n_rows ? n_rows : 1);
    g->at += g->asking;
    g->chunk = chunk < 1 ? 1 : chunk > PERIODS_MOST ? PERIODS_MOST : (uint32_t)chunk;
}

bool query_run_shrink(struct query_run *r)
{
    struct group *g = &r->groups[r->group];
    g->chunk = g->asking / 2;
    return g->chunk > 0;
}

const struct query_result *query_run_result(const struct query_run *r, size_t item)
{
    return &r->results[item];
}

bool query_run_token(const struct query_run *r, struct buf *out)
{
    if (r->cut)
        buf_addf(out, "data-%x-%x", r->next.minute, r->next.item);
    return r->cut;
}
