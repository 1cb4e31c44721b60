/* SPDX-License-Identifier: Apache-2.0
 *
 * The same way as that of a request, without a request: which operation and model, what the
 * catalogue and the configuration say of them, the blocks, what is known of them, the plan. Nothing
 * is noted on the way, so to ask changes no answer.
 */
#include "explain.h"

#include "weir/base/mem.h"
#include "weir/gate/cache_wish.h"

enum { ARENA_BYTES = 1 << 20 };

/* --- operation and model */

static const struct {
    struct str word;
    enum operation_id op;
} families[] = {{STR("converse"), OP_CONVERSE},
                {STR("invoke"), OP_INVOKE},
                {STR("messages"), OP_MESSAGES},
                {STR("chat"), OP_CHAT},
                {STR("responses"), OP_RESPONSES}};
enum { FAMILIES = sizeof families / sizeof *families };

/* By members that only one of them has. */
static enum operation_id guess(const struct explain *e)
{
    struct json_member m[] = {{.name = STR("anthropic_version")},
                              {.name = STR("schemaVersion")},
                              {.name = STR("input")},
                              {.name = STR("model")}};
    struct json_pick pick;
    json_pick_init(&pick, e->options.body, m, 4);
    if (json_pick_step(&pick) != JSON_END || (!m[0].times && !m[1].times && !m[3].times))
        return OP_CONVERSE;
    if (!m[3].times)
        return OP_INVOKE;
    if (m[2].times)
        return OP_RESPONSES;
    return str_find(m[3].raw, S("anthropic.")) >= 0 ? OP_MESSAGES : OP_CHAT;
}

static struct str family_of(const struct operation *op)
{
    for (size_t i = 0; i < FAMILIES; i++)
        if (families[i].op == op->id)
            return families[i].word;
    return S("");
}

static bool find_operation(struct explain *e, struct buf *why)
{
    struct str word = e->options.op;
    enum operation_id id = OP_NONE;
    if (!word.len)
        id = guess(e);
    for (size_t i = 0; i < FAMILIES; i++)
        if (str_eq(word, families[i].word))
            id = families[i].op;
    e->op = operation_row(id);
    if (id == OP_NONE)
        buf_addf(why, "an operation is converse, invoke, messages, chat or responses, not \"%.*s\"",
                 STR_ARG(str_sub(word, 0, 60)));
    return id != OP_NONE;
}

static bool find_model(struct explain *e, struct buf *why)
{
    bool in_body = e->op->id != OP_CONVERSE && e->op->id != OP_INVOKE;
    e->model = operation_model(e->options.model, &e->arena); /* as in a path: "...v1%3A0" */
    if (e->options.model.len && !e->model.len) {
        buf_addf(why, "--model has an escape that is none: \"%.*s\"",
                 STR_ARG(str_sub(e->options.model, 0, 60)));
        return false;
    }
    if (!e->model.len && in_body)
        e->model = facts_model(&e->facts, &e->arena);
    if (!e->model.len) {
        buf_addf(why, in_body ? "the body names no model: say it with --model"
                              : "say the model with --model: it is in the path of a request, not "
                                "in its body");
        return false;
    }
    if (model_form(e->model, &e->plain) != MODEL_PLAIN)
        e->plain = S("");
    return true;
}

static bool find_client(struct explain *e, struct buf *why)
{
    const struct config *c = e->config;
    struct str wanted = e->options.client;
    e->client = wanted.len ? wanted : c->n_clients ? c->clients[0].name : S("anonymous");
    if (!wanted.len || (!c->n_clients && str_eq(wanted, S("anonymous"))))
        return true;
    if (config_find_client(c, wanted))
        return true;
    buf_addf(why, "no client is called \"%.*s\"%s", STR_ARG(str_sub(wanted, 0, 60)),
             c->n_clients ? "" : ": the configuration has none, so all are \"anonymous\"");
    return false;
}

/* --- what holds for it */

static struct rule_view view_of(const struct explain *e)
{
    return (struct rule_view){.client = e->client,
                              .model = e->model,
                              .operation = e->op->name,
                              .family = family_of(e->op),
                              .fields = &e->fields,
                              .metadata = e->facts.metadata,
                              .now_s = e->options.now_ms / 1000};
}

static void find_mode(struct explain *e)
{
    const struct rule_view v = view_of(e);
    e->by_rule = rules_cache(e->config, &v, &e->mode);
    e->mode = cache_wish(e->config, &v);
}

static void find_terms(struct explain *e, const struct catalogue *catalogue,
                       struct shared_cache *known)
{
    e->row = e->plain.len ? catalogue_find(catalogue, e->plain) : NULL;
    e->priced =
        e->row && catalogue_price(catalogue, e->plain, LANE_ONDEMAND, &e->price) != UNPRICED;
    e->verdict = shared_cache_verdict(known, e->model);
    e->scale = shared_cache_scale(known, e->model, e->client);
    e->marks = e->priced && cache_terms_of(e->row, &e->price, e->config, e->mode, &e->terms);
    e->forbidden = e->marks && !verdict_apply(&e->verdict, e->options.now_ms / 1000, &e->terms);
}

static bool is_twice(const struct facts *f)
{
    bool twice = false;
    for (size_t i = FACT_TOOLS; i < FACTS_LOOKED_AT; i++)
        twice |= f->twice[i];
    return twice;
}

/* Why facts_parts gave none. */
static const char *partless(const struct explain *e, bool elsewhere)
{
    if (e->facts.state == FACTS_NONE)
        return "the body is empty";
    if (e->facts.state != FACTS_STRICT)
        return "the body is not strict JSON";
    if (elsewhere)
        return "the prompt begins with what is not in the body";
    return "the body has a member of the prompt twice";
}

/* Converse is read for every model: the blocks are worth seeing where nothing can be marked. */
static void read_blocks(struct explain *e)
{
    struct ask_parts parts;
    e->dialect = cache_dialect(e->op, e->plain);
    enum ask_dialect dialect =
        e->dialect == ASK_NONE && e->op->id == OP_CONVERSE ? ASK_CONVERSE : e->dialect;
    if (dialect == ASK_NONE) {
        e->ask.why = "nobody knows how this model's body is written";
        e->unreadable = e->facts.state != FACTS_STRICT;
    } else if (!facts_parts(&e->facts, e->options.body, dialect, &parts)) {
        bool elsewhere = dialect == ASK_RESPONSES && !is_twice(&e->facts);
        e->ask.why = partless(e, elsewhere);
        e->unreadable = true;
    } else {
        struct str model = e->plain.len ? e->plain : e->model;
        ask_begin(&e->ask, dialect, cache_prompt_seed(e->config, e->client, model), &parts,
                  e->blocks, ASK_BLOCKS_MOST);
        while (ask_step(&e->ask) == ASK_MORE)
            ;
        e->clear = e->ask.state == ASK_GOOD && e->ask.n;
        e->unreadable = !e->clear;
    }
}

bool explain_unreadable(const struct explain *e)
{
    return e->unreadable;
}

static void decide(struct explain *e, struct shared_cache *known)
{
    bool may = e->marks && !e->forbidden && e->dialect != ASK_NONE;
    uint32_t now = prefix_tick(e->options.now_ms);
    shared_cache_count(known, &e->counts);
    if (!e->clear)
        return;
    cache_prompt_sites(&e->ask, may ? &e->terms : NULL, &e->scale, e->sites);
    e->control = cache_prompt_is_control(e->config, cache_prompt_draw(&e->ask));
    shared_cache_see(known, e->sites, e->ask.n, now, true);
    if (may)
        shared_cache_plan(known, e->client, &e->terms, e->sites, e->ask.n, S(""), now, true,
                          &e->plan);
}

struct explain *explain_new(const struct config *c, const struct catalogue *catalogue,
                            struct shared_cache *known, const struct explain_options *o,
                            struct buf *why)
{
    struct explain *e = mem_new(sizeof *e);
    e->config = c;
    e->catalogue = catalogue;
    e->options = *o;
    if (o->deadline.len)
        (void)fields_add(&e->fields, S("x-weir-deadline"), o->deadline);
    arena_init(&e->arena, ARENA_BYTES);
    e->blocks = mem_new(ASK_BLOCKS_MOST * sizeof *e->blocks);
    e->sites = mem_new(ASK_BLOCKS_MOST * sizeof *e->sites);
    while (facts_read(&e->facts, o->body, S("model")) == FACTS_MORE)
        ;
    if (!find_operation(e, why) || !find_model(e, why) || !find_client(e, why)) {
        explain_free(e);
        return NULL;
    }
    find_mode(e);
    find_terms(e, catalogue, known);
    read_blocks(e);
    decide(e, known);
    const struct rule_view view = view_of(e);
    const char *fault = explain_choose_lane(e, &view);
    if (!fault)
        return e;
    buf_add(why, str_of(fault));
    explain_free(e);
    return NULL;
}

void explain_free(struct explain *e)
{
    if (!e)
        return;
    arena_fini(&e->arena);
    mem_free(e->blocks);
    mem_free(e->sites);
    mem_free(e);
}

/* --- the body */

const char *explain_unmarked(const struct explain *e)
{
    if (e->config->levers == LEVERS_OFF)
        return "levers: off";
    if (e->mode == CACHE_OFF)
        return "caching is off for it";
    if (!e->plain.len && !str_starts(e->model, S("arn:")))
        return "this is no model's id: one names its maker before the first dot, as in "
               "us.anthropic.claude-sonnet-4-6";
    if (!e->plain.len)
        return "this ARN does not say the model behind it; say --model with the model's id to see "
               "a plan";
    if (!e->row)
        return "the catalogue does not know the model";
    if (!e->priced)
        return "the catalogue has no price for the model";
    if (cache_is_implicit(e->row) && e->mode == CACHE_AUTO)
        return "the model caches by itself, at the price of markers";
    if (!e->marks || e->dialect == ASK_NONE)
        return "the catalogue says that the model takes no markers, here or at all";
    if (e->forbidden)
        return "the model refused markers; they are tried again later";
    if (!e->clear)
        return e->ask.why;
    if (e->config->levers == LEVERS_OBSERVE)
        return "levers: observe: nothing is changed";
    return e->control ? "it is in the control group (cache.holdout)" : NULL;
}

void explain_add_body(const struct explain *e, struct buf *out, const char **out_why)
{
    struct json_edit edits[CACHE_EDITS_MOST];
    struct str pieces[JSON_EDIT_PIECES(CACHE_EDITS_MOST)];
    *out_why = explain_unmarked(e);
    size_t n = *out_why ? 0 : cache_prompt_edits(&e->ask, &e->plan, edits);
    ssize_t n_pieces =
        n ? json_edit_pieces(edits, n, e->options.body, pieces, JSON_EDIT_PIECES(CACHE_EDITS_MOST))
          : 0;
    if (n_pieces <= 0)
        buf_add(out, e->options.body);
    for (ssize_t i = 0; i < n_pieces; i++)
        buf_add(out, pieces[i]);
    if (!*out_why && !n)
        *out_why = e->plan.held ? e->plan.held : "no marker pays";
}
