/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's own JSON reader: a strict RFC 8259 parser that makes one flat array of nodes
 * over the caller's text. It shares nothing with weir/wire's scanner, on purpose: the witness must
 * not make the same mistake as the one it watches.
 *
 *     text   {"a":[1,"x"],"b":null}
 *     nodes  0 object -> child 1;  1 array key "a" -> child 2, next 4;  2 number next 3;  ...
 *
 * Nothing is decoded until it is asked for. Of equal keys the last one counts.
 */
#ifndef SIM_TREE_H
#define SIM_TREE_H

#include "weir/base/buf.h"
#include "weir/base/err.h"
#include "weir/base/str.h"

enum tree_kind {
    TREE_NULL,
    TREE_FALSE,
    TREE_TRUE,
    TREE_NUMBER,
    TREE_STRING,
    TREE_ARRAY,
    TREE_OBJECT
};

struct node {
    enum tree_kind kind;
    bool escaped, key_escaped; /* the string, or the key, holds a backslash */
    uint32_t next, child;      /* index in nodes; 0: none (0 is the root) */
    uint32_t count;            /* children */
    struct str key;            /* raw, without quotes; borrowed from the text */
    struct str raw;            /* the value as written; of a string its inside */
};

struct tree {
    struct node *nodes;
    size_t n, cap;
    const char *error; /* a sentence; static */
    size_t error_at;   /* offset in the text */
};

enum { TREE_DEPTH_MOST = 512 };

/* Zero-initialise the tree. ERR_BAD with error and error_at when the text is not strict JSON. The
 * text must outlive the tree. */
MUST_CHECK int tree_parse(struct tree *t, struct str text);
void tree_fini(struct tree *t);

static inline const struct node *tree_root(const struct tree *t)
{
    return t->n ? &t->nodes[0] : NULL;
}

/* NULL-safe walking: of NULL, or of what has no children, everything is NULL. */
const struct node *tree_child(const struct tree *t, const struct node *n);
const struct node *tree_next(const struct tree *t, const struct node *n);
/* The member of that name (its decoded form); NULL when there is none or `n` is no object. */
const struct node *tree_get(const struct tree *t, const struct node *n, struct str name);
/* tree_get, but NULL also for a member that is JSON null. */
const struct node *tree_have(const struct tree *t, const struct node *n, struct str name);
const struct node *tree_at(const struct tree *t, const struct node *n, size_t index);

static inline bool tree_is(const struct node *n, enum tree_kind kind)
{
    return n && n->kind == kind;
}

/* The string's characters: the raw bytes when nothing is escaped, else decoded behind what
 * `scratch` holds (and borrowed from it until its next write). Lone surrogates become U+FFFD. */
struct str tree_text(const struct node *n, struct buf *scratch);
struct str tree_key(const struct node *n, struct buf *scratch);
/* True when `n` is a string of exactly these characters. */
bool tree_says(const struct node *n, struct str text);
/* The number, 0 for what is none. */
double tree_number(const struct node *n);
/* True for a number without fraction and exponent that fits. */
bool tree_integer(const struct node *n, int64_t *out);

#endif
