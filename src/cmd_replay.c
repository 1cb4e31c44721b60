/* SPDX-License-Identifier: Apache-2.0
 *
 * weir replay: a trace of prompts through the planner in virtual time, and through fixed policies
 * beside it, with what each costs.
 */
#include "cmd_replay.h"
#include "cmd.h"
#include "cmd_book.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/gate/setup.h"
#include "weir/wire/json_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- what is shown */

enum { REQUESTS_FEW = 1000 };

struct results {
    bool wanted[REPLAY_POLICIES];
    struct replay_sum sums[REPLAY_POLICIES];
};

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static void add_share(struct json_out *o, struct str key, double part, double whole)
{
    char number[32];
    int n = snprintf(number, sizeof number, "%.6f", share(part, whole));
    json_out_key(o, key);
    json_out_raw(o, str_from(number, (size_t)n));
}

static void add_json(const struct replay *r, const struct results *x, struct buf *out)
{
    struct json_out o = {.buf = out};
    json_out_object(&o);
    json_out_key(&o, S("requests"));
    json_out_u64(&o, r->n);
    json_out_key(&o, S("input_tokens"));
    json_out_u64(&o, (uint64_t)x->sums[REPLAY_CLAIRVOYANT].input);
    json_out_key(&o, S("policies"));
    json_out_object(&o);
    for (enum replay_policy p = 0; p < REPLAY_POLICIES; p++) {
        const struct replay_sum *s = &x->sums[p];
        if (!x->wanted[p])
            continue;
        json_out_key(&o, replay_word(p));
        json_out_object(&o);
        add_share(&o, S("cost"), s->cost, s->base);
        add_share(&o, S("read"), s->read, s->input);
        add_share(&o, S("write"), s->write, s->input);
        json_out_end(&o);
    }
    json_out_end(&o);
    json_out_end(&o);
    buf_add_char(out, '\n');
}

static void add_row(const struct results *x, enum replay_policy p, bool money, struct buf *out)
{
    const struct replay_sum *s = &x->sums[p], *best = &x->sums[REPLAY_CLAIRVOYANT];
    double saving = s->base - s->cost, most = best->base - best->cost;
    struct str word = replay_word(p);
    buf_addf(out, "%-12.*s %8.2f %% %7.2f %% %7.2f %% %8.2f %%", STR_ARG(word),
             100 * share(s->cost, s->base), 100 * share(s->read, s->input),
             100 * share(s->write, s->input), 100 * share(saving, s->base));
    if (most > 0)
        buf_addf(out, " %12.1f %%", 100 * saving / most);
    else
        buf_addf(out, " %14s", "-");
    if (money)
        buf_addf(out, " %12.2f %12.2f", s->cost / 1e9, saving / 1e9);
    buf_add_char(out, '\n');
}

/* Weir begins knowing nothing; a fixed policy is as good on the first request as on the last. */
static bool is_warming_up(const struct replay *r, const struct results *x)
{
    double weir = x->sums[REPLAY_WEIR].cost;
    return r->n < REQUESTS_FEW && x->wanted[REPLAY_WEIR] && x->wanted[REPLAY_END] &&
           (weir > x->sums[REPLAY_END].cost || weir > x->sums[REPLAY_SYSTEM].cost);
}

/* Where a marker prolongs for nothing; the bound does not know of that. */
static bool beats_clairvoyant(const struct results *x)
{
    for (enum replay_policy p = 0; p < REPLAY_CLAIRVOYANT; p++)
        if (x->wanted[p] && x->sums[p].cost < x->sums[REPLAY_CLAIRVOYANT].cost)
            return true;
    return false;
}

static void add_span(double minutes, struct buf *out)
{
    if (minutes >= 2 * 24 * 60)
        buf_addf(out, "%.1f days", minutes / (24 * 60));
    else if (minutes >= 2 * 60)
        buf_addf(out, "%.1f hours", minutes / 60);
    else
        buf_addf(out, "%.1f minutes", minutes);
}

static void add_table(const struct replay *r, const struct results *x, struct buf *out)
{
    bool money = replay_is_money(r);
    buf_addf(out, "%zu requests of %" PRIu32 " client%s in ", r->n, r->clients.n,
             r->clients.n == 1 ? "" : "s");
    add_span((double)(r->n ? r->requests[r->n - 1].time_ms - r->requests[0].time_ms : 0) / 6e4,
             out);
    buf_addf(out, ", %.0f tokens of input\n\n", x->sums[REPLAY_CLAIRVOYANT].input);
    buf_addf(out, "%-12s %10s %9s %9s %10s %14s", "policy", "cost", "read", "write", "saving",
             "of clairvoyant");
    buf_addf(out, money ? " %12s %12s\n" : "\n", "cost $", "saving $");
    for (enum replay_policy p = 0; p < REPLAY_POLICIES; p++)
        if (x->wanted[p] || p == REPLAY_CLAIRVOYANT)
            add_row(x, p, money, out);
    if (is_warming_up(r, x))
        buf_add(out,
                S("\nweir begins knowing nothing, and these are few requests: with more of them "
                  "it does better\n"));
    if (beats_clairvoyant(x))
        buf_add(out, S("\nclairvoyant chooses a block's time to live when it is written; a marker "
                       "for an hour that prolongs\nwhat was written for 5 minutes, without a new "
                       "write, can do better (docs/REPLAY.md)\n"));
}

static int show(const struct replay *r, const struct results *x, bool json)
{
    struct buf out = {0};
    if (json)
        add_json(r, x, &out);
    else
        add_table(r, x, &out);
    fputs(buf_cstr(&out), stdout);
    bool good = fflush(stdout) == 0 && !ferror(stdout);
    if (!good)
        perror("weir replay: cannot write");
    buf_fini(&out);
    return good ? CMD_DONE : CMD_FAILED;
}

/* --- what is to be known of the trace */

enum { NAME_MOST = 200, MODELS_TOLD = 8 };

static void note(uint64_t n, const char *what)
{
    if (n)
        fprintf(stderr, "weir replay: %" PRIu64 " request%s %s\n", n, n == 1 ? "" : "s", what);
}

/* A log names it, so it is written as in JSON. */
static void add_name(const struct replay *r, uint32_t model, struct buf *out)
{
    struct str name = r->models.names[model];
    text_add_json(out, name.len ? name : S("a model that the log does not name"), NAME_MOST);
}

/* Of each model what cannot be relied on. */
static bool tell_model(const struct replay *r, uint32_t model)
{
    const struct replay_model *m = &r->of_model[model];
    struct buf what = {0};
    if (!m->told)
        buf_add(&what, S("counted as plain input: what is behind "));
    else if (!m->known)
        buf_add(&what, S("counted as plain input: the catalogue knows no prompt caching of "));
    else if (m->family)
        buf_add(&what,
                S("with the price and the minimum of a family: the catalogue does not know "));
    bool worth = buf_len(&what) > 0;
    add_name(r, model, &what);
    if (!m->told)
        buf_add(&what, S(" no log tells; --model MODEL says it for all such records"));
    if (worth)
        note(m->requests, buf_cstr(&what));
    buf_fini(&what);
    return worth;
}

static void tell_models(const struct replay *r)
{
    unsigned told = 0;
    if (r->kind == TRACE_ROW)
        return;
    for (uint32_t i = 0; i < r->models.n && told < MODELS_TOLD; i++)
        told += tell_model(r, i);
    for (uint32_t i = 0; i < r->models.n; i++) {
        struct buf name = {0};
        if (r->of_model[i].priced)
            continue;
        add_name(r, i, &name);
        fprintf(stderr,
                "weir replay: no dollars are shown: the catalogue has no price for %s "
                "(prices.overrides gives one)\n",
                buf_cstr(&name));
        buf_fini(&name);
        return;
    }
}

static void tell(const struct replay *r)
{
    note(r->bodiless, "left out: the log has no body (it is in S3 where it is over 100 KB, or "
                      "bodies are not logged)");
    tell_models(r);
    note(r->unclear, "counted as plain input: no prompt that Weir would mark");
    note(r->disordered, "out of order: sorted by time");
}

static int replay(struct replay *r, const char *const *traces, size_t n, const char *policy,
                  bool json)
{
    struct results x = {0};
    for (size_t i = 0; i < n; i++)
        if (!replay_load(r, traces[i]))
            return CMD_FAILED;
    if (r->n == 0) {
        tell(r);
        fprintf(stderr, "weir replay: %s: there is no prompt in it\n", traces[n - 1]);
        return CMD_FAILED;
    }
    replay_sort(r);
    tell(r);
    for (enum replay_policy p = 0; p < REPLAY_POLICIES; p++) {
        x.wanted[p] = !policy || str_eq(replay_word(p), str_of(policy));
        if ((x.wanted[p] || p == REPLAY_CLAIRVOYANT) && !replay_run(r, p, &x.sums[p]))
            return CMD_FAILED;
    }
    return show(r, &x, json);
}

/* --- options */

/* All the values of --trace; the other options are read by cmd_options. */
static size_t find_traces(int argc, char **argv, const char **out)
{
    size_t n = 0;
    for (int i = 2; i + 1 < argc; i += 2)
        if (strcmp(argv[i], "--trace") == 0)
            out[n++] = argv[i + 1];
    return n;
}

/* Stdin ends once. */
static bool traces_are_good(const char *const *traces, size_t n)
{
    unsigned in = 0;
    for (size_t i = 0; i < n; i++)
        in += strcmp(traces[i], "-") == 0;
    if (in > 1)
        fprintf(stderr, "weir replay: --trace - is stdin, which can be read once\n");
    return in <= 1;
}

/* What is behind an ARN must be known itself. */
static bool model_is_good(const struct replay *r)
{
    bool good = !r->model.len || catalogue_find(r->catalogue, r->model);
    if (!good)
        fprintf(stderr, "weir replay: --model: the catalogue does not know \"%.*s\"\n",
                STR_ARG(r->model));
    return good;
}

static bool is_policy(const char *word)
{
    for (enum replay_policy p = 0; p < REPLAY_CLAIRVOYANT; p++)
        if (str_eq(replay_word(p), str_of(word)))
            return true;
    return false;
}

static bool options_are_good(const char *trace, const char *policy, const char *format)
{
    if (!trace)
        fprintf(stderr, "weir replay: which trace? --trace FILE; see weir replay --help\n");
    else if (policy && !is_policy(policy))
        fprintf(stderr, "weir replay: --policy takes weir, none, system or end, not \"%s\"%s\n",
                policy, strcmp(policy, "clairvoyant") ? "" : ", which is shown beside each");
    else if (strcmp(format, "table") && strcmp(format, "json"))
        fprintf(stderr, "weir replay: --format takes table or json, not \"%s\"\n", format);
    else
        return true;
    return false;
}

static struct catalogue *load_catalogue(const struct config *c)
{
    struct buf faults = {0};
    struct catalogue *catalogue = c ? setup_load_catalogue(c, &faults) : NULL;
    if (c && !catalogue)
        fputs(buf_cstr(&faults), stderr);
    buf_fini(&faults);
    return catalogue;
}

int cmd_replay(int argc, char **argv)
{
    const char *config = cmd_default_config(), *trace = NULL, *policy = NULL, *format = "table";
    const char *model = "";
    const struct cmd_option options[] = {{"-c", &config},
                                         {"--trace", &trace},
                                         {"--model", &model},
                                         {"--policy", &policy},
                                         {"--format", &format}};
    if (!cmd_options(argc, argv, 2, options, sizeof options / sizeof *options) ||
        !options_are_good(trace, policy, format))
        return CMD_USAGE;
    struct config *c = cmd_book_config(config);
    struct catalogue *catalogue = load_catalogue(c);
    int status = CMD_USAGE;
    if (catalogue) {
        const char **traces = mem_new((size_t)argc * sizeof *traces);
        struct replay r = {.config = c, .catalogue = catalogue, .model = str_of(model)};
        size_t n = find_traces(argc, argv, traces);
        if (traces_are_good(traces, n) && model_is_good(&r))
            status = replay(&r, traces, n, policy, strcmp(format, "json") == 0);
        replay_fini(&r);
        mem_free(traces);
    }
    catalogue_free(catalogue);
    config_free(c);
    return status;
}
