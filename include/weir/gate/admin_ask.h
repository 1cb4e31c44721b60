/* SPDX-License-Identifier: Apache-2.0
 *
 * For commands: asks the running daemon over its admin port, with the address and the token of the
 * same configuration, and waits for the answer.
 */
#ifndef WEIR_GATE_ADMIN_ASK_H
#define WEIR_GATE_ADMIN_ASK_H

#include "weir/gate/config.h"

struct admin_answer {
    int status;      /* 0: none came */
    struct buf body; /* at most 512 KiB; may hold a secret: admin_answer_fini wipes it */
};

/* `body` empty sends none; it is sent as JSON. False with a sentence when no answer came. */
bool admin_ask(const struct config *c, struct str method, struct str target, struct str body,
               struct admin_answer *out, char *err, size_t err_size);
/* "the daemon answered 503: ...", with the sentence that is in the answer. */
void admin_answer_add_refusal(const struct admin_answer *a, struct buf *out);
void admin_answer_fini(struct admin_answer *a);

#endif
