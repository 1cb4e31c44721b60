/* SPDX-License-Identifier: Apache-2.0
 *
 * A name server on loopback and on the test's loop. It knows the names of a table, answers A and
 * AAAA (RFC 1035), counts the questions, and can be told to be silent or to fail.
 */
#ifndef WEIR_TEST_STUB_DNS_H
#define WEIR_TEST_STUB_DNS_H

#include "far_side.h"

#include <arpa/inet.h>
#include <unistd.h>

struct stub_name {
    const char *name;
    const char *addresses[6]; /* of both families, in order */
    uint32_t ttl;
};

struct stub_dns {
    int fd;
    struct watch watch;
    struct stub_name names[4];
    unsigned asked; /* questions for A */
    bool silent, silent_six, failing;
    char where[32];
};

/* The name in the question as text; returns where its type stands, 0 when it is cut. */
static inline size_t stub_read_name(const unsigned char *q, size_t n, char out[256])
{
    size_t at = 12, len = 0;
    while (at < n && q[at] && at + 1 + q[at] < n && len + q[at] < 254) {
        memcpy(out + len, q + at + 1, q[at]);
        len += q[at];
        out[len++] = '.';
        at += 1u + q[at];
    }
    out[len ? len - 1 : 0] = 0;
    return at + 5 <= n ? at + 1 : 0;
}

static inline void stub_put(struct buf *b, unsigned value, unsigned bytes)
{
    while (bytes--)
        buf_add_char(b, (char)(value >> (8 * bytes)));
}

static inline const struct stub_name *stub_find(const struct stub_dns *s, const char *name)
{
    for (size_t i = 0; i < sizeof s->names / sizeof *s->names; i++)
        if (s->names[i].name && strcmp(s->names[i].name, name) == 0)
            return &s->names[i];
    return NULL;
}

static inline unsigned stub_put_addresses(struct buf *b, const struct stub_name *known, int family)
{
    unsigned n = 0;
    unsigned char address[16];
    for (size_t i = 0; known && i < 6 && known->addresses[i]; i++) {
        if (inet_pton(family, known->addresses[i], address) != 1)
            continue;
        unsigned len = family == AF_INET6 ? 16 : 4;
        stub_put(b, 0xc00c, 2); /* the name: as in the question */
        stub_put(b, family == AF_INET6 ? 28 : 1, 2);
        stub_put(b, 1, 2);
        stub_put(b, known->ttl, 4);
        stub_put(b, len, 2);
        buf_add(b, str_from((const char *)address, len));
        n++;
    }
    return n;
}

static inline void stub_answer(struct stub_dns *s, const unsigned char *q, size_t n,
                               struct buf *out)
{
    char name[256];
    size_t type_at = stub_read_name(q, n, name);
    assert_true(type_at > 0);
    unsigned type = (unsigned)q[type_at] << 8 | q[type_at + 1];
    const struct stub_name *known = stub_find(s, name);
    s->asked += type == 1;
    if (type == 28 && s->silent_six)
        return;
    struct buf records = {0};
    unsigned count =
        s->failing ? 0 : stub_put_addresses(&records, known, type == 28 ? AF_INET6 : AF_INET);
    buf_add(out, str_from((const char *)q, 2));
    stub_put(out, s->failing ? 0x8182 : known ? 0x8180 : 0x8183, 2);
    stub_put(out, 1, 2);
    stub_put(out, count, 2);
    stub_put(out, 0, 4);
    buf_add(out, str_from((const char *)q + 12, type_at + 4 - 12));
    buf_add(out, buf_str(&records));
    buf_fini(&records);
}

static inline void stub_on_ready(void *arg, bool readable, bool writable)
{
    struct stub_dns *s = arg;
    unsigned char q[512];
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(s->fd, q, sizeof q, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
    if (n < 12)
        return;
    struct buf answer = {0};
    stub_answer(s, q, (size_t)n, &answer);
    if (!s->silent && buf_len(&answer))
        (void)!sendto(s->fd, answer.data, buf_len(&answer), 0, (struct sockaddr *)&from, len);
    buf_fini(&answer);
}

static inline void stub_begin(struct stub_dns *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    *s = (struct stub_dns){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
    snprintf(s->where, sizeof s->where, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    watch_init(&s->watch, loop, s->fd, stub_on_ready, s);
    watch_set(&s->watch, true, false);
    dns_use_servers(dns, s->where);
}

static inline void stub_end(struct stub_dns *s)
{
    watch_fini(&s->watch);
    close(s->fd);
}

#endif
