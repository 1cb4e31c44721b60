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

static bool is_open(const struct config *c, struct str address)
{
    for (size_t i = 0; i < c->n_listen; i++)
        if (str_eq(c->listen[i].address, address))
            return true;
    return false;
}

bool bind_listeners(const struct config *old, const struct config *new, int fds[][BIND_MOST],
                    unsigned n, char *err, size_t err_size)
{
    for (size_t i = 0; i < new->n_listen; i++) {
        for (size_t w = 0; w < n; w++)
            fds[i][w] = -1;
        if (old && is_open(old, new->listen[i].address))
            continue;
        if (bind_address(new->listen[i].address, "data", fds[i], n, err, err_size))
            continue;
        for (size_t j = 0; j < i; j++)
            bind_close(fds[j], n);
        return false;
    }
    return true;
}
