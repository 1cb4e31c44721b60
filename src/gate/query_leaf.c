/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers may be numbers or digits, times seconds since 1970 or ISO 8601, lists bare or in a
 * `member`: that is how the protocols differ.
 */
#include "query_leaf.h"

#include "weir/base/text.h"

#include <math.h>

const cJSON *query_leaf_at(const cJSON *o, const char *name)
{
    const cJSON *v = o ? cJSON_GetObjectItemCaseSensitive(o, name) : NULL;
    return cJSON_IsNull(v) ? NULL : v;
}

void query_leaf_missing(struct query_reader *r, const char *name)
{
    query_fail(r->f, QUERY_MISSING, "The parameter %s is required.", name);
}

void query_leaf_bad(struct query_reader *r, const char *name, const char *why)
{
    query_fail(r->f, QUERY_BAD_VALUE, "The value for parameter %s %s.", name, why);
}

struct str query_leaf_text(struct query_reader *r, const cJSON *o, const char *name, size_t most)
{
    const cJSON *v = query_leaf_at(o, name);
    if (!v || r->f->error)
        return S("");
    if (!cJSON_IsString(v)) {
        query_leaf_bad(r, name, "is not a string");
        return S("");
    }
    struct str s = str_of(v->valuestring);
    if (s.len > most)
        query_leaf_bad(r, name, "is too long");
    struct str kept = arena_dup(&r->q->arena, s);
    return kept.ptr ? kept : S("");
}

struct str query_leaf_text_needed(struct query_reader *r, const cJSON *o, const char *name,
                                  size_t most)
{
    struct str s = query_leaf_text(r, o, name, most);
    if (!s.len && !r->f->error)
        query_leaf_missing(r, name);
    return s;
}

uint64_t query_leaf_whole(struct query_reader *r, const cJSON *o, const char *name,
                          uint64_t otherwise)
{
    const cJSON *v = query_leaf_at(o, name);
    uint64_t n = 0;
    if (!v || r->f->error)
        return otherwise;
    if (cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= UINT32_MAX &&
        v->valuedouble == floor(v->valuedouble))
        return (uint64_t)v->valuedouble;
    if (cJSON_IsString(v) && text_u64(str_of(v->valuestring), &n) && n <= UINT32_MAX)
        return n;
    query_leaf_bad(r, name, "is not a whole number");
    return otherwise;
}

bool query_leaf_flag(struct query_reader *r, const cJSON *o, const char *name, bool otherwise)
{
    const cJSON *v = query_leaf_at(o, name);
    if (!v)
        return otherwise;
    if (cJSON_IsBool(v))
        return cJSON_IsTrue(v);
    if (cJSON_IsString(v) && str_ieq(str_of(v->valuestring), S("true")))
        return true;
    if (!cJSON_IsString(v) || !str_ieq(str_of(v->valuestring), S("false")))
        query_leaf_bad(r, name, "is neither true nor false");
    return false;
}

double query_leaf_seconds(struct query_reader *r, const cJSON *o, const char *name)
{
    const cJSON *v = query_leaf_at(o, name);
    int64_t epoch_s;
    if (!v)
        query_leaf_missing(r, name);
    else if (cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 1e11)
        return v->valuedouble;
    else if (cJSON_IsString(v) && text_parse_iso_time(str_of(v->valuestring), &epoch_s))
        return (double)epoch_s;
    else
        query_leaf_bad(r, name, "must be a time like 2026-11-20T08:30:00Z");
    return 0;
}

const cJSON *query_leaf_elements(struct query_reader *r, const cJSON *o, const char *name,
                                 size_t most)
{
    const cJSON *v = query_leaf_at(o, name);
    size_t n = 0;
    if (!v || (cJSON_IsString(v) && !v->valuestring[0]))
        return NULL;
    const cJSON *list = cJSON_IsObject(v) ? query_leaf_at(v, "member") : v;
    if (!cJSON_IsArray(list) && !(cJSON_IsObject(v) && cJSON_IsObject(list))) {
        query_leaf_bad(r, name, "is not a list");
        return NULL;
    }
    for (const cJSON *e = list->child; e; e = e->next)
        n++;
    if (n > most)
        query_fail(r->f, QUERY_BAD_VALUE, "The collection %s must have at most %zu elements.", name,
                   most);
    return r->f->error ? NULL : list->child;
}
