/* SPDX-License-Identifier: Apache-2.0
 *
 * One set of credentials: a counted object whose strings stand behind it in the same piece of
 * memory, so that one wipe takes all of it. What comes in goes out in header fields later; so what
 * could not stand in one is refused here, once.
 */
#include "weir/base/digest.h"
#include "weir/base/mem.h"
#include "weir/wire/sigv4.h"

#include "creds_source.h"

#include <stdio.h>
#include <string.h>

/* Session tokens have no promised length; those seen are under 4 KiB. */
enum { PART_MOST_BYTES = 32 * 1024 };

struct creds_memory {
    struct creds set;
    size_t size;
    char bytes[];
};

static struct str put(char **at, struct str s)
{
    char *to = *at;
    if (s.len)
        memcpy(to, s.ptr, s.len);
    *at = to + s.len;
    return str_from(to, s.len);
}

static struct creds *make(const struct creds *from)
{
    static _Atomic uint64_t last_version;
    size_t size = sizeof(struct creds_memory) + from->access_key.len + from->secret_key.len +
                  from->session_token.len + from->bearer.len;
    struct creds_memory *m = mem_new(size);
    char *at = m->bytes;
    m->size = size;
    m->set.access_key = put(&at, from->access_key);
    m->set.secret_key = put(&at, from->secret_key);
    m->set.session_token = put(&at, from->session_token);
    m->set.bearer = put(&at, from->bearer);
    m->set.expires_s = from->expires_s;
    m->set.source = from->source;
    m->set.version = atomic_fetch_add(&last_version, 1) + 1;
    atomic_init(&m->set.users, 1);
    return &m->set;
}

/* Visible ASCII. */
static bool part_ok(struct str s, size_t most)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
            return false;
    return s.len <= most;
}

/* It stands in "Credential=ID/day/...,". */
static bool access_key_ok(struct str s)
{
    return part_ok(s, SIGV4_NAME_MOST) && str_chr(s, '/') < 0 && str_chr(s, ',') < 0;
}

struct creds *creds_make(struct str access_key, struct str secret_key, struct str session_token,
                         int64_t expires_s, const char *source, char *err, size_t err_size)
{
    const char *wrong = NULL;
    if (!access_key.len)
        wrong = "the access key id is missing";
    else if (!secret_key.len)
        wrong = "the secret access key is missing";
    else if (!access_key_ok(access_key))
        wrong = "the access key id is malformed";
    else if (!part_ok(secret_key, SIGV4_SECRET_MOST))
        wrong = "the secret access key is malformed";
    else if (!part_ok(session_token, PART_MOST_BYTES))
        wrong = "the session token is malformed";
    if (wrong) {
        snprintf(err, err_size, "%s", wrong);
        return NULL;
    }
    struct creds from = {.access_key = access_key,
                         .secret_key = secret_key,
                         .session_token = session_token,
                         .expires_s = expires_s,
                         .source = source};
    return make(&from);
}

struct creds *creds_make_bearer(struct str bearer, const char *source, char *err, size_t err_size)
{
    if (!bearer.len || !part_ok(bearer, PART_MOST_BYTES)) {
        snprintf(err, err_size, "the bearer key is %s", bearer.len ? "malformed" : "empty");
        return NULL;
    }
    struct creds from = {.bearer = bearer, .source = source};
    return make(&from);
}

struct creds *creds_of_bearer(struct str bearer)
{
    char why[64];
    return creds_make_bearer(bearer, "client", why, sizeof why);
}

struct creds *creds_extend(const struct creds *set, int64_t expires_s)
{
    struct creds *longer = make(set);
    longer->expires_s = expires_s;
    return longer;
}

bool creds_same(const struct creds *a, const struct creds *b)
{
    return a && b && a->expires_s == b->expires_s && str_eq(a->access_key, b->access_key) &&
           str_eq(a->secret_key, b->secret_key) && str_eq(a->session_token, b->session_token) &&
           str_eq(a->bearer, b->bearer);
}

struct creds *creds_ref(struct creds *set)
{
    if (set)
        atomic_fetch_add_explicit(&set->users, 1, memory_order_relaxed);
    return set;
}

void creds_unref(struct creds *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->users, 1, memory_order_acq_rel) != 1)
        return;
    struct creds_memory *m = (struct creds_memory *)(void *)set;
    secret_wipe(m, m->size);
    mem_free(m);
}
