/* SPDX-License-Identifier: Apache-2.0
 *
 * The two calls of STS that give credentials, over its query protocol: AssumeRole, signed with
 * other credentials, and AssumeRoleWithWebIdentity, unsigned, which carries a token instead.
 */
#ifndef WEIR_SRC_AWS_STS_H
#define WEIR_SRC_AWS_STS_H

#include "errand.h"

/* With `by` AssumeRole, without it AssumeRoleWithWebIdentity and `token`. Everything is copied.
 * NULL with a sentence when it is not known where STS answers. */
struct errand *sts_start(struct creds_tools *t, const struct role *r, struct creds *by,
                         struct str token, void (*done)(void *arg, const struct fetch_answer *a),
                         void *arg, char *err, size_t err_size);
/* Did it refuse what AssumeRole was signed with, as expired or not known? */
bool sts_says_stale(const struct fetch_answer *a);
/* The set in an answer; NULL with a sentence that names STS's error. */
struct creds *sts_read(const struct fetch_answer *a, const char *source, char *err,
                       size_t err_size);

#endif
