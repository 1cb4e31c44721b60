/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths and queries, read one way by everyone: the router, the verifier and the signer use these
 * functions and no others, so they cannot see different paths. The raw bytes stay what they are;
 * a segment is decoded once, by itself, so %2F never becomes a separator.
 */
#ifndef WEIR_WIRE_URI_H
#define WEIR_WIRE_URI_H

#include "weir/base/buf.h"
#include "weir/base/err.h"
#include "weir/base/str.h"

#include <sys/types.h>

/* At the first '?'. *out_query is what stands behind it; ptr NULL when there is no '?'. Both are
 * borrowed from target. */
void uri_split(struct str target, struct str *out_path, struct str *out_query);

/* 0, or ERR_BAD for a path that must not go on to anyone: not beginning with '/'; a raw control,
 * space, backslash, '?', '#' or byte from 0x80; a bad percent escape; an escaped control or
 * backslash; escapes that are not UTF-8 (overlong ones among them); a segment that is "." or "..",
 * raw or escaped, also where only %2F or ';' bounds it. Empty segments are the router's to judge.
 */
MUST_CHECK int uri_check_path(struct str path);

/* Percent-decodes one segment (or one name or value of a query; '+' stays '+') into `out`. Length,
 * or ERR_BAD for a bad escape or an escaped control, ERR_TOO_BIG when `room` is too small; the
 * length of the segment is always enough. */
MUST_CHECK ssize_t uri_decode_segment(struct str segment, char *out, size_t room);

/* Every byte but RFC 3986's unreserved (letters, digits, '-', '.', '_', '~') as %XX with upper-case
 * digits: what SigV4 asks for. */
void uri_encode_segment(struct buf *b, struct str raw);

/* name=value pairs of a raw query, undecoded. Start with *rest = query; false when there are no
 * more. Empty ones (as in "a&&b") are skipped; *out_value has ptr NULL when there is no '='. */
bool uri_next_param(struct str *rest, struct str *out_name, struct str *out_value);

#endif
