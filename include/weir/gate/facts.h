/* SPDX-License-Identifier: Apache-2.0
 *
 * What Weir reads from a request's body, in one walk over its bytes: whether it is strict JSON, and
 * the members that it wants to know. Nothing is changed by it: a body that cannot be read is
 * forwarded as it is. Long bodies are walked in slices, so that no worker is held up.
 */
#ifndef WEIR_GATE_FACTS_H
#define WEIR_GATE_FACTS_H

#include "weir/base/arena.h"
#include "weir/plan/ask.h"
#include "weir/wire/json_pick.h"

enum facts_state {
    FACTS_NONE, /* no body */
    FACTS_STRICT,
    FACTS_LOOSE, /* not strict JSON */
    FACTS_MORE   /* not at its end: call again */
};

/* The members that are looked at. */
enum fact {
    FACT_MODEL,
    FACT_MAX_TOKENS, /* Claude's, and OpenAI's old one */
    FACT_MAX_COMPLETION_TOKENS,
    FACT_MAX_OUTPUT_TOKENS,
    FACT_INFERENCE_CONFIG, /* Converse's and Nova's: maxTokens or max_new_tokens is in it */
    FACT_METADATA,         /* Converse's requestMetadata */
    FACT_SERVICE_TIER,     /* Converse's */
    FACT_OPENAI_TIER,
    FACT_GUARDRAIL, /* Converse's: what no batch takes, as the next ones */
    FACT_OUTPUT_CONFIG,
    FACT_OUTPUT_FORMAT, /* Claude's */
    FACT_TOOLS,         /* where prompts stand: of Claude and OpenAI */
    FACT_TOOL_CONFIG,   /* of Converse and Nova: tools is in it */
    FACT_SYSTEM,
    FACT_INSTRUCTIONS, /* of Responses, as is input */
    FACT_MESSAGES,
    FACT_INPUT,
    FACT_PREVIOUS, /* of Responses: what stands before it is Bedrock's */
    FACT_CONVERSATION,
    FACTS_LOOKED_AT
};

struct facts {
    enum facts_state state;
    struct str model; /* the inside of the member's string, borrowed from the body; empty when there
                         is none, or two */
    uint64_t most_output;        /* tokens that the answer may have; 0: it does not say */
    bool twice[FACTS_LOOKED_AT]; /* it stands there twice: the next reader may take the other one */
    struct str metadata;         /* requestMetadata's object as it stands; empty: none */
    bool begun;
    struct json_member members[FACTS_LOOKED_AT];
    struct json_pick pick;
};

/* Walks on by one slice. Zero it first. `model_name` is the member that names the model: "model",
 * or "modelId" in AWS's own bodies. */
enum facts_state facts_read(struct facts *f, struct str body, struct str model_name);

/* Where the prompt stands in a body that was read. False: it is not strict, or one of the members
 * stands there twice, or the prompt begins with what is not in the body. */
bool facts_parts(const struct facts *f, struct str body, enum ask_dialect dialect,
                 struct ask_parts *out);

/* By these members alone: could a batch have it? plan/batch_line knows for certain, and walks over
 * the body for it. */
bool facts_fit_batch(const struct facts *f);

/* The model as Bedrock reads it, with its escapes resolved, in the arena: PHP writes each slash of
 * an ARN as "\/", and a price must be found for "us\u002eanthropic", too. What could be no model's
 * name (control characters, half a surrogate) stays as it stands in the body. */
struct str facts_model(const struct facts *f, struct arena *a);

#endif
