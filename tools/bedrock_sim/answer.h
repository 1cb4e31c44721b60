/* SPDX-License-Identifier: Apache-2.0
 *
 * The answer to a question, made from the question's hash alone: whoever gets it can tell whether
 * it was meant for him.
 *
 *     "sim 0f3a...c1: amber river ..."     the first 16 hex digits of SHA-256(model, blocks)
 */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include "fault.h"

#include "weir/base/digest.h"

struct answer {
    struct buf text;
    uint64_t tokens;
    char hash[17];         /* 16 hex digits */
    const char *stop;      /* Converse's stopReason; static */
    struct str tool;       /* name of the tool to call; empty: text. Borrowed */
    struct buf tool_input; /* a JSON object */
    size_t deltas;
};

/* max_tokens 0: no limit but the natural length. `tool` empty: no tool is called. */
void answer_make(struct answer *a, const unsigned char digest[SHA256_BYTES], uint64_t max_tokens,
                 struct str tool, const struct fault *f);
void answer_fini(struct answer *a);

/* The i-th of the answer's deltas (of the text, or of the tool's input). */
struct str answer_delta(const struct answer *a, size_t i);

#endif
