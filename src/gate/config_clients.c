/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients, rules and limits as the configuration says them: what is missing, what stands there
 * twice, and what could never come true. Who a name, a key or a certificate belongs to must have
 * one answer. A client without any method is right: its keys are issued (`weir keys new`). What is
 * in the files of secrets is gate/clients'.
 */
#include "config_hours.h"
#include "config_table.h"
#include "lane_terms.h"
#include "weir/base/text.h"
#include "weir/gate/body.h"
#include "weir/gate/config.h"
#include "weir/gate/lane_wish.h"
#include "weir/gate/operation.h"
#include "weir/plan/lane.h"

enum { NAME_MOST = 64, KEY_ID_MOST = 128, CN_MOST = 64, PATTERN_MOST = 512 };

/* Bedrock's own limits of requestMetadata: its service model, November 2026. */
enum { METADATA_MOST = 16, METADATA_KEY_MOST = 256, METADATA_VALUE_MOST = 256 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Of letters, digits and those of `others`. */
static bool is_made_of(struct str s, const char *others, size_t most)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.ptr[i]) && str_chr(str_of(others), s.ptr[i]) < 0)
            return false;
    return s.len > 0 && s.len <= most;
}

static bool is_pattern(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 127)
            return false;
    return s.len <= PATTERN_MOST;
}

static void check_name(struct config_reader *r, const struct yaml_node *at, struct str name,
                       const char *of)
{
    if (name.len == 0)
        config_faultf(r, at, "a %s wants a name", of);
    else if (!is_made_of(name, "-_.", NAME_MOST))
        config_faultf(r, config_place(at, "name"),
                      "%s \"%.*s\": a name is at most %d letters, digits, -, _ and .", of,
                      STR_ARG(str_sub(name, 0, NAME_MOST)), NAME_MOST);
}

/* --- one client */

static bool is_role(struct str arn)
{
    struct str part[6];
    for (size_t i = 0; i < 5; i++)
        part[i] = str_cut(&arn, ':');
    part[5] = arn;
    bool account = part[4].len == 12;
    for (size_t i = 0; i < part[4].len; i++)
        account = account && part[4].ptr[i] >= '0' && part[4].ptr[i] <= '9';
    return str_eq(part[0], S("arn")) && str_starts(part[1], S("aws")) &&
           str_eq(part[2], S("iam")) && part[3].len == 0 && account &&
           str_starts(part[5], S("role/")) && part[5].len > 5;
}

/* A name out of a certificate comes only from where one is asked for. */
static bool asks_for_certificates(const struct config *c)
{
    for (size_t i = 0; i < c->n_listen; i++)
        if (c->listen[i].client_ca.len)
            return true;
    return false;
}

static void check_methods(struct config_reader *r, const struct config_client *c,
                          const struct yaml_node *at)
{
    if ((c->access_key_id.len == 0) != (c->secret_file.len == 0))
        config_faultf(r, config_place(at, "sigv4"),
                      "client %.*s: sigv4 wants both access_key_id and secret_file",
                      STR_ARG(c->name));
    if (c->access_key_id.len && !is_made_of(c->access_key_id, "_", KEY_ID_MOST))
        config_faultf(r, config_place(at, "sigv4.access_key_id"),
                      "client %.*s: sigv4.access_key_id is at most %d letters, digits and _",
                      STR_ARG(c->name), KEY_ID_MOST);
    if (c->cn.len > CN_MOST)
        config_faultf(r, config_place(at, "cn"), "client %.*s: a cn has at most %d characters",
                      STR_ARG(c->name), CN_MOST);
    if (c->cn.len && !asks_for_certificates(r->config))
        config_faultf(r, config_place(at, "cn"),
                      "client %.*s: nobody can be known by a cn, since no listener asks for a "
                      "certificate: set tls.client_ca in listen, or leave cn out",
                      STR_ARG(c->name));
    if (c->role_arn.len && !is_role(c->role_arn))
        config_faultf(r, config_place(at, "role_arn"),
                      "client %.*s: role_arn wants a role's ARN, like "
                      "arn:aws:iam::123456789012:role/name",
                      STR_ARG(c->name));
}

static void check_models(struct config_reader *r, const struct config_client *c)
{
    if (!c->models)
        return;
    if (c->models->n == 0)
        config_faultf(r, c->models,
                      "client %.*s: models is empty: it could call none; leave the key out for all",
                      STR_ARG(c->name));
    for (const struct yaml_node *m = c->models->first; m; m = m->next)
        if (!is_pattern(m->text))
            config_faultf(r, m, "client %.*s: models wants names of models, like anthropic.*",
                          STR_ARG(c->name));
}

/* --- limits that could never be reached are mistakes of those who set them */

static void check_below(struct config_reader *r, const struct yaml_node *at, struct str client,
                        const char *what, uint64_t own, uint64_t all)
{
    if (own && all && own > all)
        config_faultf(r, config_place(at, what),
                      "client %.*s: %s can never be reached: that of all clients is lower",
                      STR_ARG(client), what);
}

static void check_body(struct config_reader *r, const struct yaml_node *at, uint64_t bytes)
{
    uint64_t bodies = r->config->bodies_bytes;
    if (bytes > BODY_MOST_BYTES)
        config_faultf(r, at, "limits.body_bytes can never be reached: Weir takes %d bytes at most",
                      BODY_MOST_BYTES);
    else if (bytes > bodies)
        config_fault(r, at, S("limits.body_bytes can never be reached: memory.bodies is lower"));
}

/* Nothing would ever be spent, nor a token be used. */
static void check_metered(struct config_reader *r, const struct config_client *c,
                          const struct yaml_node *at)
{
    if (r->config->metering == METERING_OFF &&
        (c->day_nanousd || c->month_nanousd || c->limits.tokens_per_minute))
        config_faultf(r, at,
                      "client %.*s: a budget and limits.tokens_per_minute want metering: with "
                      "metering: off nobody counts what was used",
                      STR_ARG(c->name));
}

static void check_limits(struct config_reader *r, const struct config_client *c,
                         const struct yaml_node *at)
{
    const struct config_limits *own = &c->limits, *all = &r->config->limits;
    check_below(r, at, c->name, "limits.requests_per_minute", own->requests_per_minute,
                all->requests_per_minute);
    check_below(r, at, c->name, "limits.tokens_per_minute", own->tokens_per_minute,
                all->tokens_per_minute);
    check_below(r, at, c->name, "limits.concurrent", own->concurrent, all->concurrent);
    check_below(r, at, c->name, "limits.body_bytes", own->body_bytes, all->body_bytes);
    check_body(r, config_place(at, "limits.body_bytes"), own->body_bytes);
    check_metered(r, c, at);
    if (c->day_nanousd && c->month_nanousd && c->day_nanousd > c->month_nanousd)
        config_faultf(
            r, config_place(at, "budget.usd_per_day"),
            "client %.*s: budget.usd_per_day can never be reached: usd_per_month is lower",
            STR_ARG(c->name));
}

static void check_client(struct config_reader *r, size_t i)
{
    const struct config_client *c = &r->config->clients[i];
    const struct yaml_node *at = config_place_of_item(r, OF_config_client, i);
    check_name(r, at, c->name, "client");
    if (str_eq(c->name, S("anonymous")) || str_eq(c->name, S("other")))
        config_faultf(r, config_place(at, "name"),
                      "a client cannot be called %.*s: Weir calls others so", STR_ARG(c->name));
    check_methods(r, c, at);
    check_models(r, c);
    check_limits(r, c, at);
}

/* --- what must be one client's alone */

static bool same(struct str a, struct str b)
{
    return a.len && str_eq(a, b);
}

static void check_pair(struct config_reader *r, const struct config_client *a,
                       const struct config_client *b, const struct yaml_node *at)
{
    if (same(a->name, b->name))
        config_faultf(r, config_place(at, "name"), "client %.*s stands there twice",
                      STR_ARG(b->name));
    const struct {
        bool twice;
        const char *key;
    } alone[] = {
        {same(a->access_key_id, b->access_key_id), "sigv4.access_key_id"},
        {same(a->secret_file, b->secret_file), "sigv4.secret_file"},
        {same(a->bearer_file, b->bearer_file), "bearer_file"},
        {same(a->cn, b->cn), "cn"},
        {a->loopback && b->loopback, "loopback"},
        {a->passthrough && b->passthrough, "passthrough"},
    };
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (alone[i].twice)
            config_faultf(r, config_place(at, alone[i].key),
                          "clients %.*s and %.*s have the same %s: who comes could be either",
                          STR_ARG(a->name), STR_ARG(b->name), alone[i].key);
}

/* --- rules */

static bool has_star(struct str s)
{
    return str_chr(s, '*') >= 0;
}

static bool is_operation(struct str s)
{
    static const struct str families[] = {STR("converse"), STR("invoke"), STR("messages"),
                                          STR("chat")};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (str_eq(s, families[i]))
            return true;
    for (size_t i = 0; i < OPERATIONS; i++)
        if (str_eq(s, operation_row((enum operation_id)i)->name))
            return true;
    return false;
}

static bool is_client(const struct config *c, struct str name)
{
    return config_find_client(c, name) || (c->n_clients == 0 && str_eq(name, S("anonymous")));
}

static void check_match(struct config_reader *r, const struct config_rule *rule,
                        const struct yaml_node *at)
{
    if (rule->client.len && !has_star(rule->client) && !is_client(r->config, rule->client))
        config_faultf(r, config_place(at, "match.client"), "rule %.*s: no client is called %.*s",
                      STR_ARG(rule->name), STR_ARG(str_sub(rule->client, 0, 80)));
    if (rule->operation.len && !has_star(rule->operation) && !is_operation(rule->operation))
        config_faultf(r, config_place(at, "match.op"),
                      "rule %.*s: match.op wants converse, invoke, messages, chat, or an "
                      "operation's name like ConverseStream",
                      STR_ARG(rule->name));
}

static const char metadata_signs[] = " \t:_@$#=/+,-.";

static void check_metadata(struct config_reader *r, const struct config_rule *rule)
{
    const struct yaml_node *set = rule->set_metadata;
    if (set->n > METADATA_MOST)
        config_faultf(r, set, "rule %.*s: requestMetadata has at most %d entries",
                      STR_ARG(rule->name), METADATA_MOST);
    for (const struct yaml_node *entry = set->first; entry; entry = entry->next)
        if (!is_made_of(entry->key->text, metadata_signs, METADATA_KEY_MOST) ||
            !is_made_of(entry->text, metadata_signs, METADATA_VALUE_MOST))
            config_faultf(r, entry,
                          "rule %.*s: names and values of requestMetadata are at most %d "
                          "letters, digits, spaces and : _ @ $ # = / + , - .",
                          STR_ARG(rule->name), METADATA_KEY_MOST);
}

static void fault_deadline(struct config_reader *r, const struct config_rule *rule,
                           const struct yaml_node *at)
{
    struct buf least = {0};
    text_add_duration(&least, lane_terms_least_deadline(r->config->batch.linger_ms));
    config_faultf(r, at,
                  "rule %.*s: this deadline cannot be met by a batch: its pool alone may wait for "
                  "batch.linger. Set at least %s, or lane: [flex]",
                  STR_ARG(rule->name), buf_cstr(&least));
    buf_fini(&least);
}

static void check_lanes(struct config_reader *r, struct config_rule *rule,
                        const struct yaml_node *at)
{
    static const struct {
        struct str word;
        unsigned lane;
    } known[] = {{STR("flex"), LANE_SET_FLEX},
                 {STR("batch"), LANE_SET_BATCH},
                 {STR("priority"), LANE_SET_PRIORITY},
                 {STR("ondemand"), LANE_SET_ONDEMAND}};
    if (rule->set_lane && rule->set_lane->n == 0)
        config_faultf(r, rule->set_lane,
                      "rule %.*s: set.lane is empty: it wants at least one of ondemand, flex, "
                      "batch and priority",
                      STR_ARG(rule->name));
    for (const struct yaml_node *e = rule->set_lane ? rule->set_lane->first : NULL; e;
         e = e->next) {
        size_t i = 0;
        while (i < 4 && !str_eq(known[i].word, e->text))
            i++;
        if (i == 4)
            config_faultf(r, e, "rule %.*s: set.lane wants ondemand, flex, batch or priority",
                          STR_ARG(rule->name));
        else
            rule->lanes |= known[i].lane;
    }
    bool waits = rule->lanes & (LANE_SET_FLEX | LANE_SET_BATCH);
    if (waits && (rule->lanes & LANE_SET_PRIORITY))
        config_faultf(r, config_place(at, "set.lane"),
                      "rule %.*s: priority is for what cannot wait, flex and batch for what can",
                      STR_ARG(rule->name));
    if (rule->deadline_ms > LANE_WISH_MOST_MS)
        config_faultf(r, config_place(at, "set.deadline"),
                      "rule %.*s: a deadline is at most 7 days from now: a batch job can take no "
                      "longer",
                      STR_ARG(rule->name));
    bool may_batch = rule->deadline_ms && (!rule->lanes || rule->lanes & LANE_SET_BATCH);
    if (may_batch && r->config->batch.bucket.len &&
        rule->deadline_ms < 2 * r->config->batch.linger_ms)
        fault_deadline(r, rule, config_place(at, "set.deadline"));
}

void config_check_rule(struct config_reader *r, size_t i)
{
    const struct config_rule *rule = &r->config->rules[i];
    const struct yaml_node *at = config_place_of_item(r, OF_config_rule, i);
    check_name(r, at, rule->name, "rule");
    check_match(r, rule, at);
    if (rule->set_metadata)
        check_metadata(r, rule);
    check_lanes(r, &r->config->rules[i], at);
    if (rule->hours.len)
        r->config->rules[i].window = config_hours_read(r, rule, config_place(at, "match.hours"));
    bool adds = rule->set_metadata && rule->set_metadata->n > 0;
    bool lanes = rule->deadline_ms || rule->set_reply != CONFIG_NOT_SET || rule->set_lane;
    if (!adds && !lanes && rule->set_cache == CONFIG_NOT_SET)
        config_faultf(r, config_place(at, "set"), "rule %.*s sets nothing", STR_ARG(rule->name));
    for (size_t j = 0; j < i; j++)
        if (same(r->config->rules[j].name, rule->name))
            config_faultf(r, config_place(at, "name"), "rule %.*s stands there twice",
                          STR_ARG(rule->name));
}

void config_check_clients(struct config_reader *r)
{
    const struct config *c = r->config;
    check_body(r, config_place(r->root, "limits.body_bytes"), c->limits.body_bytes);
    for (size_t i = 0; i < c->n_clients; i++) {
        check_client(r, i);
        for (size_t j = 0; j < i; j++)
            check_pair(r, &c->clients[j], &c->clients[i],
                       config_place_of_item(r, OF_config_client, i));
    }
    for (size_t i = 0; i < c->n_rules; i++)
        config_check_rule(r, i);
}
