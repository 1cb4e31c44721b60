/* SPDX-License-Identifier: Apache-2.0
 *
 * The only place that signs and sends. A caller says what to send and to which service; the call
 * adds authorization (SigV4 by the service's path rule, or a bearer key, or nothing) and goes to
 * an origin. Each worker has one `struct aws_signer` with the derived keys it used lately.
 */
#ifndef WEIR_AWS_CALL_H
#define WEIR_AWS_CALL_H

#include "weir/aws/creds.h"
#include "weir/base/arena.h"
#include "weir/base/digest.h"
#include "weir/net/origin.h"

struct aws_signer;
struct aws_signer *aws_signer_new(void);
void aws_signer_free(struct aws_signer *s);

/* Seconds that the services' clock is ahead of ours, as far as was learned: what is signed now is
 * signed with it. */
int64_t aws_signer_offset(const struct aws_signer *s);
/* The service refused what was signed with `signed_with` seconds of offset. Was it for its time,
 * and does its Date say that our clock is wrong? Then the signer goes by the service's clock from
 * now on, and true: signing once more is worth it. An offset above a day is not believed. Ask only
 * of an origin that can be trusted (TLS, or this machine). */
bool aws_signer_learn(struct aws_signer *s, int status, const struct fields *answer,
                      int64_t signed_with);

/* Where a service answers: parsed once from a URL or built from region and partition
 * (aws/endpoint.h). */
struct aws_target {
    struct origin *origin;
    struct str authority;       /* Host as signed and sent: port only when it is not the default */
    struct str base_path;       /* path of the endpoint URL without its last slash, usually empty */
    struct str region, service; /* what is signed */
    bool s3_path;               /* S3's rule: the path is signed once-encoded and not normalised */
};

struct aws_request {
    struct str method;
    struct str target;          /* path and query, bytes as they go on the wire */
    const struct field *fields; /* lower-case; no host, content-length, authorization, x-amz-date,
                                   x-amz-security-token, x-amz-content-sha256 */
    size_t n_fields;
    const struct str *body; /* pieces, not copied */
    size_t n_body;
    const unsigned char *body_sha256; /* SHA256_BYTES; NULL: computed here */
    int64_t answer_ms, silence_ms;
};

/* Starts it. `out` and what target and request point at stay until on_end or origin_cancel(out).
 * `arena` holds the signed head. `creds` are only needed during this call; NULL sends without
 * authorization. Fields that travel but are never signed: those of sigv4_never_signed (user-agent,
 * x-amzn-trace-id, amz-sdk-*). On failure nothing was started: ERR_NO_MEMORY when the arena is
 * full, ERR_TOO_BIG for more fields or parameters than can be signed, ERR_BAD for a region or
 * service that cannot stand in a signature. */
MUST_CHECK int aws_send(struct aws_signer *s, const struct aws_target *t, struct creds *creds,
                        const struct aws_request *r, struct arena *arena,
                        const struct origin_sink *sink, void *arg, struct origin_call *out);

#endif
