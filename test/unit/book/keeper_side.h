/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose rows a keeper saves, in a test: some prefixes and some names, each of which says whether it
 * changed, and what a keeper gave back.
 */
#ifndef WEIR_TEST_BOOK_KEEPER_SIDE_H
#define WEIR_TEST_BOOK_KEEPER_SIDE_H

#include "weir/base/hash.h"
#include "weir/book/keeper.h"

#include <stdio.h>
#include <string.h>

enum { SIDE_MOST = 300, SIDE_NAMES = 8 };

struct side {
    struct prefix rows[SIDE_MOST]; /* by their number; `dirty` is theirs */
    struct prefix got[SIDE_MOST];
    size_t n, n_got, n_wrong;
    char names[SIDE_NAMES][32], got_names[SIDE_NAMES][32];
    size_t n_names, n_got_names;
    bool name_changed[SIDE_NAMES];
    uint64_t loaded;
    unsigned loads, troubles, relieved, anew;
    char trouble[512];
    const char *not_ready;
};

static inline uint64_t side_key(uint64_t n)
{
    return hash64(7, str_from((const char *)&n, sizeof n));
}

/* Row n, last seen at that tick, in its `version`th state. */
static inline struct prefix side_row(uint64_t n, uint32_t last, uint16_t version)
{
    return (struct prefix){.key = side_key(n),
                           .last = last,
                           .tokens = (uint32_t)n,
                           .count = version,
                           .gap = 2.5F,
                           .dirty = 1};
}

static inline void side_change(struct side *x, size_t n, uint32_t last, uint16_t version)
{
    x->rows[n] = side_row(n, last, version);
    x->n = n < x->n ? x->n : n + 1;
}

static inline void side_name(struct side *x, size_t n, const char *value)
{
    snprintf(x->names[n], sizeof x->names[n], "%s", value);
    x->name_changed[n] = true;
    x->n_names = n < x->n_names ? x->n_names : n + 1;
}

/* In slices of ten places, so that a cursor has something to do. */
static inline size_t side_take(void *arg, size_t *cursor, struct prefix *out, size_t n)
{
    struct side *x = arg;
    size_t taken = 0, until = *cursor + 10;
    for (; *cursor < x->n && *cursor < until && taken < n; ++*cursor)
        if (x->rows[*cursor].dirty) {
            x->rows[*cursor].dirty = 0;
            out[taken++] = x->rows[*cursor];
        }
    if (*cursor >= x->n)
        *cursor = 0;
    return taken;
}

static inline void side_restore(void *arg, const struct prefix *rows, size_t n)
{
    struct side *x = arg;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = rows[i].tokens;
        struct prefix want = side_row(number, rows[i].last, rows[i].count);
        want.dirty = 0;
        if (number >= SIDE_MOST || memcmp(&rows[i], &want, sizeof want) != 0)
            x->n_wrong++;
        else
            x->got[number] = rows[i];
        x->n_got++;
    }
}

static inline void
side_each_named(void *arg, void (*each)(void *to, struct str name, struct str bytes), void *to)
{
    struct side *x = arg;
    char name[200];
    for (size_t i = 0; i < x->n_names; i++) {
        if (!x->name_changed[i])
            continue;
        x->name_changed[i] = false;
        int len = snprintf(name, sizeof name, "%zu %0100d", i, 0); /* longer than a key may be */
        each(to, str_from(name, (size_t)len), str_of(x->names[i]));
    }
}

static inline void side_restore_named(void *arg, struct str name, struct str bytes)
{
    struct side *x = arg;
    size_t i = (size_t)(name.ptr[0] - '0');
    if (i < SIDE_NAMES && name.len == 102)
        snprintf(x->got_names[i], sizeof x->got_names[i], "%.*s", STR_ARG(bytes));
    x->n_got_names++;
}

static inline void side_all_changed(void *arg)
{
    struct side *x = arg;
    x->anew++;
    for (size_t i = 0; i < x->n; i++)
        x->rows[i].dirty = x->rows[i].key != 0;
    for (size_t i = 0; i < x->n_names; i++)
        x->name_changed[i] = true;
}

static inline int side_ready(void *arg, char *why, size_t why_size)
{
    struct side *x = arg;
    if (!x->not_ready)
        return 0;
    snprintf(why, why_size, "%s", x->not_ready);
    return ERR_IO;
}

static inline void side_trouble(void *arg, const char *sentence)
{
    struct side *x = arg;
    x->troubles += sentence != NULL;
    x->relieved += sentence == NULL;
    snprintf(x->trouble, sizeof x->trouble, "%s", sentence ? sentence : "");
}

static inline void side_loaded(void *arg, uint64_t prefixes, int64_t ms)
{
    struct side *x = arg;
    x->loads++;
    x->loaded = prefixes;
}

static inline struct keeper_source side_source(struct side *x)
{
    return (struct keeper_source){.arg = x,
                                  .take = side_take,
                                  .restore = side_restore,
                                  .each_named = side_each_named,
                                  .restore_named = side_restore_named,
                                  .all_changed = side_all_changed,
                                  .ready = side_ready,
                                  .trouble = side_trouble,
                                  .loaded = side_loaded};
}

#endif
