/* SPDX-License-Identifier: Apache-2.0
 *
 * From a row of the catalogue to what plan/lane wants to know.
 */
#include "lane_terms.h"

#include "weir/plan/batch_fsm.h"

enum {
    USUAL_OUTPUT_TOKENS = 500, /* of an answer, while nothing is known of its like */
    USUAL_LEAST_RECORDS = 100,
    MINUTE_MS = 60 * 1000
};
static const double slowest = 0.1; /* a second: so that a time comes out */

enum batch_kind lane_terms_kind(const struct operation *op)
{
    return op->usage == USAGE_CONVERSE ? BATCH_CONVERSE : BATCH_INVOKE;
}

static void take_price(const struct lane_terms *t, enum lane lane, struct lane_ask *a)
{
    struct price p;
    bool offered = lane == LANE_ONDEMAND || (t->row && t->row->lane_parts[lane]);
    if (!offered || catalogue_price(t->catalogue, t->model, lane, &p) == UNPRICED)
        return;
    a->price[lane] = p;
    a->offered |= 1U << lane;
}

uint32_t lane_terms_least(const struct lane_terms *t)
{
    uint32_t known = t->row ? t->row->batch_least_records : 0;
    return known ? known : USUAL_LEAST_RECORDS;
}

/* Stopping a job, and then its records one by one; of a pool as small as a job may be. */
static int64_t fallback_ms(const struct lane_terms *t, int64_t deadline_ms)
{
    int64_t stop_ms = deadline_ms / 8 < BATCH_STOP_MS ? deadline_ms / 8 : BATCH_STOP_MS;
    uint32_t records = lane_terms_least(t);
    double rate = t->per_second > slowest ? t->per_second : slowest;
    return stop_ms + (int64_t)(records * 1000.0 / rate);
}

int64_t lane_terms_least_deadline(int64_t linger_ms)
{
    int64_t needs = linger_ms + USUAL_LEAST_RECORDS * 1000, least = needs * 8 / 7;
    if (least / 8 > BATCH_STOP_MS)
        least = needs + BATCH_STOP_MS;
    return (least / MINUTE_MS + 1) * MINUTE_MS;
}

void lane_terms_ask(const struct lane_terms *t, struct lane_ask *a)
{
    for (unsigned lane = 0; lane < LANES; lane++)
        take_price(t, (enum lane)lane, a);
    a->linger_ms = t->config->batch.linger_ms;
    a->fallback_ms = fallback_ms(t, a->deadline_ms);
}

const char *lane_terms_unfit(const struct lane_terms *t)
{
    if (t->config->batch.bucket.len == 0)
        return "batch.bucket is not set";
    if (t->op->id != OP_CONVERSE && t->op->id != OP_INVOKE)
        return "only Converse and InvokeModel without streaming go into a batch";
    if (t->client && !t->client->persist)
        return "its client's data.persist is never";
    if (t->own_key)
        return "it goes with the client's own key";
    if (!t->row || !t->row->lane_parts[LANE_BATCH])
        return "the model is not offered in batch";
    return NULL;
}

uint64_t lane_terms_output(uint64_t mean, uint64_t most)
{
    uint64_t expected = mean ? mean : USUAL_OUTPUT_TOKENS;
    return most && most < expected ? most : expected;
}
