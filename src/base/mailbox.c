/* SPDX-License-Identifier: Apache-2.0
 *
 * A lock-free stack that the reader takes whole and turns round, so that mail arrives in order.
 */
#include "weir/base/mailbox.h"

void mailbox_init(struct mailbox *b, void (*wake)(void *arg), void *arg)
{
    atomic_init(&b->top, NULL);
    b->wake = wake;
    b->arg = arg;
}

void mailbox_send(struct mailbox *b, struct mail *m)
{
    struct mail *top = atomic_load_explicit(&b->top, memory_order_relaxed);
    do
        m->next = top;
    while (!atomic_compare_exchange_weak_explicit(&b->top, &top, m, memory_order_release,
                                                  memory_order_relaxed));
    if (!top)
        b->wake(b->arg);
}

void mailbox_read(struct mailbox *b)
{
    struct mail *newest = atomic_exchange_explicit(&b->top, NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    while (newest) {
        struct mail *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct mail *next = oldest->next;
        oldest->deliver(oldest);
        oldest = next;
    }
}
