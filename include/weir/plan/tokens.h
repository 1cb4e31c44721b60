/* SPDX-License-Identifier: Apache-2.0
 *
 * How many tokens a request's body will be, by its bytes: a guess for reservations, before anybody
 * counted. What comes of it is corrected by what the model says.
 */
#ifndef WEIR_PLAN_TOKENS_H
#define WEIR_PLAN_TOKENS_H

#include "weir/base/str.h"

/* English text has about four bytes a token. */
enum { TOKENS_BYTES_A_TOKEN = 4 };

/* Text by its bytes, the images and files in it (long strings of base64) by their kind. `body` need
 * not be strict JSON. It looks at each byte once at most, at memchr's speed. */
uint64_t tokens_estimate(struct str body);

#endif
