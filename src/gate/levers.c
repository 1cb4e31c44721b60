/* SPDX-License-Identifier: Apache-2.0
 *
 * The switch is one atomic: the office writes it, every worker reads it when a request comes.
 */
#include "weir/gate/levers.h"

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

void levers_follow(struct levers *l, enum levers_mode old, enum levers_mode now)
{
    if (old == now && atomic_load(&l->set))
        return;
    atomic_store(&l->mode, (int)now);
    atomic_store(&l->set, false);
}

void levers_set(struct levers *l, enum levers_mode m)
{
    atomic_store(&l->mode, (int)m);
    atomic_store(&l->set, true);
}
