/* SPDX-License-Identifier: Apache-2.0
 *
 * The head is there: which operation is it, and is its body wanted? Then the body, as memory
 * allows.
 */
#include "receive.h"

#include "admin_guard.h"
#include "weir/base/clock.h"
#include "weir/wire/uri.h"

enum {
    SWALLOW_MOST_BYTES = 64 * 1024 * 1024,
    MEMORY_PATIENCE_MS = 5000,
    MEMORY_LOOK_MS = 50,
    WORKLOAD_MOST = 64
};

bool receive_workload_ok(struct str name)
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
    return receive_workload_ok(ex->workload);
}

static void decode_model(struct exchange *ex, struct str segment)
{
    if (!str_starts(ex->op->path, S("/model/")))
        return;
    struct str model = operation_model(segment, &ex->arena);
    if (model.ptr)
        ex->model = model;
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
    ex->back = op->back;
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

enum step_result receive(struct exchange *ex)
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

char *receive_body_room(void *arg, size_t want, size_t *out_room)
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

void receive_body(void *arg, size_t n)
{
    struct exchange *ex = arg;
    if (!ex->swallows)
        body_commit(&ex->body, n);
    ex->request_bytes += n;
}

void receive_body_end(void *arg)
{
    struct exchange *ex = arg;
    ex->body_whole = true;
    body_end(&ex->body);
    if (!ex->answered)
        exchange_go(ex);
}
