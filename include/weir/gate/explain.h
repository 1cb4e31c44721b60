/* SPDX-License-Identifier: Apache-2.0
 *
 * What Weir would do with one prompt and why: for a person at a terminal. It reads what is known
 * and changes nothing of it.
 */
#ifndef WEIR_GATE_EXPLAIN_H
#define WEIR_GATE_EXPLAIN_H

#include "weir/book/catalogue.h"
#include "weir/gate/config.h"
#include "weir/gate/shared_cache.h"

struct explain_options {
    struct str body;     /* borrowed */
    struct str model;    /* as it is called; empty: as the body says */
    struct str op;       /* "converse", "invoke", ...; empty: as the body looks */
    struct str client;   /* empty: the first that is configured, or anonymous */
    struct str deadline; /* as of x-weir-deadline; empty: without */
    /* The mean of what this client's answers of this model use, or 0: not known. NULL: nobody
     * knows. */
    uint64_t (*output_tokens)(void *arg, struct str client, struct str model);
    void *arg;
    int64_t now_ms;
};

struct explain;
/* All of it is borrowed until explain_free. NULL with a sentence in `why`: it cannot be told so. */
struct explain *explain_new(const struct config *c, const struct catalogue *catalogue,
                            struct shared_cache *known, const struct explain_options *o,
                            struct buf *why);
void explain_free(struct explain *e);

/* Everything, as text of several tables. */
void explain_print(const struct explain *e, struct buf *out);
/* The body is what x-weir-decision calls cache=unclear: empty, no strict JSON, a member of the
 * prompt twice... */
bool explain_unreadable(const struct explain *e);
/* The body as it would go to Bedrock. *out_why: why it is as it came, in a sentence, or NULL. */
void explain_add_body(const struct explain *e, struct buf *out, const char **out_why);

#endif
