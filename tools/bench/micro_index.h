/* SPDX-License-Identifier: Apache-2.0
 *
 * The prefix index' rows of weir-micro.
 */
#ifndef WEIR_TOOLS_BENCH_MICRO_INDEX_H
#define WEIR_TOOLS_BENCH_MICRO_INDEX_H

#include "weir/base/buf.h"

/* Blocks of one prompt: what one pass looks up. */
enum { INDEX_BLOCKS = 60 };

/* An index in memory of that size, nine tenths full; the text are keys, of which each second one is
 * in it, at random. Nothing is in the processor's caches but what is left there by chance. */
void index_make(struct buf *b, size_t size_bytes);
void index_find(struct str keys);
/* All are fetched before the first is looked up. */
void index_fetch_find(struct str keys);
/* The same as the workers share it: in shards, with locks, each visit noted, and what is new put
 * in. */
void index_share(struct buf *b, size_t size_bytes);
void index_see(struct str keys);
struct shared_cache;
/* The one that it is then. */
struct shared_cache *index_filled(size_t size_bytes);

#endif
