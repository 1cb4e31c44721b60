/* SPDX-License-Identifier: Apache-2.0
 *
 * A server of a few lines on loopback, on the test's own loop: one connection at a time, one
 * scripted answer for each head that comes.
 */
#ifndef WEIR_TEST_AWS_LOOPBACK_H
#define WEIR_TEST_AWS_LOOPBACK_H

#include "weir/base/buf.h"
#include "weir/net/loop.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    struct loop *loop;
    int listening, peer;
    uint16_t port;
    struct watch accepting, reading;
    struct buf heard;
    struct str says; /* written when a head is there; empty: silence */
    bool then_closes;
} server = {.listening = -1, .peer = -1};

static void server_hang_up(void)
{
    if (server.peer < 0)
        return;
    watch_fini(&server.reading);
    close(server.peer);
    server.peer = -1;
}

static void server_on_bytes(void *arg, bool readable, bool writable)
{
    char piece[4096];
    ssize_t n = read(server.peer, piece, sizeof piece);
    if (n <= 0) {
        server_hang_up();
        return;
    }
    buf_add(&server.heard, str_from(piece, (size_t)n));
    if (!server.says.len || !strstr(buf_cstr(&server.heard), "\r\n\r\n"))
        return;
    n = write(server.peer, server.says.ptr, server.says.len);
    assert(n == (ssize_t)server.says.len);
    if (server.then_closes)
        server_hang_up();
}

static void server_on_accept(void *arg, bool readable, bool writable)
{
    server_hang_up();
    buf_clear(&server.heard);
    server.peer = accept4(server.listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert(server.peer >= 0);
    watch_init(&server.reading, server.loop, server.peer, server_on_bytes, NULL);
    watch_set(&server.reading, true, false);
}

static void server_open(struct loop *l)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    server.loop = l;
    server.listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc = bind(server.listening, (struct sockaddr *)&addr, sizeof addr) |
             listen(server.listening, 8) |
             getsockname(server.listening, (struct sockaddr *)&addr, &len);
    assert(rc == 0);
    server.port = ntohs(addr.sin_port);
    watch_init(&server.accepting, l, server.listening, server_on_accept, NULL);
    watch_set(&server.accepting, true, false);
}

static void server_close(void)
{
    server_hang_up();
    watch_fini(&server.accepting);
    if (server.listening >= 0)
        close(server.listening);
    server.listening = -1;
    server.says = (struct str){NULL, 0};
    server.then_closes = false;
    buf_fini(&server.heard);
}

#endif
