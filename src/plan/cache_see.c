/* SPDX-License-Identifier: Apache-2.0
 *
 * What the index keeps of a boundary: visits, what hangs there, and what is believed to be cached.
 */
#include "cache_price.h"

#include <string.h>

enum { HUNG_MOST = 64 }; /* then both are halved: what hung here long ago fades */

static float mean_gap(float mean, float gap)
{
    return mean > 0 ? (mean + gap) / 2 : gap;
}

void cache_see(struct cache_site *site, struct prefix *p, size_t behind, uint32_t now)
{
    site->known = p->count > 0;
    site->was = *p;
    if (!site->known) {
        p->first = now;
        p->behind = behind < UINT16_MAX ? (uint16_t)behind : UINT16_MAX;
    } else {
        uint32_t ticks = now > p->last ? now - p->last : 1;
        p->gap = mean_gap(p->gap, (float)ticks * (PREFIX_TICK_MS / 1000.0F));
    }
    if (p->count < UINT16_MAX)
        p->count++;
    p->last = now;
    p->tokens = site->tokens;
    p->section = site->section;
    p->asked = 0;
    p->parent = 0;
    p->dirty = 1;
}

void cache_note(struct prefix *p, const struct cache_note *note, uint32_t now)
{
    if (note->asked) {
        p->asked = now;
        p->label = note->label;
    }
    if (note->end) {
        p->turn = note->turn;
        p->line_gap = note->line_gap;
        p->parent = note->parent;
        p->branch = note->branch;
    }
    p->hung = (unsigned char)(p->hung + note->hung);
    p->came = (unsigned char)(p->came + note->came);
    if (p->hung > HUNG_MOST || p->came > HUNG_MOST) {
        p->hung /= 2;
        p->came /= 2;
    }
    p->dirty = 1;
}

static uint32_t after(uint32_t now, enum ask_ttl ttl)
{
    return now + (uint32_t)(cache_price_life_ms(ttl) / PREFIX_TICK_MS);
}

/* What is not sure stays so until it has lapsed. */
void cache_mark(struct prefix *p, const struct cache_mark *mark, uint32_t tokens, uint32_t now)
{
    bool lives = p->cached_until > now;
    bool sure = !mark->renews && (!lives || p->sure_until == p->cached_until);
    if (!lives || p->ttl < mark->ttl)
        p->ttl = (unsigned char)mark->ttl;
    p->cached_until = after(now, (enum ask_ttl)p->ttl);
    p->sure_until = sure ? p->cached_until : after(now, ASK_5M);
    p->tokens = tokens;
    p->dirty = 1;
}

void cache_forget(struct prefix *p)
{
    p->cached_until = 0;
    p->sure_until = 0;
}
