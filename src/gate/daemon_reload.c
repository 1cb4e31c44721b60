/* SPDX-License-Identifier: Apache-2.0
 *
 * A new configuration while the daemon runs, in the office's thread: all of it is made before
 * anything is changed, and where a part cannot be had the old one stays. Requests that are under
 * way end under the setup with which they began.
 */
#include "bind.h"
#include "daemon_private.h"
#include "order.h"
#include "spooling.h"
#include "weir/base/log.h"

static const char *needs_restart(const struct config *old, const struct config *new)
{
    if (!str_eq(old->state, new->state))
        return "state changed: that needs a restart";
    if (old->workers != new->workers)
        return "workers changed: that needs a restart";
    if (!str_eq(old->admin_address, new->admin_address))
        return "admin.address changed: that needs a restart";
    if (old->book_bytes != new->book_bytes)
        return "book.size changed: that needs a restart";
    if (old->cache_bytes != new->cache_bytes)
        return "cache.memory changed: that needs a restart";
    if ((old->batch.bucket.len == 0) != (new->batch.bucket.len == 0))
        return "batch.bucket was set or taken away: that needs a restart";
    if (old->batch.spool_bytes != new->batch.spool_bytes)
        return "batch.spool_max changed: that needs a restart";
    if (!str_eq(old->batch.spool_key_file, new->batch.spool_key_file))
        return "batch.spool_key_file changed: that needs a restart";
    if ((old->metering == METERING_OFF) != (new->metering == METERING_OFF))
        return "metering was turned on or off: that needs a restart";
    return NULL;
}

static bool refuse_reload(struct daemon *s, struct buf *faults, const char *why)
{
    if (why)
        buf_addf(faults, "%s\n", why);
    s->reloads_bad++;
    struct str said = buf_str(faults);
    said.len -= str_ends(said, S("\n"));
    log_say(LOG_ERROR, "reload", "refused, the old configuration stays: %.*s", STR_ARG(said));
    return false;
}

/* Workers learn of it by mail; what they had they keep for what began under it. */
static void put_in_force(struct daemon *s, const struct config *old, struct keyring *ring,
                         int fds[][BIND_MOST])
{
    struct setup *setup = s->setups;
    const struct config *c = setup->config;
    log_setup(c->log_level, c->log_format);
    s->bodies.most_bytes = (int64_t)c->bodies_bytes;
    levers_follow(&s->levers, old->levers, c->levers);
    daemon_follow_limits(s); /* before a new client can come in */
    for (unsigned w = 0; w < s->n_workers; w++) {
        struct order *o = order_new(s->workers[w]);
        o->setup = setup_ref(setup);
        for (size_t i = 0; i < c->n_listen; i++)
            o->fds[i] = fds[i][w];
        order_send(o);
    }
    worker_follow(&s->office, setup);
    daemon_set_keyring(s, ring);
    names_follow(s->names, setup);
    spooling_follow(s, setup);
    if (s->clerk)
        clerk_keep(s->clerk, c->keep_requests_ms);
    exporters_follow(s->exporters, setup);
}

bool daemon_reload(struct daemon *s, struct buf *faults)
{
    static int fds[CONFIG_MOST_LISTENERS][BIND_MOST];
    char err[512];
    const struct config *old = s->setups->config;
    if (atomic_load(&s->draining))
        return refuse_reload(s, faults, "Weir is draining");
    struct config *config = config_load(s->config_path, faults);
    if (!config)
        return refuse_reload(s, faults, NULL);
    const char *why = needs_restart(old, config);
    if (why) {
        config_free(config);
        return refuse_reload(s, faults, why);
    }
    struct keyring *ring = keyring_load(config->state, config->seal_file, err, sizeof err);
    if (!ring || keyring_is_gone(s->office.keyring, ring)) {
        const char *gone =
            "the issued keys are gone; put STATE/keys back, or restart Weir if there "
            "are to be none";
        refuse_reload(s, faults, ring ? gone : err);
        keyring_unref(ring);
        config_free(config);
        return false;
    }
    struct setup *setup = setup_new(config, s->setups, s->office.loop, s->office.dns,
                                    daemon_creds_changed, s, err, sizeof err);
    if (!setup) {
        keyring_unref(ring);
        return refuse_reload(s, faults, err);
    }
    s->setups = setup;
    if (!bind_listeners(old, config, fds, s->n_workers, err, sizeof err)) {
        setup_withdraw(&s->setups);
        keyring_unref(ring);
        return refuse_reload(s, faults, err);
    }
    put_in_force(s, old, ring, fds);
    s->reloads_good++;
    log_say(LOG_INFO, "reload", "the new configuration is in force");
    return true;
}
