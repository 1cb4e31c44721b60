/* SPDX-License-Identifier: Apache-2.0
 *
 * Which metrics there are: every subset of the dimensions that some series has, with every measure
 * that had a sample. Reports day by day tell which series were active; each is counted under all
 * its subsets, in a table by hash. A page is a piece of that table in the order in which it grew,
 * which is the same again for the next page, since both ask for the same span.
 *
 * A series without a value (a call outside any workload) is not under subsets with that dimension:
 * CloudWatch has no empty values either.
 */
#include "query.h"

#include "weir/base/mem.h"

enum {
    DAY_MINUTES = 24 * 60,
    NAMES_MOST = 200000, /* 10,000 series under all their subsets come to less */
    NAMES_ARENA = 128 * 1024 * 1024,
    SLOTS_FIRST = 256
};

struct query_list {
    const struct query *q;
    struct arena arena;
    struct query_name *names;
    size_t n, cap;
    uint32_t *slots; /* 0: empty; else the name's place, and one */
    size_t n_slots;
    uint32_t at; /* the next report begins there */
    struct query_listed page[QUERY_PAGE_METRICS];
    size_t n_page;
    bool more;
};

struct query_list *query_list_new(const struct query *q)
{
    struct query_list *l = mem_new(sizeof *l);
    l->q = q;
    l->at = q->nothing ? q->until : q->from;
    arena_init(&l->arena, NAMES_ARENA);
    l->n_slots = SLOTS_FIRST;
    l->slots = mem_new(l->n_slots * sizeof *l->slots);
    return l;
}

void query_list_free(struct query_list *l)
{
    if (!l)
        return;
    arena_fini(&l->arena);
    mem_free(l->names);
    mem_free(l->slots);
    mem_free(l);
}

/* --- the table */

static uint64_t hash_str(uint64_t h, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u; /* FNV-1a */
    return (h ^ 0xff) * 0x100000001b3u;
}

static uint64_t hash_name(const struct series *s, unsigned by)
{
    uint64_t h = 0xcbf29ce484222325u ^ by;
    for (unsigned bit = 1; bit < QUERY_SUBSETS; bit <<= 1)
        if (by & bit)
            h = hash_str(h, query_dimension_value(s, bit));
    return h ^ h >> 29;
}

static bool same_name(const struct query_name *name, const struct series *s, unsigned by)
{
    if (name->by != by)
        return false;
    for (unsigned bit = 1; bit < QUERY_SUBSETS; bit <<= 1)
        if (by & bit &&
            !str_eq(query_dimension_value(&name->series, bit), query_dimension_value(s, bit)))
            return false;
    return true;
}

static uint32_t *slot_of(const struct query_list *l, const struct series *s, unsigned by)
{
    size_t i = hash_name(s, by) & (l->n_slots - 1);
    while (l->slots[i] && !same_name(&l->names[l->slots[i] - 1], s, by))
        i = (i + 1) & (l->n_slots - 1);
    return &l->slots[i];
}

static void grow_slots(struct query_list *l)
{
    mem_free(l->slots);
    l->n_slots *= 2;
    l->slots = mem_new(l->n_slots * sizeof *l->slots);
    for (size_t i = 0; i < l->n; i++)
        *slot_of(l, &l->names[i].series, l->names[i].by) = (uint32_t)i + 1;
}

static struct query_name *add_name(struct query_list *l, const struct series *s, unsigned by)
{
    if (l->n == NAMES_MOST || l->arena.full)
        return NULL;
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->names = mem_grow(l->names, l->cap * sizeof *l->names);
    }
    if (2 * (l->n + 1) > l->n_slots)
        grow_slots(l);
    struct series own = {arena_dup(&l->arena, s->client), arena_dup(&l->arena, s->workload),
                         arena_dup(&l->arena, s->model), s->lane};
    *slot_of(l, s, by) = (uint32_t)l->n + 1;
    l->names[l->n] = (struct query_name){.series = own, .by = by};
    return &l->names[l->n++];
}

/* --- rows */

static bool has_values(const struct series *s, unsigned by)
{
    for (unsigned bit = 1; bit < QUERY_SUBSETS; bit <<= 1)
        if (by & bit && !query_dimension_value(s, bit).len)
            return false;
    return true;
}

static bool passes(const struct query *q, const struct series *s, unsigned by)
{
    for (size_t i = 0; i < q->n_filters; i++) {
        const struct query_filter *f = &q->filters[i];
        if (!(by & f->by) || (f->value.ptr && !str_eq(f->value, query_dimension_value(s, f->by))))
            return false;
    }
    return true;
}

static unsigned measures_of(const struct query *q, const struct rollup *sum)
{
    unsigned measures = 0;
    struct measured m;
    for (unsigned i = 0; i < MEASURES; i++) {
        const struct measure *row = measure_row((enum measure_id)i);
        if ((!q->measure || q->measure == row) && measure_read(row, sum, &m))
            measures |= 1u << i;
    }
    return measures;
}

void query_list_row(struct query_list *l, const struct report_row *row)
{
    unsigned measures = measures_of(l->q, &row->sum);
    for (unsigned by = 0; measures && by < QUERY_SUBSETS; by++) {
        if (!has_values(&row->series, by) || !passes(l->q, &row->series, by))
            continue;
        uint32_t slot = *slot_of(l, &row->series, by);
        struct query_name *name = slot ? &l->names[slot - 1] : add_name(l, &row->series, by);
        if (name)
            name->measures |= measures;
    }
}

bool query_list_next(struct query_list *l, struct report_query *out)
{
    const struct query *q = l->q;
    if (l->at >= q->until)
        return false;
    uint32_t next = l->at - l->at % DAY_MINUTES + DAY_MINUTES;
    *out = (struct report_query){.from = l->at,
                                 .until = next < q->until ? next : q->until,
                                 .by = QUERY_SUBSETS - 1,
                                 .samples = true};
    l->at = out->until;
    return true;
}

/* --- the page: totals first, then by one dimension, and so on */

void query_list_close(struct query_list *l)
{
    uint32_t seen = 0;
    for (unsigned by = 0; by < QUERY_SUBSETS; by++)
        for (size_t i = 0; i < l->n; i++)
            for (unsigned m = 0; l->names[i].by == by && m < MEASURES; m++) {
                if (!(l->names[i].measures >> m & 1) || seen++ < l->q->skip)
                    continue;
                if (l->n_page == QUERY_PAGE_METRICS) {
                    l->more = true;
                    return;
                }
                l->page[l->n_page++] =
                    (struct query_listed){&l->names[i], measure_row((enum measure_id)m)};
            }
}

bool query_list_at(const struct query_list *l, size_t i, struct query_listed *out)
{
    if (i >= l->n_page)
        return false;
    *out = l->page[i];
    return true;
}

bool query_list_token(const struct query_list *l, struct buf *out)
{
    if (l->more)
        buf_addf(out, "list-%x-%x", l->q->until, l->q->skip + QUERY_PAGE_METRICS);
    return l->more;
}
