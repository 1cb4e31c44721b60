/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /api/v1/clients: who may come in and by which methods, what each has left of its limits, and
 * what it spent of its budgets. No secret, no hash of one, no key's id.
 */
#include "back.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/gate/daemon.h"
#include "weir/gate/keyring.h"
#include "weir/wire/json_out.h"

struct clients_page {
    struct json_out out;
    const struct config *config;
    const struct keyring *ring; /* or NULL */
    int64_t now_ms;
};

static void add_methods(struct json_out *o, const struct config_client *c)
{
    const struct {
        bool has;
        struct str word;
    } methods[] = {{c->access_key_id.len > 0, STR("sigv4")},
                   {c->bearer_file.len > 0, STR("bearer")},
                   {c->cn.len > 0, STR("certificate")},
                   {c->loopback, STR("loopback")},
                   {c->passthrough, STR("passthrough")}};
    json_out_key(o, S("methods"));
    json_out_array(o);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i].has)
            json_out_string(o, methods[i].word);
    json_out_end(o);
}

static void add_issued_keys(struct clients_page *p, struct str client)
{
    size_t n = 0, valid = 0;
    const struct key *keys = p->ring ? keyring_keys(p->ring, &n) : NULL;
    for (size_t i = 0; i < n; i++)
        valid += !keys[i].revoked_s && str_eq(keys[i].client, client);
    json_out_key(&p->out, S("issued_keys"));
    json_out_u64(&p->out, valid);
}

/* Nothing is said of a limit that is none. */
static void add_limit(struct json_out *o, struct str name, uint64_t most, uint64_t left)
{
    if (most == 0)
        return;
    json_out_key(o, name);
    json_out_object(o);
    json_out_key(o, S("most"));
    json_out_u64(o, most);
    json_out_key(o, S("left"));
    json_out_u64(o, left);
    json_out_end(o);
}

static void add_limits(struct json_out *o, const struct limits_view *v)
{
    uint64_t most = v->most.concurrent;
    json_out_key(o, S("running"));
    json_out_u64(o, v->running);
    json_out_key(o, S("limits"));
    json_out_object(o);
    add_limit(o, S("requests_per_minute"), v->most.requests_per_minute, v->requests_left);
    add_limit(o, S("tokens_per_minute"), v->most.tokens_per_minute, v->tokens_left);
    add_limit(o, S("concurrent"), most, v->running < most ? most - v->running : 0);
    json_out_end(o);
    json_out_key(o, S("limited"));
    json_out_object(o);
    for (int kind = 0; kind < LIMITS_KINDS; kind++) {
        if (!v->limited[kind])
            continue;
        json_out_key(o, limits_kind_word((enum limits_kind)kind));
        json_out_u64(o, v->limited[kind]);
    }
    json_out_end(o);
}

static void add_usd(struct json_out *o, struct str name, uint64_t nanousd)
{
    struct buf b = {0};
    price_add_usd(&b, nanousd > INT64_MAX ? INT64_MAX : (int64_t)nanousd);
    json_out_key(o, name);
    json_out_raw(o, buf_str(&b));
    buf_fini(&b);
}

static void add_budget(struct json_out *o, struct str period, const struct limit_budget *b,
                       int64_t resets_s)
{
    char when[21];
    uint64_t gone = limit_budget_gone(b);
    json_out_key(o, period);
    json_out_object(o);
    if (b->most_nanousd) {
        add_usd(o, S("usd"), b->most_nanousd);
        add_usd(o, S("left_usd"), gone < b->most_nanousd ? b->most_nanousd - gone : 0);
    }
    add_usd(o, S("spent_usd"), b->spent_nanousd);
    add_usd(o, S("reserved_usd"), b->reserved_nanousd);
    add_usd(o, S("waiting_usd"), b->waiting_nanousd);
    text_iso_time(resets_s, when);
    json_out_key(o, S("resets"));
    json_out_string(o, str_of(when));
    json_out_end(o);
}

static void add_budgets(struct clients_page *p, const struct limits_view *v)
{
    static const struct str words[] = {
        [THEN_REJECT] = STR("reject"), [THEN_FLEX] = STR("flex"), [THEN_WARN] = STR("warn")};
    struct json_out *o = &p->out;
    json_out_key(o, S("budget"));
    json_out_object(o);
    if (v->day.most_nanousd || v->month.most_nanousd) {
        json_out_key(o, S("then"));
        json_out_string(o, words[v->then]);
    }
    add_budget(o, S("day"), &v->day, limit_next_day_s(p->now_ms));
    add_budget(o, S("month"), &v->month, limit_next_month_s(p->now_ms));
    json_out_end(o);
}

/* That of all comes first. */
static void add_one(void *arg, const struct limits_view *v)
{
    struct clients_page *p = arg;
    const struct config_client *c = config_find_client(p->config, v->name);
    if (v->name.len == 0) {
        json_out_key(&p->out, S("all"));
        json_out_object(&p->out);
        add_limits(&p->out, v);
        json_out_end(&p->out);
        json_out_key(&p->out, S("clients"));
        json_out_array(&p->out);
        return;
    }
    json_out_object(&p->out);
    json_out_key(&p->out, S("name"));
    json_out_string(&p->out, v->name);
    if (c)
        add_methods(&p->out, c);
    add_issued_keys(p, v->name);
    add_limits(&p->out, v);
    add_budgets(p, v);
    json_out_end(&p->out);
}

void back_clients_add_json(struct daemon *d, const struct keyring *ring, int64_t now_ms,
                           struct buf *out)
{
    struct clients_page p = {
        .out = {.buf = out}, .config = d->setups->config, .ring = ring, .now_ms = now_ms};
    json_out_object(&p.out);
    limits_each(d->limits, now_ms, add_one, &p);
    json_out_end(&p.out);
    json_out_end(&p.out);
    buf_add_char(out, '\n');
}

static enum step_result start_clients(struct exchange *ex)
{
    struct buf b = {0};
    back_clients_add_json(ex->worker->daemon, ex->worker->keyring, clock_wall_ms(), &b);
    enum step_result r = exchange_own(ex, 200, S("application/json"), buf_str(&b));
    buf_fini(&b);
    return r;
}
const struct back back_clients = {"clients", start_clients, NULL, NULL, NULL};
