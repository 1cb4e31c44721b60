/* SPDX-License-Identifier: Apache-2.0
 *
 * What batch jobs take of each dialect, as tables: for each place that is known, what its members
 * mean. Places that are known are closed: a member that nobody told us of could be one that batch
 * does not take. Bodies of other models are open: fit, unless something in them is known to be
 * unfit.
 */
#ifndef WEIR_SRC_PLAN_BATCH_SHAPE_H
#define WEIR_SRC_PLAN_BATCH_SHAPE_H

#include "weir/plan/batch_line.h"

enum shape_act {
    SHAPE_KEEP,
    SHAPE_DROP,
    SHAPE_REFUSE,
    SHAPE_LIST,      /* a list of objects of the table `inside` */
    SHAPE_BLOCKS,    /* the same, or one text */
    SHAPE_INSIDE,    /* an object of the table `inside`; another value is kept */
    SHAPE_METADATA,  /* an object whose "weir." members go; where that was all, it goes, too */
    SHAPE_CALM,      /* only false */
    SHAPE_STANDARD,  /* only "standard" */
    SHAPE_BLOCK_TYPE /* Claude's kind of block */
};

struct batch_shape;
struct shape_row {
    struct str name;
    enum shape_act act;
    const char *why; /* it is refused */
    const struct batch_shape *inside;
};
struct batch_shape {
    const struct shape_row *rows;
    size_t n;
    const char *other; /* why a member that has no row is refused; NULL: it is kept */
    const char *lacks; /* why it is refused without the member of the first row; NULL: it is not */
    bool block;        /* an empty one cannot stand for what held only a marker */
    bool point;        /* {"cachePoint":{}} is a marker of the block before it: it goes */
};

const struct batch_shape *batch_shape_of(enum batch_kind kind, struct str model);
/* Wherever it is known to stand, or not: the first that has this name makes a body unfit. */
extern const struct batch_shape batch_shape_deep;
/* May a block of Claude's be of this kind? The string as it stands. NULL: yes. */
const char *batch_shape_block_type(struct str raw);

#endif
