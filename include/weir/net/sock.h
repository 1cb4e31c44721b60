/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place of socket system calls. Every descriptor is close-on-exec and non-blocking, no
 * write raises SIGPIPE, and a call that a signal interrupted is made again. Failures are ERR_*;
 * errno stays as the system left it, for the sentence that a person reads (sock_reason).
 *
 * Test builds make the nth call fail: WEIR_HOOK=net.read:3=fail:ECONNRESET (net.connect,
 * net.accept, net.read, net.write).
 */
#ifndef WEIR_NET_SOCK_H
#define WEIR_NET_SOCK_H

#include "weir/base/err.h"
#include "weir/base/str.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Room for "[ffff:...%4294967295]:65535" and a NUL. */
enum { SOCK_ADDR_TEXT = 72 };

/* Begins to connect a TCP socket, with no-delay and keep-alive set. 0 when it is connected at
 * once, ERR_AGAIN when it becomes writable later (then ask sock_take_error); *out_fd is open in
 * both cases. Otherwise ERR_REFUSED or ERR_IO, and nothing is open. */
MUST_CHECK int sock_connect(const struct sockaddr *addr, socklen_t len, int *out_fd);

/* A bound, listening TCP socket. What it accepts inherits no-delay and keep-alive, which spares
 * three calls a connection. `shared` sets SO_REUSEPORT. ERR_BUSY: somebody has the address. */
MUST_CHECK int sock_listen(const struct sockaddr *addr, socklen_t len, bool shared, int *out_fd);

/* The next connection: its descriptor, or ERR_AGAIN, ERR_BUSY (out of descriptors or memory),
 * ERR_IO (that connection failed; there may be more). */
MUST_CHECK int sock_accept(int fd, struct sockaddr_storage *peer, socklen_t *peer_len);

/* > 0, ERR_AGAIN, ERR_EOF or ERR_IO. sock_peek leaves the bytes there. */
MUST_CHECK ssize_t sock_read(int fd, void *dst, size_t n);
MUST_CHECK ssize_t sock_peek(int fd, void *dst, size_t n);
/* How many bytes were taken, ERR_AGAIN or ERR_IO. */
MUST_CHECK ssize_t sock_write(int fd, const struct iovec *iov, size_t n);

/* The result of a connect that was under way: 0, ERR_REFUSED or ERR_IO with errno set. */
MUST_CHECK int sock_take_error(int fd);
void sock_end_writing(int fd);
/* Closing, and a process that dies, will say RST instead of FIN; or FIN again. */
void sock_reset_on_close(int fd, bool on);
void sock_close(int fd);

/* "Connection refused": for the last failed call of this thread. */
const char *sock_reason(void);

/* "127.0.0.1:8080", "[::1]:8080"; other families become "local". */
void sock_addr_text(const struct sockaddr *addr, char out[SOCK_ADDR_TEXT]);
/* The other way; false when it is not an address literal with a port. */
bool sock_addr_parse(struct str text, struct sockaddr_storage *out, socklen_t *out_len);
/* The address that a listening descriptor has: says which port ":0" became. */
void sock_own_addr(int fd, char out[SOCK_ADDR_TEXT]);

#endif
