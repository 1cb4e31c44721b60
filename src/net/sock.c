/* SPDX-License-Identifier: Apache-2.0
 *
 * Socket system calls, and nothing that outlives one of them.
 */
#include "weir/net/sock.h"

#include "weir/base/hook.h"
#include "weir/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* NAT gateways and PrivateLink drop a silent connection after 350 s (AWS documentation, 2025), and
 * some balancers after 60 s: probe before either. */
enum { KEEPALIVE_IDLE_S = 45, KEEPALIVE_EVERY_S = 15, KEEPALIVE_PROBES = 4, BACKLOG = 4096 };

/* What a fault point (base/hook.h) said, put where the system call would have put it. */
static bool faulted(int fault)
{
    if (fault)
        errno = fault;
    return fault != 0;
}

static bool interrupted(ssize_t result)
{
    return result < 0 && errno == EINTR;
}

static void set_option(int fd, int level, int option, int value)
{
    /* Fails only for what is no TCP socket, where it does not matter. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static void set_tcp_options(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

static int open_socket(const struct sockaddr *addr)
{
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        set_tcp_options(fd);
    return fd;
}

int sock_connect(const struct sockaddr *addr, socklen_t len, int *out_fd)
{
    int fd = open_socket(addr);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? ERR_BUSY : ERR_IO;
    int r;
    do
        r = faulted(HOOK("net.connect")) ? -1 : connect(fd, addr, len);
    while (interrupted(r));
    if (r == 0 || errno == EINPROGRESS || errno == EALREADY || errno == EISCONN) {
        *out_fd = fd;
        return r == 0 || errno == EISCONN ? 0 : ERR_AGAIN;
    }
    int why = errno;
    (void)close(fd);
    errno = why;
    return why == ECONNREFUSED ? ERR_REFUSED : ERR_IO;
}

int sock_listen(const struct sockaddr *addr, socklen_t len, bool shared, int *out_fd)
{
    int fd = open_socket(addr);
    if (fd < 0)
        return ERR_IO;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (shared)
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (addr->sa_family == AF_INET6) /* :: is IPv6 alone, so that 0.0.0.0 can stand beside it */
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (bind(fd, addr, len) == 0 && listen(fd, BACKLOG) == 0) {
        *out_fd = fd;
        return 0;
    }
    int why = errno;
    (void)close(fd);
    errno = why;
    return why == EADDRINUSE ? ERR_BUSY : ERR_IO;
}

int sock_accept(int fd, struct sockaddr_storage *peer, socklen_t *peer_len)
{
    int got;
    do {
        *peer_len = sizeof *peer;
        got = faulted(HOOK("net.accept"))
                  ? -1
                  : accept4(fd, (struct sockaddr *)peer, peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (interrupted(got));
    if (got >= 0)
        return got;
    if (errno == EAGAIN)
        return ERR_AGAIN;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        return ERR_BUSY;
    return ERR_IO; /* accept(2): errors of the new connection are passed on here */
}

static ssize_t verdict(ssize_t n)
{
    if (n > 0)
        return n;
    if (n == 0)
        return ERR_EOF;
    return errno == EAGAIN ? ERR_AGAIN : ERR_IO;
}

ssize_t sock_read(int fd, void *dst, size_t n)
{
    ssize_t got;
    do
        got = faulted(HOOK("net.read")) ? -1 : recv(fd, dst, n, 0);
    while (interrupted(got));
    return verdict(got);
}

ssize_t sock_peek(int fd, void *dst, size_t n)
{
    ssize_t got;
    do
        got = faulted(HOOK("net.read")) ? -1 : recv(fd, dst, n, MSG_PEEK);
    while (interrupted(got));
    return verdict(got);
}

ssize_t sock_write(int fd, const struct iovec *iov, size_t n)
{
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = n};
    ssize_t put;
    do
        put = faulted(HOOK("net.write")) ? -1 : sendmsg(fd, &message, MSG_NOSIGNAL);
    while (interrupted(put));
    if (put >= 0)
        return put;
    return errno == EAGAIN ? ERR_AGAIN : ERR_IO;
}

int sock_take_error(int fd)
{
    int why = 0;
    socklen_t len = sizeof why;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len) < 0)
        why = errno;
    errno = why;
    if (why == 0)
        return 0;
    return why == ECONNREFUSED ? ERR_REFUSED : ERR_IO;
}

void sock_end_writing(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

void sock_reset_on_close(int fd, bool on)
{
    struct linger at_once = {.l_onoff = on, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void sock_close(int fd)
{
    (void)close(fd); /* not again on EINTR: Linux has freed the number already */
}

const char *sock_reason(void)
{
    const char *text = strerrordesc_np(errno);
    return text ? text : "unknown error";
}

void sock_addr_text(const struct sockaddr *addr, char out[SOCK_ADDR_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    if (addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, addr, sizeof in);
        (void)inet_ntop(AF_INET, &in.sin_addr, ip, sizeof ip);
        snprintf(out, SOCK_ADDR_TEXT, "%s:%u", ip, ntohs(in.sin_port));
    } else if (addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, addr, sizeof in6);
        (void)inet_ntop(AF_INET6, &in6.sin6_addr, ip, sizeof ip);
        snprintf(out, SOCK_ADDR_TEXT, "[%s]:%u", ip, ntohs(in6.sin6_port));
    } else {
        snprintf(out, SOCK_ADDR_TEXT, "local");
    }
}

static bool parse_port(struct str text, in_port_t *out)
{
    uint64_t port;
    if (!text_u64(text, &port) || port > 65535)
        return false;
    *out = htons((uint16_t)port);
    return true;
}

bool sock_addr_parse(struct str text, struct sockaddr_storage *out, socklen_t *out_len)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    struct str host = str_sub(text, 0, colon - 1), port = str_from_offset(text, colon);
    bool six = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (six)
        host = str_sub(host, 1, host.len - 2);
    char ip[INET6_ADDRSTRLEN];
    if (host.len >= sizeof ip)
        return false;
    memcpy(ip, host.ptr, host.len);
    ip[host.len] = 0;
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (!parse_port(port, six ? &in6.sin6_port : &in.sin_port))
        return false;
    if (inet_pton(six ? AF_INET6 : AF_INET, ip,
                  six ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) != 1)
        return false;
    *out_len = six ? sizeof in6 : sizeof in;
    memset(out, 0, sizeof *out);
    memcpy(out, six ? (void *)&in6 : (void *)&in, *out_len);
    return true;
}

void sock_own_addr(int fd, char out[SOCK_ADDR_TEXT])
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof addr;
    (void)getsockname(fd, (struct sockaddr *)&addr, &len);
    sock_addr_text((struct sockaddr *)&addr, out);
}
