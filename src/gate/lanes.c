/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts for plan/lane, and what follows from its choice. A request without a deadline, whose rule
 * names no lane, costs one look at the rules here.
 */
#include "lanes.h"

#include "back.h"
#include "caching.h"
#include "edit.h"
#include "lane_terms.h"
#include "weir/base/clock.h"
#include "weir/gate/daemon.h"
#include "weir/gate/lane_wish.h"

enum { BYTES_A_TOKEN = 4 };

/* --- facts */

struct shared_lanes_pool lanes_pool(const struct exchange *ex)
{
    return (struct shared_lanes_pool){ex->client_name, ex->model, ex->lanes->kind};
}

/* A batch carries a body, and nothing that stands beside it. */
static bool has_other_fields(const struct exchange *ex)
{
    struct field fields[FIELDS_MOST];
    int n = operation_pass_fields(ex->op, &ex->request->fields, fields, FIELDS_MOST);
    for (int i = 0; i < n; i++)
        if (str_starts(fields[i].name, S("x-amzn-bedrock-")) ||
            str_starts(fields[i].name, S("anthropic-")))
            return true;
    return n < 0;
}

/* What of it does not depend on its body. */
static const char *unfit(struct exchange *ex, struct lanes *l, const struct lane_terms *t)
{
    const struct daemon *d = ex->worker->daemon;
    const struct shared_lanes_pool pool = lanes_pool(ex);
    const char *why = lane_terms_unfit(t);
    if (why)
        return why;
    if (has_other_fields(ex))
        return "it has header fields that a batch does not carry";
    if (!d->spool || !d->batch)
        return "the spool is not open";
    if (atomic_load(&d->bucket_refused) && !(ex->client && ex->client->config->role_arn.len))
        return "the bucket refuses Weir; weir batch ls says why";
    if (!shared_lanes_open(d->lanes, &pool, clock_wall_ms()))
        return "its last job was refused; weir batch ls says why";
    if (l->reply != SPOOL_WAIT || shared_lanes_may(d->lanes, &pool, ex->workload, clock_wall_ms()))
        return NULL;
    l->turned_away = true;
    shared_lanes_asks(d->lanes, &pool, ex->workload, lane_terms_least(t));
    return "its caller never has enough requests in flight to fill a job";
}

static void ask_tokens(const struct exchange *ex, struct lane_ask *a)
{
    const struct caching *c = ex->caching;
    uint64_t mean = shared_lanes_output(ex->worker->daemon->lanes, ex->client_name, ex->model);
    a->output = lane_terms_output(mean, ex->facts.most_output);
    a->prompt = ex->request_bytes / BYTES_A_TOKEN;
    if (!c || !c->estimated)
        return;
    a->prompt = c->prompt_tokens;
    a->cache_read = c->plan.expect_read;
    a->cache_write_5m = c->plan.expect_write_5m;
    a->cache_write_1h = c->plan.expect_write_1h;
}

static void drop_refused(const struct exchange *ex, struct lane_ask *a)
{
    static const enum lane tiers[] = {LANE_FLEX, LANE_PRIORITY};
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if (!shared_lanes_tier(ex->worker->daemon->lanes, ex->model, tiers[i], clock_wall_ms()))
            a->offered &= ~(1U << tiers[i]);
}

/* What waits already, or was answered and is nobody's, is that of who asks again, whatever would be
 * chosen now: its pool may be closed meanwhile, its prompt cached, its caller one that is not held.
 * Bought anew it is paid twice. Who was told to come again is asked for also when its rule's hours
 * are over. */
static bool may_be_known(const struct exchange *ex, const struct lanes *l,
                         const struct lane_terms *t)
{
    const struct daemon *d = ex->worker->daemon;
    bool promised = l->reply == SPOOL_RETRY;
    bool could_wait = l->ask.deadline_ms && (l->ask.allowed & LANE_SET_BATCH);
    return (promised || could_wait) && d->spool && d->batch && !lane_terms_unfit(t) &&
           !has_other_fields(ex);
}

static void make_ask(struct exchange *ex, struct lanes *l)
{
    struct lane_ask *a = &l->ask;
    struct shared_lanes *known = ex->worker->daemon->lanes;
    const struct shared_lanes_pool pool = lanes_pool(ex);
    struct str id = caching_model_id(ex);
    const struct lane_terms t = {.config = ex->setup->config,
                                 .catalogue = ex->setup->catalogue,
                                 .op = ex->op,
                                 .client = ex->client ? ex->client->config : NULL,
                                 .own_key = ex->bearer.len > 0,
                                 .model = id,
                                 .row = catalogue_find(ex->setup->catalogue, id),
                                 .per_second =
                                     shared_lanes_rate(known, ex->model, clock_wall_ms())};
    lane_terms_ask(&t, a);
    drop_refused(ex, a);
    a->own_tier = !edit_can_tier(ex);
    a->no_batch = unfit(ex, l, &t);
    l->known_only = may_be_known(ex, l, &t);
    a->fills = shared_lanes_fills(known, &pool);
    ask_tokens(ex, a);
}

/* --- the step */

/* What was put in by a rule or a spent budget, or nothing. */
static void take_tier(struct exchange *ex, enum lane lane)
{
    if (lane == LANE_FLEX || lane == LANE_PRIORITY)
        ex->tier = lane;
}

static void follow(struct exchange *ex, struct lanes *l)
{
    if (l->levers != LEVERS_ON)
        return;
    if (l->choice.lane == LANE_BATCH) {
        caching_free(ex); /* it is not marked, nor cached */
        l->known_only = false;
    } else if (!l->known_only) {
        take_tier(ex, l->choice.lane);
        return;
    }
    ex->back = &back_spool;
}

/* Only what would be batched is looked at, in slices. True: there is more. */
static bool look_at_body(struct exchange *ex, struct lanes *l)
{
    const char *why = "there is no memory to look at it";
    if (l->choice.lane != LANE_BATCH)
        return false;
    if (!l->look && (l->look = arena_new(&ex->arena, sizeof *l->look)))
        batch_look_begin(l->look, l->kind, caching_model_id(ex), body_str(&ex->body));
    if (l->look && batch_look_step(l->look, JSON_SLICE_BYTES, &why))
        return true;
    if (why) {
        l->ask.no_batch = why;
        lane_choose(&l->ask, &l->choice);
    }
    return false;
}

static bool has_lanes(const struct exchange *ex)
{
    return ex->back == &back_bedrock && ex->op->usage != NO_USAGE && !ex->off &&
           levers_mode(&ex->worker->daemon->levers) != LEVERS_OFF;
}

static enum step_result begin(struct exchange *ex, bool *out_any)
{
    struct lane_wish wish;
    const struct rule_view view = edit_view(ex);
    int64_t now_ms = clock_wall_ms();
    const char *fault = lane_wish(ex->setup->config, &view, now_ms, &wish);
    *out_any = false;
    if (fault)
        return exchange_fail(ex, OUTCOME_BAD_DEADLINE, str_of(fault));
    if (!wish.deadline_ms && !wish.lanes && !wish.over_ms)
        return STEP_NEXT;
    struct lanes *l = arena_new(&ex->arena, sizeof *l);
    if (!l)
        return STEP_NEXT;
    l->levers = levers_mode(&ex->worker->daemon->levers);
    int64_t most_ms = wish.over_ms ? wish.over_ms : wish.deadline_ms;
    l->deadline_ms = most_ms ? now_ms + most_ms : 0;
    l->reply = wish.over_ms ? SPOOL_RETRY : wish.reply;
    l->kind = lane_terms_kind(ex->op);
    l->ask.deadline_ms = wish.deadline_ms;
    l->ask.allowed = wish.lanes;
    ex->lanes = l;
    *out_any = true;
    return STEP_NEXT;
}

enum step_result lanes_choose(struct exchange *ex)
{
    bool any = ex->lanes;
    if (ex->wants_flex)
        ex->tier = LANE_FLEX;
    if (!has_lanes(ex))
        return STEP_NEXT;
    if (!any) {
        enum step_result r = begin(ex, &any);
        if (r != STEP_NEXT || !any)
            return r;
    }
    if (!caching_plan(ex)) { /* what of it would be read from the cache? */
        loop_next_turn(ex->worker->loop, &ex->again);
        return STEP_WAIT;
    }
    if (!ex->lanes->look) {
        make_ask(ex, ex->lanes);
        lane_choose(&ex->lanes->ask, &ex->lanes->choice);
    }
    if (look_at_body(ex, ex->lanes)) {
        loop_next_turn(ex->worker->loop, &ex->again);
        return STEP_WAIT;
    }
    follow(ex, ex->lanes);
    return STEP_NEXT;
}

void lanes_not_held(struct exchange *ex, const char *why)
{
    struct lanes *l = ex->lanes;
    if (!l->known_only)
        l->ask.no_batch = why;
    lane_choose(&l->ask, &l->choice);
    ex->back = ex->op->back;
    take_tier(ex, l->choice.lane);
}

/* --- how it is told */

struct str lanes_word(const struct exchange *ex)
{
    static const struct str observed[LANES] = {
        [LANE_ONDEMAND] = STR("ondemand"),         [LANE_FLEX] = STR("observe:flex"),
        [LANE_PRIORITY] = STR("observe:priority"), [LANE_RESERVED] = STR("ondemand"),
        [LANE_BATCH] = STR("observe:batch"),
    };
    const struct lanes *l = ex->lanes;
    if (ex->back == &back_spool)
        return S("batch");
    if (ex->tier != LANE_ONDEMAND && !ex->untiered)
        return lane_word(ex->tier);
    return l && l->levers == LEVERS_OBSERVE ? observed[l->choice.lane] : S("ondemand");
}

bool lanes_observed(const struct exchange *ex, enum lane *out)
{
    const struct lanes *l = ex->lanes;
    if (!l || l->levers != LEVERS_OBSERVE || l->choice.lane == LANE_ONDEMAND)
        return false;
    *out = l->choice.lane;
    return true;
}

/* --- what came of it */

bool lanes_refused(struct exchange *ex, int status)
{
    bool throttled = status == 429 || status == 503 || status == 529;
    if (!ex->tier_out || (!throttled && status != 400))
        return false;
    ex->untiered = true;
    ex->tier_blamed = !throttled;
    ex->decision = S("");
    if (throttled)
        shared_lanes_tier_refused(ex->worker->daemon->lanes, ex->model, ex->tier, true,
                                  clock_wall_ms());
    return true;
}

/* A 400 was of the tier only if the call was taken without it. */
void lanes_heard(struct exchange *ex)
{
    struct shared_lanes *s = ex->worker->daemon->lanes;
    if (ex->tier == LANE_ONDEMAND || ex->upstream_status >= 400)
        return;
    if (ex->tier_out)
        shared_lanes_tier_taken(s, ex->model, ex->tier);
    else if (ex->tier_blamed)
        shared_lanes_tier_refused(s, ex->model, ex->tier, false, clock_wall_ms());
}

void lanes_settle(const struct exchange *ex, const struct usage *u)
{
    struct shared_lanes *s = ex->worker->daemon->lanes;
    if (ex->lanes && ex->lanes->turned_away) {
        const struct shared_lanes_pool pool = lanes_pool(ex);
        shared_lanes_asked(s, &pool, ex->workload);
    }
    if (ex->op->usage == NO_USAGE || ex->joined || !ex->upstream_status)
        return;
    if (ex->upstream_status == 429)
        shared_lanes_throttled(s, ex->model, clock_wall_ms());
    if (ex->upstream_status >= 300)
        return;
    shared_lanes_answered(s, ex->model, clock_wall_ms());
    if (u->tokens[TOKEN_OUTPUT])
        shared_lanes_used(s, ex->client_name, ex->model, u->tokens[TOKEN_OUTPUT]);
}
