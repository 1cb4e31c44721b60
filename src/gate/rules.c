/* SPDX-License-Identifier: Apache-2.0
 *
 * A rule matches when each of its patterns does. What it does not name, it does not ask.
 */
#include "weir/gate/rules.h"

#include "weir/base/text.h"
#include "weir/book/spool.h"
#include "weir/gate/clients.h"
#include "weir/plan/window.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/json_string.h"
#include "weir/wire/yaml.h"

enum { VALUE_MOST = 1024 };

static bool fits(struct str pattern, struct str s)
{
    return pattern.len == 0 || text_matches(pattern, s);
}

static bool fits_headers(const struct yaml_node *wanted, const struct fields *fields)
{
    for (const struct yaml_node *w = wanted ? wanted->first : NULL; w; w = w->next) {
        struct str value = fields_get(fields, w->key->text);
        if (!value.ptr || !text_matches(w->text, value))
            return false;
    }
    return true;
}

/* One entry of the request's own metadata. */
static bool fits_entry(struct str name, struct str pattern, struct str metadata)
{
    struct json_member m = {.name = name};
    struct json_pick pick;
    char value[VALUE_MOST];
    size_t n;
    json_pick_init(&pick, metadata, &m, 1);
    if (metadata.len == 0 || json_pick_step(&pick) != JSON_END || m.times != 1 ||
        m.kind != JSON_STRING || json_string_copy(m.raw, value, sizeof value, &n) < 0)
        return false;
    return text_matches(pattern, str_from(value, n));
}

static bool fits_metadata(const struct yaml_node *wanted, struct str metadata)
{
    for (const struct yaml_node *w = wanted ? wanted->first : NULL; w; w = w->next)
        if (!fits_entry(w->key->text, w->text, metadata))
            return false;
    return true;
}

/* An accepted rule is for one caller: without a workload it is for what has none, and not for all.
 */
static bool fits_caller(const struct config_rule *r, const struct rule_view *v)
{
    if (r->accepted)
        return str_eq(r->client, v->client) && str_eq(r->workload, v->workload);
    return fits(r->client, v->client) && fits(r->workload, v->workload);
}

static bool fits_model(const struct config_rule *r, const struct rule_view *v)
{
    return r->model.len == 0 || clients_model_is(r->model, v->model) ||
           (r->accepted && v->behind.len && str_eq(r->model, v->behind));
}

static bool holds(const struct config_rule *r, const struct rule_view *v)
{
    return !r->window || window_holds(r->window, v->now_s);
}

static bool matches_but_hours(const struct config_rule *r, const struct rule_view *v)
{
    return fits_caller(r, v) && fits_model(r, v) &&
           (fits(r->operation, v->operation) || str_eq(r->operation, v->family)) &&
           fits(r->user_agent, fields_get(v->fields, S("user-agent"))) &&
           fits_headers(r->header, v->fields) && fits_metadata(r->metadata, v->metadata);
}

static bool matches(const struct config_rule *r, const struct rule_view *v)
{
    return matches_but_hours(r, v) && holds(r, v);
}

const struct yaml_node *rules_metadata(const struct config *c, const struct rule_view *v)
{
    for (size_t i = 0; i < c->n_rules; i++)
        if (c->rules[i].set_metadata && matches(&c->rules[i], v))
            return c->rules[i].set_metadata;
    return NULL;
}

void rules_lanes(const struct config *c, const struct rule_view *v, struct rule_lanes *out)
{
    *out = (struct rule_lanes){.reply = CONFIG_NOT_SET};
    for (size_t i = 0; i < c->n_rules; i++) {
        const struct config_rule *r = &c->rules[i];
        bool says = r->deadline_ms || r->lanes || r->set_reply != CONFIG_NOT_SET;
        if (!says || !matches_but_hours(r, v))
            continue;
        if (!holds(r, v)) {
            if (r->set_reply == SPOOL_RETRY && !out->over_ms)
                out->over_ms = r->deadline_ms;
            continue;
        }
        if (r->deadline_ms && !out->deadline_ms) {
            out->deadline_ms = r->deadline_ms;
            out->deadline_rule = r->name;
        }
        if (r->lanes && !out->lanes) {
            out->lanes = r->lanes;
            out->lane_rule = r->name;
        }
        if (out->reply == CONFIG_NOT_SET)
            out->reply = r->set_reply;
    }
}

const struct config_rule *rules_accepted(const struct config *c, const struct rule_view *v)
{
    for (size_t i = 0; i < c->n_rules; i++)
        if (c->rules[i].accepted && matches(&c->rules[i], v))
            return &c->rules[i];
    return NULL;
}

bool rules_cache(const struct config *c, const struct rule_view *v, enum cache_mode *out)
{
    for (size_t i = 0; i < c->n_rules; i++) {
        if (c->rules[i].set_cache == CONFIG_NOT_SET || !matches(&c->rules[i], v))
            continue;
        *out = (enum cache_mode)c->rules[i].set_cache;
        return true;
    }
    return false;
}
