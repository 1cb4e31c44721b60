/* SPDX-License-Identifier: Apache-2.0
 *
 * The keeper knows rows, the shared cache and the shared lanes know what they mean; here they meet.
 */
#include "cache_keeper.h"

#include "weir/base/clock.h"
#include "weir/base/log.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

static size_t take(void *arg, size_t *cursor, struct prefix *out, size_t n)
{
    struct daemon *d = arg;
    return shared_cache_take_dirty(d->cache, cursor, out, n);
}

static void restore(void *arg, const struct prefix *rows, size_t n)
{
    struct daemon *d = arg;
    shared_cache_restore(d->cache, rows, n);
}

static void each_named(void *arg, void (*each)(void *to, struct str name, struct str bytes),
                       void *to)
{
    struct daemon *d = arg;
    shared_cache_each_changed(d->cache, each, to);
    shared_lanes_each_changed(d->lanes, each, to);
}

static void restore_named(void *arg, struct str name, struct str bytes)
{
    struct daemon *d = arg;
    shared_cache_restore_named(d->cache, name, bytes); /* each knows its own */
    shared_lanes_restore_named(d->lanes, name, bytes, clock_wall_ms());
}

static void all_changed(void *arg)
{
    struct daemon *d = arg;
    shared_cache_all_changed(d->cache);
    shared_lanes_all_changed(d->lanes);
}

static void trouble(void *arg, const char *sentence)
{
    (void)arg;
    if (sentence)
        log_say(LOG_WARN, "prefixes", "%s", sentence);
    else
        log_say(LOG_INFO, "prefixes", "what prompt caching learned is saved again");
}

static void loaded(void *arg, uint64_t prefixes, int64_t ms)
{
    (void)arg;
    log_say(LOG_INFO, "prefixes", "%" PRIu64 " prefixes were loaded in %" PRId64 " ms", prefixes,
            ms);
}

struct keeper *cache_keeper_new(struct daemon *d)
{
    const struct config *c = d->setups->config;
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%.*s/prefixes", STR_ARG(c->state));
    const struct keeper_source source = {.arg = d,
                                         .take = take,
                                         .restore = restore,
                                         .each_named = each_named,
                                         .restore_named = restore_named,
                                         .all_changed = all_changed,
                                         .ready = daemon_hold_state,
                                         .trouble = trouble,
                                         .loaded = loaded};
    return keeper_new(dir, c->cache_bytes, &source);
}
