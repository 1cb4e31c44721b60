/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS credentials: where they come from (one creds_*.c per source), and one set of them for all
 * workers. The chain lives on the office's loop: it loads, and refreshes 15 minutes ahead of
 * expiry (10 is the last moment), while the set in hand is served as long as it is valid. Workers
 * only look at the newest set: one atomic load when nothing changed.
 *
 *     env > profile (assume role, credential_process, SSO, keys) > web identity > container > IMDS
 */
#ifndef WEIR_AWS_CREDS_H
#define WEIR_AWS_CREDS_H

#include "weir/base/err.h"
#include "weir/base/str.h"
#include "weir/net/loop.h"

#include <stdatomic.h>

struct dns;
struct creds_chain;

/* One set, counted, never changed after it is published. Secrets are wiped when the last user
 * lets go. */
struct creds {
    atomic_uint users;
    uint64_t version; /* grows with each new set of the process: keys caches */
    struct str access_key, secret_key, session_token; /* token may be empty */
    struct str bearer;  /* a Bedrock API key instead of the three; else empty */
    int64_t expires_s;  /* since 1970; 0: never */
    const char *source; /* "env", "profile", "web-identity", "container", "imds", ... */
};

struct creds_options {
    struct str profile;      /* empty: AWS_PROFILE, else "default" */
    struct str bearer_file;  /* empty: none. Re-read when it changes */
    struct str region;       /* for STS and SSO */
    struct str sts_endpoint; /* URL, or empty for the region's */
    const char *ca_file;     /* extra roots for STS and SSO, or NULL */
    struct str proxy_host;   /* egress proxy for STS and SSO (never for IMDS and containers) */
    uint16_t proxy_port;
    struct str proxy_authorization;
    /* Everything is read through this, so that tests need no process environment; NULL means
     * getenv. */
    const char *(*getenv)(const char *name);
};

/* Options are copied. `changed` is called on this loop whenever a set was published or a refresh
 * failed. NULL and a sentence in err when the configuration itself is wrong (a profile that does
 * not exist, a malformed file). Loading begins at once. */
struct creds_chain *creds_new(struct loop *l, struct dns *dns, const struct creds_options *o,
                              void (*changed)(void *arg), void *arg, char *err, size_t err_size);
/* Not from inside `changed`, and when no other thread looks any more; sets that are held live on.
 */
void creds_free(struct creds_chain *c);

/* Any thread: the newest set with a reference, NULL while there is none or it has expired. */
struct creds *creds_get(struct creds_chain *c);
struct creds *creds_ref(struct creds *set);
void creds_unref(struct creds *set);
/* Any thread, cheap: the version that creds_get would give; 0 for none. */
uint64_t creds_version(struct creds_chain *c);
/* Any thread: has the first load ended, well or badly? Until then nothing can be said about it. */
bool creds_settled(struct creds_chain *c);
/* Any thread: the origin refused this version (expired, unknown token). One refresh starts, if
 * that version is still the newest, at most once in 10 s. */
void creds_refused(struct creds_chain *c, uint64_t version);

/* On the chain's loop, for health and logs: a sentence about the last failure, "" when good. */
const char *creds_trouble(const struct creds_chain *c);

#endif
