/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread's mailbox: many senders, one reader. A message owns its bytes; the sender forgets it.
 * The wake function is called by the sender when the box was empty; it must be safe from any
 * thread (the loop gives one).
 */
#ifndef WEIR_BASE_MAILBOX_H
#define WEIR_BASE_MAILBOX_H

#include <stdatomic.h>
#include <stddef.h>

struct mail {
    struct mail *next;
    /* Called in the reader's thread; it frees the message. */
    void (*deliver)(struct mail *m);
};

struct mailbox {
    _Atomic(struct mail *) top; /* newest first */
    void (*wake)(void *arg);
    void *arg;
};

void mailbox_init(struct mailbox *b, void (*wake)(void *arg), void *arg);

/* From any thread. */
void mailbox_send(struct mailbox *b, struct mail *m);
/* In the reader's thread: delivers everything that is there, oldest first. */
void mailbox_read(struct mailbox *b);

#endif
