/* SPDX-License-Identifier: Apache-2.0
 *
 * Each nghttp2 session (1.52) holds a frame buffer of 16 KiB, of which we use the first few hundred
 * bytes: bodies go out past it. From the heap it would cost each open connection its 16 KiB in
 * whole pages that others had touched before. So these buffers come from one mapping, in slots of
 * whole pages, where a page that nobody writes to costs nothing. All else comes from base/mem; when
 * the mapping is used up (or refused), so do they. The slots are the whole process's: what a worker
 * leaves behind is freed by the thread that outlives it.
 */
#include "h2_memory.h"

#include "weir/base/mem.h"

#include <pthread.h>
#include <string.h>

enum {
    LARGE = 16 * 1024,
    SLOT = 20 * 1024, /* five pages */
    SLOTS = 32 * 1024 /* 640 MiB of addresses; more connections than are usually allowed */
};

struct slot {
    struct slot *next;
};

static char *base; /* set once */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static size_t begun;                                     /* slots handed out at least once */
static struct slot *spare;

static void make_slots(void)
{
    base = mem_map((size_t)SLOT * SLOTS);
}

static bool is_slot(const void *ptr)
{
    return base && (const char *)ptr >= base && (const char *)ptr < base + (size_t)SLOT * SLOTS;
}

static void *take_slot(void)
{
    pthread_once(&once, make_slots);
    if (!base)
        return NULL;
    pthread_mutex_lock(&lock);
    void *slot = spare;
    if (slot)
        spare = spare->next;
    else if (begun < SLOTS)
        slot = base + (size_t)SLOT * begun++;
    pthread_mutex_unlock(&lock);
    return slot;
}

static void *noting(void *got, bool *refused)
{
    *refused = *refused || !got;
    return got;
}

static void *h2_malloc(size_t size, void *refused)
{
    void *slot = size >= LARGE && size <= SLOT ? take_slot() : NULL;
    return slot ? slot : noting(mem_try(size), refused);
}

static void h2_free(void *ptr, void *refused)
{
    if (!is_slot(ptr)) {
        mem_free(ptr);
        return;
    }
    struct slot *s = ptr;
    pthread_mutex_lock(&lock);
    s->next = spare;
    spare = s;
    pthread_mutex_unlock(&lock);
}

static void *h2_calloc(size_t n, size_t size, void *refused)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *ptr = h2_malloc(bytes, refused);
    return ptr ? memset(ptr, 0, bytes) : NULL;
}

static void *h2_realloc(void *ptr, size_t size, void *refused)
{
    if (!ptr) /* nghttp2 makes its buffers this way */
        return h2_malloc(size, refused);
    if (!is_slot(ptr))
        return noting(mem_try_grow(ptr, size), refused);
    if (size <= SLOT)
        return ptr;
    void *larger = noting(mem_try(size), refused);
    if (!larger)
        return NULL;
    memcpy(larger, ptr, SLOT);
    h2_free(ptr, refused);
    return larger;
}

nghttp2_mem h2_memory(bool *refused)
{
    return (nghttp2_mem){refused, h2_malloc, h2_free, h2_calloc, h2_realloc};
}
