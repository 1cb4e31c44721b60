/* SPDX-License-Identifier: Apache-2.0
 *
 * A grid of text for a terminal: its first row is headings, its first columns are names. Cells are
 * text added to `text`, each closed by grid_end_cell.
 */
#ifndef WEIR_SRC_BOOK_REPORT_GRID_H
#define WEIR_SRC_BOOK_REPORT_GRID_H

#include "weir/base/buf.h"

enum { GRID_COLUMNS_MOST = 32 };

struct grid {
    struct buf text;
    struct grid_cell {
        size_t at, len;
    } * cells;
    size_t n, cap, n_columns, n_names;
    unsigned char
        rank[GRID_COLUMNS_MOST]; /* the greatest goes first for want of room; 0: it stays */
};

void grid_fini(struct grid *g);
void grid_end_cell(struct grid *g);

/* Columns side by side. False: it is wider than that (0: nothing is), and nothing was added. */
bool grid_print(const struct grid *g, size_t width, struct buf *out);
/* The same with names cut in the middle, then without the columns that may go. */
bool grid_squeeze(const struct grid *g, size_t width, struct buf *out);
/* A block for each row: its names, then a line for each figure. */
void grid_print_blocks(const struct grid *g, struct buf *out);

#endif
