/* SPDX-License-Identifier: Apache-2.0
 *
 * Two passes. The first reads each row for itself, in slices. The second takes one period after the
 * other, and holds its row of each series against what it is the sum of:
 *
 *     minute: its records      hour: its minutes      day: its hours
 *
 * A record that came after its minute was closed counts in a later one; the book notes the last
 * minute that took such records, and up to it minutes are only compared all together, where no
 * record is missing yet. What the book has begun to forget is not compared.
 */
#include "weir/book/check.h"

#include "series_set.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SLICE_ROWS = 20000, SENTENCES_MOST = 100 };

/* Of one series in one period: its row, and the sum of what is below. */
struct pair {
    uint32_t number;
    struct rollup row, sum;
};

struct check {
    struct store *store;
    void (*finding)(void *arg, const char *sentence);
    void *arg;
    struct check_result result;

    struct series_set *series;
    uint32_t *place_of; /* pair of a series' number, + 1; 0: none */
    uint32_t numbers;   /* how many place_of has */
    struct pair *pairs;
    size_t n, cap;
    bool whole; /* series cannot be told apart: one pair for all */

    struct rollup late_row, late_sum;
};

__attribute__((format(printf, 2, 3))) static void find(struct check *k, const char *format, ...)
{
    char sentence[512];
    va_list args;
    if (++k->result.findings > SENTENCES_MOST)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    k->finding(k->arg, sentence);
}

/* --- each row for itself */

static void check_record(struct check *k, const struct store_walk *w)
{
    struct record r;
    if (record_read(w->value, &r) != 0)
        find(k, "a record of %" PRIu64 " ms is damaged", store_get_u64(w->key.ptr));
    else if (w->key.len != 8 + RECORD_ID_BYTES ||
             store_get_u64(w->key.ptr) != (uint64_t)r.time_ms ||
             memcmp(w->key.ptr + 8, r.id, sizeof r.id) != 0)
        find(k, "a record of %" PRId64 " ms lies under another key", r.time_ms);
}

static void check_sum(struct check *k, const struct store_walk *w, const char *what)
{
    struct rollup r = {0};
    struct series names;
    struct str value;
    if (w->key.len != 8 || rollup_read(w->value, &r) != 0)
        find(k, "the sum of %s %" PRIu32 " is damaged", what, store_get_u32(w->key.ptr));
    else if (store_get(w->txn, TABLE_SERIES, str_from_offset(w->key, 4), &value) != 0 ||
             series_read(value, &names) != 0)
        find(k, "the sum of %s %" PRIu32 " is of series %" PRIu32 ", which has no name", what,
             store_get_u32(w->key.ptr), store_get_u32(w->key.ptr + 4));
    rollup_fini(&r);
}

static void check_gap(struct check *k, const struct store_walk *w)
{
    struct gap g;
    if (gap_read(w->key, w->value, &g) != 0)
        find(k, "a gap is damaged");
    else
        k->result.lost += g.records;
}

static void check_row(struct check *k, enum table table, const struct store_walk *w)
{
    struct series names;
    k->result.rows[table]++;
    k->result.live_bytes += w->key.len + w->value.len;
    switch (table) {
    case TABLE_RECORDS:
        check_record(k, w);
        break;
    case TABLE_MINUTES:
        check_sum(k, w, "minute");
        break;
    case TABLE_HOURS:
        check_sum(k, w, "hour");
        break;
    case TABLE_DAYS:
        check_sum(k, w, "day");
        break;
    case TABLE_GAPS:
        check_gap(k, w);
        break;
    case TABLE_SERIES:
        if (w->key.len != 4 || series_read(w->value, &names) != 0)
            find(k, "a series is damaged");
        break;
    case TABLE_META:
    case TABLE_PREFIXES:
    case TABLE_NAMED:
    case TABLE_SPOOLED:
    case TABLE_PLACES:
    case TABLE_LISTS:
    case TABLE_KEYS:
    case TABLE_BODIES:
    case TABLE_ANSWERS:
    case TABLE_JOBS:
    case TABLE_POOLS:
    case TABLE_OUTBOX:
    case TABLE_GONE:
    case TABLES_ALL:
        break;
    }
}

/* From behind `last` on; 1: there is more. */
static int check_slice(struct check *k, enum table table, unsigned char *last, size_t *last_len)
{
    struct store_txn *t;
    struct store_walk w;
    int rc = store_begin(k->store, false, &t);
    if (rc)
        return rc;
    store_walk_init(&w, t, table);
    struct str from = str_from((char *)last, *last_len);
    rc = store_walk_from(&w, from);
    if (rc == 0 && from.len && str_eq(w.key, from))
        rc = store_walk_next(&w);
    for (int i = 0; rc == 0 && i < SLICE_ROWS; i++, rc = store_walk_next(&w)) {
        check_row(k, table, &w);
        *last_len = w.key.len < STORE_KEY_MOST ? w.key.len : STORE_KEY_MOST;
        memcpy(last, w.key.ptr, *last_len);
    }
    store_walk_fini(&w);
    store_abort(t);
    return rc == 0 ? 1 : rc == ERR_NOT_FOUND ? 0 : rc;
}

static int check_rows(struct check *k)
{
    unsigned char last[STORE_KEY_MOST];
    for (int table = 0; table < TABLES; table++) {
        size_t last_len = 0;
        int rc = 1;
        while (rc == 1)
            rc = check_slice(k, (enum table)table, last, &last_len);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- series */

static uint64_t number_of(struct store_txn *t, struct str key)
{
    struct str value;
    return store_get(t, TABLE_META, key, &value) == 0 && value.len == 8 ? store_get_u64(value.ptr)
                                                                        : 0;
}

static bool has_new_series(struct check *k, struct store_txn *t)
{
    struct store_walk w;
    store_walk_init(&w, t, TABLE_SERIES);
    bool some = store_walk_last(&w) == 0 && w.key.len == 4 &&
                store_get_u32(w.key.ptr) >= k->series->next_number;
    store_walk_fini(&w);
    return some;
}

/* The daemon may have added one. */
static void learn_series(struct check *k, struct store_txn *t)
{
    struct series names;
    struct store_walk w;
    if (!has_new_series(k, t))
        return;
    store_walk_init(&w, t, TABLE_SERIES);
    for (int rc = store_walk_from(&w, S("")); rc == 0; rc = store_walk_next(&w)) {
        if (w.key.len != 4 || series_read(w.value, &names) != 0)
            continue;
        series_set_load(k->series, store_get_u32(w.key.ptr), &names, 0);
        k->whole |= str_eq(names.workload, S("other"));
    }
    store_walk_fini(&w);
    if (k->series->next_number > k->numbers) {
        k->numbers = k->series->next_number;
        mem_free(k->place_of);
        k->place_of = mem_new(k->numbers * sizeof *k->place_of);
    }
}

static struct pair *pair_of(struct check *k, uint32_t number)
{
    if (k->whole || number >= k->numbers)
        number = 0;
    if (k->place_of[number] == 0) {
        if (k->n == k->cap) {
            k->cap = k->cap ? 2 * k->cap : 64;
            k->pairs = mem_grow(k->pairs, k->cap * sizeof *k->pairs);
        }
        k->pairs[k->n] = (struct pair){.number = number};
        k->place_of[number] = (uint32_t)++k->n;
    }
    return &k->pairs[k->place_of[number] - 1];
}

static void drop_pairs(struct check *k)
{
    for (size_t i = 0; i < k->n; i++) {
        k->place_of[k->pairs[i].number] = 0;
        rollup_fini(&k->pairs[i].row);
        rollup_fini(&k->pairs[i].sum);
    }
    k->n = 0;
}

/* --- one period */

static const struct level {
    enum table table, below;
    const char *word;
    uint64_t parts; /* units of the table below in one of this */
    uint32_t seconds;
    struct str kept, kept_below; /* from where on they are whole */
} levels[] = {
    {TABLE_MINUTES, TABLE_RECORDS, "minute", 60000, 60, STR("kept.minutes"), STR("kept.records")},
    {TABLE_HOURS, TABLE_MINUTES, "hour", 60, 3600, STR("kept.hours"), STR("kept.minutes")},
    {TABLE_DAYS, TABLE_HOURS, "day", 24, 86400, STR("kept.days"), STR("kept.hours")},
};

static uint64_t unit_of(enum table table, struct str key)
{
    if (key.len < 8)
        return 0;
    return table == TABLE_RECORDS ? store_get_u64(key.ptr) : store_get_u32(key.ptr);
}

/* To the first row of `unit` or a later one. */
static int walk_to(struct store_walk *w, enum table table, uint64_t unit)
{
    unsigned char key[8];
    if (table == TABLE_RECORDS) {
        store_put_u64(key, unit);
        return store_walk_from(w, str_from((char *)key, 8));
    }
    store_put_u32(key, (uint32_t)unit);
    return store_walk_from(w, str_from((char *)key, 4));
}

static void add_record(struct check *k, struct str bytes)
{
    struct record r;
    if (record_read(bytes, &r) != 0)
        return; /* told already */
    const struct series names = {r.client, r.workload, r.model, r.lane};
    uint32_t place = series_set_place(k->series, &names);
    uint32_t number = k->series->entries[place].number;
    rollup_add(&pair_of(k, number == SERIES_NONE ? 0 : number)->sum, &r);
}

static void add_rollup(struct check *k, const struct store_walk *w, bool row)
{
    struct rollup r = {0};
    if (w->key.len != 8 || rollup_read(w->value, &r) != 0)
        return;
    struct pair *p = pair_of(k, store_get_u32(w->key.ptr + 4));
    rollup_merge(row ? &p->row : &p->sum, &r);
    rollup_fini(&r);
}

static int add_rows(struct check *k, struct store_txn *t, enum table table, uint64_t from,
                    uint64_t until, bool row)
{
    struct store_walk w;
    store_walk_init(&w, t, table);
    int rc = walk_to(&w, table, from);
    for (; rc == 0 && unit_of(table, w.key) < until; rc = store_walk_next(&w)) {
        if (table == TABLE_RECORDS)
            add_record(k, w.value);
        else
            add_rollup(k, &w, row);
    }
    store_walk_fini(&w);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static bool same(const struct rollup *a, const struct rollup *b)
{
    struct buf x = {0}, y = {0};
    rollup_write(a, &x);
    rollup_write(b, &y);
    bool equal = str_eq(buf_str(&x), buf_str(&y));
    buf_fini(&x);
    buf_fini(&y);
    return equal;
}

static void tell(struct check *k, const struct level *l, uint64_t unit, const struct pair *p)
{
    char when[21];
    bool told = p->row.counts[ROLLUP_REQUESTS] != p->sum.counts[ROLLUP_REQUESTS] ||
                p->row.usage.tokens[0] != p->sum.usage.tokens[0] ||
                p->row.cost_nanousd != p->sum.cost_nanousd;
    text_iso_time((int64_t)unit * l->seconds, when);
    find(k,
         "%s %s, series %" PRIu32 ": its sum has %" PRIu64 " requests, %" PRIu64
         " input tokens, %" PRIu64 " nano-dollars; what it is the sum of, %" PRIu64 ", %" PRIu64
         ", %" PRIu64 "%s",
         l->word, when, p->number, p->row.counts[ROLLUP_REQUESTS], p->row.usage.tokens[0],
         p->row.cost_nanousd, p->sum.counts[ROLLUP_REQUESTS], p->sum.usage.tokens[0],
         p->sum.cost_nanousd, told ? "" : "; they differ in times, ends, or what was saved");
}

static void compare(struct check *k, const struct level *l, uint64_t unit, bool late)
{
    for (size_t i = 0; i < k->n; i++) {
        const struct pair *p = &k->pairs[i];
        if (late) {
            rollup_merge(&k->late_row, &p->row);
            rollup_merge(&k->late_sum, &p->sum);
        } else if (!same(&p->row, &p->sum)) {
            tell(k, l, unit, p);
        }
    }
    if (l->table == TABLE_MINUTES)
        k->result.minutes++;
    k->result.late_minutes += late;
}

/* The first unit from there on that has rows of its own or below; ERR_NOT_FOUND. */
static int next_unit(struct store_txn *t, const struct level *l, uint64_t *unit)
{
    struct store_walk w;
    uint64_t found = UINT64_MAX;
    store_walk_init(&w, t, l->table);
    int rc = walk_to(&w, l->table, *unit);
    if (rc == 0)
        found = unit_of(l->table, w.key);
    store_walk_fini(&w);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    store_walk_init(&w, t, l->below);
    rc = walk_to(&w, l->below, *unit * l->parts);
    if (rc == 0 && unit_of(l->below, w.key) / l->parts < found)
        found = unit_of(l->below, w.key) / l->parts;
    store_walk_fini(&w);
    *unit = found;
    return rc && rc != ERR_NOT_FOUND ? rc : found > UINT32_MAX ? ERR_NOT_FOUND : 0;
}

static int check_unit(struct check *k, struct store_txn *t, const struct level *l, uint64_t unit)
{
    if (unit < number_of(t, l->kept) || unit * l->parts < number_of(t, l->kept_below))
        return 0; /* it is being forgotten, or what it is the sum of */
    learn_series(k, t);
    int rc = add_rows(k, t, l->table, unit, unit + 1, true);
    if (rc == 0)
        rc = add_rows(k, t, l->below, unit * l->parts, (unit + 1) * l->parts, false);
    bool late = l->table == TABLE_MINUTES && unit <= number_of(t, S("late.minute"));
    if (rc == 0)
        compare(k, l, unit, late);
    drop_pairs(k);
    return rc;
}

static int check_level(struct check *k, const struct level *l)
{
    int rc = 0;
    for (uint64_t unit = 0; rc == 0; unit++) {
        struct store_txn *t;
        rc = store_begin(k->store, false, &t);
        if (rc)
            return rc;
        rc = next_unit(t, l, &unit);
        if (rc == 0)
            rc = check_unit(k, t, l, unit);
        store_abort(t);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* --- the whole */

/* How much has come late, and whether the book has forgotten anything. */
static int look(struct check *k, uint64_t *out_late, bool *out_all)
{
    struct store_txn *t;
    int rc = store_begin(k->store, false, &t);
    if (rc)
        return rc;
    *out_late = number_of(t, S("late"));
    *out_all = number_of(t, S("kept.records")) == 0 && number_of(t, S("kept.minutes")) == 0;
    store_abort(t);
    return 0;
}

static int check_sums(struct check *k)
{
    uint64_t late, late_then;
    bool all;
    int rc = look(k, &late, &all);
    for (size_t i = 0; i < sizeof levels / sizeof *levels && rc == 0; i++)
        rc = check_level(k, &levels[i]);
    if (rc == 0)
        rc = look(k, &late_then, &all);
    if (rc == 0 && all && late == late_then && !same(&k->late_row, &k->late_sum))
        find(k,
             "the minutes up to the last late record have %" PRIu64 " requests together, their "
             "records are %" PRIu64,
             k->late_row.counts[ROLLUP_REQUESTS], k->late_sum.counts[ROLLUP_REQUESTS]);
    return rc;
}

int check_run(struct store *s, void (*finding)(void *arg, const char *sentence), void *arg,
              struct check_result *out)
{
    struct check k = {.store = s, .finding = finding, .arg = arg, .numbers = 1};
    k.place_of = mem_new(sizeof *k.place_of); /* of number 0, which no series has */
    k.series = mem_new(sizeof *k.series);
    series_set_init(k.series, UINT32_MAX, 0);
    int rc = check_rows(&k);
    if (rc == 0)
        rc = check_sums(&k);
    series_set_fini(k.series);
    mem_free(k.series);
    mem_free(k.place_of);
    mem_free(k.pairs);
    rollup_fini(&k.late_row);
    rollup_fini(&k.late_sum);
    if (rc == 0)
        *out = k.result;
    return rc;
}
