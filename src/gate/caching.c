/* SPDX-License-Identifier: Apache-2.0
 *
 * The prompt is read when the exchange has no other left to share an answer with: so what is noted
 * as a visit is one that Bedrock sees. The room for its blocks is large, so a worker keeps some,
 * and an exchange has one no longer than it reads.
 */
#include "caching.h"

#include "edit.h"
#include "refusal.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/gate/cache_terms.h"
#include "weir/gate/cache_wish.h"
#include "weir/gate/daemon.h"

struct caching_room {
    struct caching_room *next; /* of a worker's spare ones */
    struct ask_block blocks[ASK_BLOCKS_MOST];
    struct cache_site sites[ASK_BLOCKS_MOST];
};

/* Long prompts are read in turns, some at a time: one spare room would not do. A mapping of its
 * own: pages that nobody touches cost nothing, and nobody clears them. */
enum { ROOMS_SPARE = 4, WALKED_MOST = 4 << 20 };

static struct caching_room *take_room(struct worker *w)
{
    struct caching_room *room = w->caching_rooms;
    if (!room)
        return mem_map(sizeof *room);
    w->caching_rooms = room->next;
    w->n_caching_rooms--;
    return room;
}

static void give_room(struct worker *w, struct caching *c)
{
    struct caching_room *room = c->room;
    c->room = NULL;
    if (w->n_caching_rooms == ROOMS_SPARE) {
        mem_unmap(room, sizeof *room);
        return;
    }
    room->next = w->caching_rooms;
    w->caching_rooms = room;
    w->n_caching_rooms++;
}

void caching_rooms_free(struct caching_room *rooms)
{
    while (rooms) {
        struct caching_room *next = rooms->next;
        mem_unmap(rooms, sizeof *rooms);
        rooms = next;
    }
}

/* --- whether there is something to decide */

/* The model's id, as the catalogue knows it; empty: not known, or not yet. */
struct str caching_model_id(struct exchange *ex)
{
    char name[NAMES_MODEL_MOST];
    if (ex->form == MODEL_PLAIN)
        return ex->plain_model;
    if (ex->form == MODEL_TO_RESOLVE &&
        names_look(ex->worker->daemon->names, ex->model, name) == NAMES_KNOWN)
        return arena_dup(&ex->arena, str_of(name));
    return S("");
}

static bool find_terms(struct exchange *ex, struct str id, struct cache_terms *out)
{
    const struct setup *s = ex->setup;
    const struct rule_view view = edit_view(ex);
    enum cache_mode mode = cache_wish(s->config, &view);
    const struct catalogue_model *m = catalogue_find(s->catalogue, id);
    struct price price;
    if (!m || mode == CACHE_OFF ||
        catalogue_price(s->catalogue, id, LANE_ONDEMAND, &price) == UNPRICED ||
        !cache_terms_of(m, &price, s->config, mode, out))
        return false;
    const struct verdict v = shared_cache_verdict(ex->worker->daemon->cache, ex->model);
    return verdict_apply(&v, clock_wall_ms() / 1000, out);
}

/* A profile of an account, too, is a model of its own here. */
static uint64_t seed_of(const struct exchange *ex)
{
    return cache_prompt_seed(ex->setup->config, ex->client_name,
                             ex->form == MODEL_PLAIN ? ex->plain_model : ex->model);
}

static void say(struct exchange *ex, struct str word)
{
    ex->cache_word = arena_dup(&ex->arena, word);
    ex->decision = S("");
}

/* An application inference profile's, still asked for or not told: it might have been marked. */
static void say_unknown_model(struct exchange *ex)
{
    const struct rule_view view = edit_view(ex);
    if (cache_wish(ex->setup->config, &view) != CACHE_OFF)
        say(ex, S("unknown-model"));
}

static struct caching *begin(struct exchange *ex)
{
    struct ask_parts parts;
    struct cache_terms terms;
    enum levers_mode levers = levers_mode(&ex->worker->daemon->levers);
    if (ex->off || levers == LEVERS_OFF || ex->op->usage == NO_USAGE || !ex->worker->daemon->cache)
        return NULL;
    struct str id = caching_model_id(ex);
    if (!id.len && ex->form == MODEL_TO_RESOLVE) {
        say_unknown_model(ex);
        return NULL;
    }
    enum ask_dialect dialect = cache_dialect(ex->op, id);
    if (dialect == ASK_NONE || !find_terms(ex, id, &terms))
        return NULL;
    if (!facts_parts(&ex->facts, body_str(&ex->body), dialect, &parts)) {
        say(ex, S("unclear"));
        return NULL;
    }
    struct caching_room *room = take_room(ex->worker);
    if (!room)
        return NULL;
    struct caching *c = mem_new(sizeof *c);
    c->terms = terms;
    c->levers = levers;
    c->model = ex->model;
    c->room = room;
    ask_begin(&c->ask, dialect, seed_of(ex), &parts, c->room->blocks, ASK_BLOCKS_MOST);
    return c;
}

/* --- the decision */

static void make_sites(struct exchange *ex, struct caching *c)
{
    const struct tokens_scale scale =
        shared_cache_scale(ex->worker->daemon->cache, ex->model, ex->client_name);
    c->estimated = cache_prompt_sites(&c->ask, &c->terms, &scale, c->room->sites);
    c->prompt_tokens = c->room->sites[c->ask.n - 1].tokens;
}

static void choose_arm(const struct exchange *ex, struct caching *c)
{
    uint64_t draw = cache_prompt_draw(&c->ask);
    c->group = (unsigned)(draw & (RECORD_GROUPS - 1));
    c->arm =
        cache_prompt_is_control(ex->setup->config, draw) ? RECORD_ARM_CONTROL : RECORD_ARM_TREATED;
}

/* What the client's own markers would do stays; a retimed one goes out as it came. */
static void keep_own(struct cache_plan *p, const struct cache_site *sites)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct cache_mark *m = &p->marks[i];
        if (m->reason == CACHE_OWN || m->reason == CACHE_RETIMED)
            p->marks[n++] = (struct cache_mark){
                .block = m->block, .ttl = (enum ask_ttl)sites[m->block].own, .reason = CACHE_OWN};
    }
    p->n = n;
    p->expect_read = p->own_read;
    p->expect_write_5m = p->own_write_5m;
    p->expect_write_30m = p->own_write_30m;
    p->expect_write_1h = p->own_write_1h;
    p->expect_renewed = 0;
    p->gain = 0;
}

static void make_edits(struct caching *c)
{
    c->n_edits = cache_prompt_edits(&c->ask, &c->plan, c->edits);
    for (size_t i = 0; i < c->plan.n; i++) {
        const struct cache_mark *m = &c->plan.marks[i];
        if (m->reason == CACHE_OWN)
            continue;
        c->ours++;
        c->sections |= 1u << c->ask.blocks[m->block].section;
        c->hour |= m->ttl == ASK_1H;
    }
}

/* The plan without the room: its marks' sites are all that is wanted from now on. */
static void take_along(struct caching *c)
{
    for (size_t i = 0; i < c->plan.n; i++) {
        c->sites[i] = c->room->sites[c->plan.marks[i].block];
        c->plan.marks[i].block = (uint32_t)i;
        c->prefix_tokens = c->sites[i].tokens;
    }
}

/* "2@tools,messages": the marks that are Weir's. */
static void say_marks(struct exchange *ex, const struct caching *c, struct str before)
{
    struct buf b = {0};
    unsigned sections = 0, n = 0;
    for (size_t i = 0; i < c->plan.n; i++)
        if (c->plan.marks[i].reason != CACHE_OWN) {
            n++;
            sections |= 1u << c->ask.blocks[c->plan.marks[i].block].section;
        }
    buf_add(&b, before);
    buf_add_u64(&b, n);
    struct str between = S("@");
    for (unsigned s = 0; s < ASK_SECTIONS; s++)
        if (sections & 1u << s) {
            buf_add(&b, between);
            buf_add(&b, ask_section_word((enum ask_section)s));
            between = S(",");
        }
    say(ex, buf_str(&b));
    buf_fini(&b);
}

static void say_plan(struct exchange *ex, const struct caching *c)
{
    bool observes = c->levers == LEVERS_OBSERVE;
    if (c->terms.withheld)
        say(ex, observes ? S("observe:control") : S("control"));
    else
        say_marks(ex, c, observes ? S("observe:") : S(""));
}

static void watch(struct exchange *ex, struct caching *c)
{
    size_t known = 0;
    while (known < c->ask.n && c->room->sites[known].known)
        known++;
    shared_cache_watch(ex->worker->daemon->cache, ex->client_name, ex->model, &c->ask, known,
                       c->terms.least_tokens, clock_wall_ms() / 1000);
}

static void decide(struct exchange *ex, struct caching *c)
{
    struct shared_cache *cache = ex->worker->daemon->cache;
    struct cache_site *sites = c->room->sites;
    uint32_t now = prefix_tick(clock_wall_ms());
    make_sites(ex, c);
    choose_arm(ex, c);
    c->terms.withheld = c->arm == RECORD_ARM_CONTROL;
    shared_cache_see(cache, sites, c->ask.n, now, false);
    watch(ex, c);
    shared_cache_plan(cache, ex->client_name, &c->terms, sites, c->ask.n, ex->workload, now, false,
                      &c->plan);
    if (c->terms.withheld)
        keep_own(&c->plan, sites);
    say_plan(ex, c);
    if (c->levers == LEVERS_OBSERVE)
        c->arm = RECORD_ARM_NONE; /* nobody is marked: there is nothing to compare */
    else
        make_edits(c);
    take_along(c);
}

/* A text is read in one piece, however long it is: not several long ones in one turn, which are
 * told apart by their time. */
static bool walked_enough(const struct worker *w)
{
    return w->walked_ms == loop_now_ms(w->loop) && w->walked_bytes >= WALKED_MOST;
}

static enum ask_state walk_on(struct worker *w, struct ask *a)
{
    enum ask_state state = ask_step(a);
    if (w->walked_ms != loop_now_ms(w->loop))
        w->walked_bytes = 0;
    w->walked_ms = loop_now_ms(w->loop);
    w->walked_bytes += a->done;
    return state;
}

bool caching_plan(struct exchange *ex)
{
    if (!ex->caching)
        ex->caching = begin(ex);
    struct caching *c = ex->caching;
    if (!c || !c->room)
        return true;
    if (walked_enough(ex->worker))
        return false;
    enum ask_state state = walk_on(ex->worker, &c->ask);
    if (state == ASK_MORE)
        return false;
    if (state == ASK_GOOD && c->ask.n)
        decide(ex, c);
    else
        say(ex, S("unclear"));
    give_room(ex->worker, c);
    return true;
}

/* --- what came of it */

bool caching_is_out(const struct exchange *ex)
{
    return ex->caching && ex->caching->out;
}

void caching_refused(struct exchange *ex, struct str body)
{
    struct caching *c = ex->caching;
    if (!c || !c->out)
        return;
    c->blamed = true;
    c->refusal = refusal_message(body, &ex->arena);
    say(ex, S("refused"));
}

/* It was taken without the marks: only now is it sure that these were meant. What the client's own
 * body provokes must not take markers from everybody. */
static void learn_refusal(const struct exchange *ex, struct caching *c)
{
    struct shared_cache *cache = ex->worker->daemon->cache;
    int64_t now_s = clock_wall_ms() / 1000;
    if (!shared_cache_refused(cache, c->model, c->refusal, c->sections, c->hour, now_s) && c->alone)
        shared_cache_blamed(cache, c->model, c->sections, c->hour, now_s);
    keep_own(&c->plan, c->sites);
}

/* What was observed is believed for as long as nothing else is. */
static bool is_believed(const struct exchange *ex, const struct caching *c)
{
    return c->levers != LEVERS_OBSERVE ||
           levers_mode(&ex->worker->daemon->levers) == LEVERS_OBSERVE;
}

void caching_heard(struct exchange *ex)
{
    struct caching *c = ex->caching;
    if (!c || !c->estimated || ex->upstream_status >= 400 || !is_believed(ex, c))
        return;
    if (c->blamed)
        learn_refusal(ex, c);
    shared_cache_mark(ex->worker->daemon->cache, c->sites, &c->plan, prefix_tick(clock_wall_ms()));
}

/* Of what went out with Weir's marks and was taken. */
static bool took_ours(const struct caching *c)
{
    return c->out && !c->blamed;
}

void caching_record(const struct exchange *ex, struct record *r)
{
    const struct caching *c = ex->caching;
    if (!c || !c->estimated)
        return;
    r->arm = c->arm;
    r->group = c->group;
    r->marks = took_ours(c) ? c->ours : 0;
}

bool caching_own(const struct exchange *ex, struct saved_split *out)
{
    const struct caching *c = ex->caching;
    if (!c || !took_ours(c) || c->terms.implicit)
        return false;
    *out = (struct saved_split){.prompt = c->prompt_tokens,
                                .read = c->plan.own_read,
                                .write_5m = c->plan.own_write_5m,
                                .write_30m = c->plan.own_write_30m,
                                .write_1h = c->plan.own_write_1h};
    return true;
}

bool caching_observed(const struct exchange *ex, struct saved_split *out)
{
    const struct caching *c = ex->caching;
    if (!c || !c->estimated || c->levers != LEVERS_OBSERVE || c->terms.implicit)
        return false;
    *out = (struct saved_split){.prompt = c->prompt_tokens,
                                .read = c->plan.expect_read,
                                .write_5m = c->plan.expect_write_5m,
                                .write_30m = c->plan.expect_write_30m,
                                .write_1h = c->plan.expect_write_1h};
    return true;
}

static uint64_t written(const struct usage *u)
{
    return u->tokens[TOKEN_CACHE_WRITE_5M] + u->tokens[TOKEN_CACHE_WRITE_30M] +
           u->tokens[TOKEN_CACHE_WRITE_1H];
}

/* What did not go out can neither hit nor miss. */
void caching_settle(struct exchange *ex, const struct usage *u)
{
    struct caching *c = ex->caching;
    bool observes = c && c->levers == LEVERS_OBSERVE;
    if (!c || !c->estimated || !tap_usage(ex->tap)->told)
        return;
    const struct shared_cache_answer a = {.model = c->model,
                                          .client = ex->client_name,
                                          .estimated = c->estimated,
                                          .reported = u->tokens[TOKEN_INPUT] +
                                                      u->tokens[TOKEN_CACHE_READ] + written(u),
                                          .plan = c->plan.n && !observes ? &c->plan : NULL,
                                          .prefix_tokens = c->prefix_tokens,
                                          .read = u->tokens[TOKEN_CACHE_READ],
                                          .written = written(u),
                                          .now_s = clock_wall_ms() / 1000};
    shared_cache_answered(ex->worker->daemon->cache, &a);
}

void caching_free(struct exchange *ex)
{
    struct caching *c = ex->caching;
    if (!c)
        return;
    if (c->room)
        give_room(ex->worker, c);
    mem_free(c);
    ex->caching = NULL;
}
