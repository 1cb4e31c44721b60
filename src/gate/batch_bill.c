/* SPDX-License-Identifier: Apache-2.0
 *
 * From an answer that nobody's connection saw to its record in the book: a line of a job's output,
 * or a call that was made for what no job answered. The record's id is the spool record's secret,
 * so that it counts once however often it is told; an answer beside another one has an id made of
 * it, and without Weir it would have cost nothing.
 */
#include "accepting.h"
#include "batch_private.h"
#include "bill.h"

#include <string.h>

static void make_id(const struct spool_record *rec, bool late, unsigned char out[RECORD_ID_BYTES])
{
    static const struct str salt = STR("weir: an answer beside another one");
    unsigned char digest[SHA256_BYTES];
    struct sha256 hash;
    _Static_assert((int)RECORD_ID_BYTES == (int)SPOOL_SECRET_BYTES, "one is the other");
    memcpy(out, rec->id.secret, RECORD_ID_BYTES);
    if (!late)
        return;
    sha256_init(&hash);
    sha256_add(&hash, salt);
    sha256_add(&hash, str_from((const char *)out, RECORD_ID_BYTES));
    sha256_end(&hash, digest);
    memcpy(out, digest, RECORD_ID_BYTES);
}

/* The model's plain id; what was asked where it cannot be told now. `room` may hold it. */
static struct str model_of(struct batch *b, struct str asked, char room[NAMES_MODEL_MOST])
{
    struct str id;
    if (model_form(asked, &id) == MODEL_PLAIN)
        return id;
    if (model_form(asked, &id) == MODEL_TO_RESOLVE && b->daemon->names &&
        names_look(b->daemon->names, asked, room) == NAMES_KNOWN)
        return str_of(room);
    return asked;
}

static enum record_end end_of(int status)
{
    if (status < 400)
        return RECORD_GOOD;
    if (status == 429)
        return RECORD_THROTTLED;
    return status < 500 ? RECORD_CLIENT_ERROR : RECORD_SERVER_ERROR;
}

static struct str decision_of(enum lane lane)
{
    switch (lane) {
    case LANE_BATCH:
        return S("lane=batch;model=same");
    case LANE_FLEX:
        return S("lane=flex;after=batch;model=same");
    case LANE_ONDEMAND:
    case LANE_PRIORITY:
    case LANE_RESERVED:
    case LANES:
        break;
    }
    return S("lane=ondemand;after=batch;model=same");
}

/* Usage and, of a direct answer, the tier that it says. */
static void read_answer(struct batch *b, const struct spool_record *rec,
                        const struct batch_answered *a, struct record *r)
{
    static const struct fields none;
    const struct operation *op =
        operation_row(rec->kind == BATCH_CONVERSE ? OP_CONVERSE : OP_INVOKE);
    if (a->status >= 400)
        return;
    struct tap *tap = tap_new(op, a->status, a->fields ? a->fields : &none);
    tap_feed(tap, a->output);
    tap_end(tap);
    const struct tap_usage *t = tap_usage(tap);
    bill_usage(t, rec->body_bytes, r);
    if (a->lane != LANE_BATCH)
        r->lane = t->has_tier ? t->lane : LANE_ONDEMAND;
    struct metric_slab *m = &b->daemon->office.metrics;
    metric_add(m, METRIC_USAGE_UNREADABLE, (r->flags & RECORD_UNREADABLE) != 0);
    metric_add(m, METRIC_USAGE_ESTIMATED, (r->flags & RECORD_ESTIMATED) != 0);
    metric_add(m, METRIC_USAGE_DISAGREE, t->disagree);
    tap_free(tap);
}

static struct batch_billed billed(const struct record *r)
{
    struct batch_billed out = {.lane = r->lane,
                               .cost_nanousd = r->cost_nanousd,
                               .output_tokens = r->usage.tokens[TOKEN_OUTPUT]};
    if (r->untouched_nanousd > r->cost_nanousd)
        out.saved_nanousd = r->untouched_nanousd - r->cost_nanousd;
    if (r->lane != LANE_BATCH)
        out.rate_tokens = bill_counted(&r->usage);
    return out;
}

void batch_bill(struct batch *b, const struct spool_record *rec, const struct batch_answered *a,
                struct buf *row, struct batch_billed *out)
{
    char room[NAMES_MODEL_MOST];
    bool twice = a->late || (rec->flags & SPOOL_MAYBE_TWICE);
    struct record r = {
        .time_ms = a->now_ms,
        .client = rec->client,
        .workload = rec->workload,
        .asked = rec->model,
        .model = model_of(b, rec->model, room),
        .operation = rec->operation,
        .outcome = outcome_row(a->status < 400 ? OUTCOME_ANSWERED : OUTCOME_REFUSED)->word,
        .lane = a->lane,
        .end = end_of(a->status),
        .flags = RECORD_INVOCATION | RECORD_BATCH_FIT | (twice ? (unsigned)RECORD_MAYBE_TWICE : 0),
        .status = (unsigned)a->status,
        .attempts = a->attempts,
        .latency_us = a->latency_us,
        .added_us = a->added_us};
    make_id(rec, a->late, r.id);
    read_answer(b, rec, a, &r);
    r.decision = decision_of(r.lane);
    if (r.lane == LANE_BATCH || r.lane == LANE_FLEX)
        r.flags |= RECORD_MOVED;
    bill_price(b->setup->catalogue, &r, NULL, NULL);
    if (a->late)
        r.untouched_nanousd = 0;
    if (!a->late && a->now_ms > rec->deadline_ms)
        accepting_missed(b->daemon, rec, r.model);
    *out = billed(&r);
    if (b->daemon->clerk)
        record_write(&r, row);
}
