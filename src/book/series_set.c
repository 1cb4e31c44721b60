/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash table of places in one array. Numbers go up and are not used again, so that a row that was
 * forgotten late cannot be taken for another series.
 */
#include "series_set.h"

#include "weir/base/mem.h"

#include <string.h>

void series_set_init(struct series_set *s, uint32_t most, uint64_t seed)
{
    *s = (struct series_set){.most = most, .seed = seed, .free = SERIES_NONE, .next_number = 1};
    for (size_t i = 0; i < SERIES_BUCKETS; i++)
        s->buckets[i] = SERIES_NONE;
}

static void drop_entry(struct series_entry *e)
{
    mem_free((void *)(uintptr_t)e->names.client.ptr);
    rollup_fini(&e->tally);
    *e = (struct series_entry){.number = SERIES_NONE, .noted_day = -1};
}

void series_set_fini(struct series_set *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        drop_entry(&s->entries[i]);
    mem_free(s->entries);
}

/* FNV-1a. */
static uint64_t hash_more(uint64_t h, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3;
    return (h ^ s.len) * 0x100000001b3;
}

static uint32_t *bucket_of(struct series_set *s, const struct series *names)
{
    uint64_t h = hash_more(s->seed, names->client);
    h = hash_more(hash_more(h, names->workload), names->model);
    h = (h ^ names->lane) * 0x9e3779b97f4a7c15;
    return &s->buckets[h >> 50];
}

static uint32_t find(struct series_set *s, const struct series *names)
{
    uint32_t at = *bucket_of(s, names);
    while (at != SERIES_NONE && series_cmp(&s->entries[at].names, names) != 0)
        at = s->entries[at].next;
    return at;
}

/* The three names in one piece of memory. */
static struct series copy_names(const struct series *names)
{
    struct series copy = *names;
    struct str *parts[] = {&copy.client, &copy.workload, &copy.model};
    char *at = mem_new(names->client.len + names->workload.len + names->model.len);
    for (size_t i = 0; i < 3; i++) {
        if (parts[i]->len)
            memcpy(at, parts[i]->ptr, parts[i]->len);
        parts[i]->ptr = at;
        at += parts[i]->len;
    }
    return copy;
}

static uint32_t take_place(struct series_set *s)
{
    uint32_t place = s->free;
    if (place != SERIES_NONE) {
        s->free = s->entries[place].next;
        return place;
    }
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->entries = mem_grow(s->entries, s->cap * sizeof *s->entries);
    }
    return s->n++;
}

static uint32_t add(struct series_set *s, const struct series *names)
{
    uint32_t place = take_place(s), *bucket = bucket_of(s, names);
    s->entries[place] = (struct series_entry){.names = copy_names(names),
                                              .used = true,
                                              .next = *bucket,
                                              .number = SERIES_NONE,
                                              .noted_day = -1};
    *bucket = place;
    s->live++;
    return place;
}

enum series_room series_set_room(const struct series_set *s)
{
    if (s->live < s->most)
        return SERIES_ROOM;
    return s->live < s->most + s->most / 4 ? SERIES_NO_WORKLOADS : SERIES_NO_NAMES;
}

uint32_t series_set_place(struct series_set *s, const struct series *names)
{
    uint32_t place = find(s, names);
    if (place != SERIES_NONE)
        return place;
    enum series_room room = series_set_room(s);
    if (room == SERIES_ROOM)
        return add(s, names);
    /* Workloads are the names that anybody may invent: they go first. */
    const struct series some = {names->client, S("other"), names->model, names->lane};
    place = find(s, &some);
    if (place != SERIES_NONE)
        return place;
    if (room == SERIES_NO_WORKLOADS)
        return add(s, &some);
    const struct series other = {S("other"), S("other"), S("other"), names->lane};
    place = find(s, &other);
    return place != SERIES_NONE ? place : add(s, &other);
}

uint32_t series_set_number(struct series_set *s, uint32_t place)
{
    struct series_entry *e = &s->entries[place];
    if (e->number == SERIES_NONE)
        e->number = s->next_number++;
    return e->number;
}

void series_set_load(struct series_set *s, uint32_t number, const struct series *names,
                     int64_t noted_day)
{
    uint32_t place = find(s, names);
    if (place == SERIES_NONE)
        place = add(s, names);
    s->entries[place].number = number;
    s->entries[place].noted_day = noted_day;
    if (number >= s->next_number)
        s->next_number = number + 1;
}

void series_set_unload(struct series_set *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        s->entries[i].number = SERIES_NONE;
        s->entries[i].noted_day = -1;
    }
    s->next_number = 1;
}

void series_set_forget(struct series_set *s, uint32_t place)
{
    uint32_t *at = bucket_of(s, &s->entries[place].names);
    while (*at != place)
        at = &s->entries[*at].next;
    *at = s->entries[place].next;
    drop_entry(&s->entries[place]);
    s->entries[place].next = s->free;
    s->free = place;
    s->live--;
}
