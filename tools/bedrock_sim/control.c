/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of paths and small functions.
 */
#include "control.h"

#include "control_jobs.h"
#include "tree.h"

#include "weir/base/clock.h"
#include "weir/base/text.h"

#include <string.h>

struct asked {
    struct world *w;
    struct str query;
    struct tree tree; /* of the body, when there is one */
    struct buf *out;
    struct refusal *why;
};

static uint64_t number_in(struct str query, struct str name, uint64_t otherwise)
{
    uint64_t n = otherwise;
    while (query.len) {
        struct str value = str_cut(&query, '&');
        if (str_eq(str_cut(&value, '='), name))
            return text_u64(value, &n) ? n : otherwise;
    }
    return n;
}

static bool get_ledger(struct asked *a)
{
    struct ledger_wish wish = {.most = number_in(a->query, S("n"), 1000),
                               .after = number_in(a->query, S("after"), LEDGER_NEWEST),
                               .charged_only = number_in(a->query, S("charged"), 0) == 1,
                               .without_fields = number_in(a->query, S("headers"), 1) == 0};
    ledger_add_lines(&a->w->ledger, a->out, &wish);
    return true;
}

static bool get_summary(struct asked *a)
{
    ledger_add_summary(&a->w->ledger, a->out);
    return true;
}

static bool get_last(struct asked *a)
{
    return ledger_add_request(&a->w->ledger, a->out, number_in(a->query, S("id"), 0)) ||
           refusal_set(a->why, 404, "ResourceNotFoundException", "No such request is kept.");
}

static bool get_metrics(struct asked *a)
{
    pthread_mutex_lock(&a->w->lock);
    metrics_add_lines(&a->w->metrics, a->out);
    pthread_mutex_unlock(&a->w->lock);
    return true;
}

static bool reset(struct asked *a)
{
    world_reset(a->w);
    buf_add(a->out, S("{}\n"));
    return true;
}

static bool read_order(struct asked *a, struct world_fault *order, struct str words)
{
    const struct node *root = tree_root(&a->tree);
    const struct node *match = tree_have(&a->tree, root, S("match"));
    struct str bad = {0};
    fault_init(&order->fault);
    if (!fault_read_words(&order->fault, words, &bad))
        return refusal_invalid(a->why, "No fault word: '%.*s'.", (int)(bad.len < 60 ? bad.len : 60),
                               bad.ptr);
    if (tree_have(&a->tree, root, S("count")) &&
        (!tree_integer(tree_get(&a->tree, root, S("count")), &order->left) || order->left < 1))
        return refusal_invalid(a->why, "count is a whole number from 1.");
    if (match && (match->kind != TREE_STRING || match->raw.len >= sizeof order->match))
        return refusal_invalid(a->why, "match is a short piece of the path.");
    if (match)
        memcpy(order->match, match->raw.ptr, match->raw.len);
    return true;
}

/* {"fault":"status=503 delay=10","count":2,"match":"/converse"}; an empty fault clears all. */
static bool order_fault(struct asked *a)
{
    const struct node *words = tree_have(&a->tree, tree_root(&a->tree), S("fault"));
    struct world_fault order = {.left = 1};
    if (!tree_is(words, TREE_STRING))
        return refusal_invalid(a->why, "The body is {\"fault\":\"words\"[,\"count\":N][,\"match\":"
                                       "\"piece of the path\"]}.");
    if (words->raw.len == 0) {
        world_clear_faults(a->w);
    } else if (!read_order(a, &order, words->raw)) {
        return false;
    } else if (!world_order_fault(a->w, &order)) {
        return refusal_invalid(a->why, "Too many faults are ordered.");
    }
    buf_add(a->out, S("{}\n"));
    return true;
}

/* {"cache_ms":N,"auth_ms":N}: how far each clock is ahead; {"advance_ms":N} moves the cache's. */
static bool set_clock(struct asked *a)
{
    const struct node *root = tree_root(&a->tree);
    int64_t by = 0, auth = 0;
    bool move = tree_integer(tree_get(&a->tree, root, S("advance_ms")), &by);
    bool set = tree_integer(tree_get(&a->tree, root, S("cache_ms")), &by);
    bool set_auth = tree_integer(tree_get(&a->tree, root, S("auth_ms")), &auth);
    if (root && !move && !set && !set_auth)
        return refusal_invalid(a->why, "The body is {\"advance_ms\":N}, {\"cache_ms\":N} or "
                                       "{\"auth_ms\":N}.");
    world_set_clock(a->w, move || set ? &by : NULL, move && !set, set_auth ? &auth : NULL);
    buf_addf(a->out, "{\"cache_ms\":%lld,\"auth_ms\":%lld}\n",
             (long long)(world_cache_now_ms(a->w) - clock_wall_ms()),
             (long long)(world_auth_now_s(a->w) * 1000 - clock_wall_ms() / 1000 * 1000));
    return true;
}

static bool get_jobs(struct asked *a)
{
    control_jobs_list(a->w->batch, a->out);
    return true;
}

static bool set_jobs(struct asked *a)
{
    buf_add(a->out, S("{}\n"));
    return control_jobs_set(a->w->batch, &a->tree, a->why);
}

static const struct {
    struct str method, path;
    bool (*run)(struct asked *a);
} paths[] = {
    {STR("GET"), STR("/sim/ledger"), get_ledger},  {STR("GET"), STR("/sim/summary"), get_summary},
    {STR("GET"), STR("/sim/last"), get_last},      {STR("POST"), STR("/sim/reset"), reset},
    {STR("POST"), STR("/sim/fault"), order_fault}, {STR("POST"), STR("/sim/clock"), set_clock},
    {STR("GET"), STR("/sim/clock"), set_clock},    {STR("GET"), STR("/sim/metrics"), get_metrics},
    {STR("GET"), STR("/sim/jobs"), get_jobs},      {STR("POST"), STR("/sim/jobs"), set_jobs},
};

static bool run(struct asked *a, const struct ops_request *r, struct str path)
{
    if (r->body.len && tree_parse(&a->tree, r->body) < 0)
        return refusal_invalid(a->why, "The body is no JSON: %s at offset %zu.", a->tree.error,
                               a->tree.error_at);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (str_eq(paths[i].method, r->method) && str_eq(paths[i].path, path))
            return paths[i].run(a);
    return refusal_set(a->why, 404, "ResourceNotFoundException",
                       "There is GET /sim/ledger, /sim/summary, /sim/last, /sim/clock, "
                       "/sim/metrics, /sim/jobs and "
                       "POST /sim/reset, /sim/fault, /sim/clock, /sim/jobs.");
}

void control_answer(struct world *w, const struct ops_request *r, struct ops_result *out)
{
    struct refusal why = {0};
    *out = (struct ops_result){.operation = "Control", .account = S("")};
    reply_init(&out->reply);
    fault_init(&out->fault);
    struct asked a = {.w = w, .query = r->target, .out = &out->reply.body, .why = &why};
    struct str path = str_cut(&a.query, '?');
    reply_field(&out->reply, S("content-type"), S("application/json"));
    if (!run(&a, r, path))
        reply_refuse(&out->reply, &why, -1);
    tree_fini(&a.tree);
}
