/* SPDX-License-Identifier: Apache-2.0
 *
 * The in-memory carrier: two conns on one loop, each with an inbox that the other fills. An inbox
 * holds 64 KiB, so that a slow reader blocks its writer as a socket would.
 */
#include "conn_private.h"

#include "weir/base/mem.h"

#include <assert.h>
#include <string.h>

enum { INBOX_BYTES = 64 * 1024 };

struct conn_pipe {
    struct conn *peer; /* NULL: closed */
    struct buf inbox;
    bool ended; /* the peer writes no more */
    bool broken;
};

static struct conn_pipe *pipe_of(const struct conn *c)
{
    return c->carried;
}

static ssize_t memory_peek(struct conn *c, char *dst, size_t n)
{
    struct conn_pipe *p = pipe_of(c);
    size_t have = buf_len(&p->inbox);
    if (have == 0)
        return p->broken ? ERR_IO : p->ended ? ERR_EOF : ERR_AGAIN;
    size_t part = have < n ? have : n;
    memcpy(dst, p->inbox.data + p->inbox.head, part);
    return (ssize_t)part;
}

static ssize_t memory_read(struct conn *c, char *dst, size_t n)
{
    struct conn_pipe *p = pipe_of(c);
    ssize_t got = memory_peek(c, dst, n);
    if (got > 0) {
        buf_consume(&p->inbox, (size_t)got);
        if (p->peer)
            conn_ready(p->peer); /* there is room again */
    }
    return got;
}

static ssize_t memory_write(struct conn *c, const struct iovec *iov, size_t n)
{
    struct conn *peer = pipe_of(c)->peer;
    if (!peer) {
        conn_say(c, "Broken pipe");
        return ERR_IO;
    }
    struct conn_pipe *p = pipe_of(peer);
    size_t put = 0;
    for (size_t i = 0; i < n; i++) {
        size_t room = INBOX_BYTES - buf_len(&p->inbox);
        size_t part = iov[i].iov_len < room ? iov[i].iov_len : room;
        buf_add(&p->inbox, (struct str){iov[i].iov_base, part});
        put += part;
        if (part < iov[i].iov_len)
            break;
    }
    if (put)
        conn_ready(peer);
    return put ? (ssize_t)put : ERR_AGAIN;
}

static int memory_open(struct conn *c)
{
    return 0;
}

static bool memory_pending(const struct conn *c)
{
    const struct conn_pipe *p = pipe_of(c);
    return p && (buf_len(&p->inbox) || p->ended || p->broken);
}

static void memory_end_writing(struct conn *c)
{
    struct conn *peer = pipe_of(c)->peer;
    if (!peer)
        return;
    pipe_of(peer)->ended = true;
    conn_ready(peer);
}

/* A socket closed with bytes unread resets the connection; so does this. */
static void memory_fini(struct conn *c)
{
    struct conn_pipe *p = pipe_of(c);
    if (p->peer) {
        struct conn_pipe *other = pipe_of(p->peer);
        other->peer = NULL;
        other->ended = true;
        other->broken = buf_len(&p->inbox) > 0;
        if (other->broken)
            buf_clear(&other->inbox);
        conn_ready(p->peer);
    }
    buf_fini(&p->inbox);
    mem_free(p);
    c->carried = NULL;
}

const struct conn_carrier conn_memory = {
    .read = memory_read,
    .peek = memory_peek,
    .write = memory_write,
    .open = memory_open,
    .pending = memory_pending,
    .end_writing = memory_end_writing,
    .fini = memory_fini,
};

static struct conn *new_end(struct loop *l)
{
    struct conn *c = conn_new(l, -1, &conn_memory);
    c->carried = mem_new(sizeof(struct conn_pipe));
    conn_set_peer(c, S("memory"));
    return c;
}

void conn_pair(struct loop *l, struct conn **out_a, struct conn **out_b)
{
    struct conn *a = new_end(l), *b = new_end(l);
    pipe_of(a)->peer = b;
    pipe_of(b)->peer = a;
    *out_a = a;
    *out_b = b;
}
