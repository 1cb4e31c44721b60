/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that allocates. Two manners: abort (small things, where an error path would be
 * code that nobody ever runs) and NULL (things that a client sizes).
 */
#include "weir/base/mem.h"

#include "weir/base/hook.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static atomic_uint fail_countdown;

static bool told_to_fail(void)
{
    if (HOOK("mem.try"))
        return true;
    unsigned left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (left == 0)
        return false;
    atomic_store_explicit(&fail_countdown, left - 1, memory_order_relaxed);
    return left == 1;
}

void mem_fail_at(unsigned nth)
{
    atomic_store_explicit(&fail_countdown, nth, memory_order_relaxed);
}

static void *or_abort(void *ptr)
{
    if (!ptr) {
        fputs("weir: out of memory\n", stderr);
        abort();
    }
    return ptr;
}

void *mem_new(size_t size_bytes)
{
    return or_abort(calloc(1, size_bytes ? size_bytes : 1));
}

void *mem_grow(void *old, size_t size_bytes)
{
    return or_abort(realloc(old, size_bytes ? size_bytes : 1));
}

void mem_free(void *ptr)
{
    free(ptr);
}

void *mem_try(size_t size_bytes)
{
    return told_to_fail() ? NULL : malloc(size_bytes ? size_bytes : 1);
}

void *mem_try_grow(void *old, size_t size_bytes)
{
    return told_to_fail() ? NULL : realloc(old, size_bytes ? size_bytes : 1);
}

void *mem_map(size_t size_bytes)
{
    if (told_to_fail())
        return NULL;
    void *ptr = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ptr == MAP_FAILED)
        return NULL;
    (void)madvise(ptr, size_bytes, MADV_DONTDUMP);
    return ptr;
}

void mem_unmap(void *ptr, size_t size_bytes)
{
    if (ptr)
        (void)munmap(ptr, size_bytes);
}
