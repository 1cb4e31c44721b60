/* SPDX-License-Identifier: Apache-2.0
 *
 * How far an exporter has told: a pure state machine, so that every place where a crash can come is
 * a test. A minute is told in parts (a call, a batch of lines), each at most once:
 *
 *     closed? --> read --> note "attempted" --> send --> note the outcome --> next part or minute
 *
 * What is noted is a row on the disk. A row that says "attempted" after a restart is a part of
 * which nobody knows whether it arrived: it is counted and never sent again.
 */
#ifndef WEIR_GATE_CURSOR_H
#define WEIR_GATE_CURSOR_H

#include "weir/base/str.h"

enum {
    CURSOR_ROW_BYTES = 18,
    /* CloudWatch takes nothing older than two weeks (API reference of PutMetricData, 2026-11). */
    CURSOR_BACK_MINUTES = 14 * 24 * 60 - 60,
    /* A row further ahead is of a clock that was wrong (the book takes a closed minute so, too). */
    CURSOR_AHEAD_MINUTES = 60
};

/* What is on the disk. */
struct cursor_row {
    uint32_t minute; /* told next, since 1970 */
    uint32_t part;   /* of it */
    uint64_t plan;   /* what its parts were cut from: the same again, or they are others */
    bool attempted;
};

enum cursor_act {
    CURSOR_WAIT,  /* nothing to do until time has passed: then CURSOR_WOKE */
    CURSOR_CLOSE, /* close every minute before now: CURSOR_CLOSED */
    CURSOR_READ,  /* read row.minute and cut it into parts: cursor_read */
    CURSOR_NOTE,  /* put the row on the disk: CURSOR_NOTED */
    CURSOR_SEND   /* part row.part: CURSOR_TOLD, _REFUSED, _HOPELESS or _UNKNOWN */
};

enum cursor_event {
    CURSOR_WOKE,
    CURSOR_CLOSED,
    CURSOR_NOTED,
    CURSOR_FAILED,   /* what was to be closed, read or noted could not be */
    CURSOR_TOLD,     /* the part arrived */
    CURSOR_REFUSED,  /* for certain it did not: it is sent again */
    CURSOR_HOPELESS, /* for certain it did not and never will: it is left out */
    CURSOR_UNKNOWN   /* nobody knows */
};

struct cursor_counts {
    uint64_t told, refused, hopeless, unknown; /* parts; of refused: tries */
    uint64_t skipped; /* minutes too old to be told, and turns of the clock */
};

struct cursor {
    struct cursor_row row;
    enum cursor_phase {
        CURSOR_IDLE,
        CURSOR_CLOSING,
        CURSOR_READING,
        CURSOR_NOTING_ATTEMPT,
        CURSOR_SENDING,
        CURSOR_NOTING_OUTCOME,
        CURSOR_NOTING_TROUBLE,
        CURSOR_RESTING /* after trouble: it goes on after a while */
    } phase;
    bool parted;    /* row.minute was read: `parts` holds */
    uint32_t parts; /* of row.minute */
    uint32_t open;  /* minutes before it are closed */
    uint32_t aim;   /* ... and before this one, when closing them works */
    struct cursor_counts counts;
};

/* Begins at the row, or when there is none (NULL) at the minute `now`. */
enum cursor_act cursor_begin(struct cursor *c, const struct cursor_row *row, uint32_t now);
enum cursor_act cursor_step(struct cursor *c, enum cursor_event e, uint32_t now);
/* The answer to CURSOR_READ. */
enum cursor_act cursor_read(struct cursor *c, uint32_t parts, uint64_t plan, uint32_t now);
/* What was cut into parts is gone (a reload): read again before the next is sent. Only where
 * nothing is under way: CURSOR_IDLE or CURSOR_RESTING. */
void cursor_forget(struct cursor *c);

void cursor_row_write(const struct cursor_row *row, unsigned char out[CURSOR_ROW_BYTES]);
bool cursor_row_read(struct str bytes, struct cursor_row *out);

#endif
