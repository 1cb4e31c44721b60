/* SPDX-License-Identifier: Apache-2.0
 *
 * The header's words are those of the configuration, in any case, as HTTP's own words are.
 */
#include "weir/gate/cache_wish.h"

#include "weir/base/clock.h"
#include "weir/base/log.h"

#include <stdatomic.h>

enum { SAY_EVERY_S = 60 };

static const struct str header = STR("x-weir-cache");

static bool read_word(struct str value, enum cache_mode *out)
{
    static const struct str words[] = {
        [CACHE_AUTO] = STR("auto"), [CACHE_ALWAYS] = STR("always"), [CACHE_OFF] = STR("off")};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_ieq(value, words[i]))
            continue;
        *out = (enum cache_mode)i;
        return true;
    }
    return false;
}

/* A client that sends it with every request fills no log; and what it sent may be a secret that
 * went astray. */
static void say_unknown(const struct rule_view *v, size_t times)
{
    static _Atomic(int64_t) next_s;
    int64_t now_s = clock_mono_ns() / 1000000000, due = atomic_load(&next_s);
    struct log_line l;
    if (now_s < due || !atomic_compare_exchange_strong(&next_s, &due, now_s + SAY_EVERY_S))
        return;
    log_begin(&l, LOG_INFO, "cache");
    log_str(&l, "client", v->client);
    log_str(&l, "ignored",
            times > 1 ? S("x-weir-cache came more than once: none of them holds")
                      : S("x-weir-cache wants auto, always or off"));
    log_end(&l);
}

enum cache_mode cache_wish(const struct config *c, const struct rule_view *v)
{
    enum cache_mode mode;
    size_t n = fields_count(v->fields, header);
    if (n == 1 && read_word(str_trim(fields_get(v->fields, header)), &mode))
        return mode;
    if (n)
        say_unknown(v, n);
    return rules_cache(c, v, &mode) ? mode : c->cache_mode;
}
