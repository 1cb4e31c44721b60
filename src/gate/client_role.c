/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's role is a chain of credentials and a word in the log when it fails and when it is had
 * again. The log names the role; what clients are told does not.
 */
#include "weir/gate/client_role.h"

#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <string.h>

static void changed(void *arg)
{
    struct client_role *r = arg;
    const char *trouble = creds_trouble(r->chain);
    bool failing = *trouble;
    struct creds *set = creds_get(r->chain);
    if (failing)
        log_say(LOG_WARN, "role", "client %.*s: %s%s", STR_ARG(r->client), trouble,
                set ? "; what is in hand serves on" : "; its requests are refused");
    else if (set && r->failing)
        log_say(LOG_INFO, "role", "client %.*s: its role is had again", STR_ARG(r->client));
    else if (set)
        log_say(LOG_INFO, "role", "client %.*s: assumed %.*s", STR_ARG(r->client), STR_ARG(r->arn));
    else
        log_say(LOG_WARN, "role", "client %.*s: the credentials of its role have expired",
                STR_ARG(r->client));
    r->failing = failing || !set;
    creds_unref(set);
}

struct client_role *client_role_new(struct creds_chain *base, const struct config_client *client,
                                    char *err, size_t err_size)
{
    struct str name = client->name, arn = client->role_arn;
    struct client_role *r = mem_new(sizeof *r + name.len + arn.len);
    memcpy(r->names, name.ptr, name.len);
    memcpy(r->names + name.len, arn.ptr, arn.len);
    r->client = str_from(r->names, name.len);
    r->arn = str_from(r->names + name.len, arn.len);
    r->setups = 1;
    r->base = base;
    const struct creds_role role = {.arn = r->arn, .client = r->client};
    r->chain = creds_assume(base, &role, changed, r, err, err_size);
    if (r->chain)
        return r;
    mem_free(r);
    return NULL;
}

bool client_role_fits(const struct client_role *r, const struct creds_chain *base,
                      const struct config_client *client)
{
    return r->base == base && str_eq(r->client, client->name) && str_eq(r->arn, client->role_arn);
}

void client_role_drop(struct client_role *r)
{
    if (!r || --r->setups)
        return;
    creds_free(r->chain);
    mem_free(r);
}
