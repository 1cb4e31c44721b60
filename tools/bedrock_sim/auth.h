/* SPDX-License-Identifier: Apache-2.0
 *
 * Who asks: SigV4 with one of the key pairs, a bearer token, or x-api-key on the Anthropic paths.
 */
#ifndef SIM_AUTH_H
#define SIM_AUTH_H

#include "refusal.h"
#include "sigcheck.h"

enum { AUTH_KEYS_MOST = 32, AUTH_BEARERS_MOST = 32, AUTH_SKEW_S = 300 };

struct auth_key {
    struct str akid, secret, token; /* token may be empty; borrowed from argv */
};

struct auth {
    bool off;
    struct auth_key keys[AUTH_KEYS_MOST];
    size_t n_keys;
    struct str bearers[AUTH_BEARERS_MOST];
    size_t n_bearers;
};

/* "AKID:SECRET[:TOKEN]"; false when it is not that or the table is full. */
bool auth_add_key(struct auth *a, struct str text);
bool auth_add_bearer(struct auth *a, struct str token);

/* The account of the asker: the access key id, or the first bytes of its token, or "anonymous".
 * Borrowed from the request or the table. False with *out filled when it is not let in. `anthropic`
 * allows x-api-key; a signature must be for `service`. `now_s` is the wall clock of the signature
 * check. */
bool auth_check(const struct auth *a, const struct sigcheck_request *r, bool anthropic,
                struct str service, int64_t now_s, struct str *account, struct refusal *out);

#endif
