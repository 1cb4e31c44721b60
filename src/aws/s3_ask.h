/* SPDX-License-Identifier: Apache-2.0
 *
 * What the calls of S3 share: the shell of a call, one small request that is tried again for a
 * while, and what an answer means.
 */
#ifndef WEIR_SRC_AWS_S3_ASK_H
#define WEIR_SRC_AWS_S3_ASK_H

#include "weir/aws/fetch.h"
#include "weir/aws/s3.h"

enum {
    S3_TRIES = 5,            /* of one request; waits of 1/4 to 2 s, 4 s at most together */
    S3_SMALL_MS = 30 * 1000, /* for a try of what is short */
    S3_COMPLETE_MS = 120 * 1000,
    S3_BYTES_PER_MS = 100, /* a try with a body has so much longer */
    S3_ERROR_BYTES = 64 * 1024,
    S3_WHY_MOST = 400,
    S3_CODE_MOST = 64,
};

struct s3 {
    struct loop *loop;
    struct arena arena; /* the options' strings */
    struct s3_options o;
    struct aws_signer *signer;
    struct tls *tls;
    struct aws_target target;
    bool trusted;      /* its clock may be believed */
    char tls_why[256]; /* why there is no origin; empty: there is one */
    struct str host;   /* with the bucket in front, where it is so */
    struct list calls;
};

/* --- a call: the first member of each kind */

struct s3_call {
    struct s3 *s3;
    struct list node;
    bool over; /* told, or dropped: only its burial is left */
    bool busy; /* inside a callback that is not its last */
    struct later bury;
    void (*stop)(struct s3_call *c); /* ends what is under way */
    void (*fini)(struct s3_call *c);
    void (*credit)(struct s3_call *c, size_t n); /* of a get */
};
/* `size` bytes, zeroed, with a struct s3_call in front. */
void *s3_call_new(struct s3 *s, size_t size, void (*stop)(struct s3_call *c),
                  void (*fini)(struct s3_call *c));
/* It is over: call this, then tell. It is freed at the end of the turn. */
void s3_call_end(struct s3_call *c);

/* --- what an answer means (s3_judge.c) */

struct s3_verdict {
    enum s3_end end;
    bool again; /* worth trying at once */
    int status;
    char code[S3_CODE_MOST]; /* "NoSuchKey"; empty: not told */
    char why[S3_WHY_MOST];
};
/* Of a whole answer, or of none. `body` is what stands in an error. */
void s3_judge(const struct s3 *s, enum origin_end end, const char *origin_why, int status,
              const struct fields *fields, struct str body, struct s3_verdict *out);
void s3_judge_unsent(const struct s3 *s, enum s3_end end, const char *why, struct s3_verdict *out);
/* What to sign with, with a reference; NULL with a verdict when nothing can be sent. */
struct creds *s3_creds(const struct s3 *s, struct s3_verdict *out);
/* Our clock was wrong, and the signer knows that now. */
bool s3_learn(struct s3 *s, const struct s3_verdict *v, const struct fields *fields,
              int64_t signed_with_s);
/* How long to wait before the next try, the first being 1. */
int64_t s3_pause_ms(unsigned tried);

/* The keys of a list, one behind the other in `room`, and where each ends; false when it is none.
 */
bool s3_read_keys(struct str body, struct buf *room, size_t ends[S3_KEYS_MOST], size_t *n);
bool s3_is_truncated(struct str body);
/* The next upload of a list: adds its key and number. ERR_NOT_FOUND when there are no more. */
MUST_CHECK int s3_read_upload(struct str *rest, struct buf *key, struct buf *id);
/* "uploadId=..." */
void s3_add_upload_query(struct buf *query, struct str id);

/* --- requests */

enum { S3_FIELDS_MOST = 8 };

struct s3_request {
    struct str method;
    struct str key;             /* empty: the bucket */
    struct str query;           /* without '?' */
    const struct field *fields; /* beside the owner's */
    size_t n_fields;
    struct str body;                  /* borrowed until the end */
    const unsigned char *body_sha256; /* NULL: computed; copied */
    int64_t try_ms;
    size_t max_bytes;
};
/* "/some/key?query" */
void s3_add_target(struct buf *b, struct str key, struct str query);

struct s3_answer {
    struct s3_verdict verdict;
    const struct fields *fields;
    struct str body;
};

struct s3_ask;
/* All but the body is copied. `done` is called once, never from inside this call; then the ask
 * frees itself. */
struct s3_ask *s3_ask_start(struct s3 *s, const struct s3_request *r,
                            void (*done)(void *arg, const struct s3_answer *a), void *arg);
/* NULL is fine, and so is one inside its `done`. */
void s3_ask_drop(struct s3_ask *a);

#endif
