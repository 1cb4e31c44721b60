/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's own verifier of AWS Signature Version 4 in the Authorization header, for every
 * service but S3: the path is normalised and each of its segments encoded once more. It is written
 * from the published algorithm and checked against published vectors, not from weir/wire/sigv4.
 */
#ifndef SIM_SIGCHECK_H
#define SIM_SIGCHECK_H

#include "weir/base/buf.h"
#include "weir/base/digest.h"
#include "weir/wire/fields.h"

struct sigcheck_request {
    struct str method, target, authority;
    const struct fields *fields;
    unsigned char body_sha256[SHA256_BYTES];
};

/* The parts of an Authorization header; borrowed from it. */
struct sigcheck_claim {
    struct str akid, date, region, service; /* of Credential=; date is eight digits */
    struct str signed_headers, signature;
    struct str time; /* x-amz-date, "20260102T030405Z" */
};

/* False when the header is no complete AWS4-HMAC-SHA256 one; *missing names what lacks (static).*/
bool sigcheck_read(struct str authorization, struct sigcheck_claim *out, const char **missing);

/* The canonical request, for the signature and for tests. */
void sigcheck_canonical(const struct sigcheck_request *r, const struct sigcheck_claim *c,
                        struct buf *out);
/* True when the signature over it is the one that `secret` makes. */
bool sigcheck_matches(const struct sigcheck_request *r, const struct sigcheck_claim *c,
                      struct str secret);

/* Is `name` in the list "a;b;c"? */
bool sigcheck_is_signed(const struct sigcheck_claim *c, struct str name);
/* What must be signed and is not: host or :authority, every x-amz-* header that is there, the
 * request metadata header. Empty when all is well. */
struct str sigcheck_unsigned(const struct sigcheck_request *r, const struct sigcheck_claim *c);

#endif
