/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a request. Callbacks from the front only note what happened and call exchange_go; the
 * steps read those notes. So every order of events (the client leaves while we wait for memory, the
 * answer comes before the body was sent) meets the same few lines.
 */
#include "weir/gate/exchange.h"

#include "admit.h"
#include "back.h"
#include "caching.h"
#include "lanes.h"
#include "meter.h"
#include "receive.h"
#include "record.h"
#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/wire/uri.h"

#include <stdio.h>

enum {
    ARENA_BYTES = 256 * 1024 /* a head of 64 KiB, signed anew, fits three times */
};

static enum step_result step_understand(struct exchange *ex);
static enum step_result step_dispatch(struct exchange *ex);
static enum step_result step_relay(struct exchange *ex);

static const struct {
    const char *name;
    enum step_result (*run)(struct exchange *ex);
} steps[] = {
    {"receive", receive},  {"identify", admit_identify}, {"understand", step_understand},
    {"admit", admit},      {"lane", lanes_choose},       {"dispatch", step_dispatch},
    {"relay", step_relay},
};
enum { STEP_RELAY = 6 };

void exchange_go(struct exchange *ex)
{
    for (;;) {
        switch (steps[ex->step].run(ex)) {
        case STEP_NEXT:
            ex->step++;
            break;
        case STEP_WAIT:
            return;
        case STEP_END:
            ex->step = STEP_RELAY;
            return;
        }
    }
}

static void go_again(void *arg)
{
    exchange_go(arg);
}

/* --- understand: what the body says, in slices */

static enum step_result step_understand(struct exchange *ex)
{
    struct str name = ex->op->id == OP_START_ASYNC ? S("modelId") : S("model");
    if (facts_read(&ex->facts, body_str(&ex->body), name) == FACTS_MORE) {
        loop_next_turn(ex->worker->loop, &ex->again);
        return STEP_WAIT;
    }
    if (ex->model.len == 0)
        ex->model = facts_model(&ex->facts, &ex->arena);
    if (ex->model.len)
        ex->form = model_form(ex->model, &ex->plain_model);
    return STEP_NEXT;
}

/* --- dispatch and relay: the back's */

static enum step_result step_dispatch(struct exchange *ex)
{
    if (ex->over && ex->back != &back_spool)
        return admit_refuse(ex);
    return ex->back->start(ex);
}

static enum step_result step_relay(struct exchange *ex)
{
    return STEP_WAIT; /* until on_gone */
}

static void on_drain(void *arg)
{
    struct exchange *ex = arg;
    if (ex->back && ex->back->drained)
        ex->back->drained(ex);
}

/* --- the answer; without a client nobody gets it */

static struct str decide_words(struct exchange *ex)
{
    struct str lane = lanes_word(ex);
    if (!ex->cache_word.len && str_eq(lane, S("ondemand")))
        return S("lane=ondemand;model=same");
    const struct str words[] = {S("cache="), ex->cache_word, S(";"),
                                S("lane="),  lane,           S(";model=same")};
    size_t without = ex->cache_word.len ? 0 : 3;
    return arena_join(&ex->arena, words + without, 6 - without);
}

struct str exchange_decision(struct exchange *ex)
{
    if (ex->spooled)
        return ex->decision;
    if (ex->joined)
        return S("join=retry;lane=ondemand;model=same");
    if (!ex->attempts && ex->back != &back_spool)
        return S("");
    if (ex->off)
        return S("off");
    if (!ex->decision.len)
        ex->decision = decide_words(ex);
    return ex->decision;
}

static bool is_yes(struct str word)
{
    return str_eq(word, S("1")) || str_ieq(word, S("true")) || str_ieq(word, S("yes")) ||
           str_ieq(word, S("on"));
}

bool exchange_explains(const struct exchange *ex)
{
    return is_yes(fields_get(&ex->request->fields, S("x-weir-explain")));
}

/* Where its head tells already. */
static size_t add_costs(struct exchange *ex, struct field *out)
{
    struct str cost, saved;
    if (!exchange_explains(ex) || !meter_costs(ex, &cost, &saved))
        return 0;
    out[0] = (struct field){STR("x-weir-cost-usd"), cost};
    out[1] = (struct field){STR("x-weir-saved-usd"), saved};
    return 2;
}

/* What its client's limits leave it. */
static size_t add_limits(const struct exchange *ex, struct field *out, char room[2][21])
{
    static const struct str names[] = {STR("x-weir-requests-left"), STR("x-weir-tokens-left")};
    const uint64_t left[] = {ex->requests_left, ex->tokens_left};
    size_t n = 0;
    for (size_t i = 0; ex->client && i < 2; i++) {
        if (left[i] == UINT64_MAX)
            continue;
        int digits = snprintf(room[i], 21, "%llu", (unsigned long long)left[i]);
        out[n++] = (struct field){names[i], {room[i], (size_t)digits}};
    }
    return n;
}

void exchange_answer(struct exchange *ex, int status, const struct field *fields, size_t n)
{
    struct field out[FIELDS_MOST + 6];
    char room[2][21];
    ex->answered = true;
    ex->status = status;
    ex->handed_ns = clock_mono_ns();
    if (!ex->front)
        return;
    if (n > FIELDS_MOST)
        n = FIELDS_MOST;
    for (size_t i = 0; i < n; i++)
        out[i] = fields[i];
    out[n++] = (struct field){STR("x-weir-request-id"), {ex->id, sizeof ex->id}};
    if (exchange_decision(ex).len)
        out[n++] = (struct field){STR("x-weir-decision"), exchange_decision(ex)};
    if (ex->tap)
        n += add_costs(ex, out + n);
    n += add_limits(ex, out + n, room);
    front_answer(ex->front, status, out, n, false);
}

void exchange_send(struct exchange *ex, struct str bytes)
{
    if (!ex->front)
        return;
    ex->answer_bytes += bytes.len;
    front_send(ex->front, bytes, false);
}

void exchange_end(struct exchange *ex, enum outcome outcome)
{
    ex->outcome = outcome;
    ex->ended = true;
    if (ex->front)
        front_send(ex->front, S(""), true);
}

enum step_result exchange_own(struct exchange *ex, int status, struct str type, struct str body)
{
    char length[21];
    int digits = snprintf(length, sizeof length, "%zu", body.len);
    const struct field fields[] = {{STR("content-type"), type},
                                   {STR("content-length"), {length, (size_t)digits}},
                                   {STR("cache-control"), STR("no-store")}};
    exchange_answer(ex, status, fields, 3);
    exchange_send(ex, body);
    exchange_end(ex, OUTCOME_OWN);
    return STEP_END;
}

static void fail_inside(struct exchange *ex, enum outcome outcome)
{
    ex->outcome = outcome;
    if (ex->counted || !tap_between(ex->tap)) {
        if (ex->spooled)
            front_refuse(ex->front);
        else
            front_abort(ex->front);
        return;
    }
    struct buf b = {0};
    outcome_add_in_stream(&b, outcome, ex->dialect, tap_shape(ex->tap));
    exchange_send(ex, buf_str(&b));
    exchange_end(ex, outcome);
    buf_fini(&b);
}

static void answer_error(struct exchange *ex, enum outcome outcome, struct str body)
{
    const struct outcome_row *row = outcome_row(outcome);
    struct buf allow = {0};
    char length[21];
    int digits = snprintf(length, sizeof length, "%zu", body.len);
    char after[21], after_ms[24];
    struct field fields[7] = {{STR("content-type"), STR("application/json")},
                              {STR("content-length"), {length, (size_t)digits}}};
    size_t n = 2;
    if (ex->dialect == DIALECT_AWS)
        fields[n++] = (struct field){STR("x-amzn-errortype"), row->aws_type};
    if (ex->retry_after_s) {
        int n_after = snprintf(after, sizeof after, "%lld", (long long)ex->retry_after_s);
        fields[n++] = (struct field){STR("retry-after"), {after, (size_t)n_after}};
    }
    if (outcome == OUTCOME_WAITS) {
        int n_ms = snprintf(after_ms, sizeof after_ms, "%lld000", (long long)ex->retry_after_s);
        fields[n++] = (struct field){STR("x-amz-retry-after"), {after_ms, (size_t)n_ms}};
    }
    if (outcome == OUTCOME_BAD_METHOD) {
        struct str path, query;
        uri_split(ex->target, &path, &query);
        operation_add_allow(&allow, ex->realm, path);
        fields[n++] = (struct field){STR("allow"), buf_str(&allow)};
    }
    exchange_answer(ex, row->status, fields, n);
    exchange_send(ex, body);
    exchange_end(ex, outcome);
    buf_fini(&allow);
}

enum step_result exchange_fail(struct exchange *ex, enum outcome outcome, struct str sentence)
{
    if (ex->ended)
        return STEP_END;
    ex->failed_in = steps[ex->step].name;
    ex->step = STEP_RELAY;
    /* No call needs it any more, and the client may be slow to take this. */
    worker_drop_body(ex->worker, &ex->body);
    if (!ex->front) {
        ex->outcome = outcome;
        return STEP_END;
    }
    if (ex->answered) {
        fail_inside(ex, outcome);
        return STEP_END;
    }
    struct buf body = {0};
    if (!sentence.len && outcome == OUTCOME_UNKNOWN_OPERATION && ex->realm == REALM_ADMIN)
        sentence = S("The admin port does not know this path. See docs/OPERATIONS.md.");
    else if (outcome == OUTCOME_UNKNOWN_OPERATION && ex->workload.ptr &&
             !receive_workload_ok(ex->workload))
        sentence =
            S("The name of the workload, behind /w/ in the path, is not one: it wants 1 to 64 "
              "letters, digits, -, _ or dots.");
    outcome_add_body(&body, outcome, ex->dialect, sentence);
    answer_error(ex, outcome, buf_str(&body));
    buf_fini(&body);
    return STEP_END;
}

void exchange_cut(struct exchange *ex)
{
    later_cancel(&ex->again);
    if (ex->body_waits)
        timer_stop(&ex->wait_timer);
    ex->body_waits = false;
    if (ex->back && ex->back->drop)
        ex->back->drop(ex);
    if (ex->front)
        (void)exchange_fail(ex, OUTCOME_DRAINED, S(""));
    else if (!ex->awaits)
        exchange_over(ex);
}

/* --- begin and settle */

static void make_id(struct exchange *ex)
{
    static const char hex[] = "0123456789abcdef";
    random_bytes(ex->id_bytes, sizeof ex->id_bytes);
    for (size_t i = 0; i < sizeof ex->id_bytes; i++) {
        ex->id[2 * i] = hex[ex->id_bytes[i] >> 4];
        ex->id[2 * i + 1] = hex[ex->id_bytes[i] & 15];
    }
}

static void *on_request(void *owner, struct front *f, const struct front_request *r)
{
    struct port *port = owner;
    struct worker *w = port->worker;
    struct exchange *ex = mem_new(sizeof *ex);
    ex->worker = w;
    ex->setup = setup_ref(port->setup);
    ex->front = f;
    ex->request = r;
    ex->realm = port->realm;
    ex->listen = port->realm == REALM_DATA ? &port->setup->config->listen[port->at] : NULL;
    ex->op = NULL;
    ex->requests_left = ex->tokens_left = UINT64_MAX;
    make_id(ex);
    arena_init(&ex->arena, ARENA_BYTES);
    body_init(&ex->body, &w->bodies);
    later_init(&ex->again, go_again, ex);
    list_init(&ex->node);
    list_append(&w->exchanges, &ex->node);
    w->active++;
    exchange_go(ex);
    return ex;
}

/* --- settle */

static enum outcome outcome_at_end(const struct exchange *ex, enum front_gone why)
{
    bool whole = ex->outcome == OUTCOME_NONE || ex->outcome == OUTCOME_ANSWERED ||
                 ex->outcome == OUTCOME_OWN;
    if ((why == FRONT_BAD || ex->refused) && !ex->outcome)
        return OUTCOME_BAD_MESSAGE;
    if (why == FRONT_LEFT && whole)
        return OUTCOME_CLIENT_LEFT;
    return ex->outcome ? ex->outcome : OUTCOME_INTERNAL;
}

void exchange_over(struct exchange *ex)
{
    struct worker *w = ex->worker;
    (void)HOOK("exchange.settle");
    ex->outcome = outcome_at_end(ex, ex->gone);
    record_exchange(ex, ex->failed_in ? ex->failed_in : steps[ex->step].name);
    meter_exchange(ex, NULL, NULL);
    caching_settle(ex, &tap_usage(ex->tap)->usage);
    if (ex->op)
        lanes_settle(ex, &tap_usage(ex->tap)->usage);
    if (ex->back && ex->back->drop)
        ex->back->drop(ex);
    admit_give_back(ex); /* what no record settled */
    caching_free(ex);
    tap_free(ex->tap);
    buf_fini(&ex->held);
    worker_drop_body(ex->worker, &ex->body);
    if (ex->bearer.len)
        arena_wipe(&ex->arena); /* it is in what was sent */
    arena_fini(&ex->arena);
    setup_unref(ex->setup);
    list_remove(&ex->node);
    mem_free(ex);
    worker_left(w);
}

/* What the request was borrowed from goes with the front. */
static void keep_request(struct exchange *ex)
{
    static const struct front_request nothing;
    const struct front_request *r = ex->request;
    struct front_request *kept = arena_new(&ex->arena, sizeof *kept);
    if (kept)
        *kept = (struct front_request){.version = r->version,
                                       .method = ex->op->method,
                                       .tls = r->tls,
                                       .began_ns = r->began_ns,
                                       .peer_addr = arena_dup(&ex->arena, r->peer_addr),
                                       .peer_name = arena_dup(&ex->arena, r->peer_name)};
    ex->request = kept ? kept : &nothing;
    ex->workload = arena_dup(&ex->arena, ex->workload);
    ex->target = arena_dup(&ex->arena, ex->target);
    ex->call.method = ex->op->method;
}

static void on_half_closed(void *arg)
{
    back_spool_half_closed(arg);
}

static void on_gone(void *arg, enum front_gone why)
{
    struct exchange *ex = arg;
    later_cancel(&ex->again);
    if (ex->body_waits)
        timer_stop(&ex->wait_timer);
    ex->body_waits = false;
    ex->gone = why;
    ex->front = NULL;
    bool goes_on = ex->awaits || (ex->back && ex->back->left && ex->back->left(ex));
    if (goes_on)
        keep_request(ex);
    else
        exchange_over(ex);
}

static void on_refused(void *owner, void *arg, const struct front_refusal *r)
{
    struct port *port = owner;
    struct exchange *ex = arg;
    if (!ex) {
        record_refusal(port->worker, r);
        return;
    }
    ex->refused = true;
    ex->status = r->status;
    ex->trouble = arena_dup(&ex->arena, str_of(r->sentence)).ptr;
}

static void on_shed(void *owner, enum front_shed why)
{
    struct port *port = owner;
    record_shed(port->worker, why);
}

const struct front_sink exchange_sink = {.on_request = on_request,
                                         .body_room = receive_body_room,
                                         .on_body = receive_body,
                                         .on_body_end = receive_body_end,
                                         .on_drain = on_drain,
                                         .on_half_closed = on_half_closed,
                                         .on_gone = on_gone,
                                         .on_refused = on_refused,
                                         .on_shed = on_shed};
