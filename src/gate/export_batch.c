/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of the spool and of the batch engine, asked for when they are printed.
 */
#include "export_batch.h"

#include "weir/base/clock.h"
#include "weir/book/spool.h"
#include "weir/gate/batch.h"
#include "weir/plan/price.h"

bool export_batch_has(enum metric_id id)
{
    return id >= METRIC_BATCH_RECORDS && id <= METRIC_BATCH_TROUBLE;
}

static void line(struct buf *out, enum metric_id id, const char *label, struct str word, uint64_t n)
{
    buf_addf(out, "%s{%s=\"%.*s\"} %llu\n", metric_row(id)->name.ptr, label, STR_ARG(word),
             (unsigned long long)n);
}

static void print_records(const struct spool_counts *c, struct buf *out)
{
    for (int s = 0; s < SPOOL_STATES; s++)
        line(out, METRIC_BATCH_RECORDS, "state", spool_state_word((enum spool_state)s),
             c->records[s]);
}

static void count_job(void *arg, const struct batch_job *j, uint32_t waits)
{
    uint64_t *n = arg;
    n[j->state]++;
}

static void print_jobs(struct spool *s, struct buf *out)
{
    uint64_t n[BATCH_STATES] = {0};
    spool_each_job(s, count_job, n);
    for (int state = 0; state < BATCH_GONE; state++)
        line(out, METRIC_BATCH_JOBS, "state", batch_state_word((enum batch_state)state), n[state]);
}

static void print_events(const struct batch_counts *c, struct buf *out)
{
    const struct {
        struct str word;
        uint64_t n;
    } events[] = {
        {STR("cut"), c->cut},       {STR("created"), c->created}, {STR("completed"), c->completed},
        {STR("failed"), c->failed}, {STR("stopped"), c->stopped}, {STR("adopted"), c->adopted}};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        line(out, METRIC_BATCH_JOBS_TOTAL, "event", events[i].word, events[i].n);
}

static void print_answered(const struct batch_counts *c, struct buf *out)
{
    line(out, METRIC_BATCH_ANSWERED, "by", S("batch"), c->by_batch);
    line(out, METRIC_BATCH_ANSWERED, "by", S("direct"), c->by_direct);
    line(out, METRIC_BATCH_ANSWERED, "by", S("error"), c->errors);
}

static void print_usd(enum metric_id id, uint64_t nanousd, struct buf *out)
{
    buf_addf(out, "%s ", metric_row(id)->name.ptr);
    price_add_usd(out, nanousd > INT64_MAX ? INT64_MAX : (int64_t)nanousd);
    buf_add_char(out, '\n');
}

static uint64_t age_s(const struct spool_counts *c)
{
    int64_t ms = c->oldest_ms ? clock_wall_ms() - c->oldest_ms : 0;
    return ms > 0 ? (uint64_t)ms / 1000 : 0;
}

static uint64_t simple(enum metric_id id, const struct spool_counts *s,
                       const struct batch_counts *b)
{
    if (id == METRIC_BATCH_OLDEST)
        return age_s(s);
    if (id == METRIC_BATCH_OPEN)
        return s->open;
    if (id == METRIC_BATCH_FULL)
        return s->full;
    if (id == METRIC_BATCH_BYTES)
        return s->size.used_bytes;
    if (id == METRIC_BATCH_TAKEN)
        return s->taken;
    if (id == METRIC_BATCH_FAILURES)
        return s->failures;
    if (id == METRIC_BATCH_OUTBOX)
        return s->outbox;
    if (id == METRIC_BATCH_UNCLAIMED)
        return s->unclaimed;
    if (id == METRIC_BATCH_DIRECT)
        return b->direct_running;
    return id == METRIC_BATCH_TWICE ? s->twice : b->troubles > 0;
}

void export_batch_print(struct daemon *d, enum metric_id id, struct buf *out)
{
    struct spool_counts s = {0};
    struct batch_counts b = {0};
    if (!d->spool || !d->batch)
        return;
    spool_count(d->spool, &s);
    batch_count(d->batch, &b);
    const char *name = metric_row(id)->name.ptr;
    if (id == METRIC_BATCH_RECORDS)
        print_records(&s, out);
    else if (id == METRIC_BATCH_JOBS)
        print_jobs(d->spool, out);
    else if (id == METRIC_BATCH_JOBS_TOTAL)
        print_events(&b, out);
    else if (id == METRIC_BATCH_ANSWERED)
        print_answered(&b, out);
    else if (id == METRIC_BATCH_JOB_SECONDS)
        buf_addf(out, "%s_sum %llu\n%s_count %llu\n", name, (unsigned long long)b.seconds_sum, name,
                 (unsigned long long)b.seconds_n);
    else if (id == METRIC_BATCH_UNCLAIMED_USD)
        print_usd(id, s.unclaimed_nanousd, out);
    else if (id == METRIC_BATCH_TWICE_USD)
        print_usd(id, s.twice_nanousd, out);
    else if (id == METRIC_BATCH_SAVED)
        print_usd(id, b.saved_nanousd, out);
    else
        buf_addf(out, "%s %llu\n", name, (unsigned long long)simple(id, &s, &b));
}
