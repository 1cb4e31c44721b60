/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifier's side of Signature Version 4, header form only: what a request claims about itself,
 * checked against every rule that needs no secret, then whether the claim holds under a secret.
 * Pure.
 *
 *     sigv4_claim_read --> NONE | MALFORMED | EXPIRED | a claim
 *     sigv4_claim_holds(claim, secret or NULL) --> true only for the right secret
 *
 * Exactly one Authorization; algorithm, scope and terminator exact; x-amz-date present once, its
 * day the scope's; SignedHeaders lower-case, sorted, unique, with host or :authority and all that
 * weighs: every x-amz-*, x-amzn-bedrock-* and anthropic-* field that is there, each once, and
 * content-type (but "application/json", which aws4fetch does not sign, may be unsigned); each named
 * field present; no X-Amz-* in the query; the payload is the hash that the caller computed,
 * whatever x-amz-content-sha256 says (which must be absent or equal to it: UNSIGNED-PAYLOAD and
 * STREAMING-* are refused). The path is signed as received.
 */
#ifndef WEIR_WIRE_SIGV4_CLAIM_H
#define WEIR_WIRE_SIGV4_CLAIM_H

#include "weir/wire/sigv4.h"

/* A request as it was received. All borrowed for the call. */
struct sigv4_received {
    struct str method, target;   /* path and query as on the wire */
    struct str authority;        /* Host or :authority */
    const struct fields *fields; /* lower-case names, values as received; without pseudo-headers */
    const char *body_sha256;     /* hex, 64; computed by us */
};

enum sigv4_reading {
    SIGV4_NONE,      /* no SigV4 in it: no Authorization, or of another scheme */
    SIGV4_MALFORMED, /* it breaks a rule; `why` says which, for our log, not for the client */
    SIGV4_EXPIRED,   /* its time is too far from ours, whatever else is wrong: said first, and alike
                        for every key */
    SIGV4_CLAIMED
};

enum { SIGV4_SKEW_S = 300 };

/* Borrowed from the request. Only `why` counts when it is MALFORMED, and nothing when it is NONE or
 * EXPIRED. */
struct sigv4_claim {
    struct str access_key, time, region, service, signed_names;
    struct str token; /* x-amz-security-token; ptr NULL: none. A pair of ours has none, so the
                         caller refuses a claim with one */
    unsigned char signature[SHA256_BYTES];
    const char *why; /* of MALFORMED: a static sentence */
};

/* `services`: what the scope may name, separated by spaces; the region may be any that is a
 * region's name, it is the client's own. */
enum sigv4_reading sigv4_claim_read(const struct sigv4_received *r, struct str services,
                                    int64_t now_s, struct sigv4_claim *out);

/* In time that does not depend on where they differ. An empty `secret` does the same work and is
 * always false: so that an unknown key costs what a known one costs. */
bool sigv4_claim_holds(const struct sigv4_received *r, const struct sigv4_claim *c,
                       struct str secret);

#endif
