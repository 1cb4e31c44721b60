/* SPDX-License-Identifier: Apache-2.0
 *
 * A YAML document as a read-only tree, for files that people write: every node knows its line and
 * column. Only what a configuration needs: mappings with scalar keys, sequences, scalars. Refused,
 * each with a sentence: anchors, aliases, tags, directives, a second document, a key given twice,
 * NUL in a value, bytes that are not UTF-8, and what is past the limits below. Scalars are not
 * interpreted: whether "yes" means true is the reader's to say.
 */
#ifndef WEIR_WIRE_YAML_H
#define WEIR_WIRE_YAML_H

#include "weir/base/arena.h"
#include "weir/base/buf.h"
#include "weir/base/err.h"

enum {
    YAML_TEXT_MOST = 1 << 20, /* a catalogue of all models is a tenth of that */
    YAML_DEPTH_MOST = 32,
    YAML_KEYS_MOST = 1024, /* of one mapping: each is compared with all */
};

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    bool quoted;             /* of a scalar: "x", 'x', | or >; false: plain, so it may be null */
    unsigned line, column;   /* from 1; column in characters */
    struct str text;         /* of a scalar: UTF-8, a NUL behind it; lives in the arena */
    size_t n;                /* of the others: how many children */
    struct yaml_node *first; /* children in file order */
    struct yaml_node *next;  /* sibling */
    const struct yaml_node *key; /* of a mapping's child: its scalar */
};

/* What is wrong and where, for a person. */
struct yaml_fault {
    unsigned line, column; /* from 1 */
    char sentence[200];
};

/* A file without content gives a plain scalar with empty text. The tree lives in `arena`; a text
 * needs about 20 times its size there, at worst 60 times. ERR_BAD, ERR_TOO_BIG (the text) or
 * ERR_NO_MEMORY (the arena), each with *fault filled. */
MUST_CHECK int yaml_parse(struct arena *arena, struct str text, const struct yaml_node **out_root,
                          struct yaml_fault *fault);

/* The value of a key; NULL when there is none, or when `map` is no mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *map, struct str key);

/* A plain scalar that stands for nothing: empty, "~" or "null". */
bool yaml_is_null(const struct yaml_node *node);

/* "file:line:column: sentence" */
void yaml_add_fault(struct buf *b, struct str file, const struct yaml_fault *fault);

#endif
