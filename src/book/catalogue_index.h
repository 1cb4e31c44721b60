/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of models to what is known of them. "a.b" is that model and its versions; "a.b*" is
 * everything that begins so. The longest name that fits wins; of two equally long the one without
 * the star.
 */
#ifndef WEIR_SRC_BOOK_CATALOGUE_INDEX_H
#define WEIR_SRC_BOOK_CATALOGUE_INDEX_H

#include "weir/base/arena.h"

struct catalogue_name {
    struct str start; /* without the star; borrowed */
    bool family;      /* it had one */
    void *what;
    const struct catalogue_name *up; /* the longest other name that this one begins with */
};

struct catalogue_index {
    struct catalogue_name *at;
    size_t n;
};

/* Makes it ready for catalogue_index_find: sorts the names. */
void catalogue_index_sort(struct catalogue_index *x);
const struct catalogue_name *catalogue_index_find(const struct catalogue_index *x, struct str id);
/* Whether a pattern ("*" is any run) could mean one of the names with `head` before it, or a
 * version of one. A family is met only by what means all of it. */
bool catalogue_index_meets(const struct catalogue_index *x, struct str head, struct str pattern);

#endif
