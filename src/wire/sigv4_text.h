/* SPDX-License-Identifier: Apache-2.0
 *
 * The three texts that SigV4 makes canonical (path, query, header value), written into a sink: a
 * running SHA-256 behind a small block, so that a request is hashed without ever being built.
 */
#ifndef WEIR_WIRE_SIGV4_TEXT_H
#define WEIR_WIRE_SIGV4_TEXT_H

#include "weir/base/buf.h"
#include "weir/base/digest.h"
#include "weir/base/err.h"

struct sink {
    struct sha256 hash;
    struct buf *text; /* when set, the bytes go there and nothing is hashed */
    size_t n;
    char block[512];
};

void sink_init(struct sink *k, struct buf *text);
void sink_add(struct sink *k, struct str s);
void sink_char(struct sink *k, char c);
/* What is still in the block goes out. */
void sink_flush(struct sink *k);

/* Without dot segments and double slashes, each byte but '/' and the unreserved ones encoded. */
void sigv4_text_path(struct sink *k, struct str path);
/* Parameters decoded, encoded again, sorted by encoded name, then value. */
MUST_CHECK int sigv4_text_query(struct sink *k, struct str query);
/* Trimmed, each run of white space one space. */
void sigv4_text_value(struct sink *k, struct str value);

#endif
