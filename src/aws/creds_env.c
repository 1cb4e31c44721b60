/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. A
 * profile chosen by option takes the environment out of the chain, as in botocore.
 */
#include "creds_source.h"

#include <stdio.h>

struct source *creds_env_keys_new(struct creds_tools *t, char *err, size_t err_size)
{
    struct str key = creds_env(t, "AWS_ACCESS_KEY_ID");
    struct str secret = creds_env(t, "AWS_SECRET_ACCESS_KEY");
    char why[WHY_MAX];
    if (!key.len && !secret.len)
        return NULL;
    struct creds *set =
        creds_make(key, secret, creds_env(t, "AWS_SESSION_TOKEN"), 0, "env", why, sizeof why);
    if (set)
        return source_ready(t, "env", set, 0);
    snprintf(err, err_size,
             "environment: %s; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY together", why);
    return NULL;
}

struct source *creds_env_new(struct creds_tools *t, char *err, size_t err_size)
{
    return t->o.profile.len ? NULL : creds_env_keys_new(t, err, err_size);
}
