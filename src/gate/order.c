/* SPDX-License-Identifier: Apache-2.0
 *
 * An order is one letter, carried out in the worker's own thread.
 */
#include "order.h"

#include "weir/base/mem.h"

static void carry_out(struct mail *m)
{
    struct order *o = LIST_OF(m, struct order, mail);
    if (o->force) {
        worker_cut(o->worker);
    } else if (o->setup) {
        worker_switch(o->worker, o->setup, o->fds);
        setup_unref(o->setup);
    } else if (o->ring) {
        worker_take_keyring(o->worker, o->ring);
    } else {
        worker_drain(o->worker);
    }
    mem_free(o);
}

struct order *order_new(struct worker *w)
{
    struct order *o = mem_new(sizeof *o);
    o->mail.deliver = carry_out;
    o->worker = w;
    return o;
}

void order_send(struct order *o)
{
    mailbox_send(loop_mailbox(o->worker->loop), &o->mail);
}
