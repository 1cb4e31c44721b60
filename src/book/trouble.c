/* SPDX-License-Identifier: Apache-2.0
 *
 * The sentence that was told last is the state: the same again is no news, none is all well.
 */
#include "trouble.h"

#include "weir/base/err.h"

#include <stdio.h>
#include <string.h>

static const char *reason(const struct trouble *t, int rc)
{
    const char *known = rc == ERR_FULL        ? t->full
                        : rc == ERR_BAD       ? t->damaged
                        : rc == ERR_NOT_FOUND ? t->gone
                                              : NULL;
    return known ? known : "the disk failed";
}

static void say(const struct trouble *t, const char *sentence)
{
    if (t->tell)
        t->tell(t->arg, sentence);
}

void trouble_tell(struct trouble *t, int rc, const char *why)
{
    char sentence[TROUBLE_MOST];
    if (why)
        snprintf(sentence, sizeof sentence, "%s", why);
    else
        snprintf(sentence, sizeof sentence, "%s: %s", t->dir, reason(t, rc));
    if (strcmp(sentence, t->told) == 0)
        return;
    memcpy(t->told, sentence, sizeof sentence);
    say(t, sentence);
}

void trouble_end(struct trouble *t)
{
    if (!*t->told)
        return;
    *t->told = 0;
    say(t, NULL);
}
