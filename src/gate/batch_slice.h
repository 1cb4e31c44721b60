/* SPDX-License-Identifier: Apache-2.0
 *
 * Some lines of output as ends of records.
 */
#ifndef WEIR_SRC_GATE_BATCH_SLICE_H
#define WEIR_SRC_GATE_BATCH_SLICE_H

#include "batch_jobs.h"

enum { BATCH_SLICE_LINES = 128 };

/* Lines that end no record; counted over all slices. */
struct batch_odd {
    uint64_t malformed, unknown, twice, late;
};

struct batch_slice {
    struct batch_work *work;
    struct spool_read *read;
    int64_t now_ms;
    struct spool_end ends[BATCH_SLICE_LINES];
    size_t n;
    size_t lines, bytes;
    uint32_t good, bad;         /* lines with an answer, with an error */
    uint32_t answers;           /* ends that are answers */
    uint32_t errors;            /* ... of which errors */
    struct batch_billed billed; /* the sum */
    struct batch_odd odd;
    /* What `ends` points into, and where: it may move until the end. */
    struct buf room;
    struct batch_span {
        size_t at, len;
    } rows[BATCH_SLICE_LINES], late_rows[BATCH_SLICE_LINES], bodies[BATCH_SLICE_LINES];
};

/* Lines are borrowed until the slice is settled, the reader until its end. */
void batch_slice_begin(struct batch_slice *s, struct batch_work *w, struct spool_read *read);
void batch_slice_add(struct batch_slice *s, struct str line);
void batch_slice_end(struct batch_slice *s);
void batch_slice_fini(struct batch_slice *s);

#endif
