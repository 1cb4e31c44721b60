/* SPDX-License-Identifier: Apache-2.0
 *
 * A catalogue in memory, and how its file becomes one.
 */
#ifndef WEIR_SRC_BOOK_CATALOGUE_READ_H
#define WEIR_SRC_BOOK_CATALOGUE_READ_H

#include "catalogue_index.h"
#include "weir/book/catalogue.h"
#include "weir/wire/yaml.h"

enum { CATALOGUE_GEOS_MOST = 16 };

/* What is told of a model's prices: some in dollars, some as shares of the input price. */
struct price_terms {
    struct price given;
    unsigned has;            /* bit k: kind k is given */
    uint32_t shares[TOKENS]; /* of PRICE_ONE; 0: none */
};

struct catalogue_row {
    struct catalogue_model model;
    struct price_terms terms;
    uint32_t geo_parts[CATALOGUE_GEOS_MOST]; /* 0: as without */
};

struct catalogue {
    struct arena arena; /* owns every str, row and name */
    struct str date;
    struct str geos[CATALOGUE_GEOS_MOST];
    size_t n_geos;
    struct catalogue_index rows;      /* of struct catalogue_row */
    struct catalogue_index overrides; /* of struct price_terms */
    uint32_t discount_parts;
};

/* Each false after adding lines to `faults`; `file` is the name that stands in them. */
bool catalogue_read(struct catalogue *c, struct str file, const struct yaml_node *root,
                    struct buf *faults);
bool catalogue_read_overrides(struct catalogue *c, struct str file, const struct yaml_node *map,
                              struct buf *faults);

/* False when input or output has no price. */
bool price_terms_settle(const struct price_terms *t, struct price *out);

#endif
