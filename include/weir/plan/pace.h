/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast a model may be asked on demand by what can wait: a fifth of the best ten seconds that it
 * was seen to answer, never less than one a second; halved by a 429, then growing again. While
 * hardly anyone else asks there is nobody to starve: then it begins with one a second at least, and
 * doubles with each ten seconds of use that brought no 429. Pure: one struct for each model.
 */
#ifndef WEIR_PLAN_PACE_H
#define WEIR_PLAN_PACE_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct pace {
    int64_t slot_ms;  /* beginning of the ten seconds at hand */
    uint32_t in_slot; /* good answers in them */
    uint32_t others;  /* ... to others */
    int64_t crowd_ms; /* others were many until then */
    double best;      /* a second; fades by half a day */
    double damp;      /* 1, less after 429s */
    int64_t damped_ms;
    double alone; /* calls a second where nobody else asks */
    int64_t alone_ms;
    uint32_t taken; /* calls since then */
    double credit;  /* calls that may go now */
    int64_t credit_ms;
};

void pace_init(struct pace *p, int64_t now_ms);
/* n calls of others were answered well; one of what can wait; one, of whomever, was throttled. */
void pace_good(struct pace *p, uint32_t n, int64_t now_ms);
void pace_good_ours(struct pace *p, int64_t now_ms);
void pace_throttled(struct pace *p, int64_t now_ms);
/* Calls a second that can be counted on. */
double pace_per_second(const struct pace *p, int64_t now_ms);
/* May one go now? Spends it. Otherwise *out_ms says when to ask again. */
bool pace_take(struct pace *p, int64_t now_ms, int64_t *out_ms);

/* What is kept over a restart: what was answered at best, and what was reached alone. Reading
 * adds it to what was learned since, where it was more; ERR_BAD: it is of another form, and nothing
 * was added. */
void pace_write(const struct pace *p, struct buf *out);
MUST_CHECK int pace_read(struct str bytes, struct pace *p, int64_t now_ms);

#endif
