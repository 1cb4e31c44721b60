/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains of rows by hash, and the rows in a list by number, for walks. Making room looks at all of
 * them: it happens only in a full table, for a new name.
 */
#include "named.h"

#include "weir/base/hash.h"
#include "weir/base/mem.h"

#include <stdalign.h>
#include <stddef.h>
#include <string.h>

struct named {
    struct named *next; /* in its bucket */
    uint64_t hash, used;
    struct str name; /* its own */
    bool changed;
    alignas(16) unsigned char thing[];
};

void named_init(struct named_table *t, size_t most, size_t thing_bytes)
{
    *t = (struct named_table){.most = most, .thing_bytes = thing_bytes};
    pthread_mutex_init(&t->lock, NULL);
    t->rows = mem_new(most * sizeof(struct named *));
}

static void free_row(struct named *row)
{
    mem_free((void *)row->name.ptr);
    mem_free(row);
}

void named_fini(struct named_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free_row(t->rows[i]);
    mem_free(t->rows);
    buf_fini(&t->joined);
    pthread_mutex_destroy(&t->lock);
}

static struct named **bucket_of(struct named_table *t, uint64_t hash)
{
    return &t->buckets[hash % NAMED_BUCKETS];
}

static struct named *find(struct named_table *t, uint64_t hash, struct str name)
{
    struct named *row = *bucket_of(t, hash);
    while (row && !(row->hash == hash && str_eq(row->name, name)))
        row = row->next;
    if (row)
        row->used = ++t->uses;
    return row;
}

/* The number that is free then. */
static size_t make_room(struct named_table *t)
{
    size_t oldest = 0;
    if (t->n < t->most)
        return t->n++;
    for (size_t i = 1; i < t->n; i++)
        if (t->rows[i]->used < t->rows[oldest]->used)
            oldest = i;
    struct named *row = t->rows[oldest], **at = bucket_of(t, row->hash);
    while (*at != row)
        at = &(*at)->next;
    *at = row->next;
    free_row(row);
    return oldest;
}

void *named_find(struct named_table *t, struct str name)
{
    struct named *row = find(t, hash64(0, name), name);
    return row ? row->thing : NULL;
}

void *named_put(struct named_table *t, struct str name)
{
    uint64_t hash = hash64(0, name);
    struct named *row = find(t, hash, name);
    if (row)
        return row->thing;
    char *own = mem_new(name.len);
    if (name.len)
        memcpy(own, name.ptr, name.len);
    row = mem_new(sizeof *row + t->thing_bytes);
    t->rows[make_room(t)] = row;
    *row = (struct named){*bucket_of(t, hash), hash, ++t->uses, {own, name.len}, false};
    *bucket_of(t, hash) = row;
    return row->thing;
}

void named_changed(void *thing)
{
    struct named *row = (void *)((char *)thing - offsetof(struct named, thing));
    row->changed = true;
}

static void copy(const struct named_table *t, const struct named *row, struct buf *name, void *out)
{
    buf_clear(name);
    buf_add(name, row->name);
    memcpy(out, row->thing, t->thing_bytes);
}

bool named_copy(struct named_table *t, size_t i, struct buf *name, void *out_thing)
{
    pthread_mutex_lock(&t->lock);
    bool there = i < t->n;
    if (there)
        copy(t, t->rows[i], name, out_thing);
    pthread_mutex_unlock(&t->lock);
    return there;
}

bool named_take(struct named_table *t, size_t *i, struct buf *name, void *out_thing)
{
    pthread_mutex_lock(&t->lock);
    while (*i < t->n && !t->rows[*i]->changed)
        ++*i;
    bool there = *i < t->n;
    if (there) {
        copy(t, t->rows[*i], name, out_thing);
        t->rows[(*i)++]->changed = false;
    }
    pthread_mutex_unlock(&t->lock);
    return there;
}

void named_all_changed(struct named_table *t)
{
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        t->rows[i]->changed = true;
    pthread_mutex_unlock(&t->lock);
}
