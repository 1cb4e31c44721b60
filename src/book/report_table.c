/* SPDX-License-Identifier: Apache-2.0
 *
 * A report for people. A column is a heading and a function that writes a sum's cell; a column that
 * is empty for every row is left out; in a narrow terminal so is one of zeros, and what is long
 * gets shorter. Names come from clients: they are escaped.
 *
 *     MODEL                LANE      REQUESTS  ...  COST
 *     amazon.nova-lite-v1  ondemand        12  ...  $0.0012
 */
#include "weir/book/report.h"

#include "report_grid.h"
#include "report_parts.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"

#include <stdlib.h>

enum { NAMES = 4, NAME_MOST = 200 };
static const uint64_t DOLLAR = 1000000000;

enum brevity { ALL, NO_ZEROS, BRIEF };

struct sheet {
    enum brevity brevity;
    const struct report *report;
    const struct report_row **rows; /* by cost, the dearest first */
    struct rollup total;
    unsigned decimals; /* of dollars */
};

/* --- cells */

static void add_number(struct buf *b, uint64_t n)
{
    char digits[32];
    size_t at = sizeof digits;
    for (size_t i = 0; i == 0 || n; i++, n /= 10) {
        if (i && i % 3 == 0)
            digits[--at] = ',';
        digits[--at] = (char)('0' + n % 10);
    }
    buf_add(b, str_from(digits + at, sizeof digits - at));
}

/* 12.3k, 1.23M: three figures. */
static void add_brief(struct buf *b, uint64_t n)
{
    static const char units[] = "kMGTPE";
    double left = (double)n / 1000;
    size_t unit = 0;
    if (n < 10000) {
        add_number(b, n);
        return;
    }
    for (; left >= 999.5 && units[unit + 1]; unit++)
        left /= 1000;
    buf_addf(b, left < 9.995 ? "%.2f%c" : left < 99.95 ? "%.1f%c" : "%.0f%c", left, units[unit]);
}

void report_add_dollars(struct buf *b, uint64_t nanousd, unsigned decimals)
{
    uint64_t unit = 1, part;
    for (unsigned i = decimals; i < 9; i++)
        unit *= 10;
    uint64_t rounded = nanousd / unit + (nanousd % unit * 2 >= unit);
    part = rounded % (DOLLAR / unit);
    buf_add_char(b, '$');
    add_number(b, rounded / (DOLLAR / unit));
    buf_addf(b, ".%0*llu", (int)decimals, (unsigned long long)part);
}

static void cell_cost(const struct sheet *s, const struct rollup *sum, struct buf *b)
{
    if (!report_is_priced(sum)) {
        buf_add(b, S("unpriced"));
        return;
    }
    report_add_dollars(b, sum->cost_nanousd, s->decimals);
    if (sum->counts[ROLLUP_UNPRICED])
        buf_add_char(b, '+');
}

static bool moved(const struct rollup *sum)
{
    return sum->cost_nanousd != sum->untouched_nanousd;
}

static void cell_untouched(const struct sheet *s, const struct rollup *sum, struct buf *b)
{
    if (moved(sum))
        report_add_dollars(b, sum->untouched_nanousd, s->decimals);
}

static void cell_saved(const struct sheet *s, const struct rollup *sum, struct buf *b)
{
    bool lost = sum->cost_nanousd > sum->untouched_nanousd;
    uint64_t by = lost ? sum->cost_nanousd - sum->untouched_nanousd
                       : sum->untouched_nanousd - sum->cost_nanousd;
    if (!by)
        return;
    if (lost)
        buf_add_char(b, '-');
    report_add_dollars(b, by, s->decimals);
}

static uint64_t errors_of(const struct rollup *sum)
{
    return sum->counts[ROLLUP_CLIENT_ERRORS] + sum->counts[ROLLUP_SERVER_ERRORS];
}

static void cell_errors(const struct sheet *s, const struct rollup *sum, struct buf *b)
{
    add_number(b, errors_of(sum));
}

static void cell_hit_rate(const struct sheet *s, const struct rollup *sum, struct buf *b)
{
    double rate = report_hit_rate(sum);
    if (rate > 0)
        buf_addf(b, "%.1f%%", rate * 100);
}

static void add_quantile(struct buf *b, const struct histogram *h, unsigned permille)
{
    uint64_t us = histogram_at(h, permille);
    if (!h->count)
        return;
    if (us < 1000 * 1000)
        buf_addf(b, us < 1000 ? "%.2f ms" : us < 10000 ? "%.1f ms" : "%.0f ms", (double)us / 1e3);
    else
        buf_addf(b, us < 100000000 ? "%.2f s" : "%.0f s", (double)us / 1e6);
}

static void cell_p50(const struct sheet *s, const struct rollup *sum, struct buf *b)
{
    add_quantile(b, &sum->histograms[ROLLUP_LATENCY_US], 500);
}

static void cell_p99(const struct sheet *s, const struct rollup *sum, struct buf *b)
{
    add_quantile(b, &sum->histograms[ROLLUP_LATENCY_US], 990);
}

static void cell_first_p50(const struct sheet *s, const struct rollup *sum, struct buf *b)
{
    add_quantile(b, &sum->histograms[ROLLUP_FIRST_US], 500);
}

static void cell_first_p99(const struct sheet *s, const struct rollup *sum, struct buf *b)
{
    add_quantile(b, &sum->histograms[ROLLUP_FIRST_US], 990);
}

/* Either a count, a kind of token (counts from ROLLUP_COUNTS on), or a writer. */
static const struct column {
    const char *head;
    unsigned count;
    bool keep;          /* zero is worth showing */
    unsigned char rank; /* the greatest goes first for want of room; 0: it stays */
    void (*cell)(const struct sheet *s, const struct rollup *sum, struct buf *b);
} columns[] = {
    {"COST", 0, true, 0, cell_cost},
    {"UNTOUCHED", 0, false, 13, cell_untouched},
    {"SAVED", 0, false, 8, cell_saved},
    {"REQUESTS", ROLLUP_REQUESTS, true, 0, NULL},
    {"INVOCATIONS", ROLLUP_INVOCATIONS, true, 16, NULL},
    {"ERRORS", 0, true, 5, cell_errors},
    {"THROTTLES", ROLLUP_THROTTLES, true, 4, NULL},
    {"REFUSED", ROLLUP_REFUSED, false, 2, NULL},
    {"INPUT", ROLLUP_COUNTS + TOKEN_INPUT, true, 0, NULL},
    {"OUTPUT", ROLLUP_COUNTS + TOKEN_OUTPUT, true, 0, NULL},
    {"CACHE READ", ROLLUP_COUNTS + TOKEN_CACHE_READ, false, 3, NULL},
    {"WRITE 5m", ROLLUP_COUNTS + TOKEN_CACHE_WRITE_5M, false, 10, NULL},
    {"WRITE 1h", ROLLUP_COUNTS + TOKEN_CACHE_WRITE_1H, false, 11, NULL},
    {"WRITE 30m", ROLLUP_COUNTS + TOKEN_CACHE_WRITE_30M, false, 12, NULL},
    {"HIT RATE", 0, false, 6, cell_hit_rate},
    {"P50", 0, false, 9, cell_p50},
    {"P99", 0, false, 7, cell_p99},
    {"FIRST P50", 0, false, 14, cell_first_p50},
    {"FIRST P99", 0, false, 15, cell_first_p99},
};
enum { COLUMNS = sizeof columns / sizeof *columns };
_Static_assert(NAMES + COLUMNS <= GRID_COLUMNS_MOST, "a grid has room for them");

static uint64_t count_of(const struct rollup *sum, unsigned count)
{
    return count < ROLLUP_COUNTS ? sum->counts[count] : sum->usage.tokens[count - ROLLUP_COUNTS];
}

static void add_cell(const struct sheet *s, size_t column, const struct rollup *sum, struct buf *b)
{
    const struct column *c = &columns[column];
    if (c->cell)
        c->cell(s, sum, b);
    else if (s->brevity == BRIEF && c->count >= ROLLUP_COUNTS)
        add_brief(b, count_of(sum, c->count));
    else
        add_number(b, count_of(sum, c->count));
}

static bool is_shown(const struct sheet *s, size_t column)
{
    const struct column *c = &columns[column];
    if (c->keep && (s->brevity == ALL || !c->rank))
        return true;
    if (!c->cell)
        return count_of(&s->total, c->count) > 0;
    if (c->cell == cell_errors)
        return errors_of(&s->total) > 0;
    bool any = false;
    for (size_t i = 0; i < s->report->n_rows && !any; i++) {
        struct buf b = {0};
        c->cell(s, &s->rows[i]->sum, &b);
        any = buf_len(&b) > 0;
        buf_fini(&b);
    }
    return any;
}

/* --- names */

static const char *const name_heads[NAMES] = {"CLIENT", "WORKLOAD", "MODEL", "LANE"};

/* arn:aws:bedrock:REGION:ACCOUNT:KIND/ID is known by its ID. */
static struct str last_part(struct str name)
{
    for (size_t at = name.len; at > 0 && str_starts(name, S("arn:")); at--)
        if (name.ptr[at - 1] == '/')
            return str_from_offset(name, at);
    return name;
}

static void add_name(const struct sheet *sheet, const struct series *s, size_t i, struct buf *b)
{
    const struct str names[NAMES] = {s->client, s->workload, s->model, lane_word(s->lane)};
    struct str name = sheet->brevity == ALL ? names[i] : last_part(names[i]);
    text_add_json(b, name.len ? name : S("-"), NAME_MOST);
}

/* --- the grid */

static void fill_row(struct grid *g, const struct sheet *s, const bool *shown,
                     const struct report_row *row)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (!(s->report->query.by >> i & 1))
            continue;
        if (row)
            add_name(s, &row->series, i, &g->text);
        else if (g->n % g->n_columns == 0)
            buf_add(&g->text, S("total"));
        grid_end_cell(g);
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!shown[i])
            continue;
        size_t before = buf_len(&g->text);
        add_cell(s, i, row ? &row->sum : &s->total, &g->text);
        if (buf_len(&g->text) == before)
            buf_add_char(&g->text, '-');
        grid_end_cell(g);
    }
}

static void fill(struct grid *g, const struct sheet *s)
{
    bool shown[COLUMNS];
    size_t n = s->report->n_rows;
    *g = (struct grid){0};
    for (size_t i = 0; i < NAMES; i++)
        g->n_names += s->report->query.by >> i & 1;
    g->n_columns = g->n_names;
    for (size_t i = 0; i < COLUMNS; i++)
        g->n_columns += shown[i] = is_shown(s, i);
    for (size_t i = 0; i < NAMES; i++)
        if (s->report->query.by >> i & 1) {
            buf_add(&g->text, str_of(name_heads[i]));
            grid_end_cell(g);
        }
    for (size_t i = 0; i < COLUMNS; i++)
        if (shown[i]) {
            g->rank[g->n] = columns[i].rank;
            buf_add(&g->text, str_of(columns[i].head));
            grid_end_cell(g);
        }
    for (size_t i = 0; i < n; i++)
        fill_row(g, s, shown, s->rows[i]);
    if (n != 1 && g->n_names)
        fill_row(g, s, shown, NULL);
}

/* What there is room for: all of it; or what is not zero, with ARNs' last parts; then with tokens
 * as 1.2M, names cut, columns left out; or else in blocks. */
static void print_sheet(struct sheet *s, size_t width, struct buf *out)
{
    struct grid g;
    for (s->brevity = ALL; s->brevity < BRIEF; s->brevity++) {
        fill(&g, s);
        bool fits = grid_print(&g, width, out);
        grid_fini(&g);
        if (fits)
            return;
    }
    fill(&g, s);
    bool fits = grid_squeeze(&g, width, out);
    grid_fini(&g);
    if (fits)
        return;
    s->brevity = ALL;
    fill(&g, s);
    grid_print_blocks(&g, out);
    grid_fini(&g);
}

/* --- notes */

static void note(struct buf *out, uint64_t n, const char *one, const char *many)
{
    if (!n)
        return;
    add_number(out, n);
    buf_addf(out, " %s\n", n == 1 ? one : many);
}

static void add_notes(const struct sheet *s, struct buf *out)
{
    const uint64_t *counts = s->total.counts;
    report_add_savings_text(&s->total, s->decimals, out);
    note(out, counts[ROLLUP_UNPRICED],
         "request is unpriced: its tokens are counted, its cost is not known.",
         "requests are unpriced: their tokens are counted, their cost is not known.");
    note(out, counts[ROLLUP_PROVISIONAL], "request is priced provisionally, as its model's family.",
         "requests are priced provisionally, as their models' families.");
    note(out, counts[ROLLUP_ESTIMATED],
         "request's tokens are an estimate: Bedrock's count was not to be had.",
         "requests' tokens are an estimate: Bedrock's count was not to be had.");
    note(out, counts[ROLLUP_UNREADABLE], "answer's usage made no sense and is not counted.",
         "answers' usage made no sense and is not counted.");
    note(out, counts[ROLLUP_JOINED], "request got the answer of a call that was paid for already.",
         "requests got the answer of a call that was paid for already.");
    for (size_t i = 0; i < s->report->n_gaps; i++) {
        const struct gap *g = &s->report->gaps[i];
        char from[21], until[21];
        text_iso_time(g->from_ms / 1000, from);
        text_iso_time(g->until_ms / 1000, until);
        add_number(out, g->records);
        buf_addf(out, " request%s between %s and %s %s not recorded.\n", g->records == 1 ? "" : "s",
                 from, until, g->records == 1 ? "was" : "were");
    }
}

/* --- all of it */

static uint64_t tokens_of(const struct rollup *sum)
{
    uint64_t n = 0;
    for (size_t i = 0; i < TOKENS; i++)
        n += sum->usage.tokens[i];
    return n;
}

static int by_cost(const void *a, const void *b)
{
    const struct report_row *x = *(const struct report_row *const *)a;
    const struct report_row *y = *(const struct report_row *const *)b;
    if (x->sum.cost_nanousd != y->sum.cost_nanousd)
        return x->sum.cost_nanousd > y->sum.cost_nanousd ? -1 : 1;
    uint64_t m = tokens_of(&x->sum), n = tokens_of(&y->sum);
    if (m != n)
        return m > n ? -1 : 1;
    return series_cmp(&x->series, &y->series);
}

static void add_span(const struct report *r, struct buf *out)
{
    char from[21], until[21];
    text_iso_time((int64_t)r->query.from * 60, from);
    text_iso_time((int64_t)r->query.until * 60, until);
    buf_addf(out, "%s to %s. Costs are estimates from list prices.\n\n", from, until);
}

void report_add_table(const struct report *r, size_t width, struct buf *out)
{
    struct buf notes = {0};
    struct sheet s = {.report = r, .rows = mem_new((r->n_rows + 1) * sizeof *s.rows)};
    for (size_t i = 0; i < r->n_rows; i++)
        s.rows[i] = &r->rows[i];
    qsort(s.rows, r->n_rows, sizeof *s.rows, by_cost);
    report_total(r, &s.total);
    s.decimals = s.total.cost_nanousd >= 1000 * DOLLAR ? 2 : s.total.cost_nanousd >= DOLLAR ? 4 : 6;
    add_span(r, out);
    if (r->n_rows)
        print_sheet(&s, width, out);
    else
        buf_add(out, S("No requests were recorded in this time.\n"));
    add_notes(&s, &notes);
    if (buf_len(&notes))
        buf_add_char(out, '\n');
    buf_add(out, buf_str(&notes));
    buf_fini(&notes);
    rollup_fini(&s.total);
    mem_free(s.rows);
}
