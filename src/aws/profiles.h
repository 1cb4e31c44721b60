/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared config and credentials files as one list of settings. Names and values live in the
 * texts that were read; both are wiped at the end.
 */
#ifndef WEIR_SRC_AWS_PROFILES_H
#define WEIR_SRC_AWS_PROFILES_H

#include "weir/base/buf.h"

#include "creds_source.h"

enum profile_kind { PROFILE, SSO_SESSION };

struct setting {
    enum profile_kind kind;
    struct str name; /* of the profile or session */
    struct str key;  /* lower case; empty: only says that the section is there */
    struct str value;
    bool config; /* of the config file, else of the credentials file */
    bool plain;  /* "[default]" in the config file: "[profile default]" beats it */
    const char *path;
    unsigned line;
};

struct profiles {
    struct arena arena;
    struct buf texts[2];
    struct setting *all; /* later ones win */
    size_t n, room;
};

/* A file that is not there is an empty one. ERR_BAD with a sentence (file, line) for a malformed or
 * unreadable one; profiles_fini in any case. */
MUST_CHECK int profiles_load(struct profiles *p, const struct creds_tools *t, char *err,
                             size_t err_size);
void profiles_fini(struct profiles *p);

bool profiles_have(const struct profiles *p, enum profile_kind kind, struct str name);
/* NULL when it is not set or empty. */
const struct setting *profiles_find(const struct profiles *p, enum profile_kind kind,
                                    struct str name, const char *key);
struct str profiles_get(const struct profiles *p, enum profile_kind kind, struct str name,
                        const char *key);

#endif
