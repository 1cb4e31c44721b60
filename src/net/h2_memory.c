/* SPDX-License-Identifier: Apache-2.0
 *
 * Each nghttp2 session (1.52) holds a frame buffer of 16 KiB, of which we use the first few hundred
 * bytes: bodies go out past it. From the heap it would cost each open connection its 16 KiB in
 * whole pages that others had touched before. So these buffers come from a mapping per thread, in
 * slots of whole pages, where a page that nobody writes to costs nothing. All else comes from
 * base/mem; when the mapping is used up (or refused), so do they.
 */
#include "h2_memory.h"

#include "weir/base/mem.h"

#include <stdbool.h>
#include <string.h>

enum {
    LARGE = 16 * 1024,
    SLOT = 20 * 1024, /* five pages */
    SLOTS = 32 * 1024 /* 640 MiB of addresses; more connections than one worker is given */
};

struct slot {
    struct slot *next;
};

static _Thread_local struct {
    char *base;
    size_t begun; /* slots handed out at least once */
    struct slot *spare;
    bool refused;
} slots;

static bool is_slot(const void *ptr)
{
    return slots.base && (const char *)ptr >= slots.base &&
           (const char *)ptr < slots.base + (size_t)SLOT * SLOTS;
}

static void *take_slot(void)
{
    struct slot *s = slots.spare;
    if (s) {
        slots.spare = s->next;
        return s;
    }
    if (!slots.base && !slots.refused) {
        slots.base = mem_map((size_t)SLOT * SLOTS);
        slots.refused = !slots.base;
    }
    if (!slots.base || slots.begun == SLOTS)
        return NULL;
    return slots.base + (size_t)SLOT * slots.begun++;
}

static void *h2_malloc(size_t size, void *arg)
{
    void *slot = size >= LARGE && size <= SLOT ? take_slot() : NULL;
    return slot ? slot : mem_try(size);
}

static void h2_free(void *ptr, void *arg)
{
    if (!is_slot(ptr)) {
        mem_free(ptr);
        return;
    }
    struct slot *s = ptr;
    s->next = slots.spare;
    slots.spare = s;
}

static void *h2_calloc(size_t n, size_t size, void *arg)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *ptr = h2_malloc(bytes, arg);
    return ptr ? memset(ptr, 0, bytes) : NULL;
}

static void *h2_realloc(void *ptr, size_t size, void *arg)
{
    if (!ptr) /* nghttp2 makes its buffers this way */
        return h2_malloc(size, arg);
    if (!is_slot(ptr))
        return mem_try_grow(ptr, size);
    if (size <= SLOT)
        return ptr;
    void *larger = mem_try(size);
    if (!larger)
        return NULL;
    memcpy(larger, ptr, SLOT);
    h2_free(ptr, arg);
    return larger;
}

nghttp2_mem *h2_memory(void)
{
    static nghttp2_mem calls = {NULL, h2_malloc, h2_free, h2_calloc, h2_realloc};
    return &calls;
}
