/* SPDX-License-Identifier: Apache-2.0
 *
 * What was saved, by which lever, and what the control group says to it: the same figures in a
 * report's JSON, its CSV and, for people, in sentences below its table. Fields are in
 * docs/OPERATIONS.md: only append.
 */
#include "report_parts.h"

static struct str state_word(enum control_state state)
{
    static const struct str words[] = {
        [CONTROL_NONE] = STR("none"), [CONTROL_FEW] = STR("few"), [CONTROL_KNOWN] = STR("known")};
    return words[state];
}

/* One figure: a share, or dollars. */
struct figure {
    const char *key;
    bool known, usd;
    double value;
};
enum { FIGURES = 6 };

static void figures_of(const struct control_estimate *e, struct figure out[FIGURES])
{
    bool any = e->state != CONTROL_NONE, sure = e->state == CONTROL_KNOWN;
    const struct figure all[FIGURES] = {
        {"saved_share", any, false, e->saved},      {"saved_share_low", sure, false, e->low},
        {"saved_share_high", sure, false, e->high}, {"saved_usd", any, true, e->usd},
        {"saved_usd_low", sure, true, e->usd_low},  {"saved_usd_high", sure, true, e->usd_high},
    };
    for (size_t i = 0; i < FIGURES; i++)
        out[i] = all[i];
}

static void add_figure(const struct figure *f, struct str unknown, struct buf *out)
{
    if (!f->known)
        buf_add(out, unknown);
    else
        buf_addf(out, f->usd ? "%.9f" : "%.6f", f->value);
}

/* --- JSON */

static void put_raw(struct json_out *o, const char *key, struct buf *raw)
{
    json_out_key(o, str_of(key));
    json_out_raw(o, buf_str(raw));
    buf_clear(raw);
}

static void put_saved_by(struct json_out *o, const struct rollup *sum)
{
    struct buf b = {0};
    json_out_key(o, S("saved_by"));
    json_out_object(o);
    for (int i = 0; i < ROLLUP_LEVERS; i++) {
        if (report_is_priced(sum))
            price_add_usd(&b, rollup_saved(sum, (enum rollup_lever)i));
        else
            buf_add(&b, S("null"));
        put_raw(o, rollup_lever_word((enum rollup_lever)i).ptr, &b);
    }
    json_out_end(o);
    buf_fini(&b);
}

static void put_arm(struct json_out *o, struct str key, unsigned groups,
                    const struct control_group *sum)
{
    struct buf b = {0};
    json_out_key(o, key);
    json_out_object(o);
    json_out_key(o, S("groups"));
    json_out_u64(o, groups);
    price_add_usd(&b, (int64_t)sum->input);
    put_raw(o, "input_usd", &b);
    price_add_usd(&b, (int64_t)sum->plain);
    put_raw(o, "plain_usd", &b);
    json_out_end(o);
    buf_fini(&b);
}

static void put_observed(struct json_out *o, const struct rollup_observed *sum)
{
    struct buf b = {0};
    json_out_key(o, S("observed"));
    json_out_object(o);
    json_out_key(o, S("requests"));
    json_out_u64(o, sum->requests);
    price_add_usd(&b, (int64_t)sum->cost_nanousd);
    put_raw(o, "cost_usd", &b);
    price_add_usd(&b, (int64_t)sum->would_nanousd);
    put_raw(o, "would_have_cost_usd", &b);
    json_out_end(o);
    buf_fini(&b);
}

void report_put_savings(struct json_out *o, const struct rollup *sum)
{
    struct control_estimate e;
    struct figure figures[FIGURES];
    struct buf b = {0};
    control_estimate(sum->groups, &e);
    figures_of(&e, figures);
    put_saved_by(o, sum);
    json_out_key(o, S("control_group"));
    json_out_object(o);
    json_out_key(o, S("state"));
    json_out_string(o, state_word(e.state));
    put_arm(o, S("treated"), e.groups[CONTROL_TREATED], &e.sum[CONTROL_TREATED]);
    put_arm(o, S("control"), e.groups[CONTROL_CONTROL], &e.sum[CONTROL_CONTROL]);
    for (size_t i = 0; i < FIGURES; i++) {
        add_figure(&figures[i], S("null"), &b);
        put_raw(o, figures[i].key, &b);
    }
    json_out_end(o);
    put_observed(o, &sum->observed);
    buf_fini(&b);
}

/* --- CSV. Later levers are at its end. */

enum { FIRST_LEVERS = ROLLUP_FLEX + 1 };

void report_add_savings_head(struct buf *out)
{
    struct figure figures[FIGURES];
    figures_of(&(struct control_estimate){0}, figures);
    for (int i = 0; i < FIRST_LEVERS; i++)
        buf_addf(out, ",saved_by_%s_usd", rollup_lever_word((enum rollup_lever)i).ptr);
    buf_add(out, S(",control_state"));
    for (size_t i = 0; i < FIGURES; i++)
        buf_addf(out, ",control_%s", figures[i].key);
    buf_add(out, S(",observed_requests,observed_cost_usd,observed_would_have_cost_usd"));
    for (int i = FIRST_LEVERS; i < ROLLUP_LEVERS; i++)
        buf_addf(out, ",saved_by_%s_usd", rollup_lever_word((enum rollup_lever)i).ptr);
}

static void add_levers(const struct rollup *sum, int from, int to, struct buf *out)
{
    for (int i = from; i < to; i++) {
        buf_add_char(out, ',');
        if (report_is_priced(sum))
            price_add_usd(out, rollup_saved(sum, (enum rollup_lever)i));
    }
}

void report_add_savings_fields(const struct rollup *sum, struct buf *out)
{
    struct control_estimate e;
    struct figure figures[FIGURES];
    control_estimate(sum->groups, &e);
    figures_of(&e, figures);
    add_levers(sum, 0, FIRST_LEVERS, out);
    buf_addf(out, ",%s", state_word(e.state).ptr);
    for (size_t i = 0; i < FIGURES; i++) {
        buf_add_char(out, ',');
        add_figure(&figures[i], S(""), out);
    }
    buf_addf(out, ",%llu,", (unsigned long long)sum->observed.requests);
    price_add_usd(out, (int64_t)sum->observed.cost_nanousd);
    buf_add_char(out, ',');
    price_add_usd(out, (int64_t)sum->observed.would_nanousd);
    add_levers(sum, FIRST_LEVERS, ROLLUP_LEVERS, out);
}

/* --- for people */

static void add_dollars(struct buf *out, int64_t nanousd, unsigned decimals)
{
    if (nanousd < 0)
        buf_add_char(out, '-');
    report_add_dollars(out, nanousd < 0 ? 0 - (uint64_t)nanousd : (uint64_t)nanousd, decimals);
}

static int64_t nano(double usd)
{
    return (int64_t)(usd * 1e9);
}

static void add_interval(const struct control_estimate *e, unsigned decimals, struct buf *out)
{
    buf_addf(out, "%.1f %% to %.1f %% of input cost, ", 100 * e->low, 100 * e->high);
    add_dollars(out, nano(e->usd_low), decimals);
    buf_add(out, S(" to "));
    add_dollars(out, nano(e->usd_high), decimals);
    buf_add(out, S(" (95 % sure)"));
}

static void add_point(const struct control_estimate *e, unsigned decimals, struct buf *out)
{
    bool control = e->groups[CONTROL_CONTROL] < CONTROL_GROUPS_LEAST;
    buf_addf(out, "%.1f %% of input cost, ", 100 * e->saved);
    add_dollars(out, nano(e->usd), decimals);
    buf_addf(out,
             ", but how sure that is cannot be said: %u of the %d random groups %s have "
             "traffic, %d are needed",
             e->groups[control ? CONTROL_CONTROL : CONTROL_TREATED], CONTROL_GROUPS,
             control ? "left alone" : "with markers", CONTROL_GROUPS_LEAST);
}

static void add_against(const struct rollup *sum, unsigned decimals, struct buf *out)
{
    struct control_estimate e;
    control_estimate(sum->groups, &e);
    buf_add(out, S("; against the control group: "));
    switch (e.state) {
    case CONTROL_NONE:
        buf_addf(out, "nothing to compare, %s (cache.holdout)",
                 e.groups[CONTROL_CONTROL] ? "every prompt was left alone"
                                           : "no prompt was left alone");
        break;
    case CONTROL_FEW:
        add_point(&e, decimals, out);
        break;
    case CONTROL_KNOWN:
        add_interval(&e, decimals, out);
        break;
    }
}

static void add_observed(const struct rollup_observed *o, unsigned decimals, struct buf *out)
{
    if (!o->requests)
        return;
    buf_addf(out,
             "levers: observe: %llu request%s; with what was withheld %s would have "
             "cost about ",
             (unsigned long long)o->requests, o->requests == 1 ? "" : "s",
             o->requests == 1 ? "it" : "they");
    report_add_dollars(out, o->would_nanousd, decimals);
    buf_add(out, S(" instead of "));
    report_add_dollars(out, o->cost_nanousd, decimals);
    buf_add(out, S(" (by belief).\n"));
}

static void add_lane(const char *what, int64_t nanousd, unsigned decimals, struct buf *out)
{
    if (!nanousd)
        return;
    buf_addf(out, "Saved by %s: ", what);
    add_dollars(out, nanousd, decimals);
    buf_add(out, S(" (against the price on demand).\n"));
}

void report_add_savings_text(const struct rollup *sum, unsigned decimals, struct buf *out)
{
    int64_t cache = rollup_saved(sum, ROLLUP_CACHE);
    bool compared = sum->counts[ROLLUP_TREATED] || sum->counts[ROLLUP_CONTROL];
    if (cache || compared) {
        buf_add(out, S("Saved by caching: "));
        add_dollars(out, cache, decimals);
        buf_add(out, S(" (estimate)"));
        if (compared)
            add_against(sum, decimals, out);
        buf_add(out, S(".\n"));
    }
    add_lane("the Flex tier", rollup_saved(sum, ROLLUP_FLEX), decimals, out);
    add_lane("batch jobs", rollup_saved(sum, ROLLUP_BATCH), decimals, out);
    add_observed(&sum->observed, decimals, out);
}
