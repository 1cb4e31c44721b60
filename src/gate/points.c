/* SPDX-License-Identifier: Apache-2.0
 *
 * Names are kept sorted, each with a copy of its words; a minute's points are found through them.
 * Values are whole numbers and a count of decimals all the way, so that sums come out as they are.
 */
#include "weir/gate/points.h"

#include "weir/base/mem.h"

#include <assert.h>
#include <string.h>

enum { VALUE_MOST = 255, MS_DECIMALS = 3, USD_DECIMALS = 9, RATE_DECIMALS = 4 };

/* --- names */

struct name {
    struct str model, client, lane; /* in `text` */
    char *text;
    uint64_t minute; /* the last in which it had a point */
    size_t at;       /* ... and which that was */
};

struct points_names {
    struct name **sorted;
    size_t n, cap, most;
    struct name others[2]; /* by client, over all clients */
    uint64_t minute;       /* counts the calls of points_of */
};

struct points_names *points_names_new(uint64_t most_metrics)
{
    struct points_names *n = mem_new(sizeof *n);
    uint64_t most = most_metrics / MEASURES;
    n->most = most > 2 ? (size_t)most - 2 : 0;
    for (size_t i = 0; i < 2; i++)
        n->others[i] = (struct name){.model = S("other"), .lane = S("other")};
    n->others[0].client = S("other");
    return n;
}

void points_names_free(struct points_names *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n; i++) {
        mem_free(n->sorted[i]->text);
        mem_free(n->sorted[i]);
    }
    mem_free(n->sorted);
    mem_free(n);
}

/* Totals before clients; NULL and empty are not the same. */
static int compare(const struct name *a, const struct name *b)
{
    int c = (a->client.ptr != NULL) - (b->client.ptr != NULL);
    if (c == 0)
        c = str_cmp(a->model, b->model);
    if (c == 0)
        c = str_cmp(a->client, b->client);
    return c ? c : str_cmp(a->lane, b->lane);
}

/* Where it stands, or would. */
static size_t place_of(const struct points_names *n, const struct name *wanted, bool *found)
{
    size_t low = 0, high = n->n;
    *found = false;
    while (low < high && !*found) {
        size_t middle = (low + high) / 2;
        int c = compare(n->sorted[middle], wanted);
        *found = c == 0;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

static struct name *new_name(const struct name *like)
{
    struct name *name = mem_new(sizeof *name);
    *name = *like;
    name->text = mem_new(like->model.len + like->client.len + like->lane.len + 1);
    char *at = name->text;
    struct str *parts[] = {&name->model, &name->client, &name->lane};
    for (size_t i = 0; i < 3; i++) {
        if (!parts[i]->ptr)
            continue;
        memcpy(at, parts[i]->ptr, parts[i]->len);
        parts[i]->ptr = at;
        at += parts[i]->len;
    }
    return name;
}

static struct name *name_of(struct points_names *n, const struct name *wanted)
{
    bool found;
    size_t at = place_of(n, wanted, &found);
    if (found)
        return n->sorted[at];
    if (n->n >= n->most)
        return &n->others[wanted->client.ptr == NULL];
    if (n->n == n->cap) {
        n->cap = n->cap ? 2 * n->cap : 64;
        n->sorted = mem_grow(n->sorted, n->cap * sizeof *n->sorted);
    }
    memmove(n->sorted + at + 1, n->sorted + at, (n->n - at) * sizeof *n->sorted);
    n->n++;
    return n->sorted[at] = new_name(wanted);
}

/* --- points */

/* What CloudWatch takes for a dimension's value: printable ASCII, not empty or blank, no colon in
 * front (API reference, Dimension). Model ids come from clients. */
static struct str clean(struct str s, char room[VALUE_MOST])
{
    bool blank = true;
    size_t n = s.len < VALUE_MOST ? s.len : VALUE_MOST;
    for (size_t i = 0; i < n; i++) {
        room[i] = s.ptr[i] >= ' ' && s.ptr[i] <= '~' ? s.ptr[i] : '?';
        blank = blank && room[i] == ' ';
    }
    if (blank)
        return S("none");
    if (room[0] == ':')
        room[0] = '_';
    return str_from(room, n);
}

static void add(struct points_names *names, const struct name *wanted, const struct rollup *sum,
                struct points *out)
{
    struct name *name = name_of(names, wanted);
    if (name->minute != names->minute) {
        if (out->n == out->cap) {
            out->cap = out->cap ? 2 * out->cap : 16;
            out->at = mem_grow(out->at, out->cap * sizeof *out->at);
        }
        out->at[out->n] =
            (struct point){.model = name->model, .client = name->client, .lane = name->lane};
        name->minute = names->minute;
        name->at = out->n++;
    }
    rollup_merge(&out->at[name->at].sum, sum);
}

void points_of(struct points_names *names, const struct report_row *rows, size_t n,
               struct points *out)
{
    names->minute++;
    for (size_t i = 0; i < n; i++) {
        char model[VALUE_MOST], client[VALUE_MOST];
        const struct series *s = &rows[i].series;
        struct name wanted = {.model = clean(s->model, model), .lane = lane_word(s->lane)};
        add(names, &wanted, &rows[i].sum, out);
        wanted.client = clean(s->client, client);
        add(names, &wanted, &rows[i].sum, out);
    }
}

void points_fini(struct points *p)
{
    for (size_t i = 0; i < p->n; i++)
        rollup_fini(&p->at[i].sum);
    mem_free(p->at);
    *p = (struct points){0};
}

/* --- values */

static void push(struct point_values *v, int64_t value, uint64_t times)
{
    if (times == 0)
        return;
    if (v->n && v->at[v->n - 1].value == value) {
        v->at[v->n - 1].times += times;
        return;
    }
    if (v->n == v->cap) {
        v->cap = v->cap ? 2 * v->cap : 16;
        v->at = mem_grow(v->at, v->cap * sizeof *v->at);
    }
    v->at[v->n++] = (struct point_value){value, times};
}

static int64_t nearest(double d)
{
    return (int64_t)(d < 0 ? d - 0.5 : d + 0.5);
}

/* n samples that make exactly this sum: how it was spread is not in the book. */
static void spread(struct point_values *v, int64_t sum, uint64_t samples)
{
    int64_t n = (int64_t)samples, each = sum / n, rest = sum % n;
    if (rest < 0) {
        each--;
        rest += n;
    }
    push(v, each, (uint64_t)(n - rest));
    push(v, each + 1, (uint64_t)rest);
}

/* The least and the most are known as they were, the others to their cells. */
static void push_times(struct point_values *v, const struct histogram *h)
{
    push(v, (int64_t)h->least, 1);
    for (size_t i = 0; i < h->n; i++) {
        uint64_t us = histogram_value(h->cells[i].index), times = h->cells[i].count;
        us = us < h->least ? h->least : us > h->most ? h->most : us;
        times -= i == 0;
        times -= i == h->n - 1 && h->count > 1;
        push(v, (int64_t)us, times);
    }
    push(v, (int64_t)h->most, h->count > 1);
}

static bool uses_cache(const struct usage *u)
{
    return u->tokens[TOKEN_CACHE_READ] || u->tokens[TOKEN_CACHE_WRITE_5M] ||
           u->tokens[TOKEN_CACHE_WRITE_1H] || u->tokens[TOKEN_CACHE_WRITE_30M];
}

/* The least and the most as they were, the others so that the sum is right. */
static void push_queue(struct point_values *v, const struct measured *m, double parts)
{
    int64_t sum = nearest(m->sum * parts), least = nearest(m->least * parts);
    int64_t most = nearest(m->most * parts);
    if (m->samples == 1) {
        push(v, sum, 1);
        return;
    }
    push(v, least, 1);
    if (m->samples > 2)
        spread(v, sum - least - most, m->samples - 2);
    push(v, most, 1);
}

bool point_read(const struct measure *m, const struct rollup *r, struct point_values *out)
{
    struct measured got;
    out->n = 0;
    out->decimals = 0;
    if (!measure_read(m, r, &got))
        return false;
    switch (m->kind) {
    case MEASURE_COUNT:
        push(out, 1, got.samples);
        break;
    case MEASURE_TOKENS:
        if (got.sum > 0)
            spread(out, (int64_t)got.sum, got.samples);
        break;
    case MEASURE_TIMES:
        out->decimals = MS_DECIMALS;
        push_times(out, got.times);
        break;
    case MEASURE_RATE:
        out->decimals = RATE_DECIMALS;
        if (uses_cache(&r->usage))
            push(out, nearest(got.sum * 1e4), 1);
        break;
    case MEASURE_MONEY:
        out->decimals = USD_DECIMALS;
        if (got.sum != 0)
            spread(out, nearest(got.sum * 1e9), got.samples);
        break;
    case MEASURE_QUEUE:
        out->decimals = MS_DECIMALS;
        push_queue(out, &got, 1e3);
        break;
    }
    return out->n > 0;
}

void point_values_fini(struct point_values *v)
{
    mem_free(v->at);
    *v = (struct point_values){0};
}

int64_t point_sum(const struct point_values *v)
{
    int64_t sum = 0;
    for (size_t i = 0; i < v->n; i++)
        sum += v->at[i].value * (int64_t)v->at[i].times;
    return sum;
}

void point_add_number(struct buf *b, int64_t value, unsigned decimals)
{
    char digits[20];
    size_t n = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; decimals && left % 10 == 0; decimals--)
        left /= 10;
    if (value < 0)
        buf_add_char(b, '-');
    do {
        digits[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left || n <= decimals);
    assert(n <= sizeof digits);
    while (n) {
        if (n == decimals)
            buf_add_char(b, '.');
        buf_add_char(b, digits[--n]);
    }
}
