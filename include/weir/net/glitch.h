/* SPDX-License-Identifier: Apache-2.0
 *
 * Glitches: what a peer does on one HTTP/2 connection that is legal or nearly so, costs it little
 * and us much. Each kind has an account that refills with time or is earned; who overdraws one is
 * asked to calm down (GOAWAY). The accounts go on charging whatever has been sent, so that a
 * GOAWAY buys nobody a free flood.
 *
 * Pure: the time is an argument.
 */
#ifndef WEIR_NET_GLITCH_H
#define WEIR_NET_GLITCH_H

#include <stdbool.h>
#include <stdint.h>

enum glitch_kind {
    GLITCH_RESET,    /* the client resets a stream: CVE-2023-44487 */
    GLITCH_FAULT,    /* a stream that we reset or refuse for a fault of the client: CVE-2025-8671 */
    GLITCH_PING,     /* CVE-2019-9512 */
    GLITCH_SETTINGS, /* CVE-2019-9515 */
    GLITCH_EMPTY_DATA,    /* DATA without bytes or end, in a row: CVE-2019-9518 */
    GLITCH_PRIORITY,      /* CVE-2019-9513; two are earned by each stream */
    GLITCH_UNKNOWN,       /* frames of a type that nobody knows */
    GLITCH_WINDOW_UPDATE, /* two are earned by each DATA frame that we send */
    GLITCH_KINDS
};

struct glitch {
    int32_t left[GLITCH_KINDS];    /* thousandths */
    int64_t seen_ms[GLITCH_KINDS]; /* when it was refilled last */
};

void glitch_init(struct glitch *g, int64_t now_ms);
/* True: the account is overdrawn, the connection has to go. */
bool glitch_charge(struct glitch *g, enum glitch_kind kind, int64_t now_ms);
/* Puts `n` back, never above the full account. */
void glitch_earn(struct glitch *g, enum glitch_kind kind, unsigned n);

#endif
