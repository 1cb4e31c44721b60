/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker. Its sentences are the service's own where they are known ("1 validation error
 * detected: Value '...' at 'messages.1.member.role' failed to satisfy constraint: ...", seen in
 * public bug reports 2024 to 2026); lists are counted from 1 in them.
 */
#include "shape.h"

#include <stdio.h>
#include <string.h>

enum { PATH_MOST = 200 };

struct walk {
    const struct tree *t;
    struct refusal *out;
    char path[PATH_MOST];
    size_t len;
};

static bool check(struct walk *w, const struct node *n, const struct shape *s);

static size_t push(struct walk *w, struct str name)
{
    size_t was = w->len;
    int n = snprintf(w->path + was, sizeof w->path - was, "%s%.*s", was ? "." : "", STR_ARG(name));
    w->len = was + (size_t)n < sizeof w->path ? was + (size_t)n : sizeof w->path - 1;
    return was;
}

static void pop(struct walk *w, size_t was)
{
    w->len = was;
    w->path[was] = 0;
}

static bool broken(struct walk *w, struct str value, const char *constraint)
{
    char shown[80];
    if (value.ptr)
        snprintf(shown, sizeof shown, "Value '%.*s'", (int)(value.len < 60 ? value.len : 60),
                 value.ptr);
    else
        snprintf(shown, sizeof shown, "Value null");
    return refusal_invalid(w->out,
                           "1 validation error detected: %s at '%s' failed to satisfy "
                           "constraint: %s",
                           shown, w->path, constraint);
}

static bool wrong_type(struct walk *w, const struct node *n, const char *wanted)
{
    static const char *const names[] = {
        [TREE_NULL] = "NULL_VALUE",     [TREE_FALSE] = "FALSE_VALUE",
        [TREE_TRUE] = "TRUE_VALUE",     [TREE_NUMBER] = "NUMBER_VALUE",
        [TREE_STRING] = "STRING_VALUE", [TREE_ARRAY] = "START_ARRAY",
        [TREE_OBJECT] = "START_OBJECT",
    };
    return refusal_set(w->out, 400, "SerializationException",
                       "%s can not be converted to %s at '%s'", names[n->kind], wanted, w->path);
}

static bool in_class(char c, const char *class)
{
    for (; *class; class ++) {
        if (class[1] == '-' && class[2]) {
            if (c >= class[0] && c <= class[2])
                return true;
            class += 2;
        } else if (c == *class) {
            return true;
        }
    }
    return false;
}

static bool all_in_class(struct str s, const char *class)
{
    for (size_t i = 0; i < s.len; i++)
        if (!in_class(s.ptr[i], class))
            return false;
    return true;
}

static bool is_choice(struct str s, const char *choices)
{
    struct str rest = str_of(choices);
    while (rest.len)
        if (str_eq(str_trim(str_cut(&rest, ',')), s))
            return true;
    return false;
}

static bool check_bounds(struct walk *w, const struct shape *s, double v, struct str shown,
                         const char *what)
{
    char text[100];
    if (s->has_min && v < s->min) {
        snprintf(text, sizeof text, "Member must have %s greater than or equal to %g", what,
                 s->min);
        return broken(w, shown, text);
    }
    if (s->has_max && v > s->max) {
        snprintf(text, sizeof text, "Member must have %s less than or equal to %g", what, s->max);
        return broken(w, shown, text);
    }
    return true;
}

static bool check_text(struct walk *w, struct str text, const struct shape *s)
{
    char why[200];
    if (s->choices && !is_choice(text, s->choices)) {
        snprintf(why, sizeof why, "Member must satisfy enum value set: [%s]", s->choices);
        return broken(w, text, why);
    }
    if (s->chars && !all_in_class(text, s->chars)) {
        snprintf(why, sizeof why, "Member must satisfy regular expression pattern: [%s]+",
                 s->chars);
        return broken(w, text, why);
    }
    return check_bounds(w, s, (double)text.len, text, "length");
}

static bool check_string(struct walk *w, const struct node *n, const struct shape *s)
{
    struct buf scratch = {0};
    if (n->kind != TREE_STRING)
        return wrong_type(w, n, "String");
    if (!s->choices && !s->chars && !s->has_min && !s->has_max)
        return true;
    bool good = check_text(w, tree_text(n, &scratch), s);
    buf_fini(&scratch);
    return good;
}

static bool check_number(struct walk *w, const struct node *n, const struct shape *s)
{
    int64_t whole;
    if (n->kind != TREE_NUMBER)
        return wrong_type(w, n, s->kind == SHAPE_INTEGER ? "Integer" : "Float");
    if (s->kind == SHAPE_INTEGER && !tree_integer(n, &whole))
        return wrong_type(w, n, "Integer");
    return check_bounds(w, s, tree_number(n), n->raw, "value");
}

static bool check_list(struct walk *w, const struct node *n, const struct shape *s)
{
    unsigned index = 0;
    char name[32];
    if (n->kind != TREE_ARRAY)
        return wrong_type(w, n, "List");
    if (!check_bounds(w, s, n->count, S("[...]"), "length"))
        return false;
    for (const struct node *c = tree_child(w->t, n); c; c = tree_next(w->t, c)) {
        snprintf(name, sizeof name, "%u.member", ++index);
        size_t was = push(w, str_of(name));
        if (!check(w, c, s->item))
            return false;
        pop(w, was);
    }
    return true;
}

static bool check_map_entry(struct walk *w, const struct node *c, const struct shape *s)
{
    struct buf scratch = {0};
    struct shape key = {.kind = SHAPE_STRING,
                        .has_min = true,
                        .min = 1,
                        .has_max = s->key_max > 0,
                        .max = s->key_max,
                        .chars = s->key_chars};
    bool good = check_text(w, tree_key(c, &scratch), &key) && check(w, c, s->item);
    buf_fini(&scratch);
    return good;
}

static bool check_map(struct walk *w, const struct node *n, const struct shape *s)
{
    if (n->kind != TREE_OBJECT)
        return wrong_type(w, n, "Map");
    if (!check_bounds(w, s, n->count, S("{...}"), "length"))
        return false;
    for (const struct node *c = tree_child(w->t, n); c; c = tree_next(w->t, c)) {
        size_t was = push(w, c->key);
        if (!check_map_entry(w, c, s))
            return false;
        pop(w, was);
    }
    return true;
}

static const struct shape_member *member_of(const struct shape *s, const struct node *c)
{
    struct buf scratch = {0};
    struct str key = tree_key(c, &scratch);
    const struct shape_member *m = s->members;
    while (m->name.ptr && !str_eq(m->name, key))
        m++;
    buf_fini(&scratch);
    return m->name.ptr ? m : NULL;
}

static bool check_required(struct walk *w, const struct node *n, const struct shape *s)
{
    for (const struct shape_member *m = s->members; m->name.ptr; m++) {
        if (!m->required || tree_have(w->t, n, m->name))
            continue;
        push(w, m->name);
        return broken(w, (struct str){0}, "Member must not be null");
    }
    return true;
}

static bool check_members(struct walk *w, const struct node *n, const struct shape *s)
{
    unsigned known = 0;
    if (n->kind != TREE_OBJECT)
        return wrong_type(w, n, "Structure");
    for (const struct node *c = tree_child(w->t, n); c; c = tree_next(w->t, c)) {
        const struct shape_member *m = member_of(s, c);
        if (!m && s->closed)
            return refusal_invalid(w->out,
                                   "Malformed input request: #: extraneous key [%.*s] is not "
                                   "permitted, please reformat your input and try again.",
                                   (int)(c->key.len < 100 ? c->key.len : 100), c->key.ptr);
        if (!m || c->kind == TREE_NULL)
            continue;
        known++;
        size_t was = push(w, m->name);
        if (!check(w, c, m->shape))
            return false;
        pop(w, was);
    }
    if (s->kind == SHAPE_UNION && known != 1)
        return refusal_invalid(w->out,
                               "1 validation error detected: Value at '%s' failed to satisfy "
                               "constraint: Exactly one member of the union must be set, found %u",
                               w->path, known);
    return check_required(w, n, s);
}

static bool check(struct walk *w, const struct node *n, const struct shape *s)
{
    switch (s->kind) {
    case SHAPE_STRUCT:
    case SHAPE_UNION:
        return check_members(w, n, s);
    case SHAPE_LIST:
        return check_list(w, n, s);
    case SHAPE_MAP:
        return check_map(w, n, s);
    case SHAPE_STRING:
        return check_string(w, n, s);
    case SHAPE_INTEGER:
    case SHAPE_NUMBER:
        return check_number(w, n, s);
    case SHAPE_BOOLEAN:
        return n->kind == TREE_TRUE || n->kind == TREE_FALSE || wrong_type(w, n, "Boolean");
    case SHAPE_ANY:
        return true;
    }
    return true;
}

bool shape_check(const struct tree *t, const struct node *n, const struct shape *s,
                 struct refusal *out)
{
    struct walk w = {.t = t, .out = out};
    return check(&w, n, s);
}
