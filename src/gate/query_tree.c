/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a query as a tree, whatever protocol it came in. JSON is one already. A form names
 * each leaf by its whole path,
 *
 *     MetricDataQueries.member.12.MetricStat.Metric.MetricName=Invocations
 *
 * in any order (some SDKs sort names, so that 12 comes before 2). Its pairs are sorted with numbers
 * as numbers; then each pair is behind the last place of the tree or opens a new one next to it.
 */
#include "query.h"

#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/form.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parameters, values: 500 queries with four dimensions each have 8,000. More would hold the loop.
 */
enum { VALUES_MOST = 16000, SEGMENTS_MOST = 12, SEGMENT_MOST = 64 };

struct pair {
    struct str name, value;
    size_t at; /* pairs of one name keep their order */
};

void query_fail(struct query_fault *f, enum query_error error, const char *format, ...)
{
    va_list args;
    if (f->error)
        return;
    f->error = error;
    va_start(args, format);
    vsnprintf(f->sentence, sizeof f->sentence, format, args);
    va_end(args);
}

/* At most, and one: what separates them. */
static size_t count(struct str body, const char *separators)
{
    size_t n = 1;
    for (size_t i = 0; i < body.len; i++)
        n += body.ptr[i] && strchr(separators, body.ptr[i]);
    return n;
}

static bool few_enough(struct str body, const char *separators, struct query_fault *f)
{
    if (count(body, separators) <= VALUES_MOST)
        return true;
    query_fail(f, QUERY_BAD_BODY, "The body has more than %d values.", VALUES_MOST);
    return false;
}

cJSON *query_tree_json(struct str body, struct query_fault *f)
{
    if (!few_enough(body, ",[{", f))
        return NULL;
    cJSON *tree = body.len ? cJSON_ParseWithLength(body.ptr, body.len) : cJSON_CreateObject();
    if (cJSON_IsObject(tree))
        return tree;
    cJSON_Delete(tree);
    query_fail(f, QUERY_BAD_BODY, "The body is not a JSON object.");
    return NULL;
}

/* --- forms */

static int segment_cmp(struct str a, struct str b)
{
    uint64_t n = 0, m = 0;
    bool is_n = text_u64(a, &n), is_m = text_u64(b, &m);
    if (is_n != is_m)
        return is_n ? -1 : 1;
    if (n != m)
        return n < m ? -1 : 1;
    return str_cmp(a, b);
}

static int pair_cmp(const void *x, const void *y)
{
    const struct pair *p = x, *q = y;
    struct str a = p->name, b = q->name;
    while (a.ptr && b.ptr) {
        int order = segment_cmp(str_cut(&a, '.'), str_cut(&b, '.'));
        if (order)
            return order;
    }
    if (a.ptr || b.ptr)
        return a.ptr ? 1 : -1;
    return (p->at > q->at) - (p->at < q->at);
}

static bool in_order(const struct pair *pairs, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (pair_cmp(&pairs[i - 1], &pairs[i]) > 0)
            return false;
    return true;
}

static size_t read_pairs(struct str body, char *room, struct pair *pairs, struct query_fault *f)
{
    struct form form;
    size_t n = 0;
    int got;
    form_init(&form, body, room);
    while ((got = form_next(&form, &pairs[n].name, &pairs[n].value)) == 1) {
        pairs[n].at = n;
        n++;
    }
    if (got < 0)
        query_fail(f, QUERY_BAD_BODY, "The form has a bad percent escape.");
    return n;
}

/* The child of this name when it is the last one. */
static cJSON *last_child(const cJSON *parent, const char *name)
{
    cJSON *last = parent->child ? parent->child->prev : NULL;
    return last && strcmp(last->string, name) == 0 ? last : NULL;
}

/* The last child when it has this name, else a new one behind it: a leaf when it has a value. */
static cJSON *put_child(cJSON *parent, const char *name, const char *value)
{
    cJSON *last = last_child(parent, name);
    if (last)
        return last;
    cJSON *child = value ? cJSON_CreateString(value) : cJSON_CreateObject();
    return child && cJSON_AddItemToObject(parent, name, child) ? child : NULL;
}

/* False: the name is no path, or what stands on its way is a leaf. */
static bool put_pair(cJSON *node, const struct pair *p)
{
    struct str rest = p->name;
    if (memchr(p->value.ptr, '\0', p->value.len))
        return false;
    for (unsigned depth = 0; rest.ptr; depth++) {
        struct str segment = str_cut(&rest, '.');
        char name[SEGMENT_MOST + 1];
        if (segment.len == 0 || segment.len > SEGMENT_MOST || depth == SEGMENTS_MOST ||
            !cJSON_IsObject(node))
            return false;
        snprintf(name, sizeof name, "%.*s", STR_ARG(segment));
        node = put_child(node, name, rest.ptr ? NULL : p->value.ptr);
    }
    return node != NULL;
}

static cJSON *build(const struct pair *pairs, size_t n, struct query_fault *f)
{
    cJSON *tree = cJSON_CreateObject();
    for (size_t i = 0; tree && !f->error && i < n; i++)
        if (!put_pair(tree, &pairs[i]))
            query_fail(f, QUERY_BAD_BODY, "The parameter %.*s cannot be read.",
                       STR_ARG(str_sub(pairs[i].name, 0, 200)));
    if (!f->error)
        return tree;
    cJSON_Delete(tree);
    return NULL;
}

cJSON *query_tree_form(struct str body, struct query_fault *f)
{
    if (!few_enough(body, "&", f))
        return NULL;
    char *room = mem_new(body.len + 1);
    struct pair *pairs = mem_new((count(body, "&") + 1) * sizeof *pairs);
    cJSON *tree = NULL;
    size_t n = read_pairs(body, room, pairs, f);
    if (!f->error) {
        if (!in_order(pairs, n))
            qsort(pairs, n, sizeof *pairs, pair_cmp);
        tree = build(pairs, n, f);
    }
    mem_free(pairs);
    mem_free(room);
    return tree;
}
