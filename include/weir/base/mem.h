/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that allocates. Small allocations abort when memory is out; whatever has a size
 * that a client chooses goes through mem_try or mem_map and fails politely. Test builds can make
 * the nth polite allocation fail (mem_fail_at).
 */
#ifndef WEIR_BASE_MEM_H
#define WEIR_BASE_MEM_H

#include <stddef.h>

/* Zeroed memory, never NULL. */
void *mem_new(size_t size_bytes);
void *mem_grow(void *old, size_t size_bytes);
void mem_free(void *ptr);

/* May return NULL: the caller answers politely. Not zeroed. */
void *mem_try(size_t size_bytes);
void *mem_try_grow(void *old, size_t size_bytes);

/* An anonymous mapping, zeroed, pages charged as they are touched; NULL when refused.
 * It stays out of core dumps: what needs a mapping of its own is a prompt. */
void *mem_map(size_t size_bytes);
void mem_unmap(void *ptr, size_t size_bytes);

/* For tests: the nth polite allocation from now fails (1 = the next one); 0 turns it off. */
void mem_fail_at(unsigned nth);

#endif
