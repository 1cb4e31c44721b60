/* SPDX-License-Identifier: Apache-2.0
 *
 * Which model stands behind an application inference profile: asked of GetInferenceProfile once and
 * remembered. "There is none" is remembered only when it is permanent (404, or 400 for the name);
 * for everything else the next request asks again, at most every half minute.
 *
 * Any thread looks names up; the office asks.
 */
#ifndef WEIR_GATE_NAMES_H
#define WEIR_GATE_NAMES_H

#include "weir/gate/setup.h"

enum names_answer {
    NAMES_KNOWN,   /* the model is in `out` */
    NAMES_ASKED,   /* it is being asked for */
    NAMES_UNKNOWN, /* it cannot be told now, or never */
};
enum { NAMES_MODEL_MOST = 256, NAMES_MOST = 10000 };

struct names;
/* `office` is the office's loop. */
struct names *names_new(struct loop *office, struct dns *dns);
/* In the office. What is asked is dropped; who waits is told so, from inside this call. */
void names_free(struct names *n);
/* In the office: whose endpoints and credentials to ask with from now on. Takes a reference until
 * the next one or names_free, which comes before the last setup is reaped. What could not be told
 * is asked again. */
void names_follow(struct names *n, struct setup *setup);

/* Any thread; a lock held for one look. Starts to ask where nobody has. `out` gets the model's id,
 * a NUL behind it. */
enum names_answer names_look(struct names *n, struct str profile_arn, char out[NAMES_MODEL_MOST]);

/* In the office: calls `done` when it is known or cannot be, or after `most_ms`; never from inside.
 */
void names_wait(struct names *n, struct str profile_arn, int64_t most_ms,
                void (*done)(void *arg, enum names_answer answer, struct str model), void *arg);

#endif
