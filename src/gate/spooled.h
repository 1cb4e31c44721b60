/* SPDX-License-Identifier: Apache-2.0
 *
 * Between an exchange and the spool. The spool's callbacks come in its own thread and may come when
 * the exchange is gone: what they speak to is a struct spooled, which lives as long as somebody may
 * still call. All but the two callbacks happens in the worker's thread.
 *
 *     exchange ----.
 *                   >-- struct spooled --> spool_delivered, spool_leave
 *     callbacks ---'
 */
#ifndef WEIR_SRC_GATE_SPOOLED_H
#define WEIR_SRC_GATE_SPOOLED_H

#include "weir/book/spool.h"
#include "weir/gate/exchange.h"

struct spooled {
    struct exchange *ex; /* NULL: it has let go */
    struct worker *worker;
    unsigned holders; /* the exchange, and the spool while a callback is to come */

    /* What it was asked, and what it said: written by its callback, read when the mail has come. */
    enum spool_reply reply; /* how it was asked for */
    struct spool_id asked;  /* of a ticket */
    struct mail told_mail, woken_mail;
    struct spool_admitted admitted;
    struct spool_ticket_told ticket;
    struct spool_answer *brought;
    bool told, woken;
    bool too_slow; /* its exchange went on demand before it was told */

    /* The held connection. */
    bool held;        /* its record is this connection's, until an answer comes */
    bool counted;     /* ... and it counts among its caller's */
    int64_t since_ns; /* when it was asked for */
    struct timer space;
    unsigned probes; /* spaces that come soon, to see whether anybody is there */

    /* The answer on its way. */
    const struct operation *op; /* whose answer it is */
    struct spool_answer *answer;
    size_t sent;    /* of its body */
    enum lane lane; /* that it was had in; before it came: that it waits for */
};

/* Becomes ex->spooled. */
struct spooled *spooled_new(struct exchange *ex);
/* One holder less. */
void spooled_release(struct spooled *s);
/* A mail is handed to the exchange's worker. The spool's thread. */
void spooled_send(struct spooled *s, struct mail *m);

/* The answer in s->answer is this exchange's: its head, if none went out, and its body as the
 * client takes it. An error whose head is 200 already breaks the answer off. */
enum step_result spooled_answer(struct exchange *ex);
void spooled_drained(struct exchange *ex);
/* For backs' drop. */
void spooled_drop(struct exchange *ex);
/* Nothing is told to the exchange any more, and the spool hears how it ended. */
void spooled_let_go(struct exchange *ex);

/* After so many seconds it is worth asking again for what has that deadline. */
int64_t spooled_again_s(const struct exchange *ex, int64_t deadline_ms);
/* 202: where the answer will be. */
enum step_result spooled_ticket(struct exchange *ex, const struct spool_id *id,
                                int64_t deadline_ms);
/* The head of an answer that is not known yet. */
void spooled_commit(struct exchange *ex);

#endif
