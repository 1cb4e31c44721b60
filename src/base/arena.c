/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of chunks, newest first; a chunk holds at least one request whole.
 */
#include "weir/base/arena.h"

#include "weir/base/digest.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK_BYTES = 4096 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, cap;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max = max_bytes};
}

void arena_fini(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;
        mem_free(a->chunks);
        a->chunks = next;
    }
    *a = (struct arena){.max = a->max};
}

void arena_wipe(struct arena *a)
{
    for (struct arena_chunk *c = a->chunks; c; c = c->next)
        secret_wipe(c->bytes, c->used);
}

static void *take(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (a->full || size > a->max) {
        a->full = true;
        return NULL;
    }
    size = (size + align - 1) & ~(align - 1);
    struct arena_chunk *c = a->chunks;
    if (!c || c->cap - c->used < size) {
        size_t cap = CHUNK_BYTES - sizeof *c;
        if (cap < size)
            cap = size;
        bool too_big = a->used + cap + sizeof *c > a->max;
        if (too_big || !(c = mem_try(sizeof *c + cap))) {
            a->full = true;
            a->refused = !too_big;
            return NULL;
        }
        *c = (struct arena_chunk){.next = a->chunks, .cap = cap};
        a->chunks = c;
        a->used += cap + sizeof *c;
    }
    void *at = c->bytes + c->used;
    c->used += size;
    return at;
}

void *arena_new(struct arena *a, size_t size_bytes)
{
    void *at = take(a, size_bytes ? size_bytes : 1);
    if (at)
        memset(at, 0, size_bytes);
    return at;
}

struct str arena_join(struct arena *a, const struct str *parts, size_t n)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    char *text = take(a, len + 1);
    if (!text)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < n; at += parts[i++].len)
        if (parts[i].len)
            memcpy(text + at, parts[i].ptr, parts[i].len);
    text[len] = 0;
    return (struct str){text, len};
}

struct str arena_dup(struct arena *a, struct str s)
{
    return arena_join(a, &s, 1);
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    assert(n >= 0);
    char *at = take(a, (size_t)n + 1);
    if (at)
        vsnprintf(at, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return (struct str){at, at ? (size_t)n : 0};
}
