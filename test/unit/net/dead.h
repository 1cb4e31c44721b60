/* SPDX-License-Identifier: Apache-2.0
 *
 * A socket on loopback that listens, takes nobody in, and has no room for more: whoever connects
 * waits, and is not even refused.
 */
#ifndef WEIR_TEST_DEAD_H
#define WEIR_TEST_DEAD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct dead {
    struct sockaddr_in at;
    int fd, in_queue[4];
};

/* Port 0: any, then in at.sin_port. */
static inline void dead_begin(struct dead *d, const char *address, uint16_t port)
{
    socklen_t len = sizeof d->at;
    d->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &d->at.sin_addr);
    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(d->fd, (struct sockaddr *)&d->at, sizeof d->at), 0);
    assert_int_equal(listen(d->fd, 0), 0);
    assert_int_equal(getsockname(d->fd, (struct sockaddr *)&d->at, &len), 0);
    for (int i = 0; i < 4; i++) {
        d->in_queue[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(d->in_queue[i], (struct sockaddr *)&d->at, sizeof d->at);
    }
}

static inline void dead_end(struct dead *d)
{
    for (int i = 0; i < 4; i++)
        close(d->in_queue[i]);
    close(d->fd);
}

#endif
