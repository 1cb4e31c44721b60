/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of models: prices, and what later decisions need. It is data, dated
 * (conf/catalogue.yaml; a copy is built in), not code. A model id finds the most specific row; one
 * that no row names finds its family's, and is then `provisional`, as is the price of a row that
 * has none of its own and takes its family's.
 */
#ifndef WEIR_BOOK_CATALOGUE_H
#define WEIR_BOOK_CATALOGUE_H

#include "weir/base/buf.h"
#include "weir/plan/price.h"

enum catalogue_field { FIELD_TOOLS = 1, FIELD_SYSTEM = 2, FIELD_MESSAGES = 4 };
enum catalogue_ttl { TTL_5M = 1, TTL_1H = 2, TTL_30M = 4 };

/* Of one model or family. A kind of token without a price of its own costs what input does. */
struct catalogue_model {
    struct str name;  /* the row's pattern; for a model that none names the family's */
    bool provisional; /* the price is that of a family */
    bool priced;
    bool unpriced; /* the row says so: what it costs is not told by the tokens; no family's price */
    struct price price;         /* on demand, without geo profile, discount or override */
    uint32_t lane_parts[LANES]; /* of PRICE_ONE; 0: the lane is not offered */
    /* Prompt caching; least_tokens 0: none. */
    uint32_t least_tokens, most_tokens; /* of a marked prefix; most 0: no limit */
    unsigned most_markers, fields, ttls;
    bool implicit;          /* caches by itself, too */
    bool after_tool_result; /* a marker may follow a tool result */
    /* Batch jobs, where LANE_BATCH is offered; 0: nothing is known. */
    uint32_t batch_least_records, batch_most_records, batch_most_jobs;
    uint64_t batch_most_file_bytes, batch_most_job_bytes;
};

struct catalogue;
struct yaml_node;

/* The owner's own terms. */
struct catalogue_terms {
    uint32_t discount_parts;           /* of PRICE_ONE, taken off every price */
    const struct yaml_node *overrides; /* prices.overrides, or NULL; borrowed while loading */
    struct str overrides_name;         /* the file that they stand in, for faults */
};

/* `path` NULL: the built-in one. NULL on failure with one line per fault in `faults`. */
struct catalogue *catalogue_load(const char *path, const struct catalogue_terms *terms,
                                 struct buf *faults);
void catalogue_free(struct catalogue *c);
struct str catalogue_date(const struct catalogue *c); /* "2026-11-20" */

/* By a plain model id, with or without geo prefix (one that the catalogue does not list, too), or
 * by a foundation-model or inference-profile ARN. NULL: nothing is known of it. Any thread. */
const struct catalogue_model *catalogue_find(const struct catalogue *c, struct str model);

/* Whether a pattern of model ids ("*" is any run of characters) could mean a model that the
 * catalogue or an override names, with a geo profile that the catalogue lists, or without. */
bool catalogue_meets(const struct catalogue *c, struct str pattern);

enum catalogue_priced { PRICED, PRICED_PROVISIONAL, UNPRICED };
/* What a token of each kind costs: the owner's override in place of the row's price, then geo
 * profile, lane and discount. A lane that the row does not offer costs what on demand does, as a
 * provisional price. `out` is untouched when it is UNPRICED. Any thread, no lock, no memory. */
enum catalogue_priced catalogue_price(const struct catalogue *c, struct str model, enum lane lane,
                                      struct price *out);

/* How a model id was written, for what must be asked for its model. */
enum model_form {
    MODEL_PLAIN, /* an id, perhaps with a geo prefix; or a foundation-model or inference-profile
                    ARN: *out_id is the id at its end */
    MODEL_TO_RESOLVE, /* application-inference-profile: GetInferenceProfile knows */
    MODEL_ROUTED,     /* a prompt router: the answer says which */
    MODEL_OPAQUE      /* custom, imported, provisioned, prompt, endpoint: nobody can tell; only an
                         override can price it */
};
/* *out_id is the whole of what was asked for the other forms. */
enum model_form model_form(struct str asked, struct str *out_id);

#endif
