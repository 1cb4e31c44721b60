/* SPDX-License-Identifier: Apache-2.0
 *
 * Model invocation jobs of Bedrock's control plane: create, get, list, stop. One loop, one
 * endpoint; each call is sent once, and says how sure its answer is: a create whose answer was lost
 * may have made a job.
 */
#ifndef WEIR_AWS_BEDROCK_JOBS_H
#define WEIR_AWS_BEDROCK_JOBS_H

#include "weir/aws/bedrock_control.h"

struct bedrock_jobs;
struct bedrock_jobs *bedrock_jobs_new(struct loop *l, struct dns *dns,
                                      const struct bedrock_control_options *o);
/* Drops what is asked. Not from inside `done`. */
void bedrock_jobs_free(struct bedrock_jobs *b);

enum bedrock_jobs_end {
    BEDROCK_JOBS_GOOD,
    BEDROCK_JOBS_NONE,    /* 404; of a create that is REFUSED: model or role are not there */
    BEDROCK_JOBS_REFUSED, /* not done for certain, and never will be: 400 but for quota, 403 */
    BEDROCK_JOBS_LATER,  /* not done for certain: 429, quota, nothing was sent; or no credentials */
    BEDROCK_JOBS_UNKNOWN /* no answer, 5xx, 409 or 400 ConflictException: it may have been done */
};

/* Of one job. Borrowed for the callback; empty: not told. */
struct bedrock_job {
    struct str arn, name, token, status, message, model;
    uint32_t total, processed, succeeded, errors;
    int64_t expires_s;
};
struct bedrock_jobs_answer {
    enum bedrock_jobs_end end;
    int status;                     /* 0: nobody answered, or it was not sent */
    int64_t retry_ms;               /* told by the service; 0: not */
    const char *why;                /* a sentence, unless GOOD */
    const struct bedrock_job *jobs; /* create, get: one; of a list too long, UNKNOWN: the newest */
    size_t n;
};
typedef void bedrock_jobs_done(void *arg, const struct bedrock_jobs_answer *a);

struct bedrock_jobs_call;
/* `done` is not called any more. NULL is fine, and so is one inside its `done`. */
void bedrock_jobs_drop(struct bedrock_jobs_call *c);

struct bedrock_jobs_create {
    struct str name, token, model, role_arn;
    bool converse;                    /* else InvokeModel */
    struct str input_uri, output_uri; /* s3://... */
    struct str owner, kms_key;        /* empty: none */
    unsigned hours;                   /* 24 to 168 */
};
/* `creds` are referenced; `done` once, never from inside. What breaks the service's patterns for
 * names, tokens and addresses is REFUSED without being sent. */
struct bedrock_jobs_call *bedrock_jobs_create(struct bedrock_jobs *b, struct creds *creds,
                                              const struct bedrock_jobs_create *c,
                                              bedrock_jobs_done *done, void *arg);
struct bedrock_jobs_call *bedrock_jobs_get(struct bedrock_jobs *b, struct creds *creds,
                                           struct str arn, bedrock_jobs_done *done, void *arg);
/* Those whose name contains `name`, all pages (at most 20; more: UNKNOWN), the newest first. GOOD
 * means that the whole list was read. */
struct bedrock_jobs_call *bedrock_jobs_list(struct bedrock_jobs *b, struct creds *creds,
                                            struct str name, bedrock_jobs_done *done, void *arg);
/* GOOD, too, when it has ended already. */
struct bedrock_jobs_call *bedrock_jobs_stop(struct bedrock_jobs *b, struct creds *creds,
                                            struct str arn, bedrock_jobs_done *done, void *arg);

#endif
