/* SPDX-License-Identifier: Apache-2.0
 *
 * The switch is one atomic: the office writes it, every worker reads it when a request comes.
 */
#include "weir/gate/levers.h"

#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/gate/shared_cache.h"

static const struct str words[] = {
    [LEVERS_ON] = STR("on"), [LEVERS_OBSERVE] = STR("observe"), [LEVERS_OFF] = STR("off")};
enum { WORDS = sizeof words / sizeof *words };

struct str levers_word(enum levers_mode m)
{
    return words[m];
}

bool levers_read(struct str word, enum levers_mode *out)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (!str_eq(word, words[i]))
            continue;
        *out = (enum levers_mode)i;
        return true;
    }
    return false;
}

static void tell_cache(const struct levers *l)
{
    if (l->cache)
        shared_cache_imagine(l->cache, levers_mode(l) == LEVERS_OBSERVE,
                             prefix_tick(clock_wall_ms()));
}

/* At rest they are on, so a start with others is logged, too. */
static void change(struct levers *l, enum levers_mode m)
{
    enum levers_mode was = (enum levers_mode)atomic_exchange(&l->mode, (int)m);
    struct log_line line;
    if (was == m)
        return;
    tell_cache(l);
    log_begin(&line, LOG_INFO, "levers");
    log_str(&line, "are", levers_word(m));
    log_str(&line, "were", levers_word(was));
    log_end(&line);
}

void levers_follow(struct levers *l, enum levers_mode old, enum levers_mode now)
{
    if (old == now && atomic_load(&l->set))
        return;
    change(l, now);
    atomic_store(&l->set, false);
}

void levers_set(struct levers *l, enum levers_mode m)
{
    change(l, m);
    atomic_store(&l->set, true);
}

void levers_lead(struct levers *l, struct shared_cache *cache)
{
    l->cache = cache;
    tell_cache(l);
}
