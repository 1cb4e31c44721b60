/* SPDX-License-Identifier: Apache-2.0
 *
 * One request from its head to its log line. Its way is a table of steps; each returns NEXT, WAIT
 * or END, and only exchange.c moves from one to the other:
 *
 *     receive > identify > understand > admit > lane > dispatch > relay > settle
 *
 * A step that returned WAIT is called again when something happened, and looks again.
 *
 * An exchange may outlive its client: an answer that is paid for is read to its usage, and a record
 * that must be on the disk first is waited for.
 */
#ifndef WEIR_GATE_EXCHANGE_H
#define WEIR_GATE_EXCHANGE_H

#include "weir/base/arena.h"
#include "weir/book/catalogue.h"
#include "weir/gate/body.h"
#include "weir/gate/facts.h"
#include "weir/gate/joins.h"
#include "weir/gate/limits.h"
#include "weir/gate/operation.h"
#include "weir/gate/tap.h"
#include "weir/gate/worker.h"
#include "weir/net/front.h"
#include "weir/net/origin.h"

enum step_result { STEP_NEXT, STEP_WAIT, STEP_END };

struct exchange {
    struct list node; /* of the worker's */
    struct worker *worker;
    struct setup *setup; /* counted: the rules that it began with */
    struct front *front; /* NULL once the client is gone */
    const struct front_request *request;
    enum front_gone gone;               /* how, when it is */
    const struct config_listen *listen; /* NULL on the admin port. Borrowed from setup */
    enum realm realm;
    unsigned step;

    const struct operation *op;
    const struct back *back; /* the operation's; while a request waits for its lane, back_spool */
    enum dialect dialect;
    struct str target;   /* what goes upstream: without prefix and /w/NAME. Borrowed from request */
    struct str workload; /* NAME, or empty. Borrowed from request */
    struct str model;    /* decoded; in the arena */
    bool off;            /* x-weir: off */
    char id[32];         /* x-weir-request-id, hex */
    unsigned char id_bytes[16];
    enum model_form form;
    struct str plain_model; /* of form PLAIN; borrowed from model */

    struct arena arena;
    /* whose it is */
    const struct client *client; /* NULL: no clients are configured. Borrowed from setup */
    struct str client_name;      /* empty: not known yet */
    struct str bearer;           /* of a passthrough client: goes upstream. Borrowed from request */
    struct limits_held reserved; /* reserved until it ends */
    const struct limits_verdict *over;   /* its budget does not cover it: it gets what was accepted
                                            before, or is refused; NULL: it does */
    uint64_t requests_left, tokens_left; /* of its limits; UINT64_MAX: no limit */
    int64_t retry_after_s;               /* of a refusal; 0: says nothing */
    bool wants_flex;                     /* its budget is spent: it goes to the Flex tier */
    enum lane tier;                      /* Weir's choice: FLEX, PRIORITY; else ONDEMAND */
    bool tier_out;                       /* it is in the call under way */
    bool untiered;                       /* it was refused or throttled: calls go without it */
    bool tier_blamed;                    /* ... refused, with a 400 */

    struct body body;
    bool body_wanted, body_whole, body_waits;
    bool swallows; /* the body is too big: it is read and thrown away before that is said */
    int64_t waits_since_ms, waited_ms; /* the former as if it had been one wait */
    struct timer wait_timer;
    struct facts facts;
    struct later again;       /* the next slice of long work */
    struct query_work *query; /* back_query's own, or NULL */
    struct usage_work *usage; /* back_usage's own, or NULL */

    bool role_waits; /* until it is known whether its client's role can be had */
    int64_t role_since_ms;

    struct lanes *lanes; /* which lane it goes, and why; in the arena. NULL: it is interactive */
    struct spooled *spooled; /* back_spool's own, or NULL */

    struct caching *caching; /* its prompt was read; NULL: not, or nothing can be cached */
    struct str cache_word;   /* what was decided of its markers; empty: nothing was */
    struct str decision;     /* all that was decided; empty: not put into words yet */

    /* towards the origin */
    struct origin_call call;
    bool calling;                      /* the call is the origin's */
    struct bedrock_request *going_out; /* ... or will be: the back's own; in the arena */
    unsigned attempts;
    bool resent_refusal;    /* the one resend of a 503 or 529 was spent */
    bool resent_clock;      /* ... and that of a signature made by a wrong clock */
    bool edited;            /* the call under way has something that Weir put there */
    bool unedited;          /* ... and was refused with it */
    bool hears_refusal;     /* ... and how, is being read into `held` */
    int64_t signed_with_s;  /* the signer's offset then */
    uint64_t creds_version; /* it was signed with */
    size_t owed;            /* received and not yet credited */
    struct tap *tap;
    bool counted;             /* the answer's length was told: nothing can be added to it */
    int64_t left;             /* ... and so much of it is still to come */
    int upstream_status;      /* of the last call; 0: no head came */
    bool unsent;              /* ... which was provably not processed */
    bool whole;               /* its answer came to its end */
    int64_t first_ns;         /* the first byte of the answer's body */
    bool reads_on;            /* without a client, to the usage */
    struct timer drain_timer; /* then */

    /* Joined to another call with the same key, or one that others may join. */
    struct join *join;
    bool owns_join;                  /* it makes the call */
    struct join_wait *join_wait;     /* its end is waited for */
    struct join_answer *join_answer; /* the answer, kept for others while it comes */
    bool joined;                     /* it got another's answer */

    /* its record */
    bool metered;    /* handed to the clerk */
    bool awaits;     /* the clerk's word that it is on the disk */
    struct buf held; /* the end of the answer, until then */

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
/* Its client is gone, and now the back is done, too: it settles, and `ex` is no more. */
void exchange_over(struct exchange *ex);
/* What Weir decided about it: x-weir-decision. Empty before a call. */
struct str exchange_decision(struct exchange *ex);
/* Does its client ask what the answer costs (x-weir-explain: 1)? */
bool exchange_explains(const struct exchange *ex);
/* A whole answer of Weir's own. */
enum step_result exchange_own(struct exchange *ex, int status, struct str type, struct str body);
/* Weir's own error: `sentence` empty takes the outcome's. Inside an answer that already began it
 * becomes an exception event, or breaks the answer off. */
enum step_result exchange_fail(struct exchange *ex, enum outcome outcome, struct str sentence);

#endif
