/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration and what was made from it: certificates, the trusted roots, addresses parsed, the
 * credentials, the clients with their secrets. Counted, never changed: a request finishes under the
 * setup it began with. Only the office frees one (setup_reap), so that what lives on the office's
 * loop is freed there.
 */
#ifndef WEIR_GATE_SETUP_H
#define WEIR_GATE_SETUP_H

#include "weir/aws/bedrock_control.h"
#include "weir/aws/creds.h"
#include "weir/aws/endpoint.h"
#include "weir/book/catalogue.h"
#include "weir/gate/client_role.h"
#include "weir/gate/clients.h"
#include "weir/gate/config.h"
#include "weir/net/dns.h"
#include "weir/net/tls.h"

#include <stdatomic.h>

struct setup {
    atomic_uint users;  /* beside the office's list */
    struct setup *next; /* the office's list, newest first */
    struct config *config;
    struct tls *listen_tls[CONFIG_MOST_LISTENERS]; /* NULL: clear */
    struct tls *origin_tls;
    struct endpoint runtime;
    bool trusts_runtime; /* its answers come over TLS, or from this machine */
    bool has_proxy;
    struct endpoint proxy;
    char proxy_authorization[600];
    /* These may be shared with the setup before. */
    struct creds_chain *creds;                      /* NULL: credentials.none */
    struct client_role *roles[CONFIG_MOST_CLIENTS]; /* of the config's clients; NULL: it has none */
    struct catalogue *catalogue;
    struct clients *clients;
    bool has_admin_token;
    unsigned char admin_sha256[SHA256_BYTES]; /* of the token */
};

/* Takes the config over (also when it fails). `old` (or NULL) lends ticket keys and, when nothing
 * about them changed, the credentials. `changed` is called when credentials changed. */
struct setup *setup_new(struct config *config, struct setup *old, struct loop *office,
                        struct dns *dns, void (*changed)(void *arg), void *arg, char *err,
                        size_t err_size);
/* The catalogue that a configuration asks for; NULL with one line per fault. */
struct catalogue *setup_load_catalogue(const struct config *config, struct buf *faults);
/* Could a setup be made of it? Reads the files that it names and asks nobody. Takes the config
 * over. */
bool setup_check(struct config *config, char *err, size_t err_size);

static inline struct setup *setup_ref(struct setup *s)
{
    atomic_fetch_add(&s->users, 1);
    return s;
}
static inline void setup_unref(struct setup *s)
{
    atomic_fetch_sub(&s->users, 1);
}
/* In the office: frees every setup of the list that nobody uses any more, but not the newest;
 * with `all` the newest too. */
void setup_reap(struct setup **list, bool all);

/* The newest one was not taken into use: takes it off the list and frees it. */
void setup_withdraw(struct setup **list);

/* Do two setups reach the origin in the same way? Then its connections can stay. */
bool setup_same_origin(const struct setup *a, const struct setup *b);

/* How Bedrock's control plane is reached; its words are the setup's. False: its address is bad. */
bool setup_control(const struct setup *s, struct bedrock_control_options *out);

#endif
