/* SPDX-License-Identifier: Apache-2.0
 *
 * TABLE_DAYS has a sum for each series and day; here they become one number for each client and
 * day. The table is in the order of days, so each client's days come one after the other.
 */
#include "weir/book/spent.h"

#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/book/rollup.h"
#include "weir/book/series.h"

#include <string.h>

enum { SLICE_ROWS = 4096 };

struct spent_day {
    uint32_t day;
    uint64_t nanousd;
};

struct spent_client {
    struct str name; /* its own */
    struct spent_day *days;
    size_t n, cap;
};

struct spent {
    struct spent_client *clients; /* by name */
    size_t n, cap;
    size_t damaged;
};

static size_t place_of(const struct spent *s, struct str name)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_cmp(s->clients[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct spent_client *find(const struct spent *s, struct str name)
{
    size_t at = place_of(s, name);
    return at < s->n && str_eq(s->clients[at].name, name) ? &s->clients[at] : NULL;
}

static struct spent_client *add_client(struct spent *s, struct str name)
{
    size_t at = place_of(s, name);
    char *copy = mem_new(name.len + 1);
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 16;
        s->clients = mem_grow(s->clients, s->cap * sizeof *s->clients);
    }
    if (name.len)
        memcpy(copy, name.ptr, name.len);
    memmove(s->clients + at + 1, s->clients + at, (s->n++ - at) * sizeof *s->clients);
    s->clients[at] = (struct spent_client){.name = str_from(copy, name.len)};
    return &s->clients[at];
}

static void add(struct spent *s, struct str name, uint32_t day, uint64_t nanousd)
{
    struct spent_client *c = find(s, name);
    if (!c)
        c = add_client(s, name);
    if (c->n == 0 || c->days[c->n - 1].day != day) {
        if (c->n == c->cap) {
            c->cap = c->cap ? 2 * c->cap : 8;
            c->days = mem_grow(c->days, c->cap * sizeof *c->days);
        }
        c->days[c->n++] = (struct spent_day){.day = day};
    }
    uint64_t *sum = &c->days[c->n - 1].nanousd;
    *sum = nanousd > UINT64_MAX - *sum ? UINT64_MAX : *sum + nanousd;
}

/* ERR_BAD and ERR_NOT_FOUND: it cannot be told whose it is, or how much. */
static int add_row(struct spent *s, struct store_txn *t, const struct store_walk *w)
{
    struct rollup sum = {0};
    struct series names;
    struct str value;
    int rc = rollup_read(w->value, &sum);
    uint64_t nanousd = sum.cost_nanousd;
    rollup_fini(&sum);
    if (rc || nanousd == 0)
        return rc;
    rc = store_get(t, TABLE_SERIES, str_from_offset(w->key, 4), &value);
    if (rc == ERR_OK)
        rc = series_read(value, &names);
    if (rc == ERR_OK)
        add(s, names.client, store_get_u32(w->key.ptr), nanousd);
    return rc;
}

static int take_row(struct spent *s, struct store_txn *t, const struct store_walk *w)
{
    int rc = w->key.len == 8 ? add_row(s, t, w) : ERR_BAD;
    if (rc != ERR_BAD && rc != ERR_NOT_FOUND && rc != ERR_UNSUPPORTED)
        return rc;
    s->damaged++;
    return ERR_OK;
}

/* 1: there is more, from *from on. */
static int read_slice(struct spent *s, struct store *store, uint64_t *from)
{
    struct store_txn *t;
    struct store_walk w;
    unsigned char key[8];
    size_t rows = 0;
    int rc = store_begin(store, false, &t);
    if (rc)
        return rc;
    store_put_u64(key, *from);
    store_walk_init(&w, t, TABLE_DAYS);
    rc = store_walk_from(&w, str_from((char *)key, sizeof key));
    while (rc == 0 && rows++ < SLICE_ROWS) {
        rc = take_row(s, t, &w);
        if (w.key.len == 8)
            *from = store_get_u64(w.key.ptr) + 1;
        if (rc == 0)
            rc = store_walk_next(&w);
    }
    store_walk_fini(&w);
    store_abort(t);
    return rc == ERR_NOT_FOUND ? 0 : rc ? rc : 1;
}

int spent_read(struct store *store, uint32_t first_day, struct spent **out)
{
    struct spent *s = mem_new(sizeof *s);
    uint64_t from = (uint64_t)first_day << 32;
    int rc;
    do
        rc = read_slice(s, store, &from);
    while (rc == 1);
    if (rc) {
        spent_free(s);
        return rc;
    }
    if (s->damaged)
        log_say(LOG_ERROR, "book",
                "%zu damaged sums do not count in the budgets; see weir book check", s->damaged);
    *out = s;
    return 0;
}

void spent_free(struct spent *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        mem_free((void *)(uintptr_t)s->clients[i].name.ptr);
        mem_free(s->clients[i].days);
    }
    mem_free(s->clients);
    mem_free(s);
}

uint64_t spent_on(const struct spent *s, struct str client, int64_t day)
{
    const struct spent_client *c = find(s, client);
    for (size_t i = 0; c && i < c->n; i++)
        if (c->days[i].day == day)
            return c->days[i].nanousd;
    return 0;
}
