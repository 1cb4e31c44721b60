/* SPDX-License-Identifier: Apache-2.0
 *
 * Single values of a query's tree. The first fault sticks in the reader; behind it they give what
 * does no harm.
 */
#ifndef WEIR_SRC_GATE_QUERY_LEAF_H
#define WEIR_SRC_GATE_QUERY_LEAF_H

#include "query.h"

struct query_reader {
    struct query *q;
    const struct query_env *env;
    struct query_fault *f;
    uint32_t now; /* minute */
};

/* NULL when it is not there, or null. */
const cJSON *query_leaf_at(const cJSON *o, const char *name);
void query_leaf_missing(struct query_reader *r, const char *name);
void query_leaf_bad(struct query_reader *r, const char *name, const char *why);

/* Kept with the query; empty when it is not there. */
struct str query_leaf_text(struct query_reader *r, const cJSON *o, const char *name, size_t most);
struct str query_leaf_text_needed(struct query_reader *r, const cJSON *o, const char *name,
                                  size_t most);
/* `otherwise` when it is not there. */
uint64_t query_leaf_whole(struct query_reader *r, const cJSON *o, const char *name,
                          uint64_t otherwise);
bool query_leaf_flag(struct query_reader *r, const cJSON *o, const char *name, bool otherwise);
/* A time, since 1970. */
double query_leaf_seconds(struct query_reader *r, const cJSON *o, const char *name);
/* The first element of a list; the others are its `next`. */
const cJSON *query_leaf_elements(struct query_reader *r, const cJSON *o, const char *name,
                                 size_t most);

#endif
