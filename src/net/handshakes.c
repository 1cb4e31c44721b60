/* SPDX-License-Identifier: Apache-2.0
 *
 * Two rows of accounts (a count-min sketch), each with what is under way and a token bucket.
 */
#include "weir/net/handshakes.h"

#include "weir/base/limits.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/net/sock.h"

#include <netinet/in.h>
#include <string.h>

enum { ROWS = 2, ROW_BITS = 10, ONE = 1000 };

struct account {
    uint32_t under_way;
    int32_t left; /* thousandths of a handshake */
    int64_t seen_ms;
};

struct handshakes {
    uint64_t keys[ROWS];
    struct account rows[ROWS][1 << ROW_BITS];
};

struct handshakes *handshakes_new(int64_t now_ms)
{
    struct handshakes *h = mem_new(sizeof *h);
    for (int row = 0; row < ROWS; row++) {
        h->keys[row] = random_u64() | 1;
        for (size_t i = 0; i < 1 << ROW_BITS; i++)
            h->rows[row][i] = (struct account){0, LIMIT_HANDSHAKES_BURST * ONE, now_ms};
    }
    return h;
}

void handshakes_free(struct handshakes *h)
{
    mem_free(h);
}

static uint64_t inet_key(const void *four_bytes)
{
    uint32_t in;
    memcpy(&in, four_bytes, sizeof in);
    return UINT64_C(0xffff00000000) | in;
}

/* What stands for a source. The port says nothing, nor does the lower half of an IPv6 address. */
static uint64_t key_of(struct str source)
{
    struct sockaddr_storage addr;
    socklen_t len;
    uint64_t key = 0;
    if (!sock_addr_parse(source, &addr, &len))
        return 0;
    if (addr.ss_family == AF_INET)
        return inet_key(&((const struct sockaddr_in *)(const void *)&addr)->sin_addr);
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)&addr)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(in6))
        return inet_key(in6->s6_addr + 12);
    memcpy(&key, in6->s6_addr, sizeof key);
    return key;
}

/* Multiply and shift: two keys share a place with a chance of 2 in 1024 at most (Dietzfelbinger et
 * al., 1997), whatever they are, as long as nobody knows the factor. */
static uint16_t place_of(const struct handshakes *h, int row, uint64_t key)
{
    return (uint16_t)((h->keys[row] * key) >> (64 - ROW_BITS));
}

static void refill(struct account *a, int64_t now_ms)
{
    if (now_ms <= a->seen_ms)
        return;
    int64_t left = a->left + (now_ms - a->seen_ms) * LIMIT_HANDSHAKES_PER_S * ONE / 1000;
    a->left = (int32_t)(left < LIMIT_HANDSHAKES_BURST * ONE ? left : LIMIT_HANDSHAKES_BURST * ONE);
    a->seen_ms = now_ms;
}

bool handshakes_begin(struct handshakes *h, struct str source, int64_t now_ms,
                      struct handshake *out)
{
    struct handshake one = {.under_way = true};
    uint64_t key = key_of(source);
    bool some_under_way = false, some_left = false;
    for (int row = 0; row < ROWS; row++) {
        one.at[row] = place_of(h, row, key);
        struct account *a = &h->rows[row][one.at[row]];
        refill(a, now_ms);
        some_under_way |= a->under_way < LIMIT_HANDSHAKES_UNDER_WAY;
        some_left |= a->left >= ONE;
    }
    if (!some_under_way || !some_left)
        return false;
    for (int row = 0; row < ROWS; row++) {
        struct account *a = &h->rows[row][one.at[row]];
        a->under_way++;
        a->left -= a->left >= ONE ? ONE : 0;
    }
    *out = one;
    return true;
}

void handshakes_end(struct handshakes *h, struct handshake *one)
{
    for (int row = 0; row < ROWS && one->under_way; row++)
        h->rows[row][one->at[row]].under_way--;
    *one = (struct handshake){0};
}
