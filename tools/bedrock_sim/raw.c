/* SPDX-License-Identifier: Apache-2.0
 *
 * Neither a front nor a conn lets anybody write what is not HTTP, and that is right. So the
 * descriptor is looked up among our own by its peer's address, which the front does tell.
 */
#include "raw.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

static bool has_peer(int fd, struct str wanted)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
    if (getpeername(fd, (struct sockaddr *)&a, &len) < 0)
        return false;
    if (a.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)&a;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(text, sizeof text, "%s:%u", host, ntohs(v4->sin_port));
    } else if (a.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)&a;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(text, sizeof text, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        return false;
    }
    return str_eq(wanted, str_of(text));
}

static int find(struct str peer_addr)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_NOFILE, &most) < 0)
        return -1;
    for (int fd = 3; fd < (int)most.rlim_cur && fd < 65536; fd++)
        if (has_peer(fd, peer_addr))
            return fd;
    return -1;
}

bool raw_end(struct str peer_addr, struct str bytes)
{
    int fd = find(peer_addr);
    if (fd < 0)
        return false;
    bool sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)bytes.len;
    return shutdown(fd, SHUT_RDWR) == 0 && sent;
}

int raw_unread(struct str peer_addr)
{
    int fd = find(peer_addr), n = 0;
    return fd >= 0 && ioctl(fd, SIOCOUTQ, &n) == 0 ? n : 0;
}
