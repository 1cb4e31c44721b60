/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of an OTLP request. Points are written as they come, a buffer for each metric, and put
 * together at the end. Field numbers are those of opentelemetry-proto 1.x (metrics.proto,
 * common.proto, resource.proto, metrics_service.proto; stable), names and bounds of the semantic
 * conventions for generative AI (November 2026).
 */
#include "weir/gate/export_otlp.h"

#include "weir/wire/proto_out.h"

enum metric {
    TOKEN_USAGE,
    DURATION,
    FIRST_TOKEN,
    INPUT,
    OUTPUT,
    CACHE_READ,
    CACHE_CREATION,
    COST,
    SAVED
};

static const struct {
    struct str name, unit, description;
    bool histogram; /* else a sum */
    bool falls;
} metrics[EXPORT_OTLP_METRICS] = {
    [TOKEN_USAGE] = {STR("gen_ai.client.token.usage"), STR("{token}"),
                     STR("Tokens of each kind that calls used; each token is in one kind."), true},
    [DURATION] = {STR("gen_ai.client.operation.duration"), STR("s"),
                  STR("From the request's first byte to the answer's last byte."), true},
    [FIRST_TOKEN] = {STR("gen_ai.server.time_to_first_token"), STR("s"),
                     STR("To the first byte of a stream's answer."), true},
    [INPUT] = {STR("gen_ai.usage.input_tokens"), STR("{token}"),
               STR("All input tokens, those of the cache among them."), false},
    [OUTPUT] = {STR("gen_ai.usage.output_tokens"), STR("{token}"), STR("Output tokens."), false},
    [CACHE_READ] = {STR("gen_ai.usage.cache_read.input_tokens"), STR("{token}"),
                    STR("Input tokens read from the cache."), false},
    [CACHE_CREATION] = {STR("gen_ai.usage.cache_creation.input_tokens"), STR("{token}"),
                        STR("Input tokens written to the cache."), false},
    [COST] = {STR("weir.cost"), STR("USD"),
              STR("US dollars by the catalogue's prices and the owner's terms."), false},
    [SAVED] =
        {STR("weir.saved"), STR("USD"),
         STR("US dollars that it would have cost more without Weir; less when it lost money."),
         false, true},
};

enum { CUMULATIVE = 2, BOUNDS_MOST = 16 };

/* --- one point */

static void add_attribute(struct buf *b, unsigned field, struct str key, struct str value)
{
    size_t pair = proto_out_begin(b, field);
    proto_out_string(b, 1, key);
    size_t any = proto_out_begin(b, 2);
    proto_out_string(b, 1, value);
    proto_out_end(b, any);
    proto_out_end(b, pair);
}

static void add_series(struct buf *b, unsigned field, const struct series *s)
{
    add_attribute(b, field, S("gen_ai.provider.name"), S("aws.bedrock"));
    add_attribute(b, field, S("gen_ai.system"), S("aws.bedrock")); /* its name until 2025 */
    add_attribute(b, field, S("gen_ai.request.model"), s->model);
    add_attribute(b, field, S("weir.client"), s->client);
    add_attribute(b, field, S("weir.workload"), s->workload);
    add_attribute(b, field, S("weir.lane"), lane_word(s->lane));
}

static void add_span(struct buf *b, const struct export_otlp_about *about)
{
    proto_out_fixed64(b, 2, about->start_ns);
    proto_out_fixed64(b, 3, about->now_ns);
}

static void add_whole(struct buf *b, const struct export_otlp_about *about, const struct series *s,
                      uint64_t n)
{
    if (n == 0)
        return;
    size_t point = proto_out_begin(b, 1);
    add_span(b, about);
    proto_out_fixed64(b, 6, n);
    add_series(b, 7, s);
    proto_out_end(b, point);
}

/* An empty lever: of none. */
static void add_money(struct buf *b, const struct export_otlp_about *about, const struct series *s,
                      struct str lever, int64_t nanousd)
{
    size_t point = proto_out_begin(b, 1);
    add_span(b, about);
    proto_out_double(b, 4, (double)nanousd / 1e9);
    add_series(b, 7, s);
    if (lever.len)
        add_attribute(b, 7, S("weir.lever"), lever);
    proto_out_end(b, point);
}

/* Also when it came back to nothing: what was told before would stand. */
static void add_saved(struct buf *b, const struct export_otlp_about *about, const struct series *s,
                      const struct rollup *sum)
{
    for (int i = 0; i < ROLLUP_LEVERS; i++) {
        enum rollup_lever lever = (enum rollup_lever)i;
        int64_t nanousd = rollup_saved(sum, lever);
        if (nanousd || sum->lost_nanousd[lever])
            add_money(b, about, s, rollup_lever_word(lever), nanousd);
    }
}

/* How many calls, how many tokens: how the calls differ is not in the book, so there are no
 * buckets, which the protocol allows. */
static void add_kind(struct buf *b, const struct export_otlp_about *about, const struct series *s,
                     const struct rollup *sum, enum token_kind kind)
{
    uint64_t tokens = sum->usage.tokens[kind], calls = sum->counts[ROLLUP_INVOCATIONS];
    if (tokens == 0)
        return;
    size_t point = proto_out_begin(b, 1);
    add_span(b, about);
    proto_out_fixed64(b, 4, calls ? calls : 1);
    proto_out_double(b, 5, (double)tokens);
    add_series(b, 9, s);
    add_attribute(b, 9, S("gen_ai.token.type"), usage_word(kind));
    proto_out_end(b, point);
}

static void add_times(struct buf *b, const struct export_otlp_about *about, const struct series *s,
                      const struct histogram *h, const double *bounds_s, size_t n)
{
    uint64_t counts[BOUNDS_MOST + 1], below = 0;
    if (h->count == 0)
        return;
    for (size_t i = 0; i <= n; i++) {
        uint64_t to = i < n ? histogram_below(h, (uint64_t)(bounds_s[i] * 1e6 + 0.5)) : h->count;
        counts[i] = to - below;
        below = to;
    }
    size_t point = proto_out_begin(b, 1);
    add_span(b, about);
    proto_out_fixed64(b, 4, h->count);
    proto_out_double(b, 5, (double)h->sum / 1e6);
    proto_out_fixed64s(b, 6, counts, n + 1);
    proto_out_doubles(b, 7, bounds_s, n);
    add_series(b, 9, s);
    proto_out_double(b, 11, (double)h->least / 1e6);
    proto_out_double(b, 12, (double)h->most / 1e6);
    proto_out_end(b, point);
}

/* The conventions' advice for each of the two. */
static const double duration_bounds[] = {0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                                         1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
static const double first_bounds[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
                                      0.25,  0.5,   0.75, 1.0,  2.5,  5.0,  7.5,  10.0};

void export_otlp_add(struct export_otlp_points *p, const struct export_otlp_about *about,
                     const struct series *s, const struct rollup *sum)
{
    const uint64_t *t = sum->usage.tokens;
    uint64_t written = t[TOKEN_CACHE_WRITE_5M] + t[TOKEN_CACHE_WRITE_1H] + t[TOKEN_CACHE_WRITE_30M];
    for (int kind = 0; kind < TOKENS; kind++)
        add_kind(&p->of[TOKEN_USAGE], about, s, sum, (enum token_kind)kind);
    add_times(&p->of[DURATION], about, s, &sum->histograms[ROLLUP_LATENCY_US], duration_bounds,
              sizeof duration_bounds / sizeof *duration_bounds);
    add_times(&p->of[FIRST_TOKEN], about, s, &sum->histograms[ROLLUP_FIRST_US], first_bounds,
              sizeof first_bounds / sizeof *first_bounds);
    /* The conventions count what the cache gave and took among the input. */
    add_whole(&p->of[INPUT], about, s, t[TOKEN_INPUT] + t[TOKEN_CACHE_READ] + written);
    add_whole(&p->of[OUTPUT], about, s, t[TOKEN_OUTPUT]);
    add_whole(&p->of[CACHE_READ], about, s, t[TOKEN_CACHE_READ]);
    add_whole(&p->of[CACHE_CREATION], about, s, written);
    if (sum->cost_nanousd)
        add_money(&p->of[COST], about, s, S(""), (int64_t)sum->cost_nanousd);
    add_saved(&p->of[SAVED], about, s, sum);
    p->series++;
}

/* --- the whole */

static void add_metric(struct buf *out, size_t i, struct str points)
{
    bool histogram = metrics[i].histogram;
    size_t metric = proto_out_begin(out, 2);
    proto_out_string(out, 1, metrics[i].name);
    proto_out_string(out, 2, metrics[i].description);
    proto_out_string(out, 3, metrics[i].unit);
    size_t data = proto_out_begin(out, histogram ? 9 : 7);
    buf_add(out, points);
    proto_out_u64(out, 2, CUMULATIVE);
    if (!histogram)
        proto_out_u64(out, 3, !metrics[i].falls); /* monotonic */
    proto_out_end(out, data);
    proto_out_end(out, metric);
}

static void add_resource(struct buf *out, const struct export_otlp_about *about)
{
    size_t resource = proto_out_begin(out, 1);
    add_attribute(out, 1, S("service.name"), S("weir"));
    add_attribute(out, 1, S("service.version"), S(WEIR_VERSION));
    add_attribute(out, 1, S("service.instance.id"), about->instance);
    proto_out_end(out, resource);
}

void export_otlp_request(struct export_otlp_points *p, const struct export_otlp_about *about,
                         struct buf *out)
{
    size_t whole = proto_out_begin(out, 1);
    add_resource(out, about);
    size_t scoped = proto_out_begin(out, 2);
    size_t scope = proto_out_begin(out, 1);
    proto_out_string(out, 1, S("weir"));
    proto_out_string(out, 2, S(WEIR_VERSION));
    proto_out_end(out, scope);
    for (size_t i = 0; i < EXPORT_OTLP_METRICS; i++) {
        if (buf_len(&p->of[i]))
            add_metric(out, i, buf_str(&p->of[i]));
        buf_clear(&p->of[i]);
    }
    proto_out_end(out, scoped);
    proto_out_end(out, whole);
    p->series = 0;
}

void export_otlp_points_fini(struct export_otlp_points *p)
{
    for (size_t i = 0; i < EXPORT_OTLP_METRICS; i++)
        buf_fini(&p->of[i]);
}
