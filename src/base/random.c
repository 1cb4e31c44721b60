/* SPDX-License-Identifier: Apache-2.0
 *
 * Random bytes from the kernel, taken 256 at a time; or splitmix64 when a test has seeded it.
 */
#include "weir/base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static _Thread_local uint64_t seeded;
static _Thread_local unsigned char pool[256];
static _Thread_local size_t pool_left;

void random_seed(uint64_t seed)
{
    seeded = seed;
}

static uint64_t splitmix(void)
{
    uint64_t z = (seeded += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void refill(void)
{
    if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool) {
        fputs("weir: getrandom failed\n", stderr);
        abort();
    }
    pool_left = sizeof pool;
}

void random_bytes(void *out, size_t n)
{
    unsigned char *to = out;
    while (n) {
        size_t take;
        if (seeded) {
            uint64_t word = splitmix();
            take = n < sizeof word ? n : sizeof word;
            memcpy(to, &word, take);
        } else {
            if (!pool_left)
                refill();
            take = n < pool_left ? n : pool_left;
            pool_left -= take;
            memcpy(to, pool + pool_left, take);
            explicit_bzero(pool + pool_left, take);
        }
        to += take;
        n -= take;
    }
}

uint64_t random_u64(void)
{
    uint64_t word;
    random_bytes(&word, sizeof word);
    return word;
}

uint64_t random_below(uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t word;
    do
        word = random_u64();
    while (word >= limit);
    return word % bound;
}
