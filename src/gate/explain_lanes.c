/* SPDX-License-Identifier: Apache-2.0
 *
 * weir explain's second half: which lane the request would go, and what each would cost. What only
 * a daemon's memory holds (how fast a model answers, whether pools fill) is what a daemon begins
 * with.
 */
#include "explain.h"

#include "weir/base/text.h"

enum { MINUTE_MS = 60 * 1000 };

/* Nothing is known: as many filled as did not. A model may always be asked once a second. */
static const double usual_fills = 0.5, usual_per_second = 1;

/* --- the choice */

static bool has_tier(const struct explain *e)
{
    const struct json_member *m = e->facts.members;
    return e->facts.state == FACTS_STRICT &&
           (m[FACT_SERVICE_TIER].times || m[FACT_OPENAI_TIER].times);
}

static void expect_tokens(struct explain *e, struct lane_ask *a)
{
    const struct explain_options *o = &e->options;
    e->lanes.usual_output = o->output_tokens ? o->output_tokens(o->arg, e->client, e->model) : 0;
    a->output = lane_terms_output(e->lanes.usual_output, e->facts.most_output);
    a->prompt = e->options.body.len / 4;
    if (!e->clear)
        return;
    a->prompt = e->sites[e->ask.n - 1].tokens;
    a->cache_read = e->plan.expect_read;
    a->cache_write_5m = e->plan.expect_write_5m;
    a->cache_write_1h = e->plan.expect_write_1h;
}

const char *explain_choose_lane(struct explain *e, const struct rule_view *v)
{
    struct explain_lanes *l = &e->lanes;
    const struct config_client *client = config_find_client(e->config, e->client);
    const struct lane_terms t = {.config = e->config,
                                 .catalogue = e->catalogue,
                                 .op = e->op,
                                 .client = client,
                                 .own_key = client && client->passthrough,
                                 .model = e->plain,
                                 .row = e->row,
                                 .per_second = usual_per_second};
    const char *unfit = lane_terms_unfit(&t);
    if (!unfit)
        unfit = batch_line_unfit(lane_terms_kind(e->op), e->plain, e->options.body);
    const char *fault = lane_wish(e->config, v, e->options.now_ms, &l->wish);
    if (fault)
        return fault;
    l->ask = (struct lane_ask){.deadline_ms = l->wish.deadline_ms,
                               .allowed = l->wish.lanes,
                               .no_batch = unfit,
                               .own_tier = has_tier(e),
                               .fills = usual_fills};
    lane_terms_ask(&t, &l->ask);
    expect_tokens(e, &l->ask);
    lane_choose(&l->ask, &l->choice);
    return NULL;
}

/* --- as text */

/* To the minute: "13h27m". What is short is said to the second. */
static void add_time(struct buf *out, int64_t ms)
{
    int64_t minutes = (ms + MINUTE_MS / 2) / MINUTE_MS;
    if (minutes < 60)
        text_add_duration(out, (ms + 500) / 1000 * 1000);
    else if (minutes % 60 == 0)
        text_add_duration(out, minutes * MINUTE_MS);
    else
        buf_addf(out, "%lldh%lldm", (long long)(minutes / 60), (long long)(minutes % 60));
}

/* What is needed, so rounded up: to the second below ten minutes. */
static void add_least(struct buf *out, int64_t ms)
{
    int64_t unit = ms < 10 * MINUTE_MS ? 1000 : MINUTE_MS;
    text_add_duration(out, (ms + unit - 1) / unit * unit);
}

static void print_deadline(const struct explain *e, struct buf *out)
{
    const struct lane_wish *w = &e->lanes.wish;
    if (!w->deadline_ms) {
        buf_add(out, S("  no deadline: header x-weir-deadline, weir.deadline in requestMetadata "
                       "or a rule's set.deadline gives one\n"));
        return;
    }
    buf_add(out, S("  deadline "));
    add_time(out, w->deadline_ms);
    if (str_eq(str_of(w->source), S("rule")))
        buf_addf(out, ", by rule %.*s", STR_ARG(w->rule));
    else
        buf_addf(out, ", by %s", w->source);
    buf_add(out, S("; a batch waits "));
    add_time(out, e->lanes.ask.linger_ms);
    buf_add(out, S(" for others, and wants "));
    add_least(out, e->lanes.ask.fallback_ms);
    buf_add(out, S(" for the way back\n"));
}

static void print_tokens(const struct explain *e, struct buf *out)
{
    const struct lane_ask *a = &e->lanes.ask;
    buf_addf(out, "  expected: %llu tokens of prompt (%llu read from the cache, %llu written), ",
             (unsigned long long)a->prompt, (unsigned long long)a->cache_read,
             (unsigned long long)(a->cache_write_5m + a->cache_write_1h));
    buf_addf(out, "%llu of answer (%s)\n\n", (unsigned long long)a->output,
             e->lanes.usual_output ? "as in this client's last week"
                                   : "nothing is known of this client's answers");
}

static void print_batch(const struct explain *e, struct buf *out)
{
    const struct lane_choice *c = &e->lanes.choice;
    struct lane_ask full = e->lanes.ask;
    struct lane_choice filled;
    full.fills = 1;
    lane_choose(&full, &filled);
    bool flex = c->possible[LANE_FLEX] && c->nanousd[LANE_FLEX] < c->nanousd[LANE_ONDEMAND];
    buf_addf(out,
             "  ($%.6f without a cache if its pool fills, by a chance taken as %.2f; else it goes "
             "%s)",
             (double)filled.nanousd[LANE_BATCH] / 1e9, e->lanes.ask.fills,
             flex ? "Flex" : "on demand");
}

static void print_lane(const struct explain *e, enum lane lane, struct buf *out)
{
    const struct lane_choice *c = &e->lanes.choice;
    buf_addf(out, "  %-9s ", lane_word(lane).ptr);
    if (!c->possible[lane]) {
        buf_addf(out, "no: %s\n", c->why[lane]);
        return;
    }
    buf_addf(out, "$%.6f", (double)c->nanousd[lane] / 1e9);
    if (lane == LANE_BATCH)
        print_batch(e, out);
    buf_add_char(out, '\n');
}

static const char *reason(const struct explain *e)
{
    const struct lane_choice *c = &e->lanes.choice;
    if (e->lanes.ask.own_tier)
        return "the client's own tier stays";
    if (c->lane == LANE_PRIORITY)
        return "a rule names it";
    if (c->lane != LANE_ONDEMAND)
        return "the cheapest";
    return c->possible[LANE_FLEX] || c->possible[LANE_BATCH] ? "nothing else is cheaper"
                                                             : "nothing else is possible";
}

void explain_print_lanes(const struct explain *e, struct buf *out)
{
    static const enum lane shown[] = {LANE_ONDEMAND, LANE_FLEX, LANE_PRIORITY, LANE_BATCH};
    enum levers_mode levers = e->config->levers;
    buf_add(out, S("\nlanes\n"));
    print_deadline(e, out);
    if (!e->priced) {
        buf_add(out, S("  no price is known: it goes on demand\n"));
        return;
    }
    print_tokens(e, out);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        print_lane(e, shown[i], out);
    buf_addf(out, "\n  it %s %s: %s\n", levers == LEVERS_ON ? "goes" : "would go",
             lane_word(e->lanes.choice.lane).ptr, reason(e));
    if (levers != LEVERS_ON)
        buf_addf(out, "  levers: %s: it goes on demand\n", levers_word(levers).ptr);
}
