/* SPDX-License-Identifier: Apache-2.0
 *
 * A loop around json_skip: every value of the outermost level is skipped whole, and noted when the
 * key before it is wanted. Names are looked for one by one; a wrong one nearly always has another
 * length.
 */
#include "weir/wire/json_pick.h"

#include "weir/wire/json_string.h"

void json_pick_init(struct json_pick *p, struct str text, struct json_member *members, size_t n)
{
    *p = (struct json_pick){.members = members, .n = n};
    json_init(&p->scan, text);
    for (size_t i = 0; i < n; i++)
        members[i] = (struct json_member){.name = members[i].name};
}

static struct json_member *named(const struct json_pick *p, struct str raw_key)
{
    struct str key = str_sub(raw_key, 1, raw_key.len - 2);
    bool plain = str_chr(key, '\\') < 0;
    for (size_t i = 0; i < p->n; i++)
        if (plain ? str_eq(key, p->members[i].name) : json_string_is(raw_key, p->members[i].name))
            return &p->members[i];
    return NULL;
}

static void note(struct json_member *m, enum json_token kind, struct str raw)
{
    if (m->times == 0) {
        m->kind = kind;
        m->raw = raw;
    }
    if (m->times < 2)
        m->times++;
}

enum json_token json_pick_step(struct json_pick *p)
{
    struct json_scan *s = &p->scan;
    for (;;) {
        bool top = s->depth == 0;
        enum json_token t = top ? json_next(s) : json_skip(s);
        if (t == JSON_BAD || t == JSON_PAUSE || t == JSON_END)
            return t;
        if (top)
            p->object = t == JSON_OBJECT;
        else if (t == JSON_KEY)
            p->now = named(p, json_raw(s));
        else if (p->now) {
            note(p->now, t, json_raw(s));
            p->now = NULL;
        }
    }
}
