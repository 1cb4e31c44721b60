/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulator knows about models: one table of facts by id prefix, and reading a model id
 * in all the forms that Bedrock takes.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include "refusal.h"
#include "weir/base/buf.h"
#include "weir/base/str.h"

/* Whose body an InvokeModel speaks. */
enum model_family { MODEL_CLAUDE, MODEL_NOVA, MODEL_OPENAI };

/* The marker fields that a model takes. */
enum { MODEL_MARK_TOOLS = 1, MODEL_MARK_SYSTEM = 2, MODEL_MARK_MESSAGES = 4 };

struct model {
    struct str prefix; /* of the bare id */
    enum model_family family;
    unsigned cache_min;    /* tokens of the shortest prefix that is cached; 0: no caching at all */
    unsigned cache_most;   /* tokens of the longest one; 0: no limit */
    unsigned cache_fields; /* MODEL_MARK_*; 0 with cache_min: implicit only */
    bool ttl_1h;
    bool ttl_30m;         /* the GPT kind: 30 minutes */
    bool write_fee;       /* writes are counted apart; without it they are plain input */
    int refuse_status;    /* of a marker on a model without caching: 400 or 403 */
    bool tiers;           /* flex and priority are served */
    bool profile_only;    /* the bare id is refused: only inference profiles */
    bool no_sampling;     /* temperature and friends are refused */
    unsigned most_output; /* maxTokens above it is refused */
};

/* How an id was written. */
enum model_form {
    MODEL_BARE,
    MODEL_GEO,         /* us.anthropic...: a system inference profile */
    MODEL_PROFILE_ARN, /* inference-profile */
    MODEL_APP_PROFILE, /* application-inference-profile: opaque */
    MODEL_FOUNDATION,  /* foundation-model ARN */
    MODEL_PROMPT,      /* a prompt of prompt management */
    MODEL_ROUTER,      /* a prompt router */
    MODEL_OTHER_ARN    /* custom, imported, provisioned, deployment, endpoint: opaque */
};

struct model_ref {
    const struct model *model;
    enum model_form form;
    struct str id;   /* decoded, as the client named it; borrowed */
    struct str bare; /* without ARN and geo; of an opaque id what stands for it */
    bool named;      /* an application profile whose id says its model (op_profile.c) */
};

/* Takes the decoded id. False with *out filled: 400 for an id that no model has. Opaque ids get
 * the row for "opaque" models. */
bool model_find(struct str id, struct model_ref *ref, struct refusal *out);

/* Does it take batch jobs, by the list in the user guide? */
bool model_batches(const struct model_ref *ref);

/* Percent-decodes one path segment. */
void model_decode_id(struct str segment, struct buf *out);

#endif
