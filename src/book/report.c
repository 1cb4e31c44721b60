/* SPDX-License-Identifier: Apache-2.0
 *
 * A report reads rollups in the order of time and adds each to its group's row of that period. What
 * it must know in between is small: the piece of the span at hand, the key to go on from, and the
 * groups by name and by number of their series.
 */
#include "weir/book/report.h"

#include "cover.h"
#include "report_parts.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000 };
/* So that no sum of minutes leaves 32 bits: the year 9000 or so. */
static const uint32_t FAR_AWAY = UINT32_MAX / COVER_DAY * COVER_DAY - COVER_DAY;

struct report *report_new(const struct report_query *q)
{
    struct report *r = mem_new(sizeof *r);
    r->query = *q;
    if (r->query.until > FAR_AWAY)
        r->query.until = FAR_AWAY;
    if (!r->query.rows_most || r->query.rows_most > REPORT_ROWS_MOST)
        r->query.rows_most = REPORT_ROWS_MOST;
    return r;
}

void report_free(struct report *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_rows; i++)
        rollup_fini(&r->rows[i].sum);
    for (size_t i = 0; i < r->n_groups; i++)
        mem_free(r->groups[i]);
    rollup_fini(&r->total);
    mem_free(r->rows);
    mem_free(r->groups);
    mem_free(r->seen);
    mem_free(r->gaps);
    mem_free(r);
}

/* Room for one more behind `n`. */
static void *room(void *array, size_t n, size_t *cap, size_t each)
{
    if (n < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 16;
    return mem_grow(array, *cap * each);
}

/* --- groups */

static struct str keep(struct str s, char **at)
{
    struct str kept = {*at, s.len};
    if (s.len)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return kept;
}

static struct group *group_new(const struct series *s)
{
    struct group *g = mem_new(sizeof *g + s->client.len + s->workload.len + s->model.len);
    char *at = g->text;
    g->series = (struct series){.client = keep(s->client, &at),
                                .workload = keep(s->workload, &at),
                                .model = keep(s->model, &at),
                                .lane = s->lane};
    return g;
}

static struct group *group_of(struct report *r, const struct series *s)
{
    size_t low = 0, high = r->n_groups;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = series_cmp(&r->groups[middle]->series, s);
        if (order == 0)
            return r->groups[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    r->groups = room(r->groups, r->n_groups, &r->cap_groups, sizeof(*r->groups));
    memmove(r->groups + low + 1, r->groups + low, (r->n_groups - low) * sizeof(*r->groups));
    r->n_groups++;
    return r->groups[low] = group_new(s);
}

static int read_series(struct report *r, struct store_txn *t, uint32_t number, struct series *out)
{
    unsigned char key[4];
    struct str value;
    store_put_u32(key, number);
    int err = store_get(t, TABLE_SERIES, str_from((char *)key, sizeof key), &value);
    if (!err)
        err = series_read(value, out);
    if (err == ERR_NOT_FOUND || err == ERR_BAD) { /* its sums count all the same */
        *out = (struct series){S("(unknown)"), S("(unknown)"), S("(unknown)"), LANE_ONDEMAND};
        err = ERR_OK;
    }
    if (!(r->query.by & REPORT_BY_CLIENT))
        out->client = S("");
    if (!(r->query.by & REPORT_BY_WORKLOAD))
        out->workload = S("");
    if (!(r->query.by & REPORT_BY_MODEL))
        out->model = S("");
    if (!(r->query.by & REPORT_BY_LANE))
        out->lane = LANE_ONDEMAND;
    return err;
}

static int find_group(struct report *r, struct store_txn *t, uint32_t number, struct group **out)
{
    size_t low = 0, high = r->n_seen;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->seen[middle].number == number) {
            *out = r->seen[middle].group;
            return ERR_OK;
        }
        if (r->seen[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    struct series names;
    int err = read_series(r, t, number, &names);
    if (err)
        return err;
    r->seen = room(r->seen, r->n_seen, &r->cap_seen, sizeof *r->seen);
    memmove(r->seen + low + 1, r->seen + low, (r->n_seen - low) * sizeof *r->seen);
    r->n_seen++;
    *out = group_of(r, &names);
    r->seen[low] = (struct seen){number, *out};
    return ERR_OK;
}

/* --- rows */

/* Of its group in that period, which is the last one that it has or a later one. */
static struct report_row *row_of(struct report *r, struct group *g, uint32_t period)
{
    if (g->has_row && r->rows[g->row].minute == period)
        return &r->rows[g->row];
    if (r->n_rows == r->query.rows_most)
        return NULL;
    r->rows = room(r->rows, r->n_rows, &r->cap_rows, sizeof *r->rows);
    g->has_row = true;
    g->row = r->n_rows++;
    r->rows[g->row] = (struct report_row){.minute = period, .series = g->series};
    return &r->rows[g->row];
}

static int add_rollup(struct report *r, struct store_txn *t, struct str key, struct str value)
{
    struct group *g;
    struct rollup one = {0};
    uint32_t minute = store_get_u32(key.ptr) * r->piece.unit;
    int err = find_group(r, t, store_get_u32(key.ptr + 4), &g);
    if (err)
        return err;
    struct report_row *row = row_of(r, g, cover_period(&r->cover, minute));
    if (!row)
        return ERR_TOO_BIG;
    err = rollup_read(value, &one);
    if (!err)
        rollup_merge(&row->sum, &one);
    rollup_fini(&one);
    return err;
}

/* What waits has no requests yet. */
static void drop_samples(struct report *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n_rows; i++) {
        bool waits = r->rows[i].sum.queue.samples && !r->rows[i].sum.counts[ROLLUP_REQUESTS];
        if (waits)
            rollup_fini(&r->rows[i].sum);
        else
            r->rows[kept++] = r->rows[i];
    }
    r->n_rows = kept;
}

static int by_period(const void *a, const void *b)
{
    const struct report_row *x = a, *y = b;
    if (x->minute != y->minute)
        return x->minute < y->minute ? -1 : 1;
    return series_cmp(&x->series, &y->series);
}

/* --- what is in the book */

/* The first or last time of a table; false when it is empty. */
static int edge(struct store_txn *t, enum table table, bool last, uint32_t *out)
{
    struct store_walk w;
    store_walk_init(&w, t, table);
    int err = last ? store_walk_last(&w) : store_walk_from(&w, S(""));
    if (!err && w.key.len == 8)
        *out = store_get_u32(w.key.ptr);
    else if (!err)
        err = ERR_BAD;
    store_walk_fini(&w);
    return err;
}

/* From where on the finer table is kept: from its first row's unit on, unless that is the first
 * one of the coarser table, too. */
static int kept_from(struct store_txn *t, enum table fine, enum table coarse, uint32_t factor,
                     uint32_t *out)
{
    uint32_t first_fine, first_coarse;
    int err = edge(t, coarse, false, &first_coarse);
    if (err)
        return err;
    err = edge(t, fine, false, &first_fine);
    if (err == ERR_NOT_FOUND)
        *out = UINT32_MAX;
    else if (!err)
        *out = first_fine / factor == first_coarse ? 0 : first_fine / factor;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static uint32_t times(uint32_t n, uint32_t unit)
{
    return n > UINT32_MAX / unit ? FAR_AWAY : n * unit;
}

/* ERR_NOT_FOUND: the book is empty. */
static int find_limits(struct report *r, struct store_txn *t)
{
    uint32_t first, last;
    struct cover *c = &r->cover;
    int err = edge(t, TABLE_DAYS, false, &first);
    if (!err)
        err = edge(t, TABLE_DAYS, true, &last);
    if (!err)
        err = kept_from(t, TABLE_MINUTES, TABLE_HOURS, COVER_HOUR, &c->minutes_from);
    if (!err)
        err = kept_from(t, TABLE_HOURS, TABLE_DAYS, COVER_DAY, &c->hours_from);
    if (err)
        return err;
    c->minutes_from = times(c->minutes_from, COVER_HOUR);
    c->hours_from = times(c->hours_from, COVER_DAY);
    cover_grown(c, &r->query.from, &r->query.until);
    first = times(first, COVER_DAY);
    last = times(last + 1, COVER_DAY);
    c->at = r->query.from > first ? r->query.from : first;
    c->until = r->query.until < last ? r->query.until : last;
    return ERR_OK;
}

static void add_gap(struct report *r, const struct gap *g)
{
    int64_t from = (int64_t)r->query.from * MINUTE_MS, until = (int64_t)r->query.until * MINUTE_MS;
    if (g->from_ms >= until || g->until_ms < from)
        return;
    if (r->n_gaps == REPORT_GAPS_MOST) {
        r->gaps[r->n_gaps - 1].until_ms = g->until_ms;
        r->gaps[r->n_gaps - 1].records += g->records;
        return;
    }
    r->gaps = room(r->gaps, r->n_gaps, &r->cap_gaps, sizeof *r->gaps);
    r->gaps[r->n_gaps++] = *g;
}

static int read_gaps(struct report *r, struct store_txn *t)
{
    struct gap g;
    struct store_walk w;
    store_walk_init(&w, t, TABLE_GAPS);
    int err = store_walk_from(&w, S(""));
    while (!err) {
        err = gap_read(w.key, w.value, &g);
        if (!err)
            add_gap(r, &g);
        if (!err)
            err = store_walk_next(&w);
    }
    store_walk_fini(&w);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int begin(struct report *r, struct store_txn *t)
{
    r->begun = true;
    r->cover = (struct cover){.at = r->query.from, .period = r->query.period};
    r->cover.until = r->query.until;
    int err = find_limits(r, t);
    if (err == ERR_NOT_FOUND)
        r->cover.at = r->cover.until;
    else if (err)
        return err;
    return read_gaps(r, t);
}

/* --- reading */

/* Up to *most rows of the piece at hand; it is over when has_piece is false. */
static int read_piece(struct report *r, struct store_txn *t, size_t *most)
{
    unsigned char key[8];
    struct store_walk w;
    store_put_u64(key, r->resume);
    store_walk_init(&w, t, r->piece.table);
    int err = store_walk_from(&w, str_from((char *)key, sizeof key));
    while (!err && *most > 0) {
        if (w.key.len != 8)
            err = ERR_BAD;
        else if (store_get_u32(w.key.ptr) >= r->piece.last)
            err = ERR_NOT_FOUND;
        else
            err = add_rollup(r, t, w.key, w.value);
        if (err)
            break;
        r->resume = store_get_u64(w.key.ptr) + 1;
        --*most;
        err = store_walk_next(&w);
    }
    store_walk_fini(&w);
    if (err != ERR_NOT_FOUND)
        return err;
    r->has_piece = false;
    return ERR_OK;
}

static int read_pieces(struct report *r, struct store_txn *t, size_t most)
{
    int err = ERR_OK;
    while (!err && most > 0) {
        if (!r->has_piece) {
            if (!cover_next(&r->cover, &r->piece))
                return 0;
            r->has_piece = true;
            r->resume = (uint64_t)r->piece.first << 32;
            most--;
        }
        err = read_piece(r, t, &most);
    }
    return err ? err : 1;
}

int report_step(struct report *r, struct store *s, size_t most)
{
    struct store_txn *t;
    int result = store_begin(s, false, &t);
    if (result)
        return result;
    if (!r->begun)
        result = begin(r, t);
    if (!result)
        result = read_pieces(r, t, most ? most : 1);
    store_abort(t);
    if (result == 0 && !r->query.samples)
        drop_samples(r);
    if (result == 0 && r->n_rows)
        qsort(r->rows, r->n_rows, sizeof *r->rows, by_period);
    return result;
}

/* --- when done */

const struct report_row *report_rows(const struct report *r, size_t *out_n)
{
    *out_n = r->n_rows;
    return r->rows;
}

const struct gap *report_gaps(const struct report *r, size_t *out_n)
{
    *out_n = r->n_gaps;
    return r->gaps;
}

void report_span(const struct report *r, uint32_t *out_from, uint32_t *out_until)
{
    *out_from = r->query.from;
    *out_until = r->query.until;
}

void report_total(const struct report *r, struct rollup *out)
{
    for (size_t i = 0; i < r->n_rows; i++)
        rollup_merge(out, &r->rows[i].sum);
}

bool report_is_priced(const struct rollup *sum)
{
    return sum->counts[ROLLUP_UNPRICED] == 0 || sum->cost_nanousd || sum->untouched_nanousd;
}

double report_hit_rate(const struct rollup *sum)
{
    const uint64_t *t = sum->usage.tokens;
    double read = (double)t[TOKEN_CACHE_READ];
    double all = read + (double)t[TOKEN_INPUT] + (double)t[TOKEN_CACHE_WRITE_5M] +
                 (double)t[TOKEN_CACHE_WRITE_1H] + (double)t[TOKEN_CACHE_WRITE_30M];
    return all > 0 ? read / all : -1;
}

bool report_read_time(struct str text, int64_t now_ms, int64_t *out_ms)
{
    int64_t ago_ms, epoch_s;
    if (text_duration_ms(text, &ago_ms)) {
        *out_ms = now_ms > ago_ms ? now_ms - ago_ms : 0;
        return true;
    }
    char day[21];
    if (text.len == 10) {
        memcpy(day, text.ptr, text.len);
        memcpy(day + text.len, "T00:00:00Z", 11);
        text = str_of(day);
    }
    if (!text_parse_iso_time(text, &epoch_s) || epoch_s < 0)
        return false;
    *out_ms = epoch_s * 1000;
    return true;
}

bool report_read_by(struct str text, unsigned *out, struct str *out_bad)
{
    static const struct str words[] = {STR("client"), STR("workload"), STR("model"), STR("lane")};
    unsigned by = 0;
    bool more = text.len > 0;
    while (more) {
        more = str_chr(text, ',') >= 0;
        struct str word = str_trim(str_cut(&text, ','));
        unsigned bit = 0;
        for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
            if (str_eq(word, words[i]))
                bit = 1u << i;
        if (!bit) {
            *out_bad = word;
            return false;
        }
        by |= bit;
    }
    *out = by;
    return true;
}
