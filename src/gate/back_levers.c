/* SPDX-License-Identifier: Apache-2.0
 *
 * The levers on the admin port: how they stand, and another word for them. It holds for the next
 * request on every worker; no file is edited, so a restart begins as the configuration says.
 */
#include "back.h"
#include "weir/gate/daemon.h"
#include "weir/wire/json_out.h"
#include "weir/wire/json_pick.h"

static enum step_result say(struct exchange *ex)
{
    const struct daemon *d = ex->worker->daemon;
    struct buf b = {0};
    struct json_out o = {.buf = &b};
    json_out_object(&o);
    json_out_key(&o, S("levers"));
    json_out_string(&o, levers_word(levers_mode(&d->levers)));
    json_out_key(&o, S("configured"));
    json_out_string(&o, levers_word(d->setups->config->levers));
    json_out_end(&o);
    buf_add_char(&b, '\n');
    enum step_result r = exchange_own(ex, 200, S("application/json"), buf_str(&b));
    buf_fini(&b);
    return r;
}

const struct back back_levers = {"levers", say, NULL, NULL, NULL};

static bool read_mode(struct str body, enum levers_mode *out)
{
    struct json_member m = {.name = STR("levers")};
    struct json_pick pick;
    json_pick_init(&pick, body, &m, 1);
    return json_pick_step(&pick) == JSON_END && m.times == 1 && m.kind == JSON_STRING &&
           levers_read(str_sub(m.raw, 1, m.raw.len - 2), out);
}

static enum step_result start_set(struct exchange *ex)
{
    enum levers_mode mode;
    if (!read_mode(body_str(&ex->body), &mode))
        return exchange_fail(ex, OUTCOME_BAD_LEVERS, S(""));
    levers_set(&ex->worker->daemon->levers, mode);
    return say(ex);
}

const struct back back_levers_set = {"levers_set", start_set, NULL, NULL, NULL};
