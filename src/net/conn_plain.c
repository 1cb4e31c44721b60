/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain carrier: bytes straight to and from the socket.
 */
#include "conn_private.h"

static ssize_t plain_read(struct conn *c, char *dst, size_t n)
{
    ssize_t got = sock_read(c->fd, dst, n);
    if (got == ERR_IO)
        conn_say(c, "%s", sock_reason());
    return got;
}

static ssize_t plain_peek(struct conn *c, char *dst, size_t n)
{
    return sock_peek(c->fd, dst, n);
}

static ssize_t plain_write(struct conn *c, const struct iovec *iov, size_t n)
{
    ssize_t put = sock_write(c->fd, iov, n);
    if (put == ERR_IO)
        conn_say(c, "%s", sock_reason());
    return put;
}

static int plain_open(struct conn *c)
{
    return 0;
}

static bool plain_pending(const struct conn *c)
{
    return false;
}

static void plain_end_writing(struct conn *c)
{
    sock_end_writing(c->fd);
}

static void plain_fini(struct conn *c)
{
}

const struct conn_carrier conn_plain = {
    .read = plain_read,
    .peek = plain_peek,
    .write = plain_write,
    .open = plain_open,
    .pending = plain_pending,
    .end_writing = plain_end_writing,
    .fini = plain_fini,
};
