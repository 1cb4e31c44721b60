/* SPDX-License-Identifier: Apache-2.0
 *
 * A Bedrock API key in place of SigV4 keys: from a file of the configuration, which is looked at
 * again every few seconds so that a rotated key is taken up, or from AWS_BEARER_TOKEN_BEDROCK,
 * unless a profile is named: then the environment does not count.
 */
#include "weir/base/digest.h"
#include "weir/base/file.h"

#include "creds_source.h"

#include <stdio.h>

enum { BEARER_MOST_BYTES = 16 * 1024, RECHECK_MS = 10000 };

static struct source *made(struct creds_tools *t, struct str token, const char *from,
                           int64_t recheck_ms, char *err, size_t err_size)
{
    char why[WHY_MAX];
    struct creds *set = creds_make_bearer(source_trim(token), "bearer", why, sizeof why);
    if (set)
        return source_ready(t, "bearer", set, recheck_ms);
    snprintf(err, err_size, "%s: %s", from, why);
    return NULL;
}

static struct source *from_file(struct creds_tools *t, char *err, size_t err_size)
{
    struct buf text = {0};
    struct source *s = NULL;
    const char *path = t->o.bearer_file.ptr; /* the chain's copy ends with NUL */
    if (file_read(path, BEARER_MOST_BYTES, &text, err, err_size) == 0)
        s = made(t, buf_str(&text), path, RECHECK_MS, err, err_size);
    if (text.data)
        secret_wipe(text.data, text.cap);
    buf_fini(&text);
    return s;
}

struct source *creds_bearer_new(struct creds_tools *t, char *err, size_t err_size)
{
    struct str token = creds_env(t, "AWS_BEARER_TOKEN_BEDROCK");
    if (t->o.bearer_file.len)
        return from_file(t, err, err_size);
    if (t->o.profile.len)
        return NULL;
    return token.len ? made(t, token, "AWS_BEARER_TOKEN_BEDROCK", 0, err, err_size) : NULL;
}
