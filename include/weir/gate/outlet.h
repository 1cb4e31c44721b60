/* SPDX-License-Identifier: Apache-2.0
 *
 * Where lines go: stdout, a file, or an agent that listens on TCP. A piece is taken whole or the
 * outlet says what became of it. It never blocks, and holds one piece at a time: a reader that does
 * not read costs the wait of a minute, and then the piece.
 */
#ifndef WEIR_GATE_OUTLET_H
#define WEIR_GATE_OUTLET_H

#include "weir/base/str.h"
#include "weir/net/dns.h"
#include "weir/net/loop.h"

enum outlet_fate {
    OUTLET_TAKEN,   /* the kernel has all of it */
    OUTLET_REFUSED, /* not a byte was taken */
    OUTLET_TORN     /* some was taken; whether it was read nobody knows */
};

struct outlet;
/* `to`: "stdout", a path, or "tcp://host:port" (copied). `done` never from inside outlet_send. */
struct outlet *outlet_new(struct loop *l, struct dns *dns, struct str to,
                          void (*done)(void *arg, enum outlet_fate fate, const char *why),
                          void *arg);
/* Not from inside `done`. */
void outlet_free(struct outlet *o);
struct str outlet_to(const struct outlet *o);

/* Whole lines; they stay until `done`. One piece at a time. */
void outlet_send(struct outlet *o, struct str lines);

#endif
