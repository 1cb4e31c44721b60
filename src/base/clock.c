/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that reads a clock.
 */
#include "weir/base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static atomic_bool faked;
static _Atomic int64_t fake_mono_ns, fake_wall_ms;

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return atomic_load_explicit(&faked, memory_order_relaxed) ? fake_mono_ns
                                                              : read_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return atomic_load_explicit(&faked, memory_order_relaxed) ? fake_wall_ms
                                                              : read_ns(CLOCK_REALTIME) / 1000000;
}

void clock_fake(int64_t mono_ns, int64_t wall_ms)
{
    fake_mono_ns = mono_ns;
    fake_wall_ms = wall_ms;
    faked = true;
}

void clock_real(void)
{
    faked = false;
}
