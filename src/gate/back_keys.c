/* SPDX-License-Identifier: Apache-2.0
 *
 * The issued keys on the admin port. Who changes them makes or takes away access, so whoever merely
 * reaches the port may not: a change wants the admin token, or the word that stands in STATE/lock
 * (`weir keys` shows that), which only the state directory's owner can read.
 *
 * A change is written and synced here, in the office's thread, then the new ring goes to every
 * worker. A new key's secret is in this one answer and nowhere else.
 */
#include "admin_guard.h"
#include "back.h"

#include "weir/base/digest.h"
#include "weir/base/log.h"
#include "weir/gate/daemon.h"
#include "weir/gate/issue.h"
#include "weir/gate/state.h"
#include "weir/wire/uri.h"

enum { BODY_MOST = 4096 };

static void wipe(struct buf *b)
{
    if (b->data)
        secret_wipe(b->data, b->cap);
    buf_fini(b);
}

/* --- may it? */

/* Another process's word in the lock, or none: then the directory is not ours to write in. */
static bool holds_lock(const struct exchange *ex)
{
    char token[STATE_TOKEN_CHARS];
    return state_read_token(ex->setup->config->state, token) == 0 &&
           str_eq(str_from(token, sizeof token), state_token());
}

/* Without the file a change would leave no key but the new one. */
static bool is_gone(const struct exchange *ex)
{
    char why[512];
    struct keyring *now = keyring_list(ex->setup->config->state, why, sizeof why);
    bool gone = now && keyring_is_gone(ex->worker->keyring, now);
    keyring_unref(now);
    return gone;
}

/* STEP_NEXT: yes. */
static enum step_result check(struct exchange *ex)
{
    if (!admin_guard_shows_token(ex))
        return exchange_fail(ex, OUTCOME_KEYS_NOT_YOURS, S(""));
    if (!holds_lock(ex))
        return exchange_fail(ex, OUTCOME_KEYS_CLOSED,
                             S("Weir does not have its state directory; its log says why."));
    if (is_gone(ex))
        return exchange_fail(ex, OUTCOME_KEYS_CLOSED,
                             S("The issued keys are gone; put STATE/keys back, or restart Weir if "
                               "there are to be none."));
    return STEP_NEXT;
}

/* --- what was changed is in force */

static enum step_result closed(struct exchange *ex, const char *why)
{
    log_say(LOG_ERROR, "keys", "%s", why);
    return exchange_fail(ex, OUTCOME_KEYS_CLOSED, S(""));
}

static enum step_result put_in_force(struct exchange *ex)
{
    const struct config *c = ex->setup->config;
    char why[512];
    struct keyring *ring = keyring_load(c->state, c->seal_file, why, sizeof why);
    if (!ring)
        return closed(ex, why);
    daemon_set_keyring(ex->worker->daemon, ring);
    return STEP_NEXT;
}

/* --- GET /api/v1/keys */

static enum step_result start_list(struct exchange *ex)
{
    struct buf b = {0};
    issue_add_list(ex->worker->keyring, &b);
    enum step_result r = exchange_own(ex, 200, S("application/json"), buf_str(&b));
    buf_fini(&b);
    return r;
}
const struct back back_keys = {"keys", start_list, NULL, NULL, NULL};

/* --- POST /api/v1/keys */

static enum step_result refuse(struct exchange *ex, struct buf *sentence)
{
    enum step_result r = exchange_fail(ex, OUTCOME_BAD_KEY, buf_str(sentence));
    buf_fini(sentence);
    return r;
}

static void log_key(const char *what, struct str id, struct str client)
{
    struct log_line l;
    log_begin(&l, LOG_INFO, "keys");
    log_str(&l, "key", id);
    log_str(&l, "was", str_of(what));
    if (client.len)
        log_str(&l, "client", client);
    log_end(&l);
}

static enum step_result make(struct exchange *ex, const struct issue *i, struct buf *id,
                             struct buf *secret)
{
    const struct config *c = ex->setup->config;
    char why[512];
    if (keyring_add(c->state, c->seal_file, i->client, i->admin, i->kind, id, secret, why,
                    sizeof why) < 0)
        return closed(ex, why);
    log_key("made", buf_str(id), i->client);
    return put_in_force(ex);
}

static enum step_result start_new(struct exchange *ex)
{
    struct issue i;
    struct buf sentence = {0}, id = {0}, secret = {0}, answer = {0};
    enum step_result r = check(ex);
    if (r != STEP_NEXT)
        return r;
    if (!issue_read(str_sub(body_str(&ex->body), 0, BODY_MOST), &i, &sentence) ||
        !issue_check(ex->setup->config, &i, &sentence))
        return refuse(ex, &sentence);
    (void)buf_reserve(&secret, ISSUE_SECRET_ROOM);
    r = make(ex, &i, &id, &secret);
    if (r == STEP_NEXT) {
        issue_add_key(&i, buf_str(&id), buf_str(&secret), &answer);
        r = exchange_own(ex, 201, S("application/json"), buf_str(&answer));
    }
    wipe(&secret);
    wipe(&answer);
    buf_fini(&id);
    return r;
}
const struct back back_keys_new = {"keys_new", start_new, NULL, NULL, NULL};

/* --- POST /api/v1/keys/{id}/revoke */

static struct str id_of(const struct exchange *ex)
{
    struct str path, query;
    uri_split(ex->target, &path, &query);
    struct str rest = str_from_offset(path, sizeof "/api/v1/keys/" - 1);
    return str_cut(&rest, '/');
}

static enum step_result start_revoke(struct exchange *ex)
{
    struct str id = id_of(ex);
    char why[512];
    enum step_result r = check(ex);
    if (r != STEP_NEXT)
        return r;
    int err = keyring_revoke(ex->setup->config->state, id, why, sizeof why);
    if (err == ERR_NOT_FOUND)
        return exchange_fail(ex, OUTCOME_NO_SUCH_KEY, S(""));
    if (err)
        return closed(ex, why);
    log_key("revoked", id, S(""));
    r = put_in_force(ex);
    return r == STEP_NEXT ? exchange_own(ex, 200, S("application/json"), S("{\"revoked\":true}\n"))
                          : r;
}
const struct back back_keys_revoke = {"keys_revoke", start_revoke, NULL, NULL, NULL};
