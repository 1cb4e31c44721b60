/* SPDX-License-Identifier: Apache-2.0
 *
 * How many tokens a request's body will be, by its bytes: a guess for reservations, before anybody
 * counted. What comes of it is corrected by what the model says.
 */
#ifndef WEIR_PLAN_TOKENS_H
#define WEIR_PLAN_TOKENS_H

#include "weir/base/err.h"
#include "weir/base/str.h"

/* English text has about four bytes a token. */
enum { TOKENS_BYTES_A_TOKEN = 4 };

/* Text by its bytes, the images and files in it (long strings of base64) by their kind. `body` need
 * not be strict JSON. It looks at each byte once at most, at memchr's speed. */
uint64_t tokens_estimate(struct str body);
/* One string of it, without its quotes. It looks at its first bytes only. */
uint64_t tokens_of_string(struct str inside);

/* What one client's prompts to one model really are, against the estimate: learned from the usage
 * that Bedrock reports. Zero is "nothing known": a factor of 1. */
struct tokens_scale {
    float factor; /* reported tokens of one estimated; 0: nothing known */
    float error;  /* mean |calibrated / reported - 1|, each at most 1, decayed */
    uint32_t times;
    int32_t apart; /* so many in a row were far above (below zero: below) what was believed */
};
/* Of a shorter prompt most is the model's own frame: it teaches nothing. */
enum { TOKENS_SCALE_LEAST = 256 };
/* One request: the uncalibrated estimate of its whole prompt, and what was reported for it, of all
 * kinds of input. The error is that of the estimate before it was learned from. */
void tokens_scale_learn(struct tokens_scale *s, uint64_t estimated, uint64_t reported);
uint32_t tokens_scaled(const struct tokens_scale *s, uint64_t estimated);
/* As a stored row; ERR_BAD for what tokens_scale_write did not write. */
struct buf;
void tokens_scale_write(const struct tokens_scale *s, struct buf *out);
MUST_CHECK int tokens_scale_read(struct str bytes, struct tokens_scale *out);

#endif
