/* SPDX-License-Identifier: Apache-2.0
 *
 * Bedrock's control plane, as far as Weir asks it: GetInferenceProfile, which tells the model
 * behind a profile. One loop, one endpoint; a question has five seconds and is asked once.
 */
#ifndef WEIR_AWS_BEDROCK_CONTROL_H
#define WEIR_AWS_BEDROCK_CONTROL_H

#include "weir/aws/creds.h"
#include "weir/aws/endpoint.h"

enum { BEDROCK_CONTROL_MS = 5000, BEDROCK_CONTROL_MODEL_MOST = 256 };

struct bedrock_control;

struct bedrock_control_options {
    struct endpoint at;
    struct str region;
    const char *ca_file;   /* more roots, or NULL */
    struct str proxy_host; /* empty: direct */
    uint16_t proxy_port;
    struct str proxy_authorization;
};

/* Options are copied. `dns` must live longer. */
struct bedrock_control *bedrock_control_new(struct loop *l, struct dns *dns,
                                            const struct bedrock_control_options *o);
/* Drops what is asked. Not from inside `done`. */
void bedrock_control_free(struct bedrock_control *c);

enum bedrock_control_end {
    BEDROCK_CONTROL_KNOWN,
    BEDROCK_CONTROL_NONE,  /* permanent: 404, or 400 ValidationException */
    BEDROCK_CONTROL_FAILED /* everything else: perhaps it works later */
};

/* Borrowed for the callback. */
struct bedrock_control_answer {
    enum bedrock_control_end end;
    int status;       /* 0: nobody answered */
    struct str model; /* KNOWN: its id. With a geo prefix ("eu.") where the profile spans several
                         regions that are all of one geography */
    const char *why;  /* a sentence, unless KNOWN */
};

/* `profile` is an ARN or id, copied; `creds` (NULL: unsigned) is referenced. `done` is called once,
 * never from inside this call, and not any more when the control is freed. */
void bedrock_control_ask_profile(struct bedrock_control *c, struct creds *creds, struct str profile,
                                 void (*done)(void *arg, const struct bedrock_control_answer *a),
                                 void *arg);

/* The model out of a GetInferenceProfile answer; false when it does not tell one. */
bool bedrock_control_model(struct str json, char out[BEDROCK_CONTROL_MODEL_MOST]);

#endif
