/* SPDX-License-Identifier: Apache-2.0
 *
 * Named points where a test build can be told to die, to fail or to wait:
 *
 *     WEIR_HOOK=relay.head=kill             SIGKILL itself at that point
 *     WEIR_HOOK=net.write:3=fail:ECONNRESET the third time, fail with this errno
 *     WEIR_HOOK=mem.try:9+=fail:ENOMEM      the ninth time and ever after
 *     WEIR_HOOK=sign=sleep:250              wait this many milliseconds, each time
 *
 * Several are separated by commas. Without -Dhooks=true a point is nothing at all.
 */
#ifndef WEIR_BASE_HOOK_H
#define WEIR_BASE_HOOK_H

#ifdef WEIR_HOOKS
/* 0, or an errno that the caller must behave as if it had got. */
int hook_hit(const char *name);
#define HOOK(name) hook_hit(name)
#else
#define HOOK(name) 0
#endif

#endif
