/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads gzip (RFC 1952) piece by piece: one member or several behind each other, as `cat` makes
 * them of files.
 */
#ifndef WEIR_WIRE_GUNZIP_H
#define WEIR_WIRE_GUNZIP_H

#include "weir/base/err.h"
#include "weir/base/str.h"

/* Do these bytes (the first two of a file, at least) begin a member? */
bool gunzip_is(struct str bytes);

struct gunzip;
struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *g);

/* Takes what it can from the front of *in and writes at most `room` bytes. When *in is not empty
 * afterwards, or the room is full, call again: there is more. ERR_BAD: it is not gzip, or is
 * broken; what came before that is written. */
MUST_CHECK int gunzip_step(struct gunzip *g, struct str *in, char *out, size_t room,
                           size_t *out_len);
/* Everything that was begun has ended. */
bool gunzip_is_whole(const struct gunzip *g);

#endif
