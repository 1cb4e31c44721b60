/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be a mistake: a pattern that means no model of the catalogue. A misspelt one lets nobody
 * in, or a rule never hold, and nothing else says so. It is no fault: models are born faster than
 * catalogues. ARNs do not say their model, so of patterns for them nothing is said. And what was
 * left out of the accepted rules.
 */
#include "config_table.h"
#include "weir/base/text.h"
#include "weir/book/catalogue.h"

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

static void look_at_rules(const struct notes *n)
{
    const struct yaml_node *rules = yaml_get(n->config->root, S("rules"));
    const struct yaml_node *item = rules ? rules->first : NULL;
    for (size_t i = 0; i < n->config->n_rules && item; i++, item = item->next) {
        const struct config_rule *rule = &n->config->rules[i];
        look_at(n, config_place(item, "match.model"), rule->model, "rule", rule->name,
                "match.model");
    }
}

void config_add_notes(const struct config *c, const struct catalogue *catalogue, struct buf *out)
{
    const struct notes n = {c, catalogue, out};
    for (size_t i = 0; i < c->n_clients; i++)
        look_at_models(&n, &c->clients[i]);
    if (c->root)
        look_at_rules(&n);
    buf_add(out, c->left_out);
}
