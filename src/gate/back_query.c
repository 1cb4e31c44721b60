/* SPDX-License-Identifier: Apache-2.0
 *
 * POST / on the admin port: CloudWatch's reading operations out of Weir's book, in the JSON 1.0 and
 * the query protocol (query.h says by whose hands). It runs in the office's thread: first the
 * reports, one slice of time a turn of the loop, however many ask; then the answer as the client
 * takes it, a piece a turn. The protocol rpc-v2-cbor, which some SDKs prefer, is refused in its own
 * words, so that the SDK shows why.
 */
#include "admin_guard.h"
#include "back.h"

#include "query.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/gate/daemon.h"

#include <stdio.h>

enum {
    DESK_AT_ONCE = 4, /* each may hold some megabytes */
    SLICE_NS = 2 * 1000 * 1000,
    STEP_ROWS = 64,
    PIECE_BYTES = 32 * 1024
};

static const struct str target_prefix = STR("GraniteServiceVersion20100801.");

struct query_work {
    struct query query;
    struct query_run *run;
    struct query_list *list;
    struct report *report; /* being read, or its rows taken */
    bool read;
    size_t row;
    bool writing;
    struct query_writer writer;
    struct buf buf;
    struct query_fault fault;
};

/* --- the desk: one slice a turn. Small questions do not wait for the end of a large one. */

static void next_turn(struct exchange *ex)
{
    struct query_desk *desk = &ex->worker->daemon->desk;
    loop_next_turn(ex->worker->loop, &desk->turn);
}

static void take_turn(void *arg)
{
    struct query_desk *desk = arg;
    unsigned first = desk->n < DESK_AT_ONCE ? desk->n : DESK_AT_ONCE;
    if (first == 0)
        return;
    desk->at = (desk->at + 1) % first;
    exchange_go(desk->line[desk->at]);
    if (desk->n)
        next_turn(desk->line[0]);
}

static bool join_desk(struct exchange *ex)
{
    struct query_desk *desk = &ex->worker->daemon->desk;
    if (desk->n == QUERY_DESK_MOST)
        return false;
    if (desk->n == 0)
        later_init(&desk->turn, take_turn, desk);
    desk->line[desk->n++] = ex;
    next_turn(ex);
    return true;
}

static void leave_desk(struct exchange *ex)
{
    struct query_desk *desk = &ex->worker->daemon->desk;
    unsigned i = 0;
    while (i < desk->n && desk->line[i] != ex)
        i++;
    if (i == desk->n)
        return;
    for (desk->n--; i < desk->n; i++)
        desk->line[i] = desk->line[i + 1];
    if (desk->n == 0)
        later_cancel(&desk->turn);
}

/* --- the request */

static void drop_query(struct exchange *ex)
{
    struct query_work *w = ex->query;
    if (!w)
        return;
    leave_desk(ex);
    ex->query = NULL;
    query_write_fini(&w->writer);
    report_free(w->report);
    query_run_free(w->run);
    query_list_free(w->list);
    query_fini(&w->query);
    buf_fini(&w->buf);
    mem_free(w);
}

static bool is_form(struct str type)
{
    return str_istarts(type, S("application/x-www-form-urlencoded"));
}

/* The body as a tree, and the operation's name, borrowed from head or tree. */
static cJSON *read_body(struct exchange *ex, struct query_work *w, struct str *out_word)
{
    const struct fields *fields = &ex->request->fields;
    struct str target = fields_get(fields, S("x-amz-target")), body = body_str(&ex->body);
    w->query.protocol = target.ptr ? QUERY_JSON : QUERY_XML;
    if (body.len > QUERY_BODY_MOST) {
        query_fail(&w->fault, QUERY_BAD_BODY, "The body is larger than 1 MiB.");
        return NULL;
    }
    if (target.ptr) {
        *out_word =
            str_starts(target, target_prefix) ? str_from_offset(target, target_prefix.len) : target;
        return query_tree_json(body, &w->fault);
    }
    if (!is_form(fields_get(fields, S("content-type")))) {
        w->query.protocol = QUERY_JSON;
        query_fail(&w->fault, QUERY_BAD_BODY,
                   "Here Weir answers as CloudWatch: send a form with an Action, or JSON with "
                   "X-Amz-Target. See docs/OPERATIONS.md.");
        return NULL;
    }
    cJSON *tree = query_tree_form(body, &w->fault);
    const cJSON *action = tree ? cJSON_GetObjectItemCaseSensitive(tree, "Action") : NULL;
    *out_word = cJSON_IsString(action) ? str_of(action->valuestring) : S("");
    return tree;
}

static bool may_ask(struct exchange *ex, struct query_work *w)
{
    switch (admin_guard_query(ex)) {
    case ADMIN_QUERY_MAY:
        return true;
    case ADMIN_QUERY_EXPIRED:
        query_fail(&w->fault, QUERY_EXPIRED, "Signature expired: its time is too far from Weir's.");
        break;
    case ADMIN_QUERY_REFUSED:
        query_fail(&w->fault, QUERY_DENIED,
                   "Sign with a key for the admin port (weir keys new --admin), or send the admin "
                   "token.");
        break;
    }
    w->query.protocol =
        fields_get(&ex->request->fields, S("x-amz-target")).ptr ? QUERY_JSON : QUERY_XML;
    return false;
}

static bool read_query(struct exchange *ex, struct query_work *w)
{
    enum query_action action;
    struct str word = S("");
    const struct query_env env = {clock_wall_ms(), ex->setup->config->cloudwatch_namespace};
    cJSON *tree = read_body(ex, w, &word);
    if (!w->fault.error && !query_action_of(word, &action))
        query_fail(&w->fault, QUERY_BAD_ACTION,
                   "Weir does not know the action %.*s: it answers GetMetricData, "
                   "GetMetricStatistics and ListMetrics.",
                   STR_ARG(str_sub(word, 0, 100)));
    bool good = !w->fault.error && query_read(&w->query, action, tree, &env, &w->fault);
    cJSON_Delete(tree);
    return good;
}

/* --- the reports */

static bool next_report(struct query_work *w)
{
    struct report_query rq;
    if (!(w->list ? query_list_next(w->list, &rq) : query_run_next(w->run, &rq)))
        return false;
    w->report = report_new(&rq);
    w->read = false;
    w->row = 0;
    return true;
}

static void end_report(struct query_work *w)
{
    report_free(w->report);
    w->report = NULL;
}

static void report_failed(struct query_work *w, int err)
{
    end_report(w);
    if (err == ERR_TOO_BIG && w->run && query_run_shrink(w->run))
        return;
    query_fail(&w->fault, QUERY_BROKEN, "The book cannot be read: %s.", err_word(err));
}

static void read_report(struct query_work *w, struct store *s)
{
    uint32_t from, until;
    int more = report_step(w->report, s, STEP_ROWS);
    if (more < 0) {
        report_failed(w, more);
        return;
    }
    w->read = more == 0;
    report_span(w->report, &from, &until);
    if (w->read && w->run)
        query_run_span(w->run, from, until);
}

static void take_rows(struct query_work *w)
{
    size_t n;
    const struct report_row *rows = report_rows(w->report, &n);
    for (size_t end = w->row + STEP_ROWS; w->row < n && w->row < end; w->row++)
        if (w->list)
            query_list_row(w->list, &rows[w->row]);
        else
            query_run_row(w->run, &rows[w->row]);
    if (w->row < n)
        return;
    if (w->run)
        query_run_taken(w->run, n);
    end_report(w);
}

/* A slice of it. True: there is more, and no fault. */
static bool collect(struct query_work *w, struct store *s)
{
    int64_t until = clock_mono_ns() + SLICE_NS;
    do {
        if (!w->report && !next_report(w))
            return false;
        if (w->read)
            take_rows(w);
        else
            read_report(w, s);
    } while (!w->fault.error && clock_mono_ns() < until);
    return !w->fault.error;
}

static bool collect_from_book(struct exchange *ex)
{
    struct query_work *w = ex->query;
    struct clerk *clerk = ex->worker->daemon->clerk;
    struct store *s = clerk ? clerk_read_begin(clerk) : NULL;
    if (!s) {
        query_fail(&w->fault, QUERY_BROKEN,
                   "The book is not open: metering is off, or its disk is in trouble; the log says "
                   "which.");
        return false;
    }
    bool more = collect(w, s);
    clerk_read_end(clerk);
    return more;
}

/* --- the answer */

static struct str request_id(const struct exchange *ex)
{
    return str_from(ex->id, sizeof ex->id);
}

static enum step_result answer_fault(struct exchange *ex)
{
    struct query_work *w = ex->query;
    struct buf body = {0};
    struct str code;
    char length[21], error[80];
    int status = query_write_fault(&w->fault, w->query.protocol, request_id(ex), &body, &code);
    snprintf(length, sizeof length, "%zu", buf_len(&body));
    snprintf(error, sizeof error, "%.*s;%s", STR_ARG(code), status < 500 ? "Sender" : "Receiver");
    const struct field fields[] = {
        {STR("content-type"), query_content_type(w->query.protocol)},
        {STR("content-length"), str_of(length)},
        {STR("cache-control"), STR("no-store")},
        {STR("x-amzn-requestid"), request_id(ex)},
        {STR("x-amzn-query-error"), str_of(error)},
    };
    bool json = w->query.protocol == QUERY_JSON;
    exchange_answer(ex, status, fields, json ? 5 : 4);
    exchange_send(ex, buf_str(&body));
    exchange_end(ex, OUTCOME_OWN);
    buf_fini(&body);
    drop_query(ex);
    return STEP_END;
}

static void begin_answer(struct exchange *ex)
{
    struct query_work *w = ex->query;
    const struct field fields[] = {
        {STR("content-type"), query_content_type(w->query.protocol)},
        {STR("cache-control"), STR("no-store")},
        {STR("x-amzn-requestid"), request_id(ex)},
    };
    if (w->list)
        query_list_close(w->list);
    w->writing = true;
    w->writer = (struct query_writer){
        .query = &w->query, .run = w->run, .list = w->list, .request_id = request_id(ex)};
    exchange_answer(ex, 200, fields, 3);
    query_write_begin(&w->writer, &w->buf);
}

/* A piece a turn, and none while the client has enough to take. */
static enum step_result write_answer(struct exchange *ex)
{
    struct query_work *w = ex->query;
    if (front_unsent(ex->front) >= FRONT_HIGH_MARK)
        return STEP_WAIT; /* until drained_query */
    bool more = query_write(&w->writer, PIECE_BYTES);
    exchange_send(ex, buf_str(&w->buf));
    buf_clear(&w->buf);
    if (more) {
        loop_next_turn(ex->worker->loop, &ex->again);
        return STEP_WAIT;
    }
    exchange_end(ex, OUTCOME_OWN);
    drop_query(ex);
    return STEP_END;
}

static void drained_query(struct exchange *ex)
{
    if (ex->query)
        exchange_go(ex);
}

static enum step_result begin_query(struct exchange *ex)
{
    struct query_work *w = ex->query = mem_new(sizeof *w);
    if (may_ask(ex, w) && read_query(ex, w) && !join_desk(ex))
        query_fail(&w->fault, QUERY_BUSY, "%d such requests wait already. Try again.",
                   QUERY_DESK_MOST);
    if (w->fault.error)
        return answer_fault(ex);
    if (w->query.action == QUERY_LIST_METRICS)
        w->list = query_list_new(&w->query);
    else
        w->run = query_run_new(&w->query);
    return STEP_WAIT;
}

static enum step_result start_query(struct exchange *ex)
{
    if (!ex->query)
        return begin_query(ex);
    if (ex->query->writing)
        return write_answer(ex);
    if (collect_from_book(ex))
        return STEP_WAIT; /* until its turn comes again */
    leave_desk(ex);
    if (ex->query->fault.error)
        return answer_fault(ex);
    begin_answer(ex);
    return write_answer(ex);
}
const struct back back_query = {
    .name = "query", .start = start_query, .drained = drained_query, .drop = drop_query};

/* --- rpc-v2-cbor: a map of two texts, which is what its errors look like */

static void add_cbor_text(struct buf *b, struct str s)
{
    buf_add_char(b, 0x79); /* text with a length of two bytes */
    buf_add_char(b, (char)(s.len >> 8));
    buf_add_char(b, (char)(s.len & 0xff));
    buf_add(b, s);
}

static enum step_result start_query_cbor(struct exchange *ex)
{
    struct buf body = {0};
    char length[21];
    buf_add_char(&body, (char)0xa2);
    add_cbor_text(&body, S("__type"));
    add_cbor_text(&body, S("UnsupportedProtocolException"));
    add_cbor_text(&body, S("message"));
    add_cbor_text(&body, S("Weir answers CloudWatch's JSON 1.0 and query protocols, not "
                           "smithy-rpc-v2-cbor: use a client that speaks one of them. See "
                           "docs/OPERATIONS.md."));
    snprintf(length, sizeof length, "%zu", buf_len(&body));
    const struct field fields[] = {
        {STR("content-type"), STR("application/cbor")},
        {STR("content-length"), str_of(length)},
        {STR("smithy-protocol"), STR("rpc-v2-cbor")},
        {STR("x-amzn-requestid"), request_id(ex)},
    };
    exchange_answer(ex, 400, fields, 4);
    exchange_send(ex, buf_str(&body));
    exchange_end(ex, OUTCOME_OWN);
    buf_fini(&body);
    return STEP_END;
}
const struct back back_query_cbor = {.name = "query-cbor", .start = start_query_cbor};
