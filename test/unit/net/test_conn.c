/* SPDX-License-Identifier: Apache-2.0
 *
 * net/conn: the queue, the events and the ends, on a pair in memory and on a pair of sockets.
 */
#include "../../../src/net/conn_private.h"
#include "weir/base/buf.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/net/conn.h"
#include "weir/net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dead.h"

struct end {
    struct conn *c;
    struct buf got;
    unsigned opened, drained, broken, readable;
    ssize_t last;       /* what conn_read said last */
    bool leave_it;      /* does not read */
    size_t most;        /* per event; 0: all */
    bool close_at_once; /* in the next event */
};

static void on_end(void *arg, enum conn_event event)
{
    struct end *e = arg;
    e->opened += event == CONN_OPEN;
    e->drained += event == CONN_DRAINED;
    e->broken += event == CONN_BROKEN;
    e->readable += event == CONN_READABLE;
    if (e->close_at_once) {
        conn_close(e->c);
        e->c = NULL;
        return;
    }
    if (event != CONN_READABLE || e->leave_it)
        return;
    for (size_t taken = 0; !e->most || taken < e->most;) {
        size_t n = e->most ? e->most : 10000;
        e->last = conn_read(e->c, buf_reserve(&e->got, n), n);
        if (e->last <= 0) {
            if (e->last != ERR_AGAIN)
                conn_want_read(e->c, false);
            return;
        }
        buf_commit(&e->got, (size_t)e->last);
        taken += (size_t)e->last;
    }
}

static struct loop *loop;
static struct end a, b;

static void own(struct end *e, struct conn *c)
{
    *e = (struct end){.c = c};
    conn_owner(c, on_end, e);
}

static int setup_memory(void **state)
{
    struct conn *ca, *cb;
    loop = loop_new();
    conn_pair(loop, &ca, &cb);
    own(&a, ca);
    own(&b, cb);
    return 0;
}

static int a_fd;

static int setup_sockets(void **state)
{
    int fd[2];
    loop = loop_new();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
        return -1;
    a = b = (struct end){0};
    a_fd = fd[0];
    a.c = conn_accept(loop, fd[0], NULL, on_end, &a);
    b.c = conn_accept(loop, fd[1], NULL, on_end, &b);
    return 0;
}

static int teardown(void **state)
{
    conn_close(a.c);
    conn_close(b.c);
    loop_free(loop);
    buf_fini(&a.got);
    buf_fini(&b.got);
    clock_real();
    return 0;
}

static void turns(int n)
{
    while (n--)
        loop_turn(loop, 0);
}

static void keeps_the_order(void **state)
{
    conn_write(a.c, S("one "));
    conn_write(a.c, S("two "));
    conn_write_borrowed(a.c, S("three "));
    conn_write(a.c, S("four "));
    conn_flush(a.c);
    assert_int_equal(conn_unwritten(a.c), 0); /* it does not wait for the end of the turn */
    conn_write(a.c, S("five "));
    conn_write(a.c, S("six"));
    assert_int_equal(conn_unwritten(a.c), 8);
    turns(5);
    assert_string_equal(buf_cstr(&b.got), "one two three four five six");
    assert_int_equal(conn_written(a.c), 27);
    assert_true(a.drained >= 1);
    assert_int_equal(b.last, ERR_AGAIN);
    conn_write(b.c, S("back"));
    turns(5);
    assert_string_equal(buf_cstr(&a.got), "back");
}

/* Two requests of a connection are held, and one is answered. */
static void is_reset_while_it_is_held(void **state)
{
    static const struct {
        bool on;
        int wanted;
    } steps[] = {{true, 1}, {true, 1}, {false, 1}, {false, 0}};
    struct linger got;
    socklen_t len = sizeof got;
    for (size_t i = 0; i < 4; i++) {
        conn_hold(a.c, steps[i].on);
        assert_int_equal(getsockopt(a_fd, SOL_SOCKET, SO_LINGER, &got, &len), 0);
        assert_int_equal(got.l_onoff, steps[i].wanted);
        assert_int_equal(got.l_linger, 0);
    }
}

static char *pattern(size_t n)
{
    char *bytes = mem_new(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 31 % 251);
    return bytes;
}

/* A reader that takes nothing blocks the writer; a slow one lets it go on bit by bit, through
 * copied, borrowed and kept bytes, and nothing is lost or doubled. */
static void a_slow_reader(void **state)
{
    enum { PART = 300000, PARTS = 4 };
    char *bytes = pattern((size_t)PART * PARTS);
    b.leave_it = true;
    conn_write(a.c, (struct str){bytes, PART});
    conn_write_borrowed(a.c, (struct str){bytes + PART, PART});
    char *own_copy = mem_new(PART);
    memcpy(own_copy, bytes + 2 * PART, PART);
    conn_write_borrowed(a.c, (struct str){own_copy, PART});
    conn_flush(a.c);
    conn_keep_borrowed(a.c);
    memset(own_copy, 'x', PART); /* what is left was copied */
    conn_write_borrowed(a.c, (struct str){bytes + 3 * PART, PART});
    turns(5);
    assert_true(conn_unwritten(a.c) > 0 && conn_written(a.c) > 0);
    assert_int_equal(conn_unwritten(a.c) + conn_written(a.c), PART * PARTS);
    assert_int_equal(a.drained, 0);
    conn_want_read(b.c, false);
    turns(3);
    unsigned told = b.readable;
    turns(3);
    assert_int_equal(b.readable, told); /* not while it is not wanted */
    b.leave_it = false;
    b.most = 7777;
    conn_want_read(b.c, true);
    turns(800);
    assert_int_equal(conn_unwritten(a.c), 0);
    assert_int_equal(buf_len(&b.got), PART * PARTS);
    assert_memory_equal(b.got.data + b.got.head, bytes, PART * PARTS);
    assert_true(a.drained >= 1 && a.drained <= 3);
    mem_free(own_copy);
    mem_free(bytes);
}

static void the_end_of_the_stream(void **state)
{
    conn_write(a.c, S("bye"));
    conn_finish(a.c);
    a.c = NULL;
    turns(5);
    assert_string_equal(buf_cstr(&b.got), "bye");
    assert_int_equal(b.last, ERR_EOF);
    conn_write(b.c, S("thrown away"));
    turns(3);
    assert_int_equal(b.broken, 0); /* the other side lingers and reads */
    conn_close(b.c);
    b.c = NULL;
    turns(3); /* and is freed now: the leak checker watches */
}

static void lingering_ends(void **state)
{
    clock_fake(1000000000, 0);
    conn_finish(a.c);
    a.c = NULL;
    turns(3);
    clock_fake(4000000000, 0); /* 3 s later */
    turns(3);
    conn_write(b.c, S("anybody?"));
    turns(3);
    conn_write(b.c, S("anybody?"));
    turns(3);
    assert_int_equal(b.broken, 1);
    assert_int_equal(conn_error(b.c), ERR_IO);
    assert_string_equal(conn_error_text(b.c), "Broken pipe");
    assert_int_equal(conn_read(b.c, (char[1]){0}, 1), ERR_IO);
}

static void a_reset(void **state)
{
    b.leave_it = true;
    conn_write(a.c, S("unread"));
    turns(3);
    conn_want_read(b.c, false);
    conn_close(b.c); /* with bytes unread */
    b.c = NULL;
    turns(3);
    assert_int_equal(a.last, ERR_IO);
}

static void closing_in_a_callback(void **state)
{
    turns(2);
    b.close_at_once = true;
    conn_write(a.c, S("x"));
    turns(3);
    assert_null(b.c);
    assert_true(a.last == ERR_EOF || a.last == ERR_IO);
    a.close_at_once = true;
    conn_write(a.c, S("x"));
    turns(3);
}

static void counts_until_closed(void **state)
{
    static _Atomic(int64_t) open;
    conn_count(a.c, &open);
    conn_count(b.c, &open);
    assert_int_equal(open, 2);
    conn_finish(a.c);
    a.c = NULL;
    turns(2);
    assert_int_equal(open, 2); /* still finishing */
    conn_close(b.c);
    b.c = NULL;
    turns(3);
    assert_int_equal(open, 0);
}

static void tells_when_open(void **state)
{
    assert_int_equal(a.opened, 0); /* not from inside conn_accept */
    turns(1);
    assert_int_equal(a.opened, 1);
    assert_false(conn_is_tls(a.c));
    assert_int_equal(conn_alpn(a.c).len, 0);
    char peeked[3];
    conn_write(a.c, S("abc"));
    b.leave_it = true;
    turns(3);
    assert_int_equal(conn_peek(b.c, peeked, 2), 2);
    assert_int_equal(conn_read(b.c, peeked, 3), 3);
    assert_memory_equal(peeked, "abc", 3);
    conn_set_peer(a.c, S("192.0.2.1:4711"));
    assert_true(str_eq(conn_peer_addr(a.c), S("192.0.2.1:4711")));
}

static void a_real_connection(void **state)
{
    struct sockaddr_storage addr, peer;
    socklen_t len, peer_len;
    int listening = -1;
    loop = loop_new();
    assert_true(sock_addr_parse(S("127.0.0.1:0"), &addr, &len));
    assert_int_equal(sock_listen((struct sockaddr *)&addr, len, false, &listening), 0);
    len = sizeof addr;
    assert_int_equal(getsockname(listening, (struct sockaddr *)&addr, &len), 0);
    a = b = (struct end){0};
    a.c = conn_connect(loop, (struct sockaddr *)&addr, len, NULL, S(""), on_end, &a);
    conn_open_within(a.c, 3000);
    conn_write(a.c, S("early")); /* queued until it is open */
    for (int i = 0; i < 100 && !a.opened; i++)
        loop_turn(loop, 50);
    assert_int_equal(a.opened, 1);
    int fd = sock_accept(listening, &peer, &peer_len);
    assert_true(fd >= 0);
    b.c = conn_accept(loop, fd, NULL, on_end, &b);
    for (int i = 0; i < 100 && buf_len(&b.got) < 5; i++)
        loop_turn(loop, 50);
    assert_string_equal(buf_cstr(&b.got), "early");
    sock_close(listening);

    struct end refused = {0};
    refused.c = conn_connect(loop, (struct sockaddr *)&addr, len, NULL, S(""), on_end, &refused);
    assert_int_equal(refused.broken, 0);
    for (int i = 0; i < 100 && !refused.broken; i++)
        loop_turn(loop, 50);
    assert_int_equal(conn_error(refused.c), ERR_REFUSED);
    assert_string_equal(conn_error_text(refused.c), "Connection refused");
    conn_close(refused.c);
}

static void connecting_takes_too_long(void **state)
{
    struct dead dead;
    dead_begin(&dead, "127.0.0.1", 0);
    loop = loop_new();
    clock_fake(1000000000, 0);
    a = b = (struct end){0};
    a.c = conn_connect(loop, (struct sockaddr *)&dead.at, sizeof dead.at, NULL, S(""), on_end, &a);
    conn_open_within(a.c, 3000);
    turns(3);
    assert_int_equal(a.broken, 0);
    clock_fake(5000000000, 0);
    turns(3);
    assert_int_equal(a.broken, 1);
    assert_int_equal(conn_error(a.c), ERR_TIMEOUT);
    dead_end(&dead);
}

/* A socket that takes whatever it is given. */
static size_t taken;

static ssize_t greedy_write(struct conn *c, const struct iovec *iov, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += iov[i].iov_len;
    taken += sum;
    return (ssize_t)sum;
}

static void a_greedy_socket(void **state)
{
    static struct conn_carrier greedy;
    size_t size = 9 << 20;
    char *bytes = pattern(size);
    turns(2);
    greedy = conn_plain;
    greedy.write = greedy_write;
    a.c->carrier = &greedy;
    taken = 0;
    conn_write(a.c, S("head"));
    conn_write_borrowed(a.c, str_from(bytes, size));
    for (size_t before = 0; taken < size + 4; before = taken) {
        turns(1);
        assert_true(taken > before && taken - before <= 3 << 20); /* then others have their turn */
    }
    turns(2);
    assert_int_equal(taken, size + 4);
    assert_int_equal(conn_unwritten(a.c), 0);
    assert_true(a.drained >= 1);
    a.c->carrier = &conn_plain;
    mem_free(bytes);
}

int main(void)
{
#define ON_BOTH(f)                                         \
    {#f " in memory", f, setup_memory, teardown, NULL},    \
    {                                                      \
#f " on sockets", f, setup_sockets, teardown, NULL \
    }
    const struct CMUnitTest tests[] = {
        ON_BOTH(keeps_the_order),
        ON_BOTH(a_slow_reader),
        ON_BOTH(the_end_of_the_stream),
        ON_BOTH(lingering_ends),
        ON_BOTH(a_reset),
        ON_BOTH(closing_in_a_callback),
        ON_BOTH(counts_until_closed),
        cmocka_unit_test_setup_teardown(tells_when_open, setup_sockets, teardown),
        cmocka_unit_test_setup_teardown(a_greedy_socket, setup_sockets, teardown),
        cmocka_unit_test_setup_teardown(is_reset_while_it_is_held, setup_sockets, teardown),
        cmocka_unit_test_teardown(a_real_connection, teardown),
        cmocka_unit_test_teardown(connecting_takes_too_long, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
