/* SPDX-License-Identifier: Apache-2.0
 *
 * S3, as far as batch jobs need it: an object is put from pieces that come one after the other
 * (multipart when it is large), read in a stream, listed, deleted. Path style where the host is not
 * an AWS one. One loop, one bucket; every request has the expected bucket's owner, the payload's
 * hash and a checksum. What failed for now is tried again inside, a few times; then the caller is
 * told, and begins anew later.
 */
#ifndef WEIR_AWS_S3_H
#define WEIR_AWS_S3_H

#include "weir/aws/creds.h"
#include "weir/aws/endpoint.h"
#include "weir/base/buf.h"

enum {
    S3_PART_BYTES = 8 * 1024 * 1024, /* S3's least is 5 MiB; 10,000 parts of these are 80 GB */
    S3_KEYS_MOST = 1000
};

struct s3;
struct s3_options {
    struct endpoint at;
    struct str region, bucket;
    struct str owner;   /* 12 digits: x-amz-expected-bucket-owner; empty: not sent */
    struct str kms_key; /* SSE-KMS with this key; empty: the bucket's own default */
    const char *ca_file;
    struct str proxy_host;
    uint16_t proxy_port;
    struct str proxy_authorization;
    /* The newest credentials, with a reference; NULL: there are none. */
    struct creds *(*creds)(void *arg);
    void *arg;
};
/* Options are copied. */
struct s3 *s3_new(struct loop *l, struct dns *dns, const struct s3_options *o);
/* Drops what is under way; no callback comes any more. Not from inside one. */
void s3_free(struct s3 *s);

enum s3_end {
    S3_GOOD,
    S3_NONE,    /* no such key */
    S3_REFUSED, /* it never will be: no such bucket, access denied, wrong Region, wrong owner, KMS
                 */
    S3_FAILED   /* perhaps later */
};
/* `why`: a sentence, unless GOOD. Borrowed. */
typedef void s3_told(void *arg, enum s3_end end, struct str why);

struct s3_call;
/* `done` is not called any more. NULL is fine, and so is one inside its `done`. An upload that was
 * begun is aborted. */
void s3_drop(struct s3_call *c);

/* Is the bucket there, and ours? */
struct s3_call *s3_probe(struct s3 *s, s3_told *done, void *arg);

/* Puts an object that must not be there. `more` is called, never from inside, when there is room:
 * it appends up to S3_PART_BYTES or somewhat more to `out` and returns 1, or 0 when that was the
 * last, or -1 to give up (FAILED). Where the object is there already with the same length and
 * checksum (a put whose answer was lost), that is GOOD; with others it is replaced. */
struct s3_call *s3_put(struct s3 *s, struct str key, struct str content_type,
                       int (*more)(void *arg, struct buf *out), s3_told *done, void *arg);

/* Reads from `offset` on. `bytes` gets what comes, and says with s3_credit when it took it (64 KiB
 * are asked for at a time at least). An object that changes while it is read is FAILED. */
struct s3_reader {
    void (*bytes)(void *arg, struct str bytes);
    s3_told *done;
    void *arg;
};
struct s3_call *s3_get(struct s3 *s, struct str key, uint64_t offset, const struct s3_reader *r);
void s3_credit(struct s3_call *c, size_t n);

/* Keys with this prefix, at most S3_KEYS_MOST. */
struct s3_listed {
    enum s3_end end;
    struct str why;
    const struct str *keys;
    size_t n;
    bool more;
};
struct s3_call *s3_list(struct s3 *s, struct str prefix,
                        void (*done)(void *arg, const struct s3_listed *l), void *arg);
/* Aborts the uploads of keys with this prefix that were begun and never ended. REFUSED where these
 * credentials may not list or abort them. */
struct s3_call *s3_abort_uploads(struct s3 *s, struct str prefix, s3_told *done, void *arg);
/* GOOD, too, where it was not there. */
struct s3_call *s3_delete(struct s3 *s, struct str key, s3_told *done, void *arg);

#endif
