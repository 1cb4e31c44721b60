/* SPDX-License-Identifier: Apache-2.0
 *
 * weir replay: a trace of prompts through the planner in virtual time, and through fixed policies
 * beside it, with what each costs.
 */
#include "cmd_replay.h"
#include "cmd.h"
#include "cmd_book.h"
#include "weir/base/mem.h"
#include "weir/gate/setup.h"
#include "weir/wire/json_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- what is shown */

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

/* Where a marker prolongs for nothing; the bound does not know of that. */
static bool beats_clairvoyant(const struct results *x)
{
    for (enum replay_policy p = 0; p < REPLAY_CLAIRVOYANT; p++)
        if (x->wanted[p] && x->sums[p].cost < x->sums[REPLAY_CLAIRVOYANT].cost)
            return true;
    return false;
}

static void add_table(const struct replay *r, const struct results *x, struct buf *out)
{
    bool money = replay_is_money(r);
    double minutes =
        r->n ? (double)(r->requests[r->n - 1].time_ms - r->requests[0].time_ms) / 6e4 : 0;
    buf_addf(out, "%zu requests of %" PRIu32 " client%s in %.1f minutes, %.0f tokens of input\n\n",
             r->n, r->clients.n, r->clients.n == 1 ? "" : "s", minutes,
             x->sums[REPLAY_CLAIRVOYANT].input);
    buf_addf(out, "%-12s %10s %9s %9s %10s %14s", "policy", "cost", "read", "write", "saving",
             "of clairvoyant");
    buf_addf(out, money ? " %12s %12s\n" : "\n", "cost $", "saving $");
    for (enum replay_policy p = 0; p < REPLAY_POLICIES; p++)
        if (x->wanted[p] || p == REPLAY_CLAIRVOYANT)
            add_row(x, p, money, out);
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

static void note(uint64_t n, const char *what)
{
    if (n)
        fprintf(stderr, "weir replay: %" PRIu64 " request%s %s\n", n, n == 1 ? "" : "s", what);
}

static void tell(const struct replay *r)
{
    note(r->bodiless, "left out: the log has no body (it is in S3 where it is over 100 KB, or "
                      "bodies are not logged)");
    note(r->unknown, "counted as plain input: the catalogue knows no prompt caching of the model");
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
        fprintf(stderr, "weir replay: --policy takes weir, none, system or end, not \"%s\"\n",
                policy);
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
    const struct cmd_option options[] = {
        {"-c", &config}, {"--trace", &trace}, {"--policy", &policy}, {"--format", &format}};
    if (!cmd_options(argc, argv, 2, options, sizeof options / sizeof *options) ||
        !options_are_good(trace, policy, format))
        return CMD_USAGE;
    struct config *c = cmd_book_config(config);
    struct catalogue *catalogue = load_catalogue(c);
    int status = CMD_USAGE;
    if (catalogue) {
        const char **traces = mem_new((size_t)argc * sizeof *traces);
        struct replay r = {.config = c, .catalogue = catalogue};
        status = replay(&r, traces, find_traces(argc, argv, traces), policy,
                        strcmp(format, "json") == 0);
        replay_fini(&r);
        mem_free(traces);
    }
    catalogue_free(catalogue);
    config_free(c);
    return status;
}
