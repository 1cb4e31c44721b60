/* SPDX-License-Identifier: Apache-2.0
 *
 * The role that Weir has for a client, assumed in the background. One for all workers, and for all
 * setups in which nothing about it changed; counted by the office, where it lives.
 */
#ifndef WEIR_GATE_CLIENT_ROLE_H
#define WEIR_GATE_CLIENT_ROLE_H

#include "weir/aws/creds.h"
#include "weir/gate/config.h"

struct client_role {
    unsigned setups; /* that have it */
    struct creds_chain *base, *chain;
    struct str client, arn; /* in `names` */
    bool failing;           /* so was said last */
    char names[];
};

/* With one setup. `base` must live longer. NULL with a sentence. */
struct client_role *client_role_new(struct creds_chain *base, const struct config_client *client,
                                    char *err, size_t err_size);
/* Is it what this client is to have? */
bool client_role_fits(const struct client_role *r, const struct creds_chain *base,
                      const struct config_client *client);
/* One setup less; NULL is fine. */
void client_role_drop(struct client_role *r);

#endif
