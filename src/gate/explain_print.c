/* SPDX-License-Identifier: Apache-2.0
 *
 * weir explain's text: what holds for the prompt, its blocks, the marks and what they should bring.
 * No byte of the prompt is printed, only where it stands.
 */
#include "explain.h"
#include "weir/base/text.h"
#include "weir/plan/volatile.h"

#include <stdio.h>

enum { WHERE_MOST = 32 };

static void line(struct buf *out, const char *name)
{
    buf_addf(out, "%-10s ", name);
}

/* --- what holds */

static void print_usd_a_million(uint64_t nanousd_per_mtok, struct buf *out)
{
    buf_addf(out, "$%.4g", (double)nanousd_per_mtok / 1e9);
}

static void print_model(const struct explain *e, struct buf *out)
{
    line(out, "model");
    text_add_json(out, e->model, 200);
    if (!e->row)
        buf_add(out, S(" (not in the catalogue)"));
    else if (str_chr(e->row->name, '*') >= 0)
        buf_addf(out,
                 " (not in the catalogue by its own name: taken for one of %.*s, price and minimum "
                 "are the family's",
                 STR_ARG(e->row->name));
    else
        buf_addf(out, " (catalogue: %.*s%s", STR_ARG(e->row->name),
                 e->row->provisional ? ", at its family's price" : "");
    if (e->priced) {
        buf_add(out, S("; "));
        print_usd_a_million(e->price.nanousd_per_mtok[TOKEN_INPUT], out);
        buf_add(out, S(" a million tokens of input"));
    }
    buf_add(out, e->row ? S(")\n") : S("\n"));
}

static void print_ttls(unsigned ttls, struct buf *out)
{
    const char *between = "";
    static const struct {
        unsigned bit;
        enum ask_ttl ttl;
    } all[] = {{TTL_5M, ASK_5M}, {TTL_30M, ASK_30M}, {TTL_1H, ASK_1H}};
    for (size_t i = 0; i < 3; i++) {
        if (!(ttls & all[i].bit))
            continue;
        buf_addf(out, "%s%s", between, ask_ttl_word(all[i].ttl).ptr);
        between = ", ";
    }
}

/* Through OpenAI's Chat Completions a model that is marked elsewhere takes none. */
static bool is_barred_by_api(const struct explain *e)
{
    for (size_t i = 0; i < e->ask.n; i++)
        if (e->blocks[i].bar != ASK_BAR_DIALECT)
            return false;
    return e->clear;
}

static void print_takes(const struct explain *e, struct buf *out)
{
    const struct cache_terms *t = &e->terms;
    const char *between = " in ";
    if (!e->marks)
        return;
    line(out, "takes");
    if (is_barred_by_api(e)) {
        buf_add(out, S("no markers through this API\n"));
        return;
    }
    buf_addf(out, "%u markers", t->most_markers);
    for (int s = 0; s < ASK_SECTIONS; s++) {
        if (!(t->fields & 1U << s))
            continue;
        buf_addf(out, "%s%s", between, ask_section_word((enum ask_section)s).ptr);
        between = ", ";
    }
    buf_addf(out, "; from %u tokens on; for ", t->least_tokens);
    print_ttls(t->ttls, out);
    buf_addf(out, "\n%-10s a token read %.3g, written %.3g", "", (double)t->read,
             (double)(t->ttls & TTL_5M ? t->write_5m : t->write_30m));
    if (t->ttls & TTL_1H)
        buf_addf(out, " (1h: %.3g)", (double)t->write_1h);
    buf_addf(out, " of one of input; %.0f of 100 expected reads hit\n", (double)t->hit * 100);
}

static void print_mode(const struct explain *e, struct buf *out)
{
    static const char *const modes[] = {"auto", "always", "off"}, *const ttls[] = {"auto", "5m",
                                                                                   "1h"};
    const struct config *c = e->config;
    line(out, "setting");
    buf_addf(out, "cache.mode %s%s, cache.ttl %s, levers %s\n", modes[e->mode],
             e->by_rule ? " (by a rule)" : "", ttls[c->cache_ttl], levers_word(c->levers).ptr);
}

static void print_verdict(const struct explain *e, struct buf *out)
{
    const struct verdict *v = &e->verdict;
    char until[21];
    for (int i = 0; i < VERDICTS; i++) {
        if (v->until_s[i] <= e->options.now_ms / 1000)
            continue;
        line(out, "refused");
        text_iso_time(v->until_s[i], until);
        buf_addf(out, "%s until %s, %u times\n", verdict_word((enum verdict_of)i).ptr, until,
                 v->times[i]);
    }
    if (v->silent_times)
        buf_addf(out, "%-10s a marked prefix of %u tokens wrote nothing, %u times in all\n",
                 "silent", v->silent_tokens, v->silent_times);
}

static void print_known(const struct explain *e, struct buf *out)
{
    const struct tokens_scale *s = &e->scale;
    line(out, "known");
    buf_addf(out, "%llu prefixes of all prompts\n", (unsigned long long)e->counts.entries);
    line(out, "tokens");
    if (s->times)
        buf_addf(out, "estimated times %.3f, by %u answers to this client; off by %.1f %%\n",
                 (double)s->factor, s->times, (double)s->error * 100);
    else
        buf_add(out, S("estimated by bytes: how many bytes a token of this client has is not "
                       "learned yet\n"));
}

/* --- the blocks */

/* "tools[0]", "m3.b1". *place counts within the section or message. */
static void name_block(const struct explain *e, size_t i, char out[WHERE_MOST])
{
    const struct ask_block *b = e->blocks;
    size_t first = i;
    while (first && b[first - 1].section == b[i].section && b[first - 1].message == b[i].message)
        first--;
    if (b[i].section == ASK_MESSAGES)
        snprintf(out, WHERE_MOST, "m%u.b%zu", b[i].message, i - first);
    else
        snprintf(out, WHERE_MOST, "%s[%zu]", ask_section_word((enum ask_section)b[i].section).ptr,
                 i - first);
}

static void add_seconds(uint32_t ticks, struct buf *out)
{
    text_add_duration(out, (int64_t)(ticks / (1000 / PREFIX_TICK_MS)) * 1000);
}

static void print_seen(const struct explain *e, const struct cache_site *s, struct buf *out)
{
    uint32_t now = prefix_tick(e->options.now_ms);
    struct buf text = {0};
    if (!s->known) {
        buf_add(&text, S("new"));
    } else {
        buf_addf(&text, "%ux", s->was.count);
        if (s->was.count > 1)
            buf_addf(&text, " every %.0fs", (double)s->was.gap);
        buf_add(&text, S(", "));
        add_seconds(now > s->was.last ? now - s->was.last : 0, &text);
        buf_add(&text, s->was.cached_until > now ? S(" ago, cached") : S(" ago"));
    }
    buf_addf(out, "%-30s", buf_cstr(&text));
    buf_fini(&text);
}

static const struct cache_mark *mark_of(const struct explain *e, size_t block)
{
    for (size_t i = 0; i < e->plan.n; i++)
        if (e->plan.marks[i].block == block)
            return &e->plan.marks[i];
    return NULL;
}

static const char *bar_sentence(enum ask_bar b)
{
    switch (b) {
    case ASK_FREE:
        return "";
    case ASK_BAR_DIALECT:
        return "this API has no markers here";
    case ASK_BAR_EMPTY:
        return "an empty text";
    case ASK_BAR_THINKING:
        return "in a turn that opens with reasoning";
    case ASK_BAR_DOCUMENT:
        return "directly behind a document or video";
    case ASK_BAR_TOOL_CALL:
        return "behind a tool call";
    case ASK_BAR_RESULT:
        return "behind a tool result, which this model refuses";
    case ASK_BAR_NULL:
        return "the member is there already, as null";
    case ASK_BAR_CROWDED:
        return "a block of this prompt has several markers of the client's";
    case ASK_BAR_KIND:
        return "no kind of block that takes one";
    }
    return "";
}

static void print_marker(const struct explain *e, size_t i, struct buf *out)
{
    const struct ask_block *b = &e->blocks[i];
    const struct cache_mark *m = mark_of(e, i);
    if (m)
        buf_addf(out, "%s, %s", ask_ttl_word(m->ttl).ptr, cache_reason_word(m->reason).ptr);
    else if (b->own)
        buf_addf(out, "%s, own", ask_ttl_word((enum ask_ttl)b->own).ptr);
    else if (!e->marks || e->forbidden)
        return;
    else if (!(e->terms.fields & 1U << b->section))
        buf_addf(out, "barred: the model takes none in %s",
                 ask_section_word((enum ask_section)b->section).ptr);
    else if (!e->sites[i].open)
        buf_addf(out, "barred: %s", bar_sentence((enum ask_bar)b->bar));
    else if (e->sites[i].tokens < e->terms.least_tokens)
        buf_add(out, S("too short"));
    else if (e->terms.most_tokens && e->sites[i].tokens > e->terms.most_tokens)
        buf_add(out, S("too long"));
}

static void print_blocks(const struct explain *e, struct buf *out)
{
    buf_addf(out, "\n%-9s  %-19s  %-16s  %7s  %7s  %-30s  %s\n", "BLOCK", "BYTES", "HASH", "TOKENS",
             "UP TO", "SEEN BEFORE", "MARKER");
    for (size_t i = 0; i < e->ask.n; i++) {
        const struct ask_block *b = &e->blocks[i];
        char where[WHERE_MOST], span[WHERE_MOST];
        name_block(e, i, where);
        snprintf(span, sizeof span, "%zu-%zu", b->at, b->at + b->len);
        buf_addf(out, "%-9s  %-19s  %016llx  %7u  %7u  ", where, span, (unsigned long long)b->hash,
                 b->tokens, e->sites[i].tokens);
        print_seen(e, &e->sites[i], out);
        buf_add(out, S("  "));
        print_marker(e, i, out);
        while (buf_len(out) && out->data[out->tail - 1] == ' ')
            out->tail--;
        buf_add_char(out, '\n');
    }
}

/* --- the plan */

static const char *reason_sentence(enum cache_reason r)
{
    switch (r) {
    case CACHE_OWN:
        return "the client's own";
    case CACHE_RETIMED:
        return "the client's own, with another TTL";
    case CACHE_TAIL:
        return "prompts like this one are continued";
    case CACHE_SEEN:
        return "it came before";
    case CACHE_BRANCH:
        return "many prompts pass here and then part";
    case CACHE_READ:
        return "so that what is cached before it is found";
    case CACHE_FORCED:
        return "cache.mode always";
    }
    return "";
}

/* A plan's gain stands at its deepest mark of what is new; why the others are there. */
static const char *gainless(const struct explain *e, size_t i)
{
    const struct cache_mark *m = &e->plan.marks[i];
    if (e->sites[m->block].was.cached_until > prefix_tick(e->options.now_ms))
        return "reads what is cached up to here";
    if (i + 1 < e->plan.n)
        return "writes nothing that a mark behind it would not";
    return m->reason == CACHE_FORCED ? "no gain is expected" : "finds what is cached before it";
}

static void print_chances(const struct explain *e, size_t i, struct buf *out)
{
    const struct cache_mark *m = &e->plan.marks[i];
    buf_addf(out, "; read again within 5m by a chance of %.2f, within 1h %.2f; ", (double)m->p_5m,
             (double)m->p_1h);
    if (m->gain >= 0.5f)
        buf_addf(out, "gains %.0f tokens", (double)m->gain);
    else
        buf_add(out, str_of(gainless(e, i)));
}

static void print_marks(const struct explain *e, struct buf *out)
{
    buf_add(out, e->plan.n ? S("\nmarks\n") : S("\nno marks\n"));
    for (size_t i = 0; i < e->plan.n; i++) {
        const struct cache_mark *m = &e->plan.marks[i];
        char where[WHERE_MOST];
        name_block(e, m->block, where);
        buf_addf(out, "  %s behind %s, %s: %s", ask_ttl_word(m->ttl).ptr, where,
                 cache_reason_word(m->reason).ptr, reason_sentence(m->reason));
        if (m->reason != CACHE_OWN)
            print_chances(e, i, out);
        buf_add_char(out, '\n');
    }
    if (e->plan.gain >= 0.5f)
        buf_add(out, S("  gains: tokens of input that later prompts save, less what writing costs, "
                       "against what is cached already and no more\n"));
    if (e->plan.held)
        buf_addf(out, "  held: %s\n", e->plan.held);
}

/* In tokens of plain input. */
static double cost(const struct cache_terms *t, double all, uint32_t read, const uint32_t write[3])
{
    double plain = all - read - write[0] - write[1] - write[2];
    return (plain > 0 ? plain : 0) + read * (double)t->read + write[0] * (double)t->write_5m +
           write[1] * (double)t->write_30m + write[2] * (double)t->write_1h;
}

static void print_cost(const struct explain *e, const char *name, double tokens, uint32_t read,
                       const uint32_t write[3], struct buf *out)
{
    double usd = tokens * (double)e->price.nanousd_per_mtok[TOKEN_INPUT] / 1e15;
    buf_addf(out, "  %-24s %9.0f tokens of input   $%.6f   read %u, write %u\n", name, tokens, usd,
             read, write[0] + write[1] + write[2]);
}

static void print_costs(const struct explain *e, struct buf *out)
{
    const struct cache_plan *p = &e->plan;
    const uint32_t none[3] = {0}, own[3] = {p->own_write_5m, p->own_write_30m, p->own_write_1h};
    const uint32_t with[3] = {p->expect_write_5m, p->expect_write_30m, p->expect_write_1h};
    double all = e->sites[e->ask.n - 1].tokens;
    buf_add(out, S("\nexpected cost of the prompt\n"));
    print_cost(e, "without any marker", all, 0, none, out);
    if (e->ask.own_markers)
        print_cost(e, "with the client's alone", cost(&e->terms, all, p->own_read, own),
                   p->own_read, own, out);
    if (p->n)
        print_cost(e, "with the marks above", cost(&e->terms, all, p->expect_read, with),
                   p->expect_read, with, out);
}

/* By its text alone: a time, a uuid or a counter early in a prompt keeps all behind it from being
 * found again. */
static void print_volatile(const struct explain *e, struct buf *out)
{
    struct volatile_place places[VOLATILE_PLACES];
    size_t n = volatile_look(&e->ask, places, VOLATILE_PLACES);
    if (n)
        buf_add(out, S("\nlooks as if it changed from prompt to prompt\n"));
    for (size_t i = 0; i < n; i++) {
        const struct volatile_place *p = &places[i];
        if (p->section == ASK_MESSAGES)
            buf_addf(out, "  m%u.b%u", p->message, p->index);
        else
            buf_addf(out, "  %s[%u]", ask_section_word(p->section).ptr, p->index);
        buf_addf(out, ", from byte %u of it: %s\n", p->offset, volatile_word(p->kind).ptr);
    }
}

void explain_print(const struct explain *e, struct buf *out)
{
    const char *unmarked = explain_unmarked(e);
    print_model(e, out);
    line(out, "operation");
    buf_addf(out, "%s; client %.*s\n", e->op->name.ptr, STR_ARG(e->client));
    print_mode(e, out);
    print_takes(e, out);
    print_verdict(e, out);
    print_known(e, out);
    if (e->clear) {
        print_blocks(e, out);
        print_volatile(e, out);
        if (e->marks && !e->forbidden && e->dialect != ASK_NONE) {
            print_marks(e, out);
            print_costs(e, out);
        }
    }
    if (unmarked)
        buf_addf(out, "\nits body stays as it is: %s\n", unmarked);
    explain_print_lanes(e, out);
}
