/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules out of suggestions, on the admin port: one is accepted, or taken back, and holds, or does
 * not, when this answers. Who is suggested is not looked up here: `weir batch accept` reads the
 * book and says it all.
 */
#include "accepting.h"
#include "back.h"
#include "weir/base/log.h"
#include "weir/wire/json_out.h"
#include "weir/wire/json_pick.h"

enum { NAME_MOST = 64 };

static enum step_result done(struct exchange *ex, struct str order, struct str name)
{
    struct buf b = {0};
    struct json_out o = {.buf = &b};
    log_say(LOG_INFO, "batch", "the operator: %.*s %.*s", STR_ARG(order), STR_ARG(name));
    json_out_object(&o);
    json_out_key(&o, S("done"));
    json_out_string(&o, order);
    json_out_key(&o, S("name"));
    json_out_string(&o, name);
    json_out_end(&o);
    buf_add_char(&b, '\n');
    enum step_result r = exchange_own(ex, 200, S("application/json"), buf_str(&b));
    buf_fini(&b);
    return r;
}

static enum step_result answer(struct exchange *ex, int err, struct str order, struct str name,
                               const char *why)
{
    if (!err)
        return done(ex, order, name);
    return exchange_fail(ex, err == ERR_NOT_FOUND ? OUTCOME_NO_SUCH_BATCH : OUTCOME_BAD_BATCH,
                         str_of(why));
}

static enum step_result start_accept(struct exchange *ex)
{
    struct accepted a;
    char why[512] = "";
    if (!accepted_read_json(body_str(&ex->body), &ex->arena, &a))
        return exchange_fail(ex, OUTCOME_BAD_BATCH,
                             S("The body is JSON with name, client, workload, model, hours, "
                               "deadline and reply, each a plain string."));
    int err = accepting_add(ex->worker->daemon, &a, why, sizeof why);
    return answer(ex, err, S("accept"), a.name, why);
}
const struct back back_batch_accept = {"batch_accept", start_accept, NULL, NULL, NULL};

static enum step_result start_revoke(struct exchange *ex)
{
    struct json_member m = {.name = STR("name")};
    struct json_pick pick;
    char why[512] = "";
    json_pick_init(&pick, body_str(&ex->body), &m, 1);
    if (json_pick_step(&pick) != JSON_END || m.times != 1 || m.kind != JSON_STRING ||
        m.raw.len > NAME_MOST + 2)
        return exchange_fail(ex, OUTCOME_BAD_BATCH, S("The body is JSON with a name."));
    struct str name = str_sub(m.raw, 1, m.raw.len - 2);
    int err = accepting_revoke(ex->worker->daemon, name, why, sizeof why);
    return answer(ex, err, S("revoke"), name, why);
}
const struct back back_batch_revoke = {"batch_revoke", start_revoke, NULL, NULL, NULL};
