/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections: states, the queue of what is to be written, and the events to the owner. A carrier
 * (plain here, conn_tls.c, conn_memory.c) moves the bytes.
 *
 *     CONNECTING > HANDSHAKING > OPEN ---- conn_finish ---> FINISHING > LINGERING > (freed)
 *                  any failure > DEAD      conn_close ----> (freed at the end of the turn)
 *
 * Events are told from the loop only: what an owner's call finds out is noted in tell_* and told
 * at the end of the turn. After each event the conn may be closed; its memory stays until then.
 */
#include "conn_private.h"

#include "weir/base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    LOW_MARK = 16 * 1024,
    MOST_IOV = 64,
    WRITE_SHARE = 1280 * 1024, /* per turn. A socket on loopback takes any amount: 24 MB at once
                                  held the loop for 6.5 ms, this holds it for 0.4 */
    LINGER_MS = 2000,          /* long enough for a round trip and a retransmission */
    FINISH_STALL_MS = 60000    /* as the writing deadline of an answer */
};

/* --- life */

static void on_ready(void *arg, bool readable, bool writable);
static void on_work(void *arg);
static void on_again(void *arg);
static void on_time(void *arg);
static void on_last(void *arg);

struct conn *conn_new(struct loop *l, int fd, const struct conn_carrier *carrier)
{
    struct conn *c = mem_new(sizeof *c);
    c->loop = l;
    c->fd = fd;
    c->carrier = carrier;
    c->want_read = true;
    c->state = CONN_IS_OPEN;
    if (fd >= 0)
        watch_init(&c->watch, l, fd, on_ready, c);
    timer_init(&c->timer, l, on_time, c);
    later_init(&c->work, on_work, c);
    later_init(&c->again, on_again, c);
    later_init(&c->last, on_last, c);
    return c;
}

static void conn_destroy(struct conn *c)
{
    later_cancel(&c->work);
    later_cancel(&c->again);
    buf_fini(&c->copied);
    mem_free(c->spans);
    mem_free(c);
}

void conn_close(struct conn *c)
{
    if (!c || c->closed)
        return;
    c->closed = true;
    c->cb = NULL;
    timer_stop(&c->timer);
    later_cancel(&c->again);
    later_cancel(&c->last);
    c->carrier->fini(c);
    watch_fini(&c->watch);
    if (c->fd >= 0)
        sock_close(c->fd);
    if (c->counted)
        atomic_fetch_sub_explicit(c->counted, 1, memory_order_relaxed);
    loop_later(c->loop, &c->work); /* frees */
}

void conn_reset(struct conn *c)
{
    if (c && c->fd >= 0 && !c->closed)
        sock_reset_on_close(c->fd, true);
    conn_close(c);
}

void conn_hold(struct conn *c, bool on)
{
    unsigned before = c->holds;
    c->holds += on ? 1 : -1u;
    if (c->fd >= 0 && !c->closed && (before == 0 || c->holds == 0))
        sock_reset_on_close(c->fd, on);
}

void conn_count(struct conn *c, _Atomic(int64_t) *open)
{
    assert(!c->counted);
    c->counted = open;
    atomic_fetch_add_explicit(open, 1, memory_order_relaxed);
}

/* --- what the descriptor is watched for */

static bool wants_reading(const struct conn *c)
{
    switch (c->state) {
    case CONN_HANDSHAKING:
        return !c->blocked;
    case CONN_IS_OPEN:
        return c->want_read;
    case CONN_LINGERING:
        return true;
    case CONN_CONNECTING:
    case CONN_FINISHING:
    case CONN_DEAD:
        return false;
    }
    return false;
}

static void rewatch(struct conn *c)
{
    bool writing = c->state == CONN_CONNECTING || c->blocked || c->read_blocked;
    if (c->fd >= 0 && !c->closed)
        watch_set(&c->watch, wants_reading(c), writing && c->state != CONN_DEAD);
}

static void fail(struct conn *c, int error)
{
    if (c->state == CONN_DEAD)
        return;
    bool owned = c->state != CONN_FINISHING && c->state != CONN_LINGERING;
    c->state = CONN_DEAD;
    c->error = error;
    timer_stop(&c->timer);
    rewatch(c);
    c->tell_broken = owned;
    if (owned)
        loop_later(c->loop, &c->work);
    else
        conn_close(c);
}

void conn_say(struct conn *c, const char *format, ...)
{
    if (c->text[0])
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(c->text, sizeof c->text, format, args);
    va_end(args);
}

static void tell(struct conn *c, enum conn_event event)
{
    if (c->cb)
        c->cb(c->arg, event);
}

/* --- the queue */

static bool crossed_mark(size_t before, size_t now)
{
    return (before > LOW_MARK && now <= LOW_MARK) || (before > 0 && now == 0);
}

/* Gathers at most `share` bytes. */
static size_t gather(const struct conn *c, struct iovec *iov, size_t *n, size_t share)
{
    size_t sum = 0, count = conn_queue_gather(c, iov, *n);
    for (*n = 0; *n < count && sum < share; (*n)++) {
        if (iov[*n].iov_len > share - sum)
            iov[*n].iov_len = share - sum;
        sum += iov[*n].iov_len;
    }
    return sum;
}

/* Writes what goes, up to a turn's share: the rest waits as if the socket had taken no more. True
 * when the owner has to hear of it. */
static bool write_out(struct conn *c)
{
    size_t before = c->unwritten, share = WRITE_SHARE;
    while (c->unwritten && !c->blocked) {
        struct iovec iov[MOST_IOV];
        size_t n = MOST_IOV, sum = gather(c, iov, &n, share);
        ssize_t put = c->carrier->write(c, iov, n);
        if (put < 0 && put != ERR_AGAIN) {
            fail(c, (int)put);
            return false;
        }
        if (put > 0)
            conn_queue_drop(c, (size_t)put);
        share -= put > 0 ? (size_t)put : 0;
        c->blocked = put < 0 || (size_t)put < sum || share == 0;
    }
    return crossed_mark(before, c->unwritten);
}

static bool can_write(const struct conn *c)
{
    return !c->closed && (c->state == CONN_IS_OPEN || c->state == CONN_FINISHING);
}

void conn_write(struct conn *c, struct str bytes)
{
    conn_queue_add(c, bytes, true);
    if (c->state == CONN_IS_OPEN)
        loop_later(c->loop, &c->work);
}

struct buf *conn_write_begin(struct conn *c)
{
    conn_queue_room(c);
    c->write_mark = buf_len(&c->copied);
    return &c->copied;
}

void conn_write_done(struct conn *c)
{
    size_t n = buf_len(&c->copied) - c->write_mark;
    if (n)
        conn_queue_added(c, n);
    if (c->state == CONN_IS_OPEN)
        loop_later(c->loop, &c->work);
}

void conn_write_borrowed(struct conn *c, struct str bytes)
{
    conn_queue_add(c, bytes, false);
    if (c->state == CONN_IS_OPEN)
        loop_later(c->loop, &c->work);
}

void conn_flush(struct conn *c)
{
    if (!can_write(c))
        return;
    if (write_out(c)) {
        c->tell_drained = true;
        loop_later(c->loop, &c->work);
    }
    rewatch(c);
}

size_t conn_unwritten(const struct conn *c)
{
    return c->unwritten;
}

uint64_t conn_written(const struct conn *c)
{
    return c->written;
}

/* --- finishing */

static void linger(struct conn *c)
{
    c->carrier->end_writing(c);
    c->state = CONN_LINGERING;
    timer_start(&c->timer, LINGER_MS);
    rewatch(c);
    if (c->carrier->pending(c))
        loop_next_turn(c->loop, &c->again);
}

void conn_finish(struct conn *c)
{
    c->cb = NULL;
    if (c->state != CONN_IS_OPEN) {
        conn_close(c);
        return;
    }
    c->state = CONN_FINISHING;
    timer_start(&c->timer, FINISH_STALL_MS);
    loop_at_end(c->loop, &c->last);
    loop_later(c->loop, &c->work);
}

static void discard(struct conn *c)
{
    char scratch[8192];
    ssize_t n = c->carrier->read(c, scratch, sizeof scratch);
    if (n < 0 && n != ERR_AGAIN)
        conn_close(c);
    else if (c->carrier->pending(c))
        loop_next_turn(c->loop, &c->again);
}

static void finish_writing(struct conn *c)
{
    uint64_t before = c->written;
    (void)write_out(c);
    if (c->closed)
        return;
    if (c->unwritten == 0)
        linger(c);
    else if (c->written > before)
        timer_start(&c->timer, FINISH_STALL_MS);
    rewatch(c);
}

/* --- opening */

static void opened(struct conn *c)
{
    c->state = CONN_IS_OPEN;
    c->blocked = c->read_blocked = false;
    timer_stop(&c->timer);
    c->tell_open = true;
    loop_later(c->loop, &c->work);
    rewatch(c);
}

static void handshake(struct conn *c)
{
    c->state = CONN_HANDSHAKING;
    c->blocked = false;
    int r = c->carrier->open(c); /* sets blocked when it waits for room */
    if (r == 0)
        opened(c);
    else if (r != ERR_AGAIN)
        fail(c, r);
    rewatch(c);
}

static void connected(struct conn *c)
{
    int r = sock_take_error(c->fd);
    if (r < 0) {
        conn_say(c, "%s", sock_reason());
        fail(c, r);
        return;
    }
    handshake(c);
}

static void on_time(void *arg)
{
    struct conn *c = arg;
    if (c->state == CONN_FINISHING || c->state == CONN_LINGERING) {
        conn_close(c);
        return;
    }
    conn_say(c, c->state == CONN_CONNECTING ? "connecting took too long"
                                            : "the TLS handshake took too long");
    fail(c, ERR_TIMEOUT);
}

void conn_open_within(struct conn *c, int64_t ms)
{
    if (c->state == CONN_CONNECTING || c->state == CONN_HANDSHAKING)
        timer_start(&c->timer, ms);
}

static void begin_tls(struct conn *c, struct tls *tls, struct str host)
{
    int r = conn_tls_begin(c, tls, host);
    if (r < 0)
        fail(c, r);
}

struct conn *conn_accept(struct loop *l, int fd, struct tls *tls, conn_callback *cb, void *arg)
{
    struct conn *c = conn_new(l, fd, &conn_plain);
    conn_owner(c, cb, arg);
    if (tls) {
        c->state = CONN_HANDSHAKING;
        begin_tls(c, tls, S(""));
        rewatch(c);
    } else {
        opened(c);
    }
    return c;
}

struct conn *conn_connect(struct loop *l, const struct sockaddr *addr, socklen_t addr_len,
                          struct tls *tls, struct str host, conn_callback *cb, void *arg)
{
    int fd = -1;
    int r = sock_connect(addr, addr_len, &fd);
    struct conn *c = conn_new(l, fd, &conn_plain);
    conn_owner(c, cb, arg);
    c->client = true;
    c->state = CONN_CONNECTING;
    sock_addr_text(addr, c->peer);
    if (r < 0 && r != ERR_AGAIN) {
        conn_say(c, "%s", sock_reason());
        fail(c, r);
        return c;
    }
    if (tls)
        begin_tls(c, tls, host);
    rewatch(c); /* also when it is connected already: it is writable then */
    return c;
}

void conn_start_tls(struct conn *c, struct tls *tls, struct str host)
{
    assert(c->state == CONN_IS_OPEN && c->carrier == &conn_plain && c->unwritten == 0);
    c->state = CONN_HANDSHAKING;
    c->client = host.len > 0;
    c->dry = c->tell_open = false; /* it is not open now, whatever was about to be told */
    begin_tls(c, tls, host);
    if (c->client && c->state == CONN_HANDSHAKING)
        handshake(c); /* the first word is ours */
    rewatch(c);
}

void conn_owner(struct conn *c, conn_callback *cb, void *arg)
{
    c->cb = cb;
    c->arg = arg;
}

/* --- reading */

/* What came before writing failed: an origin's early answer, read by who was just told so. */
static ssize_t read_leftover(struct conn *c, char *dst, size_t n)
{
    bool plain = c->carrier == &conn_plain && c->fd >= 0 && !c->closed;
    ssize_t got = plain ? c->carrier->read(c, dst, n) : c->error;
    return got > 0 ? got : c->error;
}

ssize_t conn_read(struct conn *c, char *dst, size_t n)
{
    if (c->state == CONN_DEAD)
        return read_leftover(c, dst, n);
    if (c->closed || c->state != CONN_IS_OPEN)
        return c->error ? c->error : ERR_AGAIN;
    c->dry = false;
    ssize_t got = c->carrier->read(c, dst, n);
    c->dry |= got == ERR_AGAIN;
    if (c->read_blocked)
        rewatch(c);
    return got;
}

ssize_t conn_peek(struct conn *c, char *dst, size_t n)
{
    return c->carrier->peek(c, dst, n);
}

/* Bytes in the carrier's own memory wake nobody: come back by ourselves. */
static void look_again(struct conn *c)
{
    if (!c->closed && c->state == CONN_IS_OPEN && c->want_read && !c->dry && c->carrier->pending(c))
        loop_next_turn(c->loop, &c->again);
}

void conn_want_read(struct conn *c, bool wanted)
{
    if (c->want_read == wanted)
        return;
    c->want_read = wanted;
    rewatch(c);
    if (wanted)
        look_again(c);
    else
        later_cancel(&c->again);
}

static void readable_now(struct conn *c)
{
    c->dry = c->read_blocked = false;
    tell(c, CONN_READABLE);
    look_again(c);
}

/* --- from the loop */

static void on_ready(void *arg, bool readable, bool writable)
{
    struct conn *c = arg;
    bool read_goes_on = writable && c->read_blocked;
    if (writable)
        c->blocked = false;
    switch (c->state) {
    case CONN_CONNECTING:
        connected(c);
        break;
    case CONN_HANDSHAKING:
        handshake(c);
        break;
    case CONN_IS_OPEN:
        if (writable && write_out(c))
            tell(c, CONN_DRAINED);
        if (c->state == CONN_IS_OPEN && !c->closed && c->want_read && (readable || read_goes_on))
            readable_now(c);
        rewatch(c);
        break;
    case CONN_FINISHING:
        finish_writing(c);
        break;
    case CONN_LINGERING:
        discard(c);
        break;
    case CONN_DEAD:
        break;
    }
}

void conn_ready(struct conn *c)
{
    c->dry = false;
    loop_next_turn(c->loop, &c->again);
}

static void on_again(void *arg)
{
    struct conn *c = arg;
    on_ready(c, c->carrier->pending(c), c->fd < 0 && c->blocked);
}

static void on_last(void *arg)
{
    conn_close(arg);
}

static void on_work(void *arg)
{
    struct conn *c = arg;
    if (c->closed) {
        conn_destroy(c);
        return;
    }
    if (c->tell_open) {
        c->tell_open = false;
        tell(c, CONN_OPEN);
        look_again(c);
    }
    if (c->state == CONN_FINISHING) {
        finish_writing(c);
        return;
    }
    bool drained = can_write(c) && write_out(c);
    drained |= c->tell_drained;
    c->tell_drained = false;
    if (drained && c->state == CONN_IS_OPEN)
        tell(c, CONN_DRAINED);
    rewatch(c);
    if (c->tell_broken && !c->closed) {
        c->tell_broken = false;
        tell(c, CONN_BROKEN);
    }
}

/* --- what is known of it */

int conn_error(const struct conn *c)
{
    return c->error;
}

const char *conn_error_text(const struct conn *c)
{
    return c->text[0] ? c->text : err_word(c->error);
}

bool conn_is_tls(const struct conn *c)
{
    return c->carrier == &conn_tls;
}

struct str conn_alpn(const struct conn *c)
{
    return conn_is_tls(c) ? conn_tls_alpn(c) : S("");
}

struct str conn_peer_name(const struct conn *c)
{
    return conn_is_tls(c) ? conn_tls_peer_name(c) : S("");
}

struct str conn_peer_addr(const struct conn *c)
{
    return str_of(c->peer);
}

void conn_set_peer(struct conn *c, struct str addr)
{
    snprintf(c->peer, sizeof c->peer, "%.*s", STR_ARG(addr));
}
