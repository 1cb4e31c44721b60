/* SPDX-License-Identifier: Apache-2.0
 *
 * The INI form of AWS's shared config and credentials files, read entry by entry, borrowed from the
 * text, nothing allocated:
 *
 *     [profile nightly]            ; a section, its name as written, blanks around it trimmed
 *     role_arn = arn:aws:iam::...  # a comment needs a blank before it
 *     s3 =
 *       max_retries = 7            a line indented deeper belongs to the key above: `nested`
 *
 * What a section or a key means is the reader's affair.
 */
#ifndef WEIR_WIRE_INI_H
#define WEIR_WIRE_INI_H

#include "weir/base/err.h"
#include "weir/base/str.h"

struct ini_entry {
    struct str section; /* between the brackets, quotes kept */
    struct str key;     /* as written; empty for the section's own line */
    struct str value;   /* may be empty */
    bool nested;
    unsigned line; /* from 1 */
};

struct ini {
    struct str rest, section;
    unsigned line;
    size_t indent; /* of the last entry that was not nested */
    bool in_section, has_key;
    const char *fault; /* static sentence after ERR_BAD; `line` says where */
};

/* `text` stays as long as the entries are used. A UTF-8 byte order mark is skipped. */
void ini_begin(struct ini *i, struct str text);
/* 1 and an entry (each section's line is one too), 0 at the end, ERR_BAD. */
MUST_CHECK int ini_next(struct ini *i, struct ini_entry *out);

#endif
