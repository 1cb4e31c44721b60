/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS credentials: where they come from (one creds_*.c per source), and one set of them for all
 * workers. The chain lives on the office's loop: it loads, and refreshes 15 minutes ahead of
 * expiry (10 is the last moment), while the set in hand is served as long as it is valid. Workers
 * only look at the newest set: one atomic load when nothing changed.
 *
 *     env > profile (assume role, credential_process, SSO, keys) > web identity > container > IMDS
 *
 * A chain of its own is a role that Weir assumes for a client: it asks STS with what the first one,
 * its base, has newest.
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
 * A base goes after its roles. */
void creds_free(struct creds_chain *c);

struct creds_role {
    struct str arn;
    struct str client; /* the session's name is made of it, and it is the session's tag */
};
/* The tag that is in AWS's records of who called and who pays. */
#define CREDS_ROLE_TAG "weir:client"

/* A role, assumed with what `base` has newest each time; on base's loop, with its options. Begins
 * when base has settled, and looks again when base has something new after a failure. `role` is
 * copied. NULL with a sentence when it is too long. */
struct creds_chain *creds_assume(struct creds_chain *base, const struct creds_role *role,
                                 void (*changed)(void *arg), void *arg, char *err, size_t err_size);

/* A client's own Bedrock API key, for one request; wiped with the last reference. NULL when it
 * could not stand in a header. */
struct creds *creds_of_bearer(struct str bearer);

/* For all that follow NULL is a chain that has nothing and never will, and has settled. */

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
