/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be a mistake: a pattern that means no model of the catalogue. A misspelt one lets nobody
 * in, or a rule never hold, and nothing else says so. It is no fault: models are born faster than
 * catalogues. ARNs do not say their model, so of patterns for them nothing is said. Rules that ask
 * for batches which cannot come about: requests go on demand then, and nothing else says why. Times
 * and keys of `batch` that cannot be meant. And what was left out of the accepted rules.
 */
#include "config_table.h"
#include "lane_terms.h"
#include "weir/base/text.h"
#include "weir/book/catalogue.h"
#include "weir/gate/lane_wish.h"

enum { PATTERN_SHOWN = 80 };

struct notes {
    const struct config *config;
    const struct catalogue *catalogue;
    struct buf *out;
};

static void look_at(const struct notes *n, const struct yaml_node *at, struct str pattern,
                    const char *whose, struct str name, const char *key)
{
    struct str date = catalogue_date(n->catalogue);
    if (pattern.len == 0 || str_starts(pattern, S("arn:")) ||
        catalogue_meets(n->catalogue, pattern))
        return;
    buf_addf(n->out, "%.*s:%u:%u: %s %.*s: %s: no model of the catalogue of %.*s matches \"",
             STR_ARG(n->config->name), at->line, at->column, whose, STR_ARG(name), key,
             STR_ARG(date));
    text_add_json(n->out, pattern, PATTERN_SHOWN);
    buf_add(n->out, S("\"; it is right only for a model that is not listed there\n"));
}

static void look_at_models(const struct notes *n, const struct config_client *c)
{
    for (const struct yaml_node *m = c->models ? c->models->first : NULL; m; m = m->next)
        look_at(n, m, m->text, "client", c->name, "models");
}

/* --- rules that batch nothing */

static void start_note(const struct notes *n, const struct yaml_node *at,
                       const struct config_rule *rule)
{
    buf_addf(n->out, "%.*s:%u:%u: rule %.*s: ", STR_ARG(n->config->name), at->line, at->column,
             STR_ARG(rule->name));
}

/* One line for all of the clients that the rule means and whose prompts may not wait. */
static void look_at_persist(const struct notes *n, const struct yaml_node *at,
                            const struct config_rule *rule)
{
    const struct config_client *first = NULL;
    size_t more = 0;
    for (size_t i = 0; i < n->config->n_clients; i++) {
        const struct config_client *c = &n->config->clients[i];
        if (c->persist || c->passthrough ||
            (rule->client.len && !text_matches(rule->client, c->name)))
            continue;
        more += first != NULL;
        first = first ? first : c;
    }
    if (!first)
        return;
    start_note(n, at, rule);
    buf_addf(n->out, "client %.*s", STR_ARG(first->name));
    if (more)
        buf_addf(n->out, " (and %zu more)", more);
    buf_add(n->out, S(" has data.persist: never: nothing of it is batched\n"));
}

static void look_at_deadline(const struct notes *n, const struct yaml_node *at,
                             const struct config_rule *rule)
{
    int64_t least = lane_terms_least_deadline(n->config->batch.linger_ms);
    if (!n->config->batch.bucket.len) {
        start_note(n, at, rule);
        buf_add(n->out, S("nothing of it is batched: batch.bucket is not set\n"));
        return;
    }
    look_at_persist(n, at, rule);
    if (rule->deadline_ms >= least)
        return;
    start_note(n, at, rule);
    buf_add(n->out, S("nothing of it is batched until a model was seen to take more than one call "
                      "a second: the deadline is too near; "));
    text_add_duration(n->out, least);
    buf_add(n->out, S(" is enough with this batch.linger\n"));
}

static bool any_deadline(const struct config *c)
{
    for (size_t i = 0; i < c->n_rules; i++)
        if (c->rules[i].deadline_ms)
            return true;
    return false;
}

static void look_at_lanes(const struct notes *n, const struct yaml_node *item,
                          const struct config_rule *rule)
{
    bool waits = rule->lanes & (LANE_SET_FLEX | LANE_SET_BATCH);
    if (rule->deadline_ms && (!rule->lanes || rule->lanes & LANE_SET_BATCH)) {
        look_at_deadline(n, config_place(item, "set.deadline"), rule);
    } else if (rule->deadline_ms && !waits) {
        start_note(n, config_place(item, "set.deadline"), rule);
        buf_add(n->out, S("its deadline moves nothing: set.lane allows neither flex nor batch\n"));
    } else if ((waits || rule->set_reply != CONFIG_NOT_SET) && !any_deadline(n->config)) {
        start_note(n, config_place(item, waits ? "set.lane" : "set.reply"), rule);
        buf_addf(n->out,
                 "no rule sets a deadline, so set.%s is only for requests that bring one "
                 "(x-weir-deadline)\n",
                 waits ? "lane" : "reply");
    }
}

/* --- batch */

static void note_batch(const struct notes *n, const char *key, const char *text)
{
    const struct yaml_node *at = config_place(n->config->root, key);
    buf_addf(n->out, "%.*s:%u:%u: %s %s\n", STR_ARG(n->config->name), at->line, at->column, key,
             text);
}

/* As CreateModelInvocationJob takes it (service model of 2026-07): an id of 36 characters, an
 * alias, or the ARN of either. */
static bool is_kms_key(struct str key)
{
    if (str_starts(key, S("arn:")))
        return str_find(key, S(":key/")) > 0 || str_find(key, S(":alias/")) > 0;
    return key.len == 36 || str_starts(key, S("alias/"));
}

static void look_at_batch(const struct notes *n)
{
    const struct config_batch *b = &n->config->batch;
    if (b->linger_ms >= LANE_WISH_MOST_MS)
        note_batch(n, "batch.linger",
                   "is as long as the longest deadline: nothing is batched, a pool would wait "
                   "until it is too late");
    if (b->keep_ms < b->replay_ms)
        note_batch(n, "batch.keep",
                   "is shorter than batch.replay: an answer is forgotten sooner when nobody "
                   "fetched it than when somebody did");
    if (b->kms_key.len && !is_kms_key(b->kms_key))
        note_batch(n, "batch.kms_key",
                   "is no id, alias/NAME or ARN of a KMS key: S3 and Bedrock will refuse it");
}

static void look_at_rules(const struct notes *n)
{
    const struct yaml_node *rules = yaml_get(n->config->root, S("rules"));
    const struct yaml_node *item = rules ? rules->first : NULL;
    for (size_t i = 0; i < n->config->n_rules && item; i++, item = item->next) {
        const struct config_rule *rule = &n->config->rules[i];
        look_at(n, config_place(item, "match.model"), rule->model, "rule", rule->name,
                "match.model");
        look_at_lanes(n, item, rule);
    }
}

void config_add_notes(const struct config *c, const struct catalogue *catalogue, struct buf *out)
{
    const struct notes n = {c, catalogue, out};
    for (size_t i = 0; i < c->n_clients; i++)
        look_at_models(&n, &c->clients[i]);
    if (c->root) {
        look_at_batch(&n);
        look_at_rules(&n);
    }
    buf_add(out, c->left_out);
}
