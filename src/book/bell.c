/* SPDX-License-Identifier: Apache-2.0
 *
 * A futex, since a mailbox is rung by whoever sends: a condition's lock would be taken for each.
 */
#include "bell.h"

#include "weir/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void bell_ring(struct bell *b, uint32_t bits)
{
    if ((atomic_fetch_or(&b->bits, bits) & bits) != bits)
        (void)syscall(SYS_futex, &b->bits, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void bell_wait(struct bell *b, uint32_t bits, int64_t most_ms)
{
    struct timespec most = {most_ms / 1000, most_ms % 1000 * NS_A_MS};
    uint32_t now = atomic_load(&b->bits);
    while (!(now & bits)) {
        if (syscall(SYS_futex, &b->bits, FUTEX_WAIT_PRIVATE, now, &most, NULL, 0) != 0 &&
            errno == ETIMEDOUT)
            return;
        now = atomic_load(&b->bits);
    }
}

void bell_thread(pthread_t *out, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(out, NULL, run, arg) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
