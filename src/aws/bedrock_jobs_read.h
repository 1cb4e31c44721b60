/* SPDX-License-Identifier: Apache-2.0
 *
 * What the control plane says of jobs, and what may be said to it.
 */
#ifndef WEIR_SRC_AWS_BEDROCK_JOBS_READ_H
#define WEIR_SRC_AWS_BEDROCK_JOBS_READ_H

#include "weir/aws/bedrock_jobs.h"
#include "weir/aws/fetch.h"

enum { BEDROCK_JOBS_WHY_MOST = 400 };

/* What was found so far; zero to begin with. */
struct bedrock_jobs_found {
    struct bedrock_job *jobs; /* their strings are in `trees` */
    size_t n, cap;
    struct str next_token; /* of the newest page; empty: it was the last */
    struct bedrock_jobs_tree *trees;
};

/* Adds what an answer tells: one job, or a page of them. False when it tells none (a page may be
 * empty). */
bool bedrock_jobs_read(struct bedrock_jobs_found *f, struct str json, bool page);
void bedrock_jobs_found_fini(struct bedrock_jobs_found *f);

/* Why there is no answer, or what the error says. */
void bedrock_jobs_why(const struct fetch_answer *a, char why[BEDROCK_JOBS_WHY_MOST]);

/* The first thing that the service model does not allow, as a sentence; NULL: it is all right. */
const char *bedrock_jobs_wrong(const struct bedrock_jobs_create *c);
const char *bedrock_jobs_wrong_name(struct str name);

#endif
