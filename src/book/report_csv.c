/* SPDX-License-Identifier: Apache-2.0
 *
 * A report as comma-separated values (RFC 4180): one column for each of JSON's fields. What is null
 * there is empty here.
 */
#include "weir/book/report.h"

#include "report_parts.h"
#include "weir/base/text.h"

static const struct str names[] = {STR("client"), STR("workload"), STR("model"), STR("lane")};
static const struct str times[ROLLUP_HISTOGRAMS] = {STR("latency"), STR("added"),
                                                    STR("first_token")};

void report_add_csv_text(struct buf *out, struct str s)
{
    if (!text_is_plain(s)) { /* a terminal would obey it, and a line would end: as in JSON */
        struct buf escaped = {0};
        text_add_json(&escaped, s, s.len);
        report_add_csv_text(out, buf_str(&escaped));
        buf_fini(&escaped);
        return;
    }
    if (str_chr(s, ',') < 0 && str_chr(s, '"') < 0) {
        buf_add(out, s);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, s.ptr[i]);
    }
    buf_add_char(out, '"');
}

/* Columns that came later stand behind those that were there: who reads by place reads on. */
enum { FIRST_COUNTS = ROLLUP_TREATED, SECOND_COUNTS = ROLLUP_MAYBE_TWICE };

static void add_head(const struct report *r, struct buf *out)
{
    if (r->query.period)
        buf_add(out, S("time,"));
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (r->query.by >> i & 1)
            buf_addf(out, "%s,", names[i].ptr);
    for (unsigned i = 0; i < FIRST_COUNTS; i++)
        buf_addf(out, "%s,", report_count_word((enum rollup_count)i).ptr);
    for (unsigned i = 0; i < TOKENS; i++)
        buf_addf(out, "%s,", usage_word((enum token_kind)i).ptr);
    buf_add(out, S("cache_hit_rate,cost_usd,untouched_usd,saved_usd"));
    for (unsigned i = 0; i < ROLLUP_HISTOGRAMS; i++)
        buf_addf(out, ",%s_ms_mean,%s_ms_p50,%s_ms_p90,%s_ms_p99,%s_ms_most", times[i].ptr,
                 times[i].ptr, times[i].ptr, times[i].ptr, times[i].ptr);
    for (unsigned i = FIRST_COUNTS; i < SECOND_COUNTS; i++)
        buf_addf(out, ",%s", report_count_word((enum rollup_count)i).ptr);
    report_add_savings_head(out);
    for (unsigned i = SECOND_COUNTS; i < ROLLUP_COUNTS; i++)
        buf_addf(out, ",%s", report_count_word((enum rollup_count)i).ptr);
    buf_add_char(out, '\n');
}

static void add_names(const struct report *r, const struct report_row *row, struct buf *out)
{
    char time[21];
    const struct str values[] = {row->series.client, row->series.workload, row->series.model,
                                 lane_word(row->series.lane)};
    if (r->query.period) {
        text_iso_time((int64_t)row->minute * 60, time);
        buf_addf(out, "%s,", time);
    }
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        if (!(r->query.by >> i & 1))
            continue;
        report_add_csv_text(out, values[i]);
        buf_add_char(out, ',');
    }
}

static void add_money(const struct rollup *sum, struct buf *out)
{
    if (!report_is_priced(sum)) {
        buf_add(out, S(",,"));
        return;
    }
    price_add_usd(out, (int64_t)sum->cost_nanousd);
    buf_add_char(out, ',');
    price_add_usd(out, (int64_t)sum->untouched_nanousd);
    buf_add_char(out, ',');
    price_add_usd(out, (int64_t)(sum->untouched_nanousd - sum->cost_nanousd));
}

static void add_times(const struct histogram *h, struct buf *out)
{
    const uint64_t us[] = {h->count ? h->sum / h->count : 0, histogram_at(h, 500),
                           histogram_at(h, 900), histogram_at(h, 990), h->most};
    for (size_t i = 0; i < sizeof us / sizeof *us; i++) {
        buf_add_char(out, ',');
        if (h->count)
            report_add_ms(out, us[i]);
    }
}

static void add_row(const struct report *r, const struct report_row *row, struct buf *out)
{
    const struct rollup *sum = &row->sum;
    add_names(r, row, out);
    for (size_t i = 0; i < FIRST_COUNTS; i++)
        buf_addf(out, "%llu,", (unsigned long long)sum->counts[i]);
    for (size_t i = 0; i < TOKENS; i++)
        buf_addf(out, "%llu,", (unsigned long long)sum->usage.tokens[i]);
    double rate = report_hit_rate(sum);
    if (rate >= 0)
        buf_addf(out, "%.6f", rate);
    buf_add_char(out, ',');
    add_money(sum, out);
    for (size_t i = 0; i < ROLLUP_HISTOGRAMS; i++)
        add_times(&sum->histograms[i], out);
    for (size_t i = FIRST_COUNTS; i < SECOND_COUNTS; i++)
        buf_addf(out, ",%llu", (unsigned long long)sum->counts[i]);
    report_add_savings_fields(sum, out);
    for (size_t i = SECOND_COUNTS; i < ROLLUP_COUNTS; i++)
        buf_addf(out, ",%llu", (unsigned long long)sum->counts[i]);
    buf_add_char(out, '\n');
}

void report_add_csv(const struct report *r, struct buf *out)
{
    add_head(r, out);
    for (size_t i = 0; i < r->n_rows; i++)
        add_row(r, &r->rows[i], out);
}
