/* SPDX-License-Identifier: Apache-2.0
 *
 * The last bytes of an answer wait in exchange.held for the clerk's word. The client gets them all
 * the same when the record could not be written, or when the disk hangs: metering is no reason to
 * withhold what was paid for.
 */
#include "strict.h"

#include "meter.h"
#include "weir/base/mem.h"
#include "weir/gate/daemon.h"

enum { DISK_PATIENCE_MS = 10000 };

struct ack {
    struct mail mail;
    struct exchange *ex;
};

static void let_go(struct exchange *ex)
{
    if (ex->ended || ex->failed_in)
        return; /* it went without the disk's word, or was cut */
    exchange_send(ex, buf_str(&ex->held));
    exchange_end(ex, ex->outcome);
}

static void on_disk(struct mail *m)
{
    struct ack *a = LIST_OF(m, struct ack, mail);
    struct exchange *ex = a->ex;
    mem_free(a);
    ex->awaits = false;
    timer_stop(&ex->wait_timer);
    if (ex->front)
        let_go(ex);
    else
        exchange_over(ex);
}

static void disk_hangs(void *arg)
{
    struct exchange *ex = arg;
    ex->trouble = "the book's disk did not answer in time";
    let_go(ex);
}

/* In the clerk's thread. When it could not be written the answer goes on all the same. */
static void clerk_is_done(void *arg, bool good)
{
    struct exchange *ex = arg;
    struct ack *a = mem_new(sizeof *a);
    a->mail.deliver = on_disk;
    a->ex = ex;
    mailbox_send(loop_mailbox(ex->worker->loop), &a->mail);
}

bool strict_wants(const struct exchange *ex)
{
    return ex->setup->config->metering == METERING_STRICT && meter_wants(ex);
}

void strict_end(struct exchange *ex, struct str last, enum outcome outcome)
{
    if (!strict_wants(ex)) {
        exchange_send(ex, last);
        exchange_end(ex, outcome);
        return;
    }
    buf_add(&ex->held, last);
    ex->outcome = outcome;
    ex->awaits = true;
    timer_init(&ex->wait_timer, ex->worker->loop, disk_hangs, ex);
    timer_start(&ex->wait_timer, DISK_PATIENCE_MS);
    meter_exchange(ex, clerk_is_done, ex);
}
