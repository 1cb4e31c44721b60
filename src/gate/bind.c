/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets for several threads on one address: first a plain bind as a probe, since
 * SO_REUSEPORT alone would bind silently beside another daemon; then one shared socket for each.
 */
#include "bind.h"

#include "weir/base/log.h"
#include "weir/net/listener.h"
#include "weir/net/sock.h"

void bind_close(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            sock_close(fds[i]);
}

bool bind_address(struct str address, const char *port, int *fds, size_t n, char *err,
                  size_t err_size)
{
    char own[SOCK_ADDR_TEXT];
    for (size_t i = 0; i < n; i++)
        fds[i] = -1;
    if (!str_ends(address, S(":0"))) {
        int probe = listener_bind(address, false, err, err_size);
        if (probe < 0)
            return false;
        sock_close(probe);
    }
    struct str actual = address;
    for (size_t i = 0; i < n; i++) {
        fds[i] = listener_bind(actual, true, err, err_size);
        if (fds[i] < 0) {
            bind_close(fds, n);
            return false;
        }
        if (i == 0 && str_ends(address, S(":0"))) {
            sock_own_addr(fds[0], own); /* the others share the port that it got */
            actual = str_of(own);
        }
    }
    struct log_line l;
    log_begin(&l, LOG_INFO, "listening");
    log_str(&l, "port", str_of(port));
    log_str(&l, "address", actual);
    log_end(&l);
    return true;
}
