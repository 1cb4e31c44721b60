/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets for several threads on one address: first a plain bind as a probe, since
 * SO_REUSEPORT alone would bind silently beside another daemon; then one shared socket for each.
 */
#include "bind.h"

#include "weir/base/log.h"
#include "weir/net/listener.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void bind_close(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* "127.0.0.1:0" becomes the port that the first socket got. */
static struct str bound_address(int fd, struct str asked, char out[300])
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    if (!str_ends(asked, S(":0")) || getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
        return asked;
    unsigned port = addr.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&addr)->sin6_port)
                                               : ntohs(((struct sockaddr_in *)&addr)->sin_port);
    int n = snprintf(out, 300, "%.*s%u", (int)asked.len - 1, asked.ptr, port);
    return str_from(out, (size_t)n);
}

bool bind_address(struct str address, const char *port, int *fds, size_t n, char *err,
                  size_t err_size)
{
    char room[300];
    for (size_t i = 0; i < n; i++)
        fds[i] = -1;
    if (!str_ends(address, S(":0"))) {
        int probe = listener_bind(address, false, err, err_size);
        if (probe < 0)
            return false;
        close(probe);
    }
    struct str actual = address;
    for (size_t i = 0; i < n; i++) {
        fds[i] = listener_bind(actual, true, err, err_size);
        if (fds[i] < 0) {
            bind_close(fds, n);
            return false;
        }
        if (i == 0)
            actual = bound_address(fds[0], address, room);
    }
    struct log_line l;
    log_begin(&l, LOG_INFO, "listening");
    log_str(&l, "port", str_of(port));
    log_str(&l, "address", actual);
    log_end(&l);
    return true;
}
