/* SPDX-License-Identifier: Apache-2.0
 *
 * What `weir batch suggest` says: plan/suggest's findings in a book, with names, with what the
 * configuration and the catalogue allow, and beside them the rules that were accepted.
 */
#ifndef WEIR_GATE_SUGGESTIONS_H
#define WEIR_GATE_SUGGESTIONS_H

#include "weir/book/callers.h"
#include "weir/gate/config.h"

enum { SUGGESTION_NAME_MOST = 64, SUGGESTION_HOURS_MOST = 96 };

struct suggestion {
    char name[SUGGESTION_NAME_MOST + 1]; /* of a rule; the same as long as the caller is there */
    char hours[SUGGESTION_HOURS_MOST];   /* as rules[].match.hours */
    const struct caller *caller;         /* the list's */
    struct suggest_found found;
    bool accepted;
};

struct suggestions {
    struct suggestion *list;
    size_t n;
    struct callers *callers;
    const struct config *config; /* borrowed */
};

struct suggestions_terms {
    const struct config *config;
    struct callers_terms callers;
    struct str zone; /* its name; empty: UTC */
};

/* The errors of book/callers. */
MUST_CHECK int suggestions_read(struct store *s, const struct suggestions_terms *t,
                                struct suggestions *out);
void suggestions_fini(struct suggestions *s);
/* NULL: none is called so. */
const struct suggestion *suggestions_find(const struct suggestions *s, struct str name);

/* docs/OPERATIONS.md has the members. */
void suggestions_add_json(const struct suggestions *s, struct buf *out);
void suggestions_add_text(const struct suggestions *s, struct buf *out);

#endif
