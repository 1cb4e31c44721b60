/* SPDX-License-Identifier: Apache-2.0
 *
 * Token buckets. The figures are those that HAProxy's glitch threshold and Envoy's flood counters
 * stand for; each leaves real clients (AWS SDK for JavaScript, curl, nghttp, python-h2; looked at
 * 2026-11) an order of magnitude.
 */
#include "weir/net/glitch.h"

enum { ONE = 1000 };

static const struct {
    int32_t burst;
    int32_t per_second; /* thousandths */
} accounts[GLITCH_KINDS] = {
    [GLITCH_RESET] = {100, 33 * ONE},
    [GLITCH_FAULT] = {100, ONE / 10}, /* a client that errs now and then lives long */
    [GLITCH_PING] = {100, 10 * ONE},
    [GLITCH_SETTINGS] = {100, 10 * ONE},
    [GLITCH_EMPTY_DATA] = {100, 0},
    [GLITCH_PRIORITY] = {100, 0},
    [GLITCH_UNKNOWN] = {1000, 100 * ONE},
    [GLITCH_WINDOW_UPDATE] = {1000, 100 * ONE},
};

void glitch_init(struct glitch *g, int64_t now_ms)
{
    for (int kind = 0; kind < GLITCH_KINDS; kind++) {
        g->left[kind] = accounts[kind].burst * ONE;
        g->seen_ms[kind] = now_ms;
    }
}

static void add(struct glitch *g, enum glitch_kind kind, int64_t thousandths)
{
    int64_t most = (int64_t)accounts[kind].burst * ONE;
    int64_t left = g->left[kind] + thousandths;
    g->left[kind] = (int32_t)(left < most ? left : most);
}

static void refill(struct glitch *g, enum glitch_kind kind, int64_t now_ms)
{
    int64_t gained = (now_ms - g->seen_ms[kind]) * accounts[kind].per_second / 1000;
    if (gained <= 0)
        return; /* the moment stays noted, so that many short whiles add up */
    add(g, kind, gained);
    g->seen_ms[kind] = now_ms;
}

bool glitch_charge(struct glitch *g, enum glitch_kind kind, int64_t now_ms)
{
    refill(g, kind, now_ms);
    if (g->left[kind] < ONE)
        return true;
    g->left[kind] -= ONE;
    return false;
}

void glitch_earn(struct glitch *g, enum glitch_kind kind, unsigned n)
{
    add(g, kind, (int64_t)n * ONE);
}
