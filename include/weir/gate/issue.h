/* SPDX-License-Identifier: Apache-2.0
 *
 * Issuing a key: what is asked for, whether this configuration can have it, and what is said of
 * keys in JSON. Shared by the admin API and `weir keys`, which is its client or acts alone.
 */
#ifndef WEIR_GATE_ISSUE_H
#define WEIR_GATE_ISSUE_H

#include "weir/gate/config.h"
#include "weir/gate/keyring.h"

enum {
    ISSUE_CLIENT_MOST = 256,
    ISSUE_SECRET_ROOM = 256, /* reserve so much for a secret and it never moves */
};

struct issue {
    struct str client; /* in `room` when it was read; else borrowed. Empty: for the admin port */
    enum key_kind kind;
    bool admin;
    char room[ISSUE_CLIENT_MOST];
};

/* {"client": "app", "kind": "sigv4" or "bearer"} or {"admin": true}. False with a sentence. */
bool issue_read(struct str body, struct issue *out, struct buf *sentence);
void issue_add_request(const struct issue *i, struct buf *out);
/* Is it a client of this configuration? False with a sentence that names the nearest one. */
bool issue_check(const struct config *c, const struct issue *i, struct buf *sentence);

/* A new key, with its secret, and its reading: the secret goes to `secret`. */
void issue_add_key(const struct issue *i, struct str id, struct str secret, struct buf *out);
MUST_CHECK int issue_read_key(struct str text, struct buf *id, struct buf *secret);
/* {"keys": [{"id", "client", "kind", "admin", "made", "revoked"}]} without any secret. */
void issue_add_list(const struct keyring *r, struct buf *out);
struct str issue_kind_word(enum key_kind kind);

#endif
