/* SPDX-License-Identifier: Apache-2.0
 *
 * The two questions at the door. A signature covers the whole body, so both come when it is there.
 */
#include "admit.h"

#include "back.h"
#include "bill.h"
#include "edit.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/text.h"
#include "weir/gate/daemon.h"
#include "weir/plan/tokens.h"

enum {
    /* What an answer is taken to need when the request does not say; most answers are shorter. */
    USUAL_OUTPUT_TOKENS = 4096,
    /* More than any model gives. What a client writes there is added to, and must not wrap. */
    MOST_OUTPUT_TOKENS = 1000000000
};

/* --- whose is it */

static enum step_result refuse(struct exchange *ex, enum outcome outcome, const char *why)
{
    ex->trouble = why;
    return exchange_fail(ex, outcome, S(""));
}

enum step_result admit_identify(struct exchange *ex)
{
    const struct clients *clients = ex->setup->clients;
    const struct front_request *r = ex->request;
    bool asks = ex->op->back == &back_bedrock || ex->op->back == &back_tickets;
    if (!asks || clients_none(clients))
        return STEP_NEXT;
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    struct sha256 hash = ex->body.hash;
    sha256_end(&hash, digest);
    sha256_hex(digest, hex);
    const struct credentials_shown shown = {
        .method = r->method,
        .target = r->target,
        .authority = r->authority,
        .fields = &r->fields,
        .body_sha256 = hex,
        .peer_name = r->peer_name,
        /* a PROXY header says whatever its sender likes */
        .from_loopback = config_is_loopback(r->peer_addr) && !ex->listen->proxy_protocol,
        .tls = r->tls,
        .plaintext_ok = ex->listen->plaintext || config_is_loopback(ex->listen->address)};
    const char *why = NULL;
    switch (clients_identify(clients, ex->worker->keyring, &shown, clock_wall_ms() / 1000,
                             &ex->client, &ex->bearer, &why)) {
    case IDENTIFIED:
        ex->client_name = ex->client->name;
        return STEP_NEXT;
    case IDENTIFY_MISSING:
        return refuse(ex, OUTCOME_NO_CLIENT, why);
    case IDENTIFY_EXPIRED:
        return refuse(ex, OUTCOME_SIGNATURE_EXPIRED, why);
    case IDENTIFY_REFUSED:
        break;
    }
    return refuse(ex, OUTCOME_CLIENT_REFUSED, why);
}

/* --- may it */

/* What a rule is about must be read as Bedrock will read it. */
static bool is_readable(const struct exchange *ex)
{
    const struct facts *f = &ex->facts;
    const struct config_client *c = ex->client->config;
    bool tokens = c->limits.tokens_per_minute || ex->setup->config->limits.tokens_per_minute ||
                  c->day_nanousd || c->month_nanousd;
    if (f->state == FACTS_LOOSE && (tokens || (c->models && !ex->model.len)))
        return false;
    if (f->twice[FACT_MODEL] && (c->models || tokens)) /* which of them has the price? */
        return false;
    for (size_t i = FACT_MAX_TOKENS; tokens && i <= FACT_INFERENCE_CONFIG; i++)
        if (f->twice[i])
            return false;
    return true;
}

enum known_price { PRICE_KNOWN, PRICE_LATER, PRICE_UNKNOWN };

/* An application inference profile costs what its model costs, as soon as that is known; which
 * model a router takes, its answer says. */
static enum known_price find_price(struct exchange *ex, struct price *out)
{
    char name[NAMES_MODEL_MOST];
    struct str model = ex->form == MODEL_PLAIN ? ex->plain_model : ex->model;
    bool later = ex->form == MODEL_ROUTED;
    if (ex->form == MODEL_TO_RESOLVE)
        switch (names_look(ex->worker->daemon->names, ex->model, name)) {
        case NAMES_KNOWN:
            model = str_of(name);
            break;
        case NAMES_ASKED:
            later = true;
            break;
        case NAMES_UNKNOWN:
            break;
        }
    if (catalogue_price(ex->setup->catalogue, model, LANE_ONDEMAND, out) != UNPRICED)
        return PRICE_KNOWN;
    return later ? PRICE_LATER : PRICE_UNKNOWN;
}

static uint64_t most_output(const struct facts *f)
{
    uint64_t n = f->most_output ? f->most_output : USUAL_OUTPUT_TOKENS;
    return n < MOST_OUTPUT_TOKENS ? n : MOST_OUTPUT_TOKENS;
}

/* False: it has a budget that is to hold, and nobody knows what this costs. */
static bool make_ask(struct exchange *ex, struct limits_ask *ask)
{
    struct price p;
    struct usage u = {{[TOKEN_INPUT] = tokens_estimate(body_str(&ex->body)),
                       [TOKEN_OUTPUT] = most_output(&ex->facts)}};
    *ask =
        (struct limits_ask){.can_flex = ex->client->config->then == THEN_FLEX && edit_can_flex(ex)};
    if (ex->op->usage == NO_USAGE)
        return true;
    ask->tokens = u.tokens[TOKEN_INPUT] + u.tokens[TOKEN_OUTPUT];
    enum known_price known = find_price(ex, &p);
    if (known == PRICE_KNOWN)
        ask->nanousd = price_cost(&p, &u);
    const struct config_client *c = ex->client->config;
    return known != PRICE_UNKNOWN || c->then == THEN_WARN || (!c->day_nanousd && !c->month_nanousd);
}

static enum step_result over_limit(struct exchange *ex, const struct limits_verdict *v)
{
    struct str sentence;
    limits_refused(ex->worker->daemon->limits, ex->client_name, v);
    ex->retry_after_s = v->retry_ms == INT64_MAX ? 0 : (v->retry_ms + 999) / 1000;
    ex->trouble = arena_printf(&ex->arena, "over %.*s", STR_ARG(v->what)).ptr;
    if (v->answer == LIMITS_BUDGET) {
        char when[21];
        text_iso_time(v->resets_s, when);
        sentence = arena_printf(&ex->arena,
                                "What is left of client %.*s's budget (%.*s) does not cover what "
                                "this request may cost. It begins anew at %s.",
                                STR_ARG(ex->client_name), STR_ARG(v->what), when);
        return exchange_fail(ex, OUTCOME_BUDGET_SPENT, sentence);
    }
    sentence = arena_printf(&ex->arena, "A limit of %s%.*s is reached (%.*s).%s",
                            v->of_all ? "all clients together" : "client ",
                            STR_ARG(v->of_all ? S("") : ex->client_name), STR_ARG(v->what),
                            v->retry_ms == INT64_MAX
                                ? " This request alone is larger than a minute's worth."
                                : " Try again after the time in Retry-After.");
    return exchange_fail(ex, OUTCOME_RATE_LIMITED, sentence);
}

enum step_result admit_refuse(struct exchange *ex)
{
    return over_limit(ex, ex->over);
}

/* Who asks again for what the spool accepted buys nothing: whether it is that, the spool says. */
static enum step_result put_off(struct exchange *ex, const struct limits_verdict *v)
{
    bool may_wait = ex->worker->daemon->spool && ex->op->usage != NO_USAGE;
    struct limits_verdict *kept = may_wait ? arena_new(&ex->arena, sizeof *kept) : NULL;
    if (!kept)
        return over_limit(ex, v);
    *kept = *v;
    ex->over = kept;
    return STEP_NEXT;
}

static enum step_result take_limits(struct exchange *ex)
{
    struct limits_ask ask;
    if (!make_ask(ex, &ask))
        return exchange_fail(
            ex, OUTCOME_MODEL_FORBIDDEN,
            S("This client has a budget, and no price of this model is known. Give it "
              "one in prices.overrides, or let the budget only warn."));
    struct limits_verdict v = limits_admit(ex->worker->daemon->limits, ex->client_name, &ask,
                                           clock_wall_ms(), &ex->reserved);
    if (v.first)
        log_say(LOG_WARN, "budget", "client %.*s has spent its budget (%.*s)",
                STR_ARG(ex->client_name), STR_ARG(v.what));
    ex->requests_left = v.requests_left;
    ex->tokens_left = v.tokens_left;
    switch (v.answer) {
    case LIMITS_IN:
        return STEP_NEXT;
    case LIMITS_BUDGET_WARN:
        return STEP_NEXT;
    case LIMITS_BUDGET_FLEX:
        ex->wants_flex = true;
        return STEP_NEXT;
    case LIMITS_BUDGET:
        return put_off(ex, &v);
    case LIMITS_RATE:
    case LIMITS_CONCURRENT:
        break;
    }
    return over_limit(ex, &v);
}

/* What Weir does not know, it cannot hold to a model or count; and what an asynchronous invocation
 * uses, nobody tells. */
static bool is_beyond_rules(const struct exchange *ex)
{
    const struct config_client *c = ex->client->config;
    bool counts = c->day_nanousd || c->month_nanousd || c->limits.tokens_per_minute;
    return (ex->op->id == OP_OTHER && (c->models || counts)) ||
           (ex->op->id == OP_START_ASYNC && counts);
}

enum step_result admit(struct exchange *ex)
{
    if (!ex->client || ex->op->back == &back_tickets)
        return STEP_NEXT; /* nobody configured: nothing holds; or it was let in when it was asked */
    const struct config_client *c = ex->client->config;
    if (is_beyond_rules(ex))
        return exchange_fail(
            ex, OUTCOME_MODEL_FORBIDDEN,
            S("This client has models, a budget or tokens_per_minute: it may not call what Weir "
              "cannot count: unknown operations, and asynchronous invocations."));
    if (c->limits.body_bytes && ex->request_bytes > c->limits.body_bytes)
        return exchange_fail(
            ex, OUTCOME_BODY_TOO_BIG,
            S("The body is larger than this client's may be (limits.body_bytes)."));
    if (!is_readable(ex))
        return exchange_fail(ex, OUTCOME_UNREADABLE, S(""));
    bool names_model = ex->op->usage != NO_USAGE || ex->op->id == OP_START_ASYNC || ex->model.len;
    if (c->models && names_model && !clients_may(ex->client, ex->model))
        return exchange_fail(ex, OUTCOME_MODEL_FORBIDDEN, S(""));
    return take_limits(ex); /* without a limit, too: a reload may set one */
}

void admit_settle(struct limits *l, struct limits_held *held, const struct record *r)
{
    limits_settle(l, held, bill_counted(&r->usage), r->cost_nanousd, r->time_ms);
}

void admit_give_back(struct exchange *ex)
{
    limits_settle(ex->worker->daemon->limits, &ex->reserved, 0, 0, clock_wall_ms());
}
