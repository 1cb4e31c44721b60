/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that Weir issued (`weir keys new`): STATE/keys, one JSON object a line, rewritten aside and
 * renamed. A SigV4 secret is needed again to verify, so it is sealed under the seal file; a bearer
 * key is only a hash. Secrets are shown once, when they are made.
 *
 * A ring is a counted snapshot that never changes; a change makes a new one. The daemon's office
 * loads and changes; workers look up.
 */
#ifndef WEIR_GATE_KEYRING_H
#define WEIR_GATE_KEYRING_H

#include "weir/base/buf.h"
#include "weir/base/digest.h"
#include "weir/base/err.h"

enum { KEYRING_MOST = 10000 };

enum key_kind { KEY_SIGV4, KEY_BEARER };

struct key {
    struct str
        id; /* access key id "WEIR" and 16 of A-Z2-7, or the bearer key's name "bearer-..." */
    struct str client; /* whose; empty for an admin key */
    enum key_kind kind;
    bool admin;                       /* for the admin port, not for clients */
    int64_t made_s, revoked_s;        /* revoked 0: valid */
    struct str secret;                /* of SIGV4, unsealed; wiped with the ring */
    unsigned char hash[SHA256_BYTES]; /* of BEARER: SHA-256 of the token */
};

struct keyring;
/* `state` and `seal_file` (empty: STATE/seal.key, made when first needed, 0600). No file is an
 * empty ring. NULL with a sentence when what is there cannot be read: one bad line is a fault of
 * all, since a key that goes missing silently locks somebody out. */
struct keyring *keyring_load(struct str state, struct str seal_file, char *why, size_t why_size);
/* Without secrets, for showing: it needs no seal file. */
struct keyring *keyring_list(struct str state, char *why, size_t why_size);
struct keyring *keyring_ref(struct keyring *r);
void keyring_unref(struct keyring *r); /* any thread */

/* There were keys, and where they stood there is nothing: rather a mistake than a wish. */
bool keyring_is_gone(const struct keyring *before, const struct keyring *now);

/* Valid ones only; NULL: none. No ring is an empty one. Bearer by the token itself: its hash is
 * compared in constant time with all of them. */
const struct key *keyring_sigv4(const struct keyring *r, struct str access_key);
const struct key *keyring_bearer(const struct keyring *r, struct str token);
/* All of them, revoked ones too. */
const struct key *keyring_keys(const struct keyring *r, size_t *out_n);

/* A new one on disk; the ring in hand does not change. The caller holds the state directory's lock.
 * out_secret: shown once; the caller wipes it. A key for the admin port has no client and is SIGV4.
 */
MUST_CHECK int keyring_add(struct str state, struct str seal_file, struct str client, bool admin,
                           enum key_kind kind, struct buf *out_id, struct buf *out_secret,
                           char *why, size_t why_size);
/* What a revoked key's secret was is gone from the file. ERR_NOT_FOUND: there is none of that id.
 * One that was revoked before stays as it is. */
MUST_CHECK int keyring_revoke(struct str state, struct str id, char *why, size_t why_size);

#endif
