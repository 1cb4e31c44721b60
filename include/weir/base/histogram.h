/* SPDX-License-Identifier: Apache-2.0
 *
 * A histogram of whole numbers to two significant digits: log-linear, 128 cells for each doubling
 * (below 256 one for each number), so that every value is within 0.4 % of its cell's middle. Only
 * the cells in use are kept, in order: a minute of latencies takes a few hundred bytes. Values
 * from 2^38 on (in microseconds: 76 hours) share the last cell.
 */
#ifndef WEIR_BASE_HISTOGRAM_H
#define WEIR_BASE_HISTOGRAM_H

#include "weir/base/buf.h"
#include "weir/base/err.h"

enum {
    HISTOGRAM_CELLS = 4096,
    HISTOGRAM_BYTES_MOST = 5 * HISTOGRAM_CELLS + 64 /* of histogram_write, whatever was counted */
};

struct histogram_cell {
    uint32_t index;
    uint64_t count;
};

/* Zero is empty and valid. */
struct histogram {
    struct histogram_cell *cells; /* by index, ascending */
    size_t n, cap;
    uint64_t count; /* of all cells */
    uint64_t sum;   /* of the values as they were, exact; saturates */
    uint64_t least, most;
};

void histogram_fini(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t value, uint64_t times);
/* h += other. */
void histogram_merge(struct histogram *h, const struct histogram *other);
/* The value that `permille` thousandths of all lie at or below (500: the median; 0: least; 1000:
 * most); 0 when empty. */
uint64_t histogram_at(const struct histogram *h, unsigned permille);
/* Of values at or below `value`, to the cell. */
uint64_t histogram_below(const struct histogram *h, uint64_t value);
/* The middle of a cell: what stands for its values. */
uint64_t histogram_value(uint32_t index);

/* As bytes for the book, compact; reading checks everything. ERR_BAD leaves h empty. */
void histogram_write(const struct histogram *h, struct buf *out);
MUST_CHECK int histogram_read(struct histogram *h, struct str *in);

#endif
