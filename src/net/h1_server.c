/* SPDX-License-Identifier: Apache-2.0
 *
 * The reading half of an HTTP/1 server connection, and its life.
 *
 *     idle > head > request ---- body ---- answer ----> idle > ...
 *              \ fault: answered here, closed      \ close, lingering
 *
 * One request at a time. A body by length is read straight into the sink's memory; what comes
 * behind the request is read ahead up to a bound (so that a client that leaves is noticed) and
 * looked at when the answer is gone. Deadlines are moments written down and looked at by one
 * coarse timer, so that a request starts none.
 */
#include "h1_private.h"
#include "weir/base/clock.h"
#include "weir/base/limits.h"
#include "weir/base/mem.h"

#include <string.h>

enum {
    FIRST_READ = 4 * 1024,           /* a head and a small body in one read */
    HEAD_MOST = FIELDS_BYTES + 4096, /* the scan refuses a longer one before */
};

/* --- life */

static void free_now(void *arg)
{
    struct h1_server *h = arg;
    buf_fini(&h->head);
    buf_fini(&h->in);
    mem_free(h);
}

/* Lets go of everything but the conn, which was closed or finishes by itself. */
static void die(struct h1_server *h)
{
    if (h->dead)
        return;
    h->dead = true;
    h->conn = NULL;
    list_remove(&h->server.node);
    timer_stop(&h->timer);
    later_cancel(&h->go_on);
    h->go_on.run = free_now;
    loop_later(h->o.loop, &h->go_on);
}

void h1_hold(struct front *f, bool on)
{
    struct h1_server *h = h1_of(f);
    if (h->held != on && h->conn)
        conn_hold(h->conn, on);
    h->held = on;
}

static void tell_gone(struct h1_server *h, enum front_gone why)
{
    if (!h->busy)
        return;
    h1_hold(&h->front, false);
    h->busy = false;
    (*h->o.busy)--;
    h->o.sink->on_gone(h->ex, why);
}

/* The client is not there any more, or shall believe that we are not. What the sink looks at in
 * on_gone (names, addresses) is the conn's, so that closes last. */
void h1_leave(struct h1_server *h, enum front_gone why)
{
    struct conn *c = h->conn;
    if (h->dead)
        return;
    die(h);
    tell_gone(h, why);
    if (h->aborted)
        conn_reset(c);
    else
        conn_close(c);
}

/* Our last words are queued: the conn writes them and ends. */
static void finish(struct h1_server *h, enum front_gone why)
{
    struct conn *c = h->conn;
    die(h);
    tell_gone(h, why);
    conn_finish(c);
}

/* Answers what cannot be answered above, unless an answer is on its way. */
void h1_refuse(struct h1_server *h, int status, const char *sentence, enum front_gone why)
{
    if (h->busy && h->answered) {
        h1_leave(h, why);
        return;
    }
    const struct front_refusal r = {FRONT_H1_1, conn_peer_addr(h->conn), status, sentence};
    h1_answer_fault(h, status, sentence);
    if (h->o.sink->on_refused)
        h->o.sink->on_refused(h->o.owner, h->busy ? h->ex : NULL, &r);
    finish(h, why);
}

/* --- deadlines */

void h1_arm(struct h1_server *h, int64_t ms)
{
    int64_t at = loop_now_ms(h->o.loop) + ms;
    if (h->dead || h->timer_at_ms <= at)
        return;
    h->timer_at_ms = at;
    timer_start(&h->timer, ms);
}

static bool body_too_slow(const struct h1_server *h, int64_t now)
{
    int64_t took = now - h->body_since_ms - LIMIT_BODY_GRACE_MS;
    return now - h->body_seen_ms >= LIMIT_BODY_IDLE_MS ||
           (took > 0 && (int64_t)h->body_bytes < took * LIMIT_BODY_BYTES_PER_S / 1000);
}

static bool writing_stalls(struct h1_server *h, int64_t now)
{
    if (h->write_seen != conn_written(h->conn) || conn_unwritten(h->conn) == 0) {
        h->write_seen = conn_written(h->conn);
        h->write_seen_ms = now;
    }
    return now - h->write_seen_ms >= LIMIT_WRITE_STALL_MS;
}

/* While a request is on. Ms until the next look; 0 when the connection is gone. */
static int64_t look_at_request(struct h1_server *h, int64_t now)
{
    if (h->answered && writing_stalls(h, now)) {
        h->aborted = true;
        h1_leave(h, FRONT_LEFT);
        return 0;
    }
    if (h->body == H1_BODY_TAKEN && body_too_slow(h, now)) {
        h1_refuse(h, 408, "The request body came too slowly.", FRONT_LEFT);
        return 0;
    }
    return h->body == H1_BODY_TAKEN ? H1_CHECK_MS : LIMIT_WRITE_STALL_MS / 4;
}

static int64_t look_at_idle(struct h1_server *h, int64_t now)
{
    if (buf_len(&h->in)) {
        int64_t left = h->head_since_ms + LIMIT_HEAD_MS - now;
        if (left > 0)
            return left;
        h1_refuse(h, 408, "The request head did not come within 10 seconds.", FRONT_LEFT);
        return 0;
    }
    int64_t idle = now - h->idle_since_ms;
    if (idle >= LIMIT_IDLE_MS) {
        h1_leave(h, FRONT_LEFT);
        return 0;
    }
    if (idle >= LIMIT_IDLE_BUFFER_MS) {
        buf_fini(&h->in);
        buf_fini(&h->head);
        return LIMIT_IDLE_MS - idle;
    }
    return LIMIT_IDLE_BUFFER_MS - idle;
}

static void on_timer(void *arg)
{
    struct h1_server *h = arg;
    int64_t now = loop_now_ms(h->o.loop);
    h->timer_at_ms = INT64_MAX;
    int64_t ms = h->busy ? look_at_request(h, now) : look_at_idle(h, now);
    if (ms > 0)
        h1_arm(h, ms);
}

/* --- what the sink asked for */

static void on_drained(struct h1_server *h);

static void on_go_on(void *arg)
{
    struct h1_server *h = arg;
    if (h->aborted)
        h1_leave(h, FRONT_LEFT);
    else if (h->ended)
        on_drained(h);
    else if (h->busy && h->body == H1_BODY_TAKEN)
        h1_take(h);
}

void h1_abort(struct front *f)
{
    struct h1_server *h = h1_of(f);
    h->aborted = true;
    loop_later(h->o.loop, &h->go_on);
}

/* --- the request */

static void note_request(struct h1_server *h, const struct http1_request *r, int64_t began_ns)
{
    struct front_request *q = &h->request;
    q->version = r->minor == 0 ? FRONT_H1_0 : FRONT_H1_1;
    q->method = r->method;
    q->target = r->target;
    q->authority = r->authority;
    q->fields.n = r->fields.n;
    memcpy(q->fields.at, r->fields.at, r->fields.n * sizeof *r->fields.at);
    q->has_body = r->chunked || r->content_length > 0;
    q->content_length = r->content_length;
    q->peer_addr = conn_peer_addr(h->conn);
    q->peer_name = conn_peer_name(h->conn);
    q->tls = conn_is_tls(h->conn);
    q->began_ns = began_ns;
    h->chunked = r->chunked;
    h->expects_continue = r->expect_continue;
    h->keep = r->keep_alive && !h->draining;
    h->body = q->has_body ? H1_BODY_WAITING : H1_BODY_NONE;
    h->body_left = r->content_length > 0 ? (uint64_t)r->content_length : 0;
}

/* What stands behind the head: body bytes of a counted body stay where they are, the rest is for
 * the chunk decoder or the next request. */
static void split_rest(struct h1_server *h, size_t head_len)
{
    struct str rest = str_from_offset(buf_str(&h->head), head_len);
    size_t body = rest.len < h->body_left ? rest.len : (size_t)h->body_left;
    h->rest = str_sub(rest, 0, body);
    buf_add(&h->in, str_from_offset(rest, body));
}

static void begin(struct h1_server *h, size_t head_len, const struct http1_request *r,
                  int64_t began_ns)
{
    note_request(h, r, began_ns);
    split_rest(h, head_len);
    h->scan = (struct http1_head_scan){0};
    h->chunks = (struct http1_chunked){0};
    h->body_bytes = 0;
    h->answered = h->ended = h->answer_chunked = h->answer_counted = h->bodyless = h->full = false;
    h->busy = true;
    (*h->o.busy)++;
    h->in_call = true;
    h->ex = h->o.sink->on_request(h->o.owner, &h->front, &h->request);
    h->in_call = false;
    if (h->body == H1_BODY_TAKEN && !h->aborted)
        h1_take(h);
}

/* Looks whether a whole head is there. */
static void look_for_head(struct h1_server *h)
{
    struct http1_fault fault;
    struct http1_request r;
    ssize_t len = http1_head_end(&h->scan, buf_str(&h->in), false, &fault);
    if (len == 0 && h->eof) {
        h1_leave(h, FRONT_LEFT);
        return;
    }
    if (len == 0) {
        h1_arm(h, LIMIT_HEAD_MS);
        return;
    }
    /* The head's memory becomes the request's; the other buffer is used for what follows. */
    struct buf spare = h->head;
    h->head = h->in;
    h->in = spare;
    buf_clear(&h->in);
    char *head = h->head.data + h->head.head;
    if (len < 0 || http1_parse_request(head, (size_t)len, &r, &fault) < 0) {
        h1_refuse(h, fault.status, fault.sentence, FRONT_BAD);
        return;
    }
    begin(h, (size_t)len, &r, h->began_ns);
}

static void read_head(struct h1_server *h)
{
    size_t have = buf_len(&h->in), want = have < FIRST_READ ? FIRST_READ - have : have;
    if (have + want > HEAD_MOST)
        want = HEAD_MOST - have;
    ssize_t n = conn_read(h->conn, buf_reserve(&h->in, want), want);
    if (n == ERR_AGAIN)
        return;
    if (n <= 0) { /* between two requests, or a head that breaks off: nobody to answer to */
        h1_leave(h, FRONT_LEFT);
        return;
    }
    if (have == 0) {
        h->head_since_ms = loop_now_ms(h->o.loop);
        h->began_ns = clock_mono_ns();
    }
    buf_commit(&h->in, (size_t)n);
    look_for_head(h);
}

/* While the answer is on its way: bytes of the next request are kept up to a bound. */
static void read_ahead(struct h1_server *h)
{
    size_t have = buf_len(&h->in);
    size_t want = have < LIMIT_READ_AHEAD_BYTES ? LIMIT_READ_AHEAD_BYTES - have : 0;
    if (want > FIRST_READ)
        want = FIRST_READ;
    ssize_t n = want ? conn_read(h->conn, buf_reserve(&h->in, want), want) : 0;
    if (n > 0) {
        buf_commit(&h->in, (size_t)n);
    } else if (n == ERR_EOF) { /* half-closed: the answer is still wanted */
        h->eof = true;
        conn_want_read(h->conn, false);
        if (h->o.sink->on_half_closed)
            h->o.sink->on_half_closed(h->ex);
    } else if (n == 0) {
        conn_want_read(h->conn, false);
    } else if (n != ERR_AGAIN) {
        h1_leave(h, FRONT_LEFT);
    }
}

/* --- between requests */

static void next_request(struct h1_server *h)
{
    h->ex = NULL;
    buf_clear(&h->head);
    h->idle_since_ms = loop_now_ms(h->o.loop);
    if (buf_len(&h->in)) {
        h->head_since_ms = h->idle_since_ms;
        h->began_ns = clock_mono_ns();
        look_for_head(h);
    } else if (h->eof) { /* half-closed, and nothing more was asked */
        finish(h, FRONT_LEFT);
        return;
    } else {
        h1_arm(h, LIMIT_IDLE_BUFFER_MS);
    }
    if (!h->dead && !h->eof && h->body != H1_BODY_PAUSED)
        conn_want_read(h->conn, true);
}

static void answer_gone(struct h1_server *h)
{
    if (!h->keep || h->draining) {
        finish(h, FRONT_DONE);
        return;
    }
    tell_gone(h, FRONT_DONE);
    if (!h->dead)
        next_request(h);
}

static void on_drained(struct h1_server *h)
{
    if (!h->busy)
        return;
    if (h->ended && conn_unwritten(h->conn) == 0) {
        answer_gone(h);
    } else if (h->full && !h->ended && conn_unwritten(h->conn) <= FRONT_LOW_MARK) {
        h->full = false;
        h->o.sink->on_drain(h->ex);
    }
}

static void on_readable(struct h1_server *h)
{
    if (!h->busy)
        read_head(h);
    else if (h->body == H1_BODY_TAKEN)
        h1_take(h);
    else if (h->body == H1_BODY_NONE)
        read_ahead(h);
    else
        conn_want_read(h->conn, false);
}

static void on_conn(void *arg, enum conn_event event)
{
    struct h1_server *h = arg;
    switch (event) {
    case CONN_OPEN:
        break;
    case CONN_READABLE:
        on_readable(h);
        break;
    case CONN_DRAINED:
        on_drained(h);
        break;
    case CONN_BROKEN:
        h1_leave(h, FRONT_LEFT);
        break;
    }
}

static void on_start(void *arg)
{
    struct h1_server *h = arg;
    later_init(&h->go_on, on_go_on, h);
    next_request(h);
}

static void drain(struct server *s)
{
    struct h1_server *h = (struct h1_server *)(void *)s;
    h->draining = true;
    if (!h->busy && buf_len(&h->in) == 0)
        finish(h, FRONT_LEFT);
}

static void free_server(struct server *s)
{
    h1_leave((struct h1_server *)(void *)s, FRONT_LEFT);
}

struct server *h1_server_new(struct conn *c, const struct server_options *o, struct buf *early)
{
    static const struct server_kind kind = {.drain = drain, .free = free_server};
    struct h1_server *h = mem_new(sizeof *h);
    h->server.kind = &kind;
    list_init(&h->server.node);
    h->front.kind = &h1_front;
    h->o = *o;
    h->conn = c;
    h->in = *early;
    *early = (struct buf){0};
    h->timer_at_ms = INT64_MAX;
    timer_init(&h->timer, o->loop, on_timer, h);
    later_init(&h->go_on, on_start, h);
    conn_owner(c, on_conn, h);
    loop_later(o->loop, &h->go_on);
    return &h->server;
}
