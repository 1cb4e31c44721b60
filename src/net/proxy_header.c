/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of PROXY headers.
 *
 *     v1:  PROXY TCP4 192.0.2.1 192.0.2.2 4711 8080\r\n        at most 107 bytes
 *     v2:  \r\n\r\n\0\r\nQUIT\n  version|command  family|protocol  length(2)  addresses  TLVs
 */
#include "weir/net/proxy_header.h"

#include "weir/base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { V1_MOST = 107, V2_FIXED = 16, V2_INET = 12, V2_INET6 = 36, V2_UNIX = 216 };

static const struct str v1_start = STR("PROXY ");
static const struct str v2_start = STR("\r\n\r\n\0\r\nQUIT\n");

/* --- version 1 */

/* A number without sign, space or leading zero. */
static bool port_of(struct str word, in_port_t *out)
{
    uint64_t n;
    if (!text_u64(word, &n) || n > 65535 || (word.len > 1 && word.ptr[0] == '0'))
        return false;
    *out = htons((uint16_t)n);
    return true;
}

static bool ip_of(struct str word, int family, void *out)
{
    char text[INET6_ADDRSTRLEN];
    if (word.len >= sizeof text || memchr(word.ptr, 0, word.len))
        return false;
    memcpy(text, word.ptr, word.len);
    text[word.len] = 0;
    return inet_pton(family, text, out) == 1;
}

static int v1_addresses(struct str rest, bool six, struct proxy_header *out)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET};
    unsigned char other[16];
    in_port_t other_port;
    int family = six ? AF_INET6 : AF_INET;
    struct str from = str_cut(&rest, ' '), to = str_cut(&rest, ' ');
    struct str from_port = str_cut(&rest, ' ');
    if (!ip_of(from, family, six ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) ||
        !ip_of(to, family, other) || !port_of(from_port, six ? &in6.sin6_port : &in.sin_port) ||
        !port_of(rest, &other_port))
        return ERR_BAD;
    out->has_source = true;
    sock_addr_text(six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in, out->source);
    return 0;
}

static ssize_t read_v1(struct str bytes, struct proxy_header *out)
{
    struct str line = str_sub(bytes, 0, V1_MOST);
    ptrdiff_t end = str_find(line, S("\r\n"));
    if (end < 0)
        return line.len == V1_MOST ? ERR_BAD : 0;
    struct str rest = str_sub(line, v1_start.len, (size_t)end - v1_start.len);
    struct str protocol = str_cut(&rest, ' ');
    *out = (struct proxy_header){0};
    if (str_eq(protocol, S("TCP4")) || str_eq(protocol, S("TCP6"))) {
        if (v1_addresses(rest, str_eq(protocol, S("TCP6")), out) < 0)
            return ERR_BAD;
    } else if (!str_eq(protocol, S("UNKNOWN"))) {
        return ERR_BAD;
    }
    return end + 2;
}

/* --- version 2 */

static void v2_source(const unsigned char *at, bool six, struct proxy_header *out)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET};
    if (six) {
        memcpy(&in6.sin6_addr, at, 16);
        memcpy(&in6.sin6_port, at + 32, 2);
    } else {
        memcpy(&in.sin_addr, at, 4);
        memcpy(&in.sin_port, at + 8, 2);
    }
    out->has_source = true;
    sock_addr_text(six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in, out->source);
}

/* The family and protocol byte. Bytes the addresses take; ERR_BAD for what the text does not
 * define. */
static int v2_address_bytes(unsigned char family)
{
    switch (family) {
    case 0x00:
        return 0;
    case 0x11: /* TCP, UDP over IPv4 */
    case 0x12:
        return V2_INET;
    case 0x21: /* over IPv6 */
    case 0x22:
        return V2_INET6;
    case 0x31: /* UNIX stream, datagram */
    case 0x32:
        return V2_UNIX;
    default:
        return ERR_BAD;
    }
}

static ssize_t read_v2(struct str bytes, struct proxy_header *out)
{
    if (bytes.len < V2_FIXED)
        return 0;
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    unsigned command = at[12] & 0x0fu;
    size_t len = (size_t)at[14] << 8 | at[15];
    int needed = v2_address_bytes(at[13]);
    if (at[12] >> 4 != 2 || command > 1 || needed < 0 || len > PROXY_HEADER_MOST - V2_FIXED)
        return ERR_BAD;
    if (command == 1 && len < (size_t)needed)
        return ERR_BAD;
    if (bytes.len < V2_FIXED + len)
        return 0;
    *out = (struct proxy_header){0};
    if (command == 1 && (at[13] == 0x11 || at[13] == 0x21))
        v2_source(at + V2_FIXED, at[13] == 0x21, out);
    return (ssize_t)(V2_FIXED + len);
}

static bool may_become(struct str bytes, struct str start)
{
    return str_starts(bytes, start) || str_starts(start, bytes);
}

ssize_t proxy_header_read(struct str bytes, struct proxy_header *out)
{
    if (may_become(bytes, v1_start))
        return bytes.len < v1_start.len ? 0 : read_v1(bytes, out);
    if (may_become(bytes, v2_start))
        return bytes.len < v2_start.len ? 0 : read_v2(bytes, out);
    return ERR_BAD;
}
