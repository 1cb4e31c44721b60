/* SPDX-License-Identifier: Apache-2.0
 *
 * What the questions to Bedrock's control plane share: one endpoint, one signer, and a call that is
 * one errand after the other until its answer is whole.
 */
#ifndef WEIR_SRC_AWS_CONTROL_PLANE_H
#define WEIR_SRC_AWS_CONTROL_PLANE_H

#include "weir/aws/bedrock_control.h"
#include "weir/base/buf.h"

#include "errand.h"

struct control_plane {
    struct creds_tools tools;
    struct endpoint at;
    struct arena arena; /* the options' strings */
    struct str region;
    struct list calls;
};

void control_plane_init(struct control_plane *p, struct loop *l, struct dns *dns,
                        const struct bedrock_control_options *o);
/* Drops the calls. */
void control_plane_fini(struct control_plane *p);

/* The first member of a call of a kind. */
struct control_call {
    struct control_plane *plane;
    struct list node;
    struct errand *errand;
    struct creds *creds;
    struct str method;
    struct buf target, body; /* a body is JSON */
    int64_t try_ms;
    size_t max_bytes; /* of an answer; 0: an errand's */
    /* Takes an answer; true when that was the last one, after which the call is freed. Else it has
     * asked again. */
    bool (*on_answer)(struct control_call *c, const struct fetch_answer *a);
    void (*fini)(struct control_call *c); /* or NULL */
    int64_t signed_with_s;
    bool learned; /* the clock, and it was asked once more */
    bool telling; /* inside on_answer */
};

/* `size` bytes, zeroed, with a struct control_call in front. */
void *control_call_new(struct control_plane *p, size_t size, struct creds *creds);
void control_call_ask(struct control_call *c);
/* NULL is fine, and so is one inside its on_answer. */
void control_call_drop(struct control_call *c);
/* A call that was never asked, and has told its owner so. */
void control_call_free(struct control_call *c);

#endif
