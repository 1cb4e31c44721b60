/* SPDX-License-Identifier: Apache-2.0
 *
 * /metrics. Families come out in the order of metrics.def; those with labels have a printer each.
 */
#include "weir/gate/export_prom.h"

#include "export_batch.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/text.h"
#include "weir/book/keeper.h"
#include "weir/plan/price.h"

struct slabs {
    struct metric_slab *at[257];
    size_t n;
};

static uint64_t read_one(atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void head(struct buf *out, const struct metric_row *row)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name.ptr, row->help.ptr, row->name.ptr,
             row->type.ptr);
}

static void seconds(struct buf *out, uint64_t us)
{
    buf_addf(out, "%llu.%06llu", (unsigned long long)(us / 1000000),
             (unsigned long long)(us % 1000000));
}

static void print_requests(const struct slabs *s, struct buf *out)
{
    for (size_t op = 0; op < OPERATIONS; op++)
        for (size_t o = 1; o < OUTCOMES; o++) {
            uint64_t sum = 0;
            for (size_t i = 0; i < s->n; i++)
                sum += read_one(&s->at[i]->requests[op][o]);
            if (sum)
                buf_addf(out, "weir_requests_total{operation=\"%s\",outcome=\"%s\"} %llu\n",
                         operation_row((enum operation_id)op)->name.ptr,
                         outcome_row((enum outcome)o)->word.ptr, (unsigned long long)sum);
        }
}

/* Which histogram of a slab: both families are printed by the same lines. */
static struct metric_histogram *histogram_of(struct metric_slab *s, enum metric_id id, size_t op)
{
    return id == METRIC_REQUEST_SECONDS ? &s->request_seconds[op] : &s->added_seconds[op];
}

static void print_histogram(const struct slabs *s, enum metric_id id, size_t op, struct buf *out)
{
    const char *name = metric_row(id)->name.ptr;
    const char *label = operation_row((enum operation_id)op)->name.ptr;
    uint64_t counts[METRIC_BUCKETS + 1] = {0}, total = 0, sum_us = 0, below = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct metric_histogram *h = histogram_of(s->at[i], id, op);
        sum_us += read_one(&h->sum_us);
        for (size_t b = 0; b <= METRIC_BUCKETS; b++)
            counts[b] += read_one(&h->buckets[b]);
    }
    for (size_t b = 0; b <= METRIC_BUCKETS; b++)
        total += counts[b];
    if (!total)
        return;
    for (size_t b = 0; b < METRIC_BUCKETS; b++) {
        below += counts[b];
        buf_addf(out, "%s_bucket{operation=\"%s\",le=\"", name, label);
        seconds(out, metric_bound_us(id, b));
        buf_addf(out, "\"} %llu\n", (unsigned long long)below);
    }
    buf_addf(out, "%s_bucket{operation=\"%s\",le=\"+Inf\"} %llu\n", name, label,
             (unsigned long long)total);
    buf_addf(out, "%s_sum{operation=\"%s\"} ", name, label);
    seconds(out, sum_us);
    buf_addf(out, "\n%s_count{operation=\"%s\"} %llu\n", name, label, (unsigned long long)total);
}

static void print_resent(const struct slabs *s, struct buf *out)
{
    static const char *const words[RESENTS] = {"not-processed", "unavailable", "clock", "edit",
                                               "tier"};
    for (size_t r = 0; r < RESENTS; r++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < s->n; i++)
            sum += read_one(&s->at[i]->resent[r]);
        buf_addf(out, "weir_upstream_resent_total{reason=\"%s\"} %llu\n", words[r],
                 (unsigned long long)sum);
    }
}

static void print_shed(const struct slabs *s, struct buf *out)
{
    static const char *const words[FRONT_SHEDS] = {"connections", "handshakes", "descriptors"};
    for (size_t why = 0; why < FRONT_SHEDS; why++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < s->n; i++)
            sum += read_one(&s->at[i]->shed[why]);
        buf_addf(out, "weir_shed_total{reason=\"%s\"} %llu\n", words[why], (unsigned long long)sum);
    }
}

static void print_levers(const struct daemon *daemon, struct buf *out)
{
    for (int m = LEVERS_ON; m <= LEVERS_OFF; m++)
        buf_addf(out, "weir_levers{mode=\"%s\"} %d\n", levers_word((enum levers_mode)m).ptr,
                 m == (int)levers_mode(&daemon->levers));
}

static void print_certificates(const struct setup *s, struct buf *out)
{
    for (size_t i = 0; i < s->config->n_listen; i++) {
        if (!s->listen_tls[i])
            continue;
        buf_add(out, S("weir_certificate_expires_seconds{listen=\""));
        text_add_json(out, s->config->listen[i].address, 256);
        buf_addf(out, "\"} %lld\n",
                 (long long)(tls_not_after(s->listen_tls[i]) - clock_wall_ms() / 1000));
    }
}

static void print_exporters(struct daemon *daemon, enum metric_id id, struct buf *out)
{
    for (int i = 0; i < EXPORTERS; i++) {
        struct exporter_counts c;
        exporters_count(daemon->exporters, (enum exporter)i, &c);
        int64_t value = id == METRIC_EXPORT_SENT      ? (int64_t)c.sent
                        : id == METRIC_EXPORT_FAILED  ? (int64_t)c.failed
                        : id == METRIC_EXPORT_UNKNOWN ? (int64_t)c.unknown
                        : id == METRIC_EXPORT_DROPPED ? (int64_t)c.dropped
                                                      : c.behind_s;
        if (c.telling)
            buf_addf(out, "%s{exporter=\"%s\"} %lld\n", metric_row(id)->name.ptr,
                     exporter_word((enum exporter)i).ptr, (long long)value);
    }
}

static int64_t credentials_expire_s(struct daemon *daemon)
{
    struct creds *set = creds_get(daemon->setups->creds);
    int64_t left = !set ? 0 : set->expires_s ? set->expires_s - clock_wall_ms() / 1000 : -1;
    creds_unref(set);
    return left;
}

/* --- out of the book: what was committed since the process began */

struct labelled {
    enum metric_id id;
    struct buf *out;
};

static void open_labels(struct buf *out, const struct str name, const struct series *s)
{
    buf_addf(out, "%.*s{client=\"", STR_ARG(name));
    text_add_json(out, s->client, s->client.len);
    buf_add(out, S("\",workload=\""));
    text_add_json(out, s->workload, s->workload.len);
    buf_add(out, S("\",model=\""));
    text_add_json(out, s->model, s->model.len);
    buf_addf(out, "\",lane=\"%s\"", lane_word(s->lane).ptr);
}

/* A request that writes to the cache loses money, and a counter that falls looks like a restart: so
 * what was saved and what was lost are one each. */
static void print_levers_money(const struct labelled *l, const struct series *s,
                               const struct rollup *sum)
{
    for (int i = 0; i < ROLLUP_LEVERS; i++) {
        enum rollup_lever lever = (enum rollup_lever)i;
        int64_t lost = (int64_t)sum->lost_nanousd[lever], saved = rollup_saved(sum, lever) + lost;
        if (!lost && !saved)
            continue; /* else both are there, so that one can be taken from the other */
        open_labels(l->out, metric_row(l->id)->name, s);
        buf_addf(l->out, ",lever=\"%s\"} ", rollup_lever_word(lever).ptr);
        price_add_usd(l->out, l->id == METRIC_LOST ? lost : saved);
        buf_add_char(l->out, '\n');
    }
}

static void print_series(void *arg, const struct series *s, const struct rollup *sum)
{
    const struct labelled *l = arg;
    struct str name = metric_row(l->id)->name;
    if (l->id == METRIC_TOKENS) {
        for (size_t kind = 0; kind < TOKENS; kind++) {
            if (!sum->usage.tokens[kind])
                continue;
            open_labels(l->out, name, s);
            buf_addf(l->out, ",kind=\"%s\"} %llu\n", usage_word((enum token_kind)kind).ptr,
                     (unsigned long long)sum->usage.tokens[kind]);
        }
        return;
    }
    if (l->id == METRIC_SAVED || l->id == METRIC_LOST) {
        print_levers_money(l, s, sum);
        return;
    }
    bool unpriced = sum->counts[ROLLUP_UNPRICED] != 0;
    if (l->id == METRIC_UNPRICED ? !unpriced : !sum->cost_nanousd)
        return;
    open_labels(l->out, name, s);
    buf_add(l->out, S("} "));
    if (l->id == METRIC_UNPRICED)
        buf_add_u64(l->out, sum->counts[ROLLUP_UNPRICED]);
    else
        price_add_usd(l->out, (int64_t)sum->cost_nanousd);
    buf_add_char(l->out, '\n');
}

/* --- limits */

static void print_limited(const struct labelled *l, const struct limits_view *v)
{
    for (int kind = 0; kind < LIMITS_KINDS; kind++) {
        if (!v->limited[kind])
            continue;
        buf_addf(l->out, "%s{client=\"", metric_row(l->id)->name.ptr);
        text_add_json(l->out, v->name, v->name.len);
        buf_addf(l->out, "\",what=\"%s\"} ", limits_kind_word((enum limits_kind)kind).ptr);
        buf_add_u64(l->out, v->limited[kind]);
        buf_add_char(l->out, '\n');
    }
}

static void print_budget(const struct labelled *l, struct str client, const char *period,
                         const struct limit_budget *b)
{
    uint64_t nanousd = l->id == METRIC_BUDGET            ? b->most_nanousd
                       : l->id == METRIC_BUDGET_SPENT    ? b->spent_nanousd
                       : l->id == METRIC_BUDGET_RESERVED ? b->reserved_nanousd
                                                         : b->waiting_nanousd;
    if (!b->most_nanousd)
        return;
    buf_addf(l->out, "%s{client=\"", metric_row(l->id)->name.ptr);
    text_add_json(l->out, client, client.len);
    buf_addf(l->out, "\",period=\"%s\"} ", period);
    price_add_usd(l->out, nanousd > INT64_MAX ? INT64_MAX : (int64_t)nanousd);
    buf_add_char(l->out, '\n');
}

static void print_limits(void *arg, const struct limits_view *v)
{
    const struct labelled *l = arg;
    if (l->id == METRIC_LIMITED) {
        print_limited(l, v);
        return;
    }
    print_budget(l, v->name, "day", &v->day);
    print_budget(l, v->name, "month", &v->month);
}

static bool is_of_limits(enum metric_id id)
{
    return id >= METRIC_LIMITED && id <= METRIC_BUDGET_WAITING;
}

/* --- what was learned for prompt caching */

static int64_t prefix_value(struct daemon *daemon, enum metric_id id)
{
    struct prefix_counts c = {0};
    if (daemon->cache)
        shared_cache_count(daemon->cache, &c);
    return (int64_t)(id == METRIC_PREFIX_ENTRIES ? c.entries : c.evicted);
}

static void count_place(void *arg, struct str model, struct str client,
                        const struct volatile_place *p)
{
    ++*(int64_t *)arg;
}

static int64_t volatile_places(struct daemon *daemon)
{
    int64_t n = 0;
    if (daemon->cache)
        shared_cache_each_volatile(daemon->cache, count_place, &n);
    return n;
}

static int64_t keeper_value(struct daemon *daemon, enum metric_id id)
{
    struct keeper_counts c = {0};
    if (daemon->keeper)
        keeper_count(daemon->keeper, &c);
    return (int64_t)(id == METRIC_PREFIX_SAVED ? c.saved : c.failures);
}

static void print_estimate_error(void *arg, struct str model, struct str client,
                                 const struct tokens_scale *s)
{
    struct buf *out = arg;
    buf_add(out, S("weir_token_estimate_error{model=\""));
    text_add_json(out, model, model.len);
    buf_add(out, S("\",client=\""));
    text_add_json(out, client, client.len);
    buf_addf(out, "\"} %.4f\n", (double)s->error);
}

static bool is_of_book(enum metric_id id)
{
    return id >= METRIC_TOKENS && id <= METRIC_UNPRICED;
}

static int64_t book_value(struct daemon *daemon, enum metric_id id)
{
    struct clerk_counts c = {0};
    if (daemon->clerk)
        clerk_count(daemon->clerk, &c);
    if (id == METRIC_BOOK_RECORDS)
        return (int64_t)c.committed;
    if (id == METRIC_BOOK_WAITING)
        return (int64_t)c.waiting;
    if (id == METRIC_BOOK_LOST)
        return (int64_t)c.lost;
    if (id == METRIC_BOOK_FAILURES)
        return (int64_t)c.failures;
    if (id == METRIC_BOOK_SERIES)
        return c.series;
    return id == METRIC_BOOK_OPEN ? c.open : (int64_t)c.size.used_bytes;
}

/* The greatest since the last look, and resets it. */
static uint64_t take_longest_turn_us(const struct slabs *s)
{
    uint64_t longest = 0;
    for (size_t i = 0; i < s->n; i++) {
        uint64_t us = atomic_exchange(&s->at[i]->simple[METRIC_LONGEST_TURN], 0);
        longest = us > longest ? us : longest;
    }
    return longest;
}

static int64_t simple_value(struct daemon *daemon, const struct slabs *s, enum metric_id id)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += read_one(&s->at[i]->simple[id]);
    if (id == METRIC_CONNECTIONS)
        return atomic_load(&daemon->connections);
    if (id == METRIC_BODY_MEMORY)
        return atomic_load(&daemon->bodies.used_bytes);
    if (id == METRIC_LOG_DROPPED)
        return (int64_t)log_dropped();
    if (id >= METRIC_BOOK_RECORDS && id <= METRIC_BOOK_SERIES)
        return book_value(daemon, id);
    if (id == METRIC_PREFIX_SAVED || id == METRIC_PREFIX_SAVE_FAILURES)
        return keeper_value(daemon, id);
    if (id == METRIC_PREFIX_ENTRIES || id == METRIC_PREFIX_EVICTED)
        return prefix_value(daemon, id);
    if (id == METRIC_VOLATILE_PLACES)
        return volatile_places(daemon);
    if (id == METRIC_DRAINING)
        return atomic_load(&daemon->draining);
    if (id == METRIC_CREDENTIALS_EXPIRE)
        return credentials_expire_s(daemon);
    return (int64_t)sum;
}

static void print_family(struct daemon *daemon, const struct slabs *s, enum metric_id id,
                         struct buf *out)
{
    const struct metric_row *row = metric_row(id);
    head(out, row);
    if (id == METRIC_REQUESTS) {
        print_requests(s, out);
    } else if (str_eq(row->type, S("histogram"))) {
        for (size_t op = 0; op < OPERATIONS; op++)
            print_histogram(s, id, op, out);
    } else if (is_of_book(id)) {
        struct labelled l = {id, out};
        if (daemon->clerk)
            clerk_tally(daemon->clerk, print_series, &l);
    } else if (is_of_limits(id)) {
        struct labelled l = {id, out};
        if (daemon->limits)
            limits_each(daemon->limits, clock_wall_ms(), print_limits, &l);
    } else if (id == METRIC_TOKEN_ESTIMATE_ERROR) {
        if (daemon->cache)
            shared_cache_each_scale(daemon->cache, print_estimate_error, out);
    } else if (export_batch_has(id)) {
        export_batch_print(daemon, id, out);
    } else if (id == METRIC_UPSTREAM_RESENT) {
        print_resent(s, out);
    } else if (id == METRIC_SHED) {
        print_shed(s, out);
    } else if (id == METRIC_LEVERS) {
        print_levers(daemon, out);
    } else if (id == METRIC_CERTIFICATE_EXPIRES) {
        print_certificates(daemon->setups, out);
    } else if (id >= METRIC_EXPORT_SENT && id <= METRIC_EXPORT_BEHIND) {
        print_exporters(daemon, id, out);
    } else if (id == METRIC_RELOADS) {
        buf_addf(out, "weir_reloads_total{result=\"good\"} %llu\n",
                 (unsigned long long)daemon->reloads_good);
        buf_addf(out, "weir_reloads_total{result=\"refused\"} %llu\n",
                 (unsigned long long)daemon->reloads_bad);
    } else if (id == METRIC_BUILD_INFO) {
        buf_addf(out, "weir_build_info{version=\"%s\"} 1\n", WEIR_VERSION);
    } else if (id == METRIC_LONGEST_TURN) {
        buf_addf(out, "%s ", row->name.ptr);
        seconds(out, take_longest_turn_us(s));
        buf_add_char(out, '\n');
    } else {
        buf_addf(out, "%s %lld\n", row->name.ptr, (long long)simple_value(daemon, s, id));
    }
}

void export_prom(struct daemon *daemon, struct buf *out)
{
    struct slabs s = {.n = 0};
    s.at[s.n++] = &daemon->office.metrics;
    for (unsigned i = 0; i < daemon->n_workers; i++)
        s.at[s.n++] = &daemon->workers[i]->metrics;
    for (size_t id = 0; id < METRICS; id++)
        print_family(daemon, &s, (enum metric_id)id, out);
}
