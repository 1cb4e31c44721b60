/* SPDX-License-Identifier: Apache-2.0
 *
 * What a source of credentials is: something that can be started once and ends with one set or one
 * sentence. Sources nest: an assumed role is a source around another. The chain makes a fresh one
 * for each load, so that files and the environment are read anew, and frees it afterwards.
 *
 *     creds_..._new --> start --> source_give (set) or source_fail (why) --> free
 *
 * A constructor returns NULL with err empty when nothing of its kind is configured, and NULL with a
 * sentence in err when what is configured is wrong: then nobody further down the chain is asked,
 * because a broken configuration must not end in somebody else's identity.
 */
#ifndef WEIR_SRC_AWS_CREDS_SOURCE_H
#define WEIR_SRC_AWS_CREDS_SOURCE_H

#include "weir/aws/call.h"
#include "weir/aws/creds.h"
#include "weir/base/arena.h"

enum { WHY_MAX = 512 };

/* What every source may use. It lives as long as the chain. */
struct creds_tools {
    struct loop *loop;
    struct dns *dns;
    struct creds_options o; /* the chain's own copy */
    struct aws_signer *signer;
    struct tls *tls; /* made when first needed */
};

/* Empty when unset. */
struct str creds_env(const struct creds_tools *t, const char *name);
/* Like ~/.aws/x: HOME in place of a leading "~". {NULL, 0} when there is no HOME or no room. */
struct str creds_path(const struct creds_tools *t, struct arena *a, struct str path);
/* Options, AWS_REGION, AWS_DEFAULT_REGION, else `fallback`. */
struct str creds_region(const struct creds_tools *t, struct str fallback);

/* --- sets (creds_set.c) */

/* Copies everything into one piece of memory, with a version of its own. NULL with a sentence when
 * a part is missing, too large or could not stand in a header. */
struct creds *creds_make(struct str access_key, struct str secret_key, struct str session_token,
                         int64_t expires_s, const char *source, char *err, size_t err_size);
struct creds *creds_make_bearer(struct str bearer, const char *source, char *err, size_t err_size);
/* A new set with the same content and another expiry. */
struct creds *creds_extend(const struct creds *set, int64_t expires_s);
bool creds_same(const struct creds *a, const struct creds *b);

/* --- sources */

/* A `set` is handed over with its reference; NULL means failed, and why is a sentence. */
typedef void source_done(void *arg, struct creds *set, const char *why);

struct source {
    const char *name;
    int64_t recheck_ms; /* a set without an expiry is looked for again after this; 0: never */
    bool extends;       /* served past its expiry while the source is down (IMDS) */
    void (*begin)(struct source *s);
    void (*fini)(struct source *s); /* frees what hangs on it, also in the middle */
    struct creds_tools *tools;
    source_done *done;
    void *arg;
    struct arena arena; /* strings of the source; wiped by nobody: no secrets */
    char why[WHY_MAX];
};

/* Zeroed, `size` bytes with a struct source in front. */
void *source_new(struct creds_tools *t, size_t size, const char *name,
                 void (*begin)(struct source *s), void (*fini)(struct source *s));
/* `done` may be called before this returns. */
void source_start(struct source *s, source_done *done, void *arg);
void source_free(struct source *s); /* NULL is fine; not from inside its own `done` */
/* Ends it; a set is handed on. */
void source_give(struct source *s, struct creds *set);
void source_fail(struct source *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The source itself; or, when its strings did not fit, NULL with a sentence, and it is freed. */
struct source *source_checked(struct source *s, char *err, size_t err_size);
/* Without the blanks and line ends around it: tokens in files. */
struct str source_trim(struct str s);

/* A set that is at hand already (handed over). */
struct source *source_ready(struct creds_tools *t, const char *name, struct creds *set,
                            int64_t recheck_ms);

/* --- one file each */
struct source *creds_bearer_new(struct creds_tools *t, char *err, size_t err_size);
struct source *creds_env_new(struct creds_tools *t, char *err, size_t err_size);
struct source *creds_profile_new(struct creds_tools *t, char *err, size_t err_size);
struct source *creds_web_identity_new(struct creds_tools *t, char *err, size_t err_size);
struct source *creds_container_new(struct creds_tools *t, char *err, size_t err_size);
struct source *creds_imds_new(struct creds_tools *t, char *err, size_t err_size);

/* The keys of the environment, whatever the chain's profile option says. */
struct source *creds_env_keys_new(struct creds_tools *t, char *err, size_t err_size);

struct role {
    struct str arn, session_name, external_id, region; /* copied; the latter three may be empty */
    int64_t duration_s;                                /* 0: what STS takes: an hour */
    struct str tag_key, tag_value;                     /* of the session; copied; or empty */
};
struct role role_copy(struct arena *a, const struct role *r);
/* Assumes a role with what `inner` (handed over, also on failure) gives. */
struct source *creds_role_new(struct creds_tools *t, struct source *inner, const struct role *r,
                              char *err, size_t err_size);
/* Assumes a role with what another chain has newest. */
struct source *creds_role_of_chain(struct creds_tools *t, struct creds_chain *base,
                                   const struct role *r, char *err, size_t err_size);
/* Assumes a role with the token in a file. */
struct source *creds_web_role_new(struct creds_tools *t, const struct role *r,
                                  struct str token_file, char *err, size_t err_size);
struct source *creds_process_new(struct creds_tools *t, struct str command, char *err,
                                 size_t err_size);
struct sso {
    struct str session; /* name of the sso-session; empty: the old form */
    struct str start_url, region, account_id, role_name, profile;
};
struct source *creds_sso_new(struct creds_tools *t, const struct sso *sso, char *err,
                             size_t err_size);

#endif
