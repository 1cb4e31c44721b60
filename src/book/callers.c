/* SPDX-License-Identifier: Apache-2.0
 *
 * A report of each day, so that memory holds the sums of one day and not of fourteen. A caller's
 * hours are numbers that are added up: the hour that a night has twice is one hour with both.
 */
#include "weir/book/callers.h"

#include "weir/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLICE = 5000,
    DAY_S = 86400,
    HOUR_S = 3600,
    NOON_S = DAY_S / 2,
    DAY_MINUTES = 1440,
    HOUR_MINUTES = 60,
    QUARTER_MINUTES = 15,
    RECORDS_MOST = 500000 /* that are looked at for one caller */
};

struct callers {
    struct caller *list;
    size_t n, cap;
    const struct callers_terms *terms;
};

/* --- the clock on the wall */

static int64_t wall_s(const struct callers_terms *t, int64_t utc_s)
{
    return utc_s + (t->zone ? tzif_offset(t->zone, utc_s) : 0);
}

/* Nights are numbered as days are, by the noon that they begin at. */
static int64_t night_of(const struct callers_terms *t, int64_t utc_s)
{
    return (wall_s(t, utc_s) - NOON_S) / DAY_S;
}

static int64_t first_night(const struct callers_terms *t)
{
    return night_of(t, t->now_ms / 1000) - (SUGGEST_NIGHTS - 1);
}

/* A zone's distance from UTC is looked up near that hour, twice: the first look may be on the wrong
 * side of a turn. */
int64_t callers_hour_ms(const struct callers_terms *t, unsigned night, unsigned hour)
{
    int64_t wall = (first_night(t) + night) * DAY_S + NOON_S + (int64_t)hour * HOUR_S;
    int64_t utc = wall - (wall_s(t, wall) - wall);
    return (wall - (wall_s(t, utc) - utc)) * 1000;
}

/* --- sums */

static unsigned to_come(const struct callers_terms *t)
{
    int64_t since_noon_s = wall_s(t, t->now_ms / 1000) - NOON_S;
    return SUGGEST_HOURS - (unsigned)(since_noon_s % DAY_S / HOUR_S);
}

static struct caller *caller_of(struct callers *c, const struct series *s)
{
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = series_cmp(&c->list[middle].series, s);
        if (order == 0)
            return &c->list[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 16;
        c->list = mem_grow(c->list, c->cap * sizeof *c->list);
    }
    memmove(c->list + low + 1, c->list + low, (c->n++ - low) * sizeof *c->list);
    char *at = mem_new(s->client.len + s->workload.len + s->model.len + 1);
    c->list[low] = (struct caller){.series = *s, .sums.to_come = to_come(c->terms)};
    struct str *const texts[] = {&c->list[low].series.client, &c->list[low].series.workload,
                                 &c->list[low].series.model};
    for (size_t i = 0; i < 3; i++) {
        if (texts[i]->len)
            memcpy(at, texts[i]->ptr, texts[i]->len);
        *texts[i] = str_from(at, texts[i]->len);
        at += texts[i]->len;
    }
    return &c->list[low];
}

/* In a job nothing is cached: all input is plain. */
static uint64_t batch_cost(const struct catalogue *c, struct str model, const struct usage *u)
{
    struct price price;
    struct usage plain = {0};
    if (catalogue_price(c, model, LANE_BATCH, &price) == UNPRICED)
        return 0;
    for (size_t i = 0; i < TOKENS; i++)
        plain.tokens[i == TOKEN_OUTPUT ? TOKEN_OUTPUT : TOKEN_INPUT] += u->tokens[i];
    return price_cost(&price, &plain);
}

static void add_row(struct callers *c, const struct report_row *row)
{
    const struct rollup *r = &row->sum;
    int64_t wall = wall_s(c->terms, (int64_t)row->minute * 60) - NOON_S;
    int64_t night = wall / DAY_S - first_night(c->terms);
    if (row->series.lane != LANE_ONDEMAND || night < 0 || night >= SUGGEST_NIGHTS)
        return;
    struct caller *caller = caller_of(c, &row->series);
    struct suggest_hour *h = &caller->sums.hours[night][wall % DAY_S / HOUR_S];
    h->requests += r->counts[ROLLUP_INVOCATIONS];
    h->fit += r->counts[ROLLUP_BATCH_FIT];
    h->streams += r->histograms[ROLLUP_FIRST_US].count;
    h->cost_nanousd += r->cost_nanousd;
    h->batch_nanousd += batch_cost(c->terms->catalogue, row->series.model, &r->usage);
}

/* Hours of the book are UTC's; where a zone's are not, quarters of hours are. */
static int read_day(struct callers *c, struct store *s, uint32_t from)
{
    int64_t noon_s = callers_hour_ms(c->terms, 0, 0) / 1000;
    const struct report_query q = {.from = from,
                                   .until = from + DAY_MINUTES,
                                   .period = noon_s % HOUR_S ? QUARTER_MINUTES : HOUR_MINUTES,
                                   .by = REPORT_BY_CLIENT | REPORT_BY_WORKLOAD | REPORT_BY_MODEL |
                                         REPORT_BY_LANE};
    struct report *r = report_new(&q);
    size_t n = 0;
    int more;
    while ((more = report_step(r, s, SLICE)) == 1) {
    }
    const struct report_row *rows = more ? NULL : report_rows(r, &n);
    for (size_t i = 0; i < n; i++)
        add_row(c, &rows[i]);
    report_free(r);
    return more;
}

int callers_read(struct store *s, const struct callers_terms *t, struct callers **out)
{
    struct callers *c = mem_new(sizeof *c);
    c->terms = t;
    uint32_t from = (uint32_t)(callers_hour_ms(t, 0, 0) / 60000);
    uint32_t until = (uint32_t)(t->now_ms / 60000) + 1;
    int err = 0;
    for (; !err && from < until; from += DAY_MINUTES)
        err = read_day(c, s, from);
    if (err) {
        callers_free(c);
        return err;
    }
    *out = c;
    return 0;
}

void callers_free(struct callers *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        mem_free((char *)(uintptr_t)c->list[i].series.client.ptr); /* one piece with the others */
    mem_free(c->list);
    mem_free(c);
}

struct caller *callers_list(const struct callers *c, size_t *out_n)
{
    *out_n = c->n;
    return c->list;
}

/* --- single requests */

struct times {
    int64_t *begins, *ends;
    size_t n, cap;
};

static void add_time(struct times *t, const struct record *r)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 1024;
        t->begins = mem_grow(t->begins, t->cap * sizeof *t->begins);
        t->ends = mem_grow(t->ends, t->cap * sizeof *t->ends);
    }
    t->begins[t->n] = r->time_ms - (int64_t)(r->latency_us / 1000);
    t->ends[t->n++] = r->time_ms;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Who ends in the millisecond in which another begins was before it. */
static unsigned peak_of(struct times *t)
{
    size_t ended = 0, most = 0;
    if (t->n == 0)
        return 0;
    qsort(t->begins, t->n, sizeof *t->begins, by_time);
    qsort(t->ends, t->n, sizeof *t->ends, by_time);
    for (size_t i = 0; i < t->n; i++) {
        while (ended < t->n && t->ends[ended] <= t->begins[i] && ended < i)
            ended++;
        if (i + 1 - ended > most)
            most = i + 1 - ended;
    }
    return (unsigned)most;
}

static bool is_of(const struct record *r, const struct series *who)
{
    return r->flags & RECORD_INVOCATION && r->lane == LANE_ONDEMAND &&
           str_eq(r->client, who->client) && str_eq(r->workload, who->workload) &&
           str_eq(r->model, who->model);
}

struct span {
    int64_t until_ms;
    unsigned char from[8 + RECORD_ID_BYTES];
    size_t from_len, left;
};

/* 1: there is more. */
static int read_slice(struct store *s, const struct series *who, struct span *span,
                      struct times *out)
{
    struct store_txn *txn;
    struct store_walk w;
    struct record r;
    size_t left = SLICE;
    int err = store_begin(s, false, &txn);
    if (err)
        return err;
    store_walk_init(&w, txn, TABLE_RECORDS);
    err = store_walk_from(&w, str_from((char *)span->from, span->from_len));
    while (!err && w.key.len == sizeof span->from && left && span->left &&
           (int64_t)store_get_u64(w.key.ptr) < span->until_ms) {
        if (record_read(w.value, &r) == 0 && is_of(&r, who))
            add_time(out, &r);
        left--;
        span->left--;
        err = store_walk_next(&w);
    }
    bool more = !err && !left && span->left && w.key.len == sizeof span->from;
    if (more) {
        memcpy(span->from, w.key.ptr, sizeof span->from);
        span->from_len = sizeof span->from;
    }
    store_walk_fini(&w);
    store_abort(txn);
    return err == ERR_NOT_FOUND ? 0 : err ? err : more;
}

int callers_at_once(struct store *s, const struct series *who, int64_t from_ms, int64_t until_ms,
                    unsigned *out)
{
    struct times t = {0};
    struct span span = {.until_ms = until_ms, .from_len = 8, .left = RECORDS_MOST};
    int more;
    store_put_u64(span.from, (uint64_t)from_ms);
    while ((more = read_slice(s, who, &span, &t)) == 1) {
    }
    if (!more)
        *out = peak_of(&t);
    mem_free(t.begins);
    mem_free(t.ends);
    return more;
}
