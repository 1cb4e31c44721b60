/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS Signature Version 4 in headers: a pure function of the request, the scope and a derived key.
 * No clock, no globals, nothing kept. Nothing here reads a body: its hash is the caller's.
 *
 *     canonical request > SHA-256 > string to sign > HMAC with the derived key > signature
 *
 * Signing: cache an hmac_key of sigv4_key's answer by (secret version, day, region, service), then
 * sigv4_sign.
 * Verifying: sigv4_signature over the names that the other side claims, then compare with
 * digest_equal; what must be signed, clock and scope are the verifier's own checks.
 */
#ifndef WEIR_WIRE_SIGV4_H
#define WEIR_WIRE_SIGV4_H

#include "weir/base/arena.h"
#include "weir/base/buf.h"
#include "weir/base/digest.h"
#include "weir/base/err.h"
#include "weir/wire/fields.h"

enum {
    SIGV4_KEY_BYTES = SHA256_BYTES,
    SIGV4_FIELDS_MOST = FIELDS_MOST + 28, /* a client's, and what Weir adds */
    SIGV4_PARAMS_MOST = 128,              /* Bedrock's longest query has six */
    SIGV4_NAME_MOST = 128,                /* access key, region, service, each */
    SIGV4_SECRET_MOST = 256,
    SIGV4_TO_SIGN_MOST = 512,
};

/* Who signs, for what. All borrowed. */
struct sigv4_scope {
    struct str access_key;
    struct str time; /* x-amz-date: "20260102T030405Z" */
    struct str region, service;
};

/* What is signed. All borrowed for the call. Path and query are bytes as on the wire. */
struct sigv4_request {
    struct str method;
    struct str path;            /* without query; empty counts as "/" */
    struct str query;           /* without '?' */
    const struct field *fields; /* names lower-case, among them host (or :authority) and x-amz-date;
                                   values as sent: trimming and folding happen here */
    size_t n_fields;
    struct str payload; /* hex SHA-256 of the body, or a word such as UNSIGNED-PAYLOAD */
    bool s3_path;       /* the path as it is. Every other service signs it without dot
                           segments and double slashes, each byte URI-encoded once more:
                           "%3A" as "%253A", a bare ":" as "%3A" */
};

/* The derived key. Only time's day, region and service are read. ERR_BAD for a scope that cannot
 * stand in an Authorization header, ERR_TOO_BIG for a secret past SIGV4_SECRET_MOST. */
MUST_CHECK int sigv4_key(struct str secret, const struct sigv4_scope *scope,
                         unsigned char out_key[SIGV4_KEY_BYTES]);

/* Signs every field but those that sigv4_never_signed names, and makes the value of the
 * Authorization header in `arena`. ERR_BAD as sigv4_key; ERR_TOO_BIG for more than
 * SIGV4_FIELDS_MOST fields or SIGV4_PARAMS_MOST parameters; ERR_NO_MEMORY when the arena is full.
 */
MUST_CHECK int sigv4_sign(const struct sigv4_request *r, const struct sigv4_scope *scope,
                          const struct hmac_key *key, struct arena *arena,
                          struct str *out_authorization);

/* What changes on the way (hop by hop, user-agent, x-amzn-trace-id), what SDKs put there for
 * themselves (amz-sdk-*), and authorization itself. */
bool sigv4_never_signed(struct str name);

/* The signature over exactly these names: "host;x-amz-date", as SignedHeaders says. ERR_NOT_FOUND
 * when a name has no field; ERR_BAD when the names are not sorted and unique. Else as sigv4_sign.
 */
MUST_CHECK int sigv4_signature(const struct sigv4_request *r, struct str signed_names,
                               const struct sigv4_scope *scope,
                               const unsigned char key[SIGV4_KEY_BYTES],
                               unsigned char out_signature[SHA256_BYTES]);

/* The stages as text, for tests and for people. sigv4_canonical appends the canonical request;
 * errors as sigv4_signature. sigv4_string_to_sign gives a str in `room`. */
MUST_CHECK int sigv4_canonical(const struct sigv4_request *r, struct str signed_names,
                               struct buf *out);
MUST_CHECK int sigv4_string_to_sign(const struct sigv4_scope *scope,
                                    const unsigned char canonical_sha256[SHA256_BYTES],
                                    char room[SIGV4_TO_SIGN_MOST], struct str *out);

#endif
