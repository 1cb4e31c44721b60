/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a JSON string that json_scan has accepted: `raw` is json_raw of a JSON_KEY or
 * JSON_STRING, quotes and escapes and all. What begins or ends otherwise asserts.
 */
#ifndef WEIR_WIRE_JSON_STRING_H
#define WEIR_WIRE_JSON_STRING_H

#include "weir/base/arena.h"
#include "weir/base/err.h"
#include "weir/base/str.h"

/* Is the text that `raw` means equal to `text`? "mod\u0065l" is "model". A lone surrogate is
 * equal to nothing. Looks at no more of `raw` than `text` is long. */
bool json_string_is(struct str raw, struct str text);

/* The text that `raw` means, as UTF-8, into `out`; never longer than `raw`. ERR_TOO_BIG when it
 * is over `max` bytes, ERR_BAD at the escape of a lone surrogate, which UTF-8 cannot say. */
MUST_CHECK int json_string_copy(struct str raw, char *out, size_t max, size_t *out_len);

/* The same without a copy where nothing is escaped: *out is then borrowed from `raw`, else it lies
 * in the arena. ERR_NO_MEMORY when that is full. */
MUST_CHECK int json_string_text(struct str raw, size_t max, struct arena *a, struct str *out);

#endif
