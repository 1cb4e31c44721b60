/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream cut into lines, in bounded memory. A line that is longer than the most is dropped.
 *
 *     batch_lines_add --> [ whole lines | the beginning of one ] --> batch_lines_next
 */
#ifndef WEIR_SRC_GATE_BATCH_LINES_H
#define WEIR_SRC_GATE_BATCH_LINES_H

#include "weir/base/buf.h"

struct batch_lines {
    struct buf in;
    uint64_t at;      /* of the stream: where `in` begins */
    size_t most;      /* bytes of a line */
    size_t whole;     /* bytes of whole lines in `in`, with their newlines */
    uint32_t n;       /* whole lines in it */
    bool dropping;    /* in the middle of a line that is too long */
    bool unended;     /* the last line had no newline of its own */
    uint64_t dropped; /* lines that were too long */
};

/* The stream begins at `at`, which is the beginning of a line. */
void batch_lines_init(struct batch_lines *l, uint64_t at, size_t most);
void batch_lines_fini(struct batch_lines *l);
void batch_lines_add(struct batch_lines *l, struct str bytes);
/* The stream ended: what is left is a line, too. */
void batch_lines_end(struct batch_lines *l);
/* Takes a whole line without its newline; false: there is none. Borrowed until the next add. */
bool batch_lines_next(struct batch_lines *l, struct str *out);
/* The beginning of a line is longer than the most: it can be dropped when the whole ones before it
 * were taken. */
bool batch_lines_stuck(const struct batch_lines *l);

#endif
