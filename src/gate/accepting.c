/* SPDX-License-Identifier: Apache-2.0
 *
 * The file is written first and then loaded, so that a kill between the two leaves what the next
 * start reads. A rule that has a fault as a part of the whole (its client is gone, its name is
 * taken) is found when it is loaded, and goes out of the file again.
 */
#include "accepting.h"

#include "weir/base/log.h"
#include "weir/book/spool.h"
#include "weir/gate/rules.h"

#include <stdio.h>

enum { ON_THE_WAY_MS = 5000 /* from the rule's look at the clock to the spool's */ };

/* Lines as the configuration's faults are, without the last newline. */
static void take_line(struct str faults, char *why, size_t why_size)
{
    struct str line = str_cut(&faults, '\n');
    snprintf(why, why_size, "%.*s", STR_ARG(line));
}

static bool reload(struct daemon *d, char *why, size_t why_size)
{
    struct buf faults = {0};
    bool good = daemon_reload(d, &faults);
    if (!good)
        take_line(buf_str(&faults), why, why_size);
    buf_fini(&faults);
    return good;
}

void accepting_follow(const struct config *c)
{
    struct str rest = c->left_out;
    while (rest.len) {
        struct str line = str_cut(&rest, '\n');
        log_say(LOG_WARN, "rules", "left out: %.*s", STR_ARG(line));
    }
}

int accepting_add(struct daemon *d, const struct accepted *a, char *why, size_t why_size)
{
    int err = daemon_hold_state(d, why, why_size);
    if (err)
        return err;
    if (accepted_find(d->setups->config, a->name)) {
        snprintf(why, why_size, "%.*s is accepted already.", STR_ARG(a->name));
        return ERR_BAD;
    }
    err = accepted_write(d->setups->config, S(""), a, why, why_size);
    if (err)
        return err;
    if (reload(d, why, why_size)) {
        if (accepted_find(d->setups->config, a->name))
            return ERR_OK;
        take_line(d->setups->config->left_out, why, why_size);
    }
    char again[512];
    if (accepted_write(d->setups->config, S(""), NULL, again, sizeof again) < 0)
        log_say(LOG_WARN, "rules", "%s", again);
    return ERR_BAD;
}

int accepting_revoke(struct daemon *d, struct str name, char *why, size_t why_size)
{
    int err = daemon_hold_state(d, why, why_size);
    if (err)
        return err;
    if (!accepted_find(d->setups->config, name)) {
        snprintf(why, why_size, "No accepted rule is called so; weir batch suggest shows them.");
        return ERR_NOT_FOUND;
    }
    err = accepted_write(d->setups->config, name, NULL, why, why_size);
    if (err)
        return err;
    return reload(d, why, why_size) ? ERR_OK : ERR_BAD;
}

/* --- by itself */

static void revoke_missed(void *arg)
{
    struct daemon *d = arg;
    char why[512], name[sizeof d->accepting.missed];
    snprintf(name, sizeof name, "%s", d->accepting.missed);
    d->accepting.missed[0] = 0;
    if (accepting_revoke(d, str_of(name), why, sizeof why) == 0)
        log_say(LOG_WARN, "rules", "%s is revoked: an answer came after its deadline", name);
    else
        log_say(LOG_ERROR, "rules",
                "an answer came after its deadline, and the accepted rule %s cannot be revoked: %s",
                name, why);
}

void accepting_init(struct daemon *d)
{
    later_init(&d->accepting.turn, revoke_missed, d);
}

/* A deadline of another length was the request's own. */
static bool is_of(const struct config_rule *r, const struct spool_record *rec)
{
    int64_t ms = rec->deadline_ms - rec->accepted_ms;
    return ms <= r->deadline_ms && ms > r->deadline_ms - ON_THE_WAY_MS;
}

void accepting_missed(struct daemon *d, const struct spool_record *rec, struct str model)
{
    static const struct fields none;
    const struct rule_view v = {.client = rec->client,
                                .workload = rec->workload,
                                .model = rec->model,
                                .behind = model,
                                .fields = &none,
                                .now_s = rec->accepted_ms / 1000};
    const struct config_rule *r = rules_accepted(d->setups->config, &v);
    if (!r || !is_of(r, rec) || d->accepting.missed[0])
        return;
    snprintf(d->accepting.missed, sizeof d->accepting.missed, "%.*s", STR_ARG(r->name));
    loop_next_turn(d->office.loop, &d->accepting.turn);
}
