/* SPDX-License-Identifier: Apache-2.0
 *
 * One request from its head to its log line. Its way is a table of steps; each returns NEXT, WAIT
 * or END, and only exchange.c moves from one to the other:
 *
 *     receive > understand > dispatch > relay > settle
 *
 * A step that returned WAIT is called again when something happened, and looks again.
 */
#ifndef WEIR_GATE_EXCHANGE_H
#define WEIR_GATE_EXCHANGE_H

#include "weir/base/arena.h"
#include "weir/gate/body.h"
#include "weir/gate/facts.h"
#include "weir/gate/operation.h"
#include "weir/gate/stream_tail.h"
#include "weir/gate/worker.h"
#include "weir/net/front.h"
#include "weir/net/origin.h"

enum step_result { STEP_NEXT, STEP_WAIT, STEP_END };

struct exchange {
    struct list node; /* of the worker's */
    struct worker *worker;
    struct setup *setup; /* counted: the rules that it began with */
    struct front *front; /* NULL once it is gone */
    const struct front_request *request;
    const struct config_listen *listen; /* NULL on the admin port. Borrowed from setup */
    enum realm realm;
    unsigned step;

    const struct operation *op;
    enum dialect dialect;
    struct str target;   /* what goes upstream: without prefix and /w/NAME. Borrowed from request */
    struct str workload; /* NAME, or empty. Borrowed from request */
    struct str model;    /* decoded; in the arena */
    bool off;            /* x-weir: off */
    char id[32];         /* x-weir-request-id, hex */

    struct arena arena;
    struct body body;
    bool body_wanted, body_whole, body_waits;
    bool swallows; /* the body is too big: it is read and thrown away before that is said */
    int64_t waits_since_ms, waited_ms; /* the former as if it had been one wait */
    struct timer wait_timer;
    struct facts facts;
    struct later again; /* the next slice of long work */

    /* towards the origin */
    struct origin_call call;
    bool calling; /* the call is the origin's */
    unsigned attempts;
    bool resent_refusal;    /* the one resend of a 503 or 529 was spent */
    bool resent_clock;      /* ... and that of a signature made by a wrong clock */
    int64_t signed_with_s;  /* the signer's offset then */
    uint64_t creds_version; /* it was signed with */
    size_t owed;            /* received and not yet credited */
    struct stream_tail tail;

    /* the answer */
    bool answered; /* its head went out */
    bool ended;    /* its end went out */
    bool refused;  /* the protocol answered what came behind the head */
    int status;
    enum outcome outcome;
    uint64_t request_bytes, answer_bytes;
    const char *failed_in; /* the step that it was in when it failed, or NULL */
    const char *trouble;   /* a static or arena sentence for the log, or NULL */

    /* When it was last in our hands: complete, or to be sent again; answer's head handed on; what
     * earlier attempts spent with us. */
    int64_t ours_ns, handed_ns, added_ns;
};

/* What listeners call: owner is a struct port. */
extern const struct front_sink exchange_sink;

/* Calls the step at hand again. */
void exchange_go(struct exchange *ex);

/* Ends it now with an error that says that Weir stops. */
void exchange_cut(struct exchange *ex);

/* For backs. The head of an answer: `fields` without hop-by-hop ones; x-weir-request-id and
 * x-weir-decision are added here. */
void exchange_answer(struct exchange *ex, int status, const struct field *fields, size_t n);
void exchange_send(struct exchange *ex, struct str bytes);
void exchange_end(struct exchange *ex, enum outcome outcome);
/* A whole answer of Weir's own. */
enum step_result exchange_own(struct exchange *ex, int status, struct str type, struct str body);
/* Weir's own error: `sentence` empty takes the outcome's. Inside an answer that already began it
 * becomes an exception event, or breaks the answer off. */
enum step_result exchange_fail(struct exchange *ex, enum outcome outcome, struct str sentence);

#endif
