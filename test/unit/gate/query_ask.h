/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of gate/query share: a moment, and ways to read what is asked.
 */
#ifndef WEIR_TEST_GATE_QUERY_ASK_H
#define WEIR_TEST_GATE_QUERY_ASK_H

#include "../../../src/gate/query.h"

#include "weir/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 29878560 }; /* 2026-10-23T00:00:00Z, in minutes */
static const struct query_env env = {.now_ms = (int64_t)NOW * 60000 + 30500};

static inline bool read_json(struct query *q, enum query_action action, const char *json,
                             struct query_fault *f)
{
    *q = (struct query){.protocol = QUERY_JSON};
    *f = (struct query_fault){0};
    cJSON *tree = query_tree_json(str_of(json), f);
    bool good = tree && query_read(q, action, tree, &env, f);
    cJSON_Delete(tree);
    return good;
}

static inline bool read_form(struct query *q, enum query_action action, const char *form,
                             struct query_fault *f)
{
    *q = (struct query){.protocol = QUERY_XML};
    *f = (struct query_fault){0};
    cJSON *tree = query_tree_form(str_of(form), f);
    bool good = tree && query_read(q, action, tree, &env, f);
    cJSON_Delete(tree);
    return good;
}

static inline struct query must_json(enum query_action action, const char *json)
{
    struct query q;
    struct query_fault f;
    if (!read_json(&q, action, json, &f))
        fail_msg("%s: %s", json, f.sentence);
    return q;
}

static inline const char *statistics(const char *rest)
{
    static char json[1024];
    snprintf(json, sizeof json,
             "{\"Namespace\":\"Weir\",\"MetricName\":\"Invocations\",\"StartTime\":1792710000,"
             "\"EndTime\":1792713600,\"Period\":60%s}",
             rest);
    return json;
}

#endif
