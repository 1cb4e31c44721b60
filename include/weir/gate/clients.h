/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may come in: the configuration's clients with the secrets from their files, ready to be
 * looked up. Part of a setup, counted with it, never changed. Keys that were issued are the
 * keyring's.
 */
#ifndef WEIR_GATE_CLIENTS_H
#define WEIR_GATE_CLIENTS_H

#include "weir/base/digest.h"
#include "weir/gate/config.h"
#include "weir/gate/keyring.h"
#include "weir/wire/fields.h"

struct client {
    const struct config_client *config;
    struct str name;
    size_t index;      /* in the configuration */
    struct str secret; /* of its SigV4 pair; empty: none. Wiped at the end */
    unsigned char bearer_sha256[SHA256_BYTES];
    bool has_bearer;
};

struct clients;
/* NULL with a sentence: a secret's file is missing, readable by others, empty, or two clients share
 * a key, a token or a name. */
struct clients *clients_new(const struct config *c, char *err, size_t err_size);
void clients_free(struct clients *c);
/* None configured: then whoever reaches a loopback listener is "anonymous", as it was. */
bool clients_none(const struct clients *c);
const struct client *clients_named(const struct clients *c, struct str name);

/* What of a request says who it is. Borrowed for the call. */
struct credentials_shown {
    struct str method, target, authority;
    const struct fields *fields;
    const char *body_sha256; /* hex */
    struct str peer_name;    /* the certificate's CN; empty: none was shown */
    bool from_loopback, tls;
    bool plaintext_ok; /* a listener of this machine, or one where clear text was asked for */
};

enum identified {
    IDENTIFIED,
    IDENTIFY_MISSING, /* nothing was shown */
    IDENTIFY_EXPIRED, /* a signature whose time is off */
    IDENTIFY_REFUSED  /* everything else, alike */
};
/* In this order, and the first that is shown decides alone: SigV4, then bearer (Authorization or
 * x-api-key), then the certificate, then loopback. For the loopback client, if there is one, a key
 * of this machine that nobody knows is as if nothing had been shown. For passthrough clients
 * *out_bearer is the key that goes upstream (borrowed from the fields). `why`: a static sentence
 * for our log. */
enum identified clients_identify(const struct clients *c, const struct keyring *ring,
                                 const struct credentials_shown *s, int64_t now_s,
                                 const struct client **out, struct str *out_bearer,
                                 const char **why);

/* May it call this model, decoded? By its patterns; without any it may call all. The empty name is
 * no model: with patterns it may not. */
bool clients_may(const struct client *c, struct str model);

/* Does the pattern mean this model? One that begins with "arn:" is held against the whole of an
 * ARN. Every other one is held against the id, which a foundation-model or inference-profile ARN
 * has at its end, as it is and without its geo prefix: "anthropic.*" means us.anthropic... too, and
 * "us.anthropic.*" only that. ARNs that do not say the model, and names with signs that no model's
 * name has (a slash, "..") are meant by "*" alone. */
bool clients_model_is(struct str pattern, struct str model);

#endif
