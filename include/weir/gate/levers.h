/* SPDX-License-Identifier: Apache-2.0
 *
 * One switch for all levers: on, observe (nothing is changed, what would have been is recorded), or
 * off (a plain signing, metering proxy). The configuration says how it starts; `weir levers` and
 * POST /api/v1/levers set it at run time, at once for all workers, until a restart or until a
 * reload brings another `levers` than the configuration before.
 */
#ifndef WEIR_GATE_LEVERS_H
#define WEIR_GATE_LEVERS_H

#include "weir/base/str.h"

#include <stdatomic.h>

enum levers_mode { LEVERS_ON, LEVERS_OBSERVE, LEVERS_OFF };

struct shared_cache;
struct levers {
    atomic_int mode;
    atomic_bool set;            /* at run time */
    struct shared_cache *cache; /* NULL: none */
};

struct str levers_word(enum levers_mode m);
bool levers_read(struct str word, enum levers_mode *out);
/* At the start and at each reload; `old` is the mode of the configuration before (the same at the
 * start). */
void levers_follow(struct levers *l, enum levers_mode old, enum levers_mode now);
void levers_set(struct levers *l, enum levers_mode m);
/* From now on `cache` is told when they begin and cease to observe. At the start. */
void levers_lead(struct levers *l, struct shared_cache *cache);
static inline enum levers_mode levers_mode(const struct levers *l)
{
    return (enum levers_mode)atomic_load_explicit(&l->mode, memory_order_relaxed);
}

#endif
