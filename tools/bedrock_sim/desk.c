/* SPDX-License-Identifier: Apache-2.0
 *
 * A visit is one request and its answer:
 *
 *     head > body > (service) > wait > head > piece, piece ... > end | cut
 *
 * Bytes only leave in `go_on`; whatever makes the visit wait (a delay, a slow stream, a full
 * connection) calls it again.
 */
#include "desk.h"

#include "control.h"
#include "ops.h"
#include "raw.h"

#include "weir/base/clock.h"
#include "weir/base/mem.h"

#include <string.h>

enum {
    FIRST_ROOM = 4096,
    SLOW_PIECES = 16,     /* of an answer that has no pieces of its own */
    HANG_MS = 600 * 1000, /* even a hanging answer ends some day */
    PIECE_MOST = 256 * 1024,
    CUT_POLL_MS = 5 /* how often to look whether what shall arrive has left */
};

struct visit {
    struct desk *desk;
    struct front *front;
    const struct front_request *request;
    struct sha256 hash;
    char *body;
    size_t len, cap;
    struct ops_result result;
    bool thought, began, playing;
    enum { NOT_CUT, CUTTING, CUT } cut;
    size_t sent, piece;
    uint64_t ledger_id;
    struct timer timer;
};

static void go_on(struct visit *v);

static const char *protocol_of(const struct front_request *r)
{
    return r->version == FRONT_H2 ? "h2" : r->version == FRONT_H1_1 ? "h1" : "h1.0";
}

/* --- the answer leaves */

static size_t whole(const struct visit *v)
{
    return buf_len(&v->result.reply.body);
}

/* How far the body goes: to its end, or to where it is cut. */
static size_t last_byte(const struct visit *v)
{
    size_t n = whole(v), at = (size_t)v->result.fault.cut_at;
    if (v->result.fault.cut == FAULT_CUT_HEAD)
        return 0;
    return v->result.fault.cut == FAULT_CUT_AT && at < n ? at : n;
}

static bool will_cut(const struct visit *v)
{
    return v->result.fault.cut == FAULT_CUT_HEAD || v->result.fault.cut == FAULT_CUT_AT;
}

static void wait_for(struct visit *v, int64_t ms)
{
    timer_start(&v->timer, ms);
}

/* Ends the connection once everything that shall arrive has left. */
static void cut_off(struct visit *v)
{
    bool waited = v->cut == CUTTING;
    v->cut = CUTTING;
    if (!waited || front_unsent(v->front) || raw_unread(v->request->peer_addr)) {
        wait_for(v, CUT_POLL_MS);
        return;
    }
    v->cut = CUT;
    front_abort(v->front);
}

/* True when the visit ends before any byte of the answer. */
static bool breaks_before(struct visit *v)
{
    const struct fault *f = &v->result.fault;
    if (!f->refuse && !f->garbage && f->cut != FAULT_CUT_BEFORE)
        return false;
    v->cut = CUT;
    if (f->garbage)
        raw_end(v->request->peer_addr, S("SSH-2.0-not_http\r\n\x00\xff\r\n\r\n"));
    if (f->refuse)
        front_refuse(v->front);
    else
        front_abort(v->front);
    return true;
}

static void send_head(struct visit *v)
{
    struct reply *r = &v->result.reply;
    if (!r->stream)
        reply_field_u64(r, S("content-length"), whole(v));
    front_answer(v->front, r->status, r->fields, r->n_fields, whole(v) == 0 && !will_cut(v));
    v->began = true;
}

/* Where the piece ends that is being sent. */
static size_t piece_end(const struct visit *v)
{
    const struct reply *r = &v->result.reply;
    size_t end = whole(v);
    if (v->piece < r->n_ends)
        end = r->ends[v->piece];
    else if (r->n_ends == 0 && v->result.fault.slow_ms)
        end = whole(v) * (v->piece + 1) / SLOW_PIECES;
    return end < last_byte(v) ? end : last_byte(v);
}

/* Sends one piece; true when another may follow at once. */
static bool send_piece(struct visit *v)
{
    size_t end = piece_end(v), most = v->sent + PIECE_MOST;
    if (end <= most)
        v->piece++;
    else
        end = most;
    bool last = end == last_byte(v) && !will_cut(v);
    struct str bytes = str_sub(buf_str(&v->result.reply.body), v->sent, end - v->sent);
    v->sent = end;
    front_send(v->front, bytes, last);
    if (!last && v->result.fault.slow_ms && v->sent < last_byte(v)) {
        wait_for(v, v->result.fault.slow_ms);
        return false;
    }
    return !last && front_unsent(v->front) <= FRONT_HIGH_MARK;
}

static void go_on(struct visit *v)
{
    if (v->cut == CUT || (!v->began && breaks_before(v)))
        return;
    bool more = true;
    if (!v->began) {
        send_head(v);
        more = v->result.fault.slow_ms == 0 || v->sent == last_byte(v);
        if (!more)
            wait_for(v, v->result.fault.slow_ms);
    }
    while (more && v->sent < last_byte(v))
        more = send_piece(v);
    if (v->sent == last_byte(v) && will_cut(v))
        cut_off(v);
}

static void play(struct visit *v)
{
    const struct fault *f = &v->result.fault;
    v->playing = true;
    if (f->hang)
        wait_for(v, HANG_MS);
    else if (f->delay_ms)
        wait_for(v, f->delay_ms);
    else
        go_on(v);
}

static void on_time(void *arg)
{
    struct visit *v = arg;
    if (v->playing)
        go_on(v);
}

/* --- asking the service */

static struct ops_request request_of(struct visit *v)
{
    const struct front_request *r = v->request;
    struct ops_request q = {.method = r->method,
                            .target = r->target,
                            .authority = r->authority,
                            .fields = &r->fields,
                            .body = {v->body, v->len}};
    sha256_end(&v->hash, q.body_sha256);
    return q;
}

static void write_ledger(struct visit *v, const struct ops_request *q)
{
    const struct front_request *r = v->request;
    struct ledger_entry e = {.time_ms = clock_wall_ms(),
                             .operation = v->result.operation,
                             .error = v->result.reply.error,
                             .model = buf_str(&v->result.model),
                             .account = v->result.account,
                             .method = q->method,
                             .target = q->target,
                             .authority = q->authority,
                             .fields = &r->fields,
                             .protocol = protocol_of(r),
                             .tls = r->tls,
                             .status = v->result.reply.status,
                             .charge = v->result.charge,
                             .question = str_of(v->result.question),
                             .body = v->body,
                             .body_bytes = v->len};
    memcpy(e.body_sha256, q->body_sha256, SHA256_BYTES);
    v->body = NULL;
    v->ledger_id = ledger_add(&v->desk->world->ledger, &e);
}

static void think(struct visit *v)
{
    struct ops_request q = request_of(v);
    v->thought = true;
    if (v->desk->control) {
        control_answer(v->desk->world, &q, &v->result);
    } else {
        ops_answer(v->desk->world, &q, &v->result);
        write_ledger(v, &q);
    }
    play(v);
}

static void refuse_size(struct visit *v)
{
    struct refusal why;
    reply_init(&v->result.reply);
    fault_init(&v->result.fault);
    refusal_set(&why, 413, "RequestEntityTooLargeException",
                "Request size exceeds the limit of %d bytes.", OPS_BODY_MOST);
    reply_refuse(&v->result.reply, &why, -1);
    v->thought = true;
    play(v);
}

static bool answers_early(struct visit *v)
{
    struct sha256 nothing = v->hash;
    struct ops_request q = request_of(v);
    v->hash = nothing;
    if (v->desk->control || !ops_early(v->desk->world, &q, &v->result))
        return false;
    v->thought = true;
    write_ledger(v, &q);
    play(v);
    return true;
}

/* --- the sink */

static void *on_request(void *owner, struct front *f, const struct front_request *r)
{
    struct visit *v = mem_new(sizeof *v);
    v->desk = owner;
    v->front = f;
    v->request = r;
    sha256_init(&v->hash);
    timer_init(&v->timer, v->desk->loop, on_time, v);
    if (!v->desk->control)
        ledger_saw(&v->desk->world->ledger, r->peer_addr);
    if (r->content_length > OPS_BODY_MOST)
        refuse_size(v);
    else if (answers_early(v))
        return v;
    else if (r->has_body)
        front_take_body(f, OPS_BODY_MOST);
    else
        think(v);
    return v;
}

static char *body_room(void *ex, size_t want, size_t *out_room)
{
    struct visit *v = ex;
    if (v->len == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : FIRST_ROOM;
        int64_t known = v->request->content_length;
        if (known > 0 && (size_t)known > cap && (size_t)known / 4 < cap)
            cap = (size_t)known;
        if (cap > OPS_BODY_MOST)
            cap = OPS_BODY_MOST;
        char *body = cap > v->cap ? mem_try_grow(v->body, cap) : NULL;
        if (!body) {
            refuse_size(v);
            return NULL;
        }
        v->body = body;
        v->cap = cap;
    }
    *out_room = v->cap - v->len;
    return v->body + v->len;
}

static void on_body(void *ex, size_t n)
{
    struct visit *v = ex;
    sha256_add(&v->hash, (struct str){v->body + v->len, n});
    v->len += n;
}

static void on_body_end(void *ex)
{
    think(ex);
}

static void on_drain(void *ex)
{
    struct visit *v = ex;
    if (v->playing && !timer_running(&v->timer))
        go_on(v);
}

static void on_gone(void *ex, enum front_gone why)
{
    struct visit *v = ex;
    enum ledger_outcome outcome = v->cut == CUT       ? LEDGER_CUT
                                  : why == FRONT_DONE ? LEDGER_SENT
                                                      : LEDGER_LEFT;
    timer_stop(&v->timer);
    if (v->ledger_id)
        ledger_finish(&v->desk->world->ledger, v->ledger_id, outcome, v->sent);
    if (v->thought)
        ops_result_fini(&v->result);
    mem_free(v->body);
    mem_free(v);
}

const struct front_sink desk_sink = {
    .on_request = on_request,
    .body_room = body_room,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_drain = on_drain,
    .on_gone = on_gone,
};
