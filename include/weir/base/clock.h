/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that reads a clock. Timers and durations use the monotonic one, signatures and
 * records the wall. Tests set both.
 */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <stdint.h>

#define NS_A_MS INT64_C(1000000)

int64_t clock_mono_ns(void);
int64_t clock_wall_ms(void); /* since 1970, UTC */

/* For tests: from now on both clocks stand at these values until set again; clock_real ends it. */
void clock_fake(int64_t mono_ns, int64_t wall_ms);
void clock_real(void);

#endif
