/* SPDX-License-Identifier: Apache-2.0
 *
 * A report as JSON, its fields in docs/OPERATIONS.md: only append. Money is a number with nine
 * decimals, or null where no price is known; times are UTC.
 */
#include "weir/book/report.h"

#include "report_parts.h"
#include "weir/base/text.h"

static void put_time(struct json_out *o, struct str key, int64_t ms, bool fine)
{
    char text[25];
    if (fine)
        text_iso_time_ms(ms, text);
    else
        text_iso_time(ms / 1000, text);
    json_out_key(o, key);
    json_out_string(o, str_of(text));
}

static void put_raw(struct json_out *o, struct str key, struct buf *raw)
{
    json_out_key(o, key);
    json_out_raw(o, buf_str(raw));
    buf_fini(raw);
}

static void put_usd(struct json_out *o, struct str key, bool known, int64_t nanousd)
{
    struct buf b = {0};
    if (known)
        price_add_usd(&b, nanousd);
    else
        buf_add(&b, S("null"));
    put_raw(o, key, &b);
}

void report_add_ms(struct buf *out, uint64_t us)
{
    buf_add_u64(out, us / 1000);
    if (us % 1000)
        buf_addf(out, ".%03u", (unsigned)(us % 1000));
}

static void put_ms(struct json_out *o, struct str key, uint64_t us)
{
    struct buf b = {0};
    report_add_ms(&b, us);
    put_raw(o, key, &b);
}

static void put_times(struct json_out *o, struct str key, const struct histogram *h)
{
    json_out_key(o, key);
    if (h->count == 0) {
        json_out_null(o);
        return;
    }
    json_out_object(o);
    json_out_put_u64(o, S("count"), h->count);
    put_ms(o, S("mean"), h->sum / h->count);
    put_ms(o, S("p50"), histogram_at(h, 500));
    put_ms(o, S("p90"), histogram_at(h, 900));
    put_ms(o, S("p99"), histogram_at(h, 990));
    put_ms(o, S("most"), h->most);
    json_out_end(o);
}

struct str report_count_word(enum rollup_count count)
{
    static const struct str words[ROLLUP_COUNTS] = {
        STR("requests"),  STR("invocations"), STR("client_errors"), STR("server_errors"),
        STR("throttles"), STR("estimated"),   STR("unpriced"),      STR("provisional"),
        STR("joined"),    STR("unreadable"),  STR("treated"),       STR("control"),
        STR("marked"),    STR("refused"),     STR("maybe_twice"),   STR("batch_fit"),
    };
    return words[count];
}

static void put_sum(struct json_out *o, const struct rollup *sum)
{
    struct buf rate = {0};
    for (size_t i = 0; i < ROLLUP_COUNTS; i++)
        json_out_put_u64(o, report_count_word((enum rollup_count)i), sum->counts[i]);
    json_out_key(o, S("tokens"));
    json_out_object(o);
    for (size_t i = 0; i < TOKENS; i++)
        json_out_put_u64(o, usage_word((enum token_kind)i), sum->usage.tokens[i]);
    json_out_end(o);
    double hits = report_hit_rate(sum);
    if (hits < 0)
        buf_add(&rate, S("null"));
    else
        buf_addf(&rate, "%.6f", hits);
    put_raw(o, S("cache_hit_rate"), &rate);
    bool priced = report_is_priced(sum);
    put_usd(o, S("cost_usd"), priced, (int64_t)sum->cost_nanousd);
    put_usd(o, S("untouched_usd"), priced, (int64_t)sum->untouched_nanousd);
    put_usd(o, S("saved_usd"), priced, (int64_t)(sum->untouched_nanousd - sum->cost_nanousd));
    put_times(o, S("latency_ms"), &sum->histograms[ROLLUP_LATENCY_US]);
    put_times(o, S("added_ms"), &sum->histograms[ROLLUP_ADDED_US]);
    put_times(o, S("first_token_ms"), &sum->histograms[ROLLUP_FIRST_US]);
    report_put_savings(o, sum);
}

/* What is told of a sum. */
typedef void (*put_figures)(struct json_out *o, const struct rollup *sum);

static void put_names(struct json_out *o, unsigned by, const struct series *s)
{
    const struct str keys[] = {S("client"), S("workload"), S("model"), S("lane")};
    const struct str names[] = {s->client, s->workload, s->model, lane_word(s->lane)};
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!(by >> i & 1))
            continue;
        json_out_key(o, keys[i]);
        json_out_string(o, names[i]);
    }
}

static void put_head(struct json_out *o, const struct report_query *q)
{
    json_out_object(o);
    put_time(o, S("from"), (int64_t)q->from * 60000, false);
    put_time(o, S("until"), (int64_t)q->until * 60000, false);
    json_out_key(o, S("period_s"));
    if (q->period)
        json_out_u64(o, (uint64_t)q->period * 60);
    else
        json_out_null(o);
    json_out_key(o, S("rows"));
    json_out_array(o);
}

static void put_row(struct report *r, struct json_out *o, const struct report_row *row,
                    put_figures figures)
{
    json_out_object(o);
    if (r->query.period)
        put_time(o, S("time"), (int64_t)row->minute * 60000, false);
    put_names(o, r->query.by, &row->series);
    figures(o, &row->sum);
    json_out_end(o);
}

static void put_tail(struct report *r, struct json_out *o, put_figures figures)
{
    json_out_end(o);
    json_out_key(o, S("total"));
    json_out_object(o);
    figures(o, &r->total);
    json_out_end(o);
    json_out_key(o, S("gaps"));
    json_out_array(o);
    for (size_t i = 0; i < r->n_gaps; i++) {
        json_out_object(o);
        put_time(o, S("from"), r->gaps[i].from_ms, true);
        put_time(o, S("until"), r->gaps[i].until_ms, true);
        json_out_put_u64(o, S("records"), r->gaps[i].records);
        json_out_end(o);
    }
    json_out_end(o);
    json_out_end(o);
    buf_add_char(o->buf, '\n');
}

static void put_saved(struct json_out *o, const struct rollup *sum)
{
    bool priced = report_is_priced(sum);
    json_out_put_u64(o, S("requests"), sum->counts[ROLLUP_REQUESTS]);
    json_out_put_u64(o, S("unpriced"), sum->counts[ROLLUP_UNPRICED]);
    put_usd(o, S("cost_usd"), priced, (int64_t)sum->cost_nanousd);
    put_usd(o, S("untouched_usd"), priced, (int64_t)sum->untouched_nanousd);
    put_usd(o, S("saved_usd"), priced, (int64_t)(sum->untouched_nanousd - sum->cost_nanousd));
    json_out_put_u64(o, S("treated"), sum->counts[ROLLUP_TREATED]);
    json_out_put_u64(o, S("control"), sum->counts[ROLLUP_CONTROL]);
    json_out_put_u64(o, S("marked"), sum->counts[ROLLUP_MARKED]);
    report_put_savings(o, sum);
}

static bool add_slice(struct report *r, size_t most, struct buf *out, put_figures figures)
{
    r->json.buf = out;
    if (r->json.depth == 0)
        put_head(&r->json, &r->query);
    for (; most > 0 && r->told < r->n_rows; most--) {
        const struct report_row *row = &r->rows[r->told++];
        put_row(r, &r->json, row, figures);
        rollup_merge(&r->total, &row->sum);
    }
    if (r->told < r->n_rows)
        return true;
    put_tail(r, &r->json, figures);
    return false;
}

bool report_add_json(struct report *r, size_t most, struct buf *out)
{
    return add_slice(r, most, out, put_sum);
}

bool report_add_savings(struct report *r, size_t most, struct buf *out)
{
    return add_slice(r, most, out, put_saved);
}
