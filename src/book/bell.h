/* SPDX-License-Identifier: Apache-2.0
 *
 * What wakes a writer's thread, and tells others how far it is: some bits, and a futex under them.
 * Who rings a bit that rings already does not disturb the kernel. Also how such a thread is begun.
 */
#ifndef WEIR_SRC_BOOK_BELL_H
#define WEIR_SRC_BOOK_BELL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bell {
    _Atomic uint32_t bits;
};

/* From any thread. */
void bell_ring(struct bell *b, uint32_t bits);
/* Until one of `bits` rings, or that time has passed. */
void bell_wait(struct bell *b, uint32_t bits, int64_t most_ms);

/* A thread that gets no signals: they are the office's. */
void bell_thread(pthread_t *out, void *(*run)(void *arg), void *arg);

#endif
