/* SPDX-License-Identifier: Apache-2.0
 *
 * net/h1_server and net/h2_server: a client that says anything, in any cut, to a sink that echoes.
 * The first byte chooses the protocol, what the sink does, and how the rest is cut; for HTTP/2 the
 * preface stands before it. Whatever is said, each request ends exactly once, and nothing is left.
 */
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/net/conn.h"
#include "weir/net/server.h"

#include <assert.h>
#include <string.h>

enum { ROOM = 4096, BODY_MOST = 60000 };

struct exchange {
    struct front *front;
    struct buf body;
    bool gone;
};

static struct loop *loop;
static struct conn *client;
static size_t busy, begun, ended;
static unsigned how;

static void reply(struct exchange *x)
{
    struct field type = {S("content-type"), S("text/plain")};
    front_answer(x->front, 200, &type, 1, false);
    front_send(x->front, buf_str(&x->body), true);
}

static void *on_request(void *owner, struct front *f, const struct front_request *r)
{
    struct exchange *x = mem_new(sizeof *x);
    begun++;
    x->front = f;
    assert(r->target.len && r->target.ptr[0] == '/' && r->fields.n <= FIELDS_MOST);
    for (size_t i = 0; i < r->fields.n; i++)
        assert(fields_name_ok(r->fields.at[i].name) && fields_value_ok(r->fields.at[i].value));
    if (r->has_body && (how & 2))
        front_take_body(f, BODY_MOST);
    else
        reply(x);
    return x;
}

static char *body_room(void *ex, size_t want, size_t *room)
{
    struct exchange *x = ex;
    if (buf_len(&x->body) + ROOM > BODY_MOST)
        return NULL;
    *room = how & 4 ? 7 : ROOM;
    return buf_reserve(&x->body, ROOM);
}

static void on_body(void *ex, size_t n)
{
    buf_commit(&((struct exchange *)ex)->body, n);
}

static void on_body_end(void *ex)
{
    reply(ex);
}

static void on_drain(void *ex)
{
}

static void on_gone(void *ex, enum front_gone why)
{
    struct exchange *x = ex;
    ended++;
    buf_fini(&x->body);
    mem_free(x);
}

static const struct front_sink sink = {on_request,  body_room, on_body,
                                       on_body_end, on_drain,  on_gone};

static void on_client(void *arg, enum conn_event event)
{
    char bytes[4096];
    ssize_t n = ERR_AGAIN;
    while (event == CONN_READABLE && (n = conn_read(client, bytes, sizeof bytes)) > 0)
        ;
    if (event == CONN_READABLE && n != ERR_AGAIN)
        conn_want_read(client, false);
}

static void turns(int n)
{
    while (n--)
        loop_turn(loop, 0);
}

static void say(struct str bytes, size_t cut)
{
    while (bytes.len) {
        struct str part = str_sub(bytes, 0, cut);
        conn_write(client, part);
        bytes = str_from_offset(bytes, part.len);
        turns(2);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    if (n < 1 || n > 8192)
        return 0;
    how = bytes[0];
    bool h2 = how & 1;
    size_t cut = how & 8 ? 1 + (how >> 4) : 8192;
    struct conn *ours;
    struct buf early = {0};
    clock_fake(1000000000, 0);
    loop = loop_new();
    conn_pair(loop, &client, &ours);
    conn_owner(client, on_client, NULL);
    struct server_options o = {loop, &sink, NULL, &busy};
    struct server *s = h2 ? h2_server_new(ours, &o, &early) : h1_server_new(ours, &o, &early);
    if (h2)
        say(S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), cut);
    say((struct str){(const char *)bytes + 1, n - 1}, cut);
    turns(4);
    clock_fake(200000000000, 0); /* every deadline has passed */
    turns(4);
    clock_fake(400000000000, 0);
    turns(4);
    conn_close(client);
    turns(4);
    (void)s; /* gone by itself: its client is */
    loop_free(loop);
    assert(busy == 0 && begun == ended);
    return 0;
}
