/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a request. Callbacks from the front only note what happened and call exchange_go; the
 * steps read those notes. So every order of events (the client leaves while we wait for memory, the
 * answer comes before the body was sent) meets the same few lines.
 */
#include "weir/gate/exchange.h"

#include "admin_guard.h"
#include "admit.h"
#include "back.h"
#include "meter.h"
#include "record.h"
#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/wire/uri.h"

#include <stdio.h>

enum {
    ARENA_BYTES = 256 * 1024, /* a head of 64 KiB, signed anew, fits three times */
    SWALLOW_MOST_BYTES = 64 * 1024 * 1024,
    MEMORY_PATIENCE_MS = 5000,
    MEMORY_LOOK_MS = 50,
    WORKLOAD_MOST = 64
};

static enum step_result step_receive(struct exchange *ex);
static enum step_result step_understand(struct exchange *ex);
static enum step_result step_dispatch(struct exchange *ex);
static enum step_result step_relay(struct exchange *ex);

static const struct {
    const char *name;
    enum step_result (*run)(struct exchange *ex);
} steps[] = {
    {"receive", step_receive}, {"identify", admit_identify}, {"understand", step_understand},
    {"admit", admit},          {"dispatch", step_dispatch},  {"relay", step_relay},
};
enum { STEP_RELAY = 5 };

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

/* --- receive: the head is there. Which operation is it, and is its body wanted? */

static bool workload_ok(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return name.len > 0 && name.len <= WORKLOAD_MOST;
}

/* Takes the listener's prefix and `/w/NAME` off the target. False: NAME is not one. */
static bool strip_target(struct exchange *ex)
{
    ex->target = ex->request->target;
    struct str prefix = ex->listen ? ex->listen->prefix : S("");
    struct str rest = str_from_offset(ex->target, prefix.len);
    if (prefix.len && str_starts(ex->target, prefix) && str_starts(rest, S("/")))
        ex->target = rest;
    if (!ex->listen || !str_starts(ex->target, S("/w/")))
        return true;
    rest = str_from_offset(ex->target, 3);
    ptrdiff_t slash = str_chr(rest, '/');
    if (slash < 0)
        return true; /* no operation: the table refuses it */
    ex->workload = str_sub(rest, 0, (size_t)slash);
    ex->target = str_from_offset(rest, (size_t)slash);
    return workload_ok(ex->workload);
}

static void decode_model(struct exchange *ex, struct str segment)
{
    if (segment.len == 0 || !str_starts(ex->op->path, S("/model/")))
        return;
    char *room = arena_new(&ex->arena, segment.len);
    ssize_t n = room ? uri_decode_segment(segment, room, segment.len) : -1;
    if (n > 0)
        ex->model = str_from(room, (size_t)n);
}

/* operations: {other: allow}, by the methods that REST services use. */
static bool may_be_other(const struct exchange *ex)
{
    static const struct str methods[] = {STR("GET"), STR("POST"), STR("PUT"), STR("PATCH"),
                                         STR("DELETE")};
    if (!ex->listen || !ex->setup->config->other_operations)
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (str_eq(ex->request->method, methods[i]))
            return true;
    return false;
}

static enum outcome find_operation(struct exchange *ex)
{
    struct str path, query, first = {NULL, 0};
    enum outcome why;
    uri_split(ex->request->target, &path, &query);
    ex->dialect = operation_dialect(path);
    if (uri_check_path(path) < 0)
        return OUTCOME_BAD_PATH;
    if (!strip_target(ex))
        return OUTCOME_UNKNOWN_OPERATION;
    uri_split(ex->target, &path, &query);
    ex->dialect = operation_dialect(path);
    const struct operation *op = operation_find(ex->realm, ex->request->method, path, &first, &why);
    if (!op && why == OUTCOME_UNKNOWN_OPERATION && may_be_other(ex))
        op = operation_row(OP_OTHER);
    if (!op)
        return why;
    if (op->id == OP_INVOKE_BIDIRECTIONAL)
        return OUTCOME_BIDIRECTIONAL; /* before its body, which has no end */
    ex->op = op;
    ex->dialect = op->id == OP_OTHER ? ex->dialect : op->dialect;
    decode_model(ex, first);
    return OUTCOME_NONE;
}

/* A page in a browser on this machine reaches a loopback port, and every call costs money. Browsers
 * send Origin with each POST; SDKs never do. Who shows a certificate is known. */
static bool could_spend(const struct exchange *ex)
{
    return ex->listen && ex->listen->client_ca.len == 0 &&
           fields_get(&ex->request->fields, S("origin")).ptr;
}

static enum outcome check_head(struct exchange *ex)
{
    const struct front_request *r = ex->request;
    enum outcome o = find_operation(ex);
    if (o)
        return o;
    struct str encoding = fields_get(&r->fields, S("content-encoding"));
    if (encoding.ptr && !str_ieq(encoding, S("identity")))
        return OUTCOME_BODY_ENCODED;
    if (r->content_length > SWALLOW_MOST_BYTES)
        return OUTCOME_BODY_TOO_BIG;
    ex->swallows = r->content_length > BODY_MOST_BYTES;
    if (ex->swallows && fields_get(&r->fields, S("expect")).ptr)
        return OUTCOME_BODY_TOO_BIG; /* it asked before it sent */
    if (ex->realm == REALM_ADMIN ? admin_guard_is_page(ex) : could_spend(ex))
        return OUTCOME_FOREIGN_PAGE;
    if (ex->realm == REALM_ADMIN && !admin_guard_head(ex))
        return OUTCOME_ADMIN_TOKEN;
    ex->off = str_ieq(fields_get(&r->fields, S("x-weir")), S("off"));
    if (clients_none(ex->setup->clients))
        ex->client_name = S("anonymous");
    return OUTCOME_NONE;
}

static enum step_result step_receive(struct exchange *ex)
{
    if (!ex->body_wanted) {
        enum outcome o = check_head(ex);
        if (o)
            return exchange_fail(ex, o, S(""));
        ex->body_wanted = true;
        if (ex->request->has_body)
            front_take_body(ex->front, SWALLOW_MOST_BYTES);
        else
            ex->body_whole = true;
    }
    if (!ex->body_whole)
        return STEP_WAIT;
    ex->ours_ns = clock_mono_ns();
    return ex->swallows ? exchange_fail(ex, OUTCOME_BODY_TOO_BIG, S("")) : STEP_NEXT;
}

/* Out of memory for bodies: look again until patience ends, which is one for all the waits of a
 * request. */
static void wait_for_memory(void *arg)
{
    struct exchange *ex = arg;
    char *room;
    size_t n;
    if (body_reserve(&ex->body, 1, &room, &n) != BODY_WAIT) {
        ex->body_waits = false;
        ex->waited_ms = loop_now_ms(ex->worker->loop) - ex->waits_since_ms;
        front_resume(ex->front);
    } else if (loop_now_ms(ex->worker->loop) - ex->waits_since_ms >= MEMORY_PATIENCE_MS) {
        ex->body_waits = false;
        (void)exchange_fail(ex, OUTCOME_MEMORY_FULL, S(""));
    } else {
        timer_start(&ex->wait_timer, MEMORY_LOOK_MS);
    }
}

/* Some clients do not read before they have sent all: a refusal in the midst of it they never see
 * (the AWS SDK for JavaScript over HTTP/2, November 2026). So a body that is only somewhat too big
 * is read to its end. */
static char *swallow(struct exchange *ex, size_t *out_room)
{
    static _Thread_local char hole[64 * 1024];
    if (ex->request_bytes >= SWALLOW_MOST_BYTES) {
        (void)exchange_fail(ex, OUTCOME_BODY_TOO_BIG, S(""));
        return NULL;
    }
    *out_room = sizeof hole;
    return hole;
}

static char *on_body_room(void *arg, size_t want, size_t *out_room)
{
    struct exchange *ex = arg;
    char *room = NULL;
    if (ex->answered)
        return NULL;
    if (ex->swallows)
        return swallow(ex, out_room);
    switch (body_reserve(&ex->body, want, &room, out_room)) {
    case BODY_ROOM:
        return room;
    case BODY_FULL:
        ex->swallows = true;
        body_fini(&ex->body);
        return swallow(ex, out_room);
    case BODY_WAIT:
        if (!ex->body_waits) {
            ex->body_waits = true;
            ex->waits_since_ms = loop_now_ms(ex->worker->loop) - ex->waited_ms;
            metric_add(&ex->worker->metrics, METRIC_BODY_WAITS, 1);
            timer_init(&ex->wait_timer, ex->worker->loop, wait_for_memory, ex);
            timer_start(&ex->wait_timer, MEMORY_LOOK_MS);
        }
        return NULL;
    }
    return NULL;
}

static void on_body(void *arg, size_t n)
{
    struct exchange *ex = arg;
    if (!ex->swallows)
        body_commit(&ex->body, n);
    ex->request_bytes += n;
}

static void on_body_end(void *arg)
{
    struct exchange *ex = arg;
    ex->body_whole = true;
    body_end(&ex->body);
    if (!ex->answered)
        exchange_go(ex);
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
    return ex->op->back->start(ex);
}

static enum step_result step_relay(struct exchange *ex)
{
    return STEP_WAIT; /* until on_gone */
}

static void on_drain(void *arg)
{
    struct exchange *ex = arg;
    if (ex->op && ex->op->back->drained)
        ex->op->back->drained(ex);
}

/* --- the answer; without a client nobody gets it */

struct str exchange_decision(const struct exchange *ex)
{
    if (ex->joined)
        return S("join=retry;lane=ondemand;model=same");
    if (!ex->attempts)
        return S("");
    return ex->off ? S("off") : S("lane=ondemand;model=same");
}

/* x-weir-explain: 1 asks what the answer costs, where its head tells already. */
static size_t add_costs(struct exchange *ex, struct field *out)
{
    struct str cost, saved;
    if (!str_eq(fields_get(&ex->request->fields, S("x-weir-explain")), S("1")) ||
        !meter_costs(ex, &cost, &saved))
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
    char after[21];
    struct field fields[6] = {{STR("content-type"), STR("application/json")},
                              {STR("content-length"), {length, (size_t)digits}}};
    size_t n = 2;
    if (ex->dialect == DIALECT_AWS)
        fields[n++] = (struct field){STR("x-amzn-errortype"), row->aws_type};
    if (ex->retry_after_s) {
        int n_after = snprintf(after, sizeof after, "%lld", (long long)ex->retry_after_s);
        fields[n++] = (struct field){STR("retry-after"), {after, (size_t)n_after}};
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
    else if (outcome == OUTCOME_UNKNOWN_OPERATION && ex->workload.ptr && !workload_ok(ex->workload))
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
    if (ex->op && ex->op->back->drop)
        ex->op->back->drop(ex);
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
    if (ex->op && ex->op->back->drop)
        ex->op->back->drop(ex);
    admit_give_back(ex); /* what no record settled */
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

static void on_gone(void *arg, enum front_gone why)
{
    struct exchange *ex = arg;
    later_cancel(&ex->again);
    if (ex->body_waits)
        timer_stop(&ex->wait_timer);
    ex->body_waits = false;
    ex->gone = why;
    ex->front = NULL;
    bool goes_on = ex->awaits || (ex->op && ex->op->back->left && ex->op->back->left(ex));
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
                                         .body_room = on_body_room,
                                         .on_body = on_body,
                                         .on_body_end = on_body_end,
                                         .on_drain = on_drain,
                                         .on_gone = on_gone,
                                         .on_refused = on_refused,
                                         .on_shed = on_shed};
