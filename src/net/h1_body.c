/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of HTTP/1 requests. One with a length, and the inside of a large chunk, is read from the
 * socket straight into the sink's memory; chunk framing and small chunks pass through `in`.
 */
#include "h1_private.h"
#include "weir/base/limits.h"

#include <assert.h>
#include <string.h>

enum {
    READ_PER_TURN = 256 * 1024, /* others want their turn */
    CHUNK_READ = 16 * 1024      /* of chunked bytes that pass through `in` */
};

static void body_over(struct h1_server *h)
{
    h->body = H1_BODY_NONE;
    h->o.sink->on_body_end(h->ex);
}

/* Room for body bytes; NULL when reading rests (then the state says why). */
static char *room_for(struct h1_server *h, size_t want, size_t *room)
{
    char *at = h->o.sink->body_room(h->ex, want, room);
    if (h->body != H1_BODY_TAKEN)
        return NULL; /* answered inside the call */
    if (at)
        return at;
    h->body = H1_BODY_PAUSED;
    h->paused_since_ms = loop_now_ms(h->o.loop);
    conn_want_read(h->conn, false);
    return NULL;
}

static void count_body(struct h1_server *h, size_t n)
{
    h->body_bytes += n;
    h->body_seen_ms = loop_now_ms(h->o.loop);
    h->o.sink->on_body(h->ex, n);
}

/* Moves some of `from` into the sink; how much. */
static size_t give(struct h1_server *h, struct str from)
{
    size_t room = 0;
    char *at = room_for(h, from.len, &room);
    if (!at)
        return 0;
    size_t n = from.len < room ? from.len : room;
    memcpy(at, from.ptr, n);
    count_body(h, n);
    return n;
}

/* Reads up to `want` bytes of body from the conn straight into the sink. > 0; 0 when the sink has
 * no room or has answered; else conn_read's ERR_*. *out_short: the conn had no more. */
static ssize_t read_into_sink(struct h1_server *h, uint64_t want, struct str *out, bool *out_short)
{
    size_t room = 0;
    size_t most = want < READ_PER_TURN ? (size_t)want : READ_PER_TURN;
    char *at = room_for(h, most, &room);
    if (!at)
        return 0;
    if (room > most)
        room = most;
    ssize_t n = conn_read(h->conn, at, room);
    if (n > 0) {
        *out = (struct str){at, (size_t)n};
        *out_short = (size_t)n < room;
    }
    return n;
}

static void reading_failed(struct h1_server *h, ssize_t n)
{
    if (n != ERR_AGAIN && n < 0)
        h1_leave(h, FRONT_LEFT);
}

static void take_counted(struct h1_server *h)
{
    while (h->body == H1_BODY_TAKEN && h->rest.len) {
        size_t n = give(h, h->rest);
        h->rest = str_from_offset(h->rest, n);
        h->body_left -= n;
    }
    size_t turn = 0;
    bool was_short = false;
    while (h->body == H1_BODY_TAKEN && h->body_left && !was_short && turn < READ_PER_TURN) {
        struct str got;
        ssize_t n = read_into_sink(h, h->body_left, &got, &was_short);
        if (n <= 0) {
            reading_failed(h, n);
            return;
        }
        h->body_left -= (size_t)n;
        turn += (size_t)n;
        count_body(h, (size_t)n);
    }
    if (h->body == H1_BODY_TAKEN && h->body_left == 0)
        body_over(h);
}

/* Gives the chunk bytes at hand away; false when reading rests. */
static bool give_piece(struct h1_server *h)
{
    while (h->piece.len) {
        size_t n = give(h, h->piece);
        h->piece = str_from_offset(h->piece, n);
        if (h->body != H1_BODY_TAKEN)
            break;
    }
    if (h->piece.len)
        return false;
    buf_consume(&h->in, h->piece_used);
    h->piece_used = 0;
    return h->body == H1_BODY_TAKEN;
}

/* Decodes what stands in `in`. False when that ends the matter for now. */
static bool decode_chunks(struct h1_server *h)
{
    while (give_piece(h) && buf_len(&h->in)) {
        struct http1_fault fault;
        struct str data = {0};
        int r = http1_chunk_next(&h->chunks, buf_str(&h->in), &h->piece_used, &data, &fault);
        if (r < 0) {
            h1_refuse(h, fault.status, fault.sentence, FRONT_BAD);
            return false;
        }
        if (r == HTTP1_CHUNK_DATA)
            h->piece = data;
        else if (r == HTTP1_CHUNK_END) {
            buf_consume(&h->in, h->piece_used);
            h->piece_used = 0;
            body_over(h);
            return false;
        }
    }
    return h->body == H1_BODY_TAKEN;
}

/* Inside a large chunk bytes go straight into the sink; the decoder only counts them. */
static ssize_t read_in_chunk(struct h1_server *h, bool *out_short)
{
    struct str got, data;
    struct http1_fault fault;
    size_t used;
    ssize_t n = read_into_sink(h, http1_chunk_left(&h->chunks), &got, out_short);
    if (n <= 0)
        return n;
    int r = http1_chunk_next(&h->chunks, got, &used, &data, &fault);
    assert(r == HTTP1_CHUNK_DATA && used == got.len && data.len == got.len);
    count_body(h, got.len);
    return n;
}

static ssize_t read_framing(struct h1_server *h, bool *out_short)
{
    ssize_t n = conn_read(h->conn, buf_reserve(&h->in, CHUNK_READ), CHUNK_READ);
    if (n > 0)
        buf_commit(&h->in, (size_t)n);
    *out_short = n < CHUNK_READ;
    return n;
}

static void take_chunked(struct h1_server *h)
{
    size_t turn = 0;
    bool was_short = false;
    while (decode_chunks(h) && !was_short && turn < READ_PER_TURN) {
        ssize_t n = http1_chunk_left(&h->chunks) >= CHUNK_READ ? read_in_chunk(h, &was_short)
                                                               : read_framing(h, &was_short);
        if (n <= 0) {
            reading_failed(h, n);
            return;
        }
        turn += (size_t)n;
    }
}

void h1_take(struct h1_server *h)
{
    h->in_call = true;
    if (h->chunked)
        take_chunked(h);
    else
        take_counted(h);
    h->in_call = false;
    if (!h->dead && h->body == H1_BODY_TAKEN)
        h1_arm(h, H1_CHECK_MS);
}

static void go_on_later(struct h1_server *h)
{
    if (!h->in_call)
        loop_later(h->o.loop, &h->go_on);
}

void h1_take_body(struct front *f, uint64_t max_bytes)
{
    struct h1_server *h = h1_of(f);
    if (h->body != H1_BODY_WAITING)
        return;
    h->body = H1_BODY_TAKEN;
    h->body_since_ms = h->body_seen_ms = loop_now_ms(h->o.loop);
    conn_want_read(h->conn, !h->eof);
    if (h->expects_continue && h->rest.len == 0 && buf_len(&h->in) == 0)
        h1_answer_continue(h);
    go_on_later(h);
}

void h1_resume(struct front *f)
{
    struct h1_server *h = h1_of(f);
    if (h->body != H1_BODY_PAUSED)
        return;
    int64_t now = loop_now_ms(h->o.loop);
    h->body = H1_BODY_TAKEN;
    h->body_since_ms += now - h->paused_since_ms; /* the pause was ours */
    h->body_seen_ms = now;
    conn_want_read(h->conn, true);
    loop_later(h->o.loop, &h->go_on);
}

void h1_drop_body(struct h1_server *h)
{
    if (h->body == H1_BODY_NONE)
        return;
    h->body = H1_BODY_DROPPED;
    h->keep = false;
    conn_want_read(h->conn, false);
}
