/* SPDX-License-Identifier: Apache-2.0
 *
 * How each number under one of CloudWatch's names comes out of a rollup: a small function for each
 * kind. A sample is one call, as in AWS/Bedrock, so that an average is what one call used.
 */
#include "weir/book/measure.h"

#define US_PER_MS       1000.0
#define US_PER_S        1e6
#define NANOUSD_PER_USD 1e9

static const struct measure rows[MEASURES] = {
#define MEASURE(id_, name_, alias_, unit_, kind_, at_, help_) \
    [MEASURE_##id_] = {.name = STR(name_),                    \
                       .alias = STR(alias_),                  \
                       .unit = STR(unit_),                    \
                       .kind = MEASURE_##kind_,               \
                       .at = at_},
#include "weir/book/measures.def"
#undef MEASURE
};

const struct measure *measure_row(enum measure_id id)
{
    return &rows[id];
}

const struct measure *measure_find(struct str name)
{
    for (size_t i = 0; i < MEASURES; i++)
        if (str_eq(rows[i].name, name) || (rows[i].alias.len && str_eq(rows[i].alias, name)))
            return &rows[i];
    return NULL;
}

/* Samples of what is a number for each call. What was used belongs to a call at least. */
static uint64_t calls(const struct rollup *r, bool used)
{
    uint64_t n = r->counts[ROLLUP_INVOCATIONS];
    return n ? n : used;
}

static void read_count(const struct measure *m, const struct rollup *r, struct measured *out)
{
    uint64_t n = r->counts[m->at];
    *out = (struct measured){n, (double)n, true, 1, 1, NULL};
}

static uint64_t add_tokens(const struct rollup *r, unsigned kinds)
{
    uint64_t sum = 0;
    for (unsigned kind = 0; kind < TOKENS; kind++)
        if (kinds >> kind & 1)
            sum += r->usage.tokens[kind];
    return sum;
}

static void read_tokens(const struct measure *m, const struct rollup *r, struct measured *out)
{
    uint64_t sum = add_tokens(r, m->at);
    *out = (struct measured){.samples = calls(r, sum != 0), .sum = (double)sum};
}

static void read_times(const struct measure *m, const struct rollup *r, struct measured *out)
{
    const struct histogram *h = &r->histograms[m->at];
    *out = (struct measured){.samples = h->count,
                             .sum = (double)h->sum / US_PER_MS,
                             .ranged = true,
                             .least = (double)h->least / US_PER_MS,
                             .most = (double)h->most / US_PER_MS,
                             .times = h};
}

static void read_rate(const struct rollup *r, struct measured *out)
{
    uint64_t read = add_tokens(r, 1 << TOKEN_CACHE_READ);
    uint64_t all = add_tokens(r, ((1 << TOKENS) - 1) & ~(1 << TOKEN_OUTPUT));
    double rate = all ? 100.0 * (double)read / (double)all : 0;
    *out = (struct measured){all != 0, rate, true, rate, rate, NULL};
}

static void read_money(const struct rollup *r, bool savings, struct measured *out)
{
    bool used = r->cost_nanousd || r->untouched_nanousd;
    /* What has no price is no call of zero dollars. */
    uint64_t unpriced = r->counts[ROLLUP_UNPRICED], n = r->counts[ROLLUP_INVOCATIONS];
    int64_t nano = savings ? rollup_saved_all(r) : (int64_t)r->cost_nanousd;
    *out = (struct measured){.samples = n > unpriced ? n - unpriced : used,
                             .sum = (double)nano / NANOUSD_PER_USD};
}

static void read_queue(const struct rollup_queue *q, bool age, struct measured *out)
{
    const struct rollup_gauge *g = age ? &q->age_us : &q->depth;
    double unit = age ? US_PER_S : 1;
    *out = (struct measured){.samples = q->samples,
                             .sum = (double)g->sum / unit,
                             .ranged = true,
                             .least = (double)g->least / unit,
                             .most = (double)g->most / unit};
}

bool measure_read(const struct measure *m, const struct rollup *r, struct measured *out)
{
    struct measured got = {0};
    switch (m->kind) {
    case MEASURE_COUNT:
        read_count(m, r, &got);
        break;
    case MEASURE_TOKENS:
        read_tokens(m, r, &got);
        break;
    case MEASURE_TIMES:
        read_times(m, r, &got);
        break;
    case MEASURE_RATE:
        read_rate(r, &got);
        break;
    case MEASURE_MONEY:
        read_money(r, m->at == 1, &got);
        break;
    case MEASURE_QUEUE:
        read_queue(&r->queue, m->at == 1, &got);
        break;
    }
    if (!got.samples)
        return false;
    if (got.samples == 1 && !got.ranged) {
        got.ranged = true;
        got.least = got.most = got.sum;
    }
    *out = got;
    return true;
}
