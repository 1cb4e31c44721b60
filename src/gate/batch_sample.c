/* SPDX-License-Identifier: Apache-2.0
 *
 * BatchQueueDepth and BatchOldestAge: once a minute the book gets a sample of each pool of which
 * something waits, in the pool or in its jobs. So whatever reads the book tells them: exporters,
 * and who asks as one asks CloudWatch.
 */
#include "batch_jobs.h"
#include "weir/base/random.h"

enum { MINUTE_MS = 60 * 1000 };

static void tell(struct batch *b, const struct batch_pool *p, uint64_t depth, int64_t oldest_ms,
                 int64_t now_ms)
{
    struct record r = {.time_ms = now_ms,
                       .client = p->client,
                       .asked = p->model,
                       .model = p->model,
                       .lane = LANE_BATCH,
                       .flags = RECORD_SAMPLE,
                       .attempts = depth > UINT32_MAX ? UINT32_MAX : (unsigned)depth,
                       .latency_us =
                           now_ms > oldest_ms ? (uint64_t)(now_ms - oldest_ms) * 1000 : 0};
    random_bytes(r.id, sizeof r.id);
    clerk_record(b->daemon->clerk, &r, NULL, NULL);
}

/* A job's members came before it was cut: how long before is not in its row. */
static bool look_at(struct batch *b, const struct batch_pool *p, int64_t now_ms)
{
    uint64_t depth = p->view.count;
    int64_t oldest_ms = p->view.count ? p->view.oldest_ms : now_ms;
    for (struct list *n = b->jobs.next; n != &b->jobs; n = n->next) {
        const struct batch_work *w = LIST_OF(n, struct batch_work, node);
        if (w->pool != p || w->waits == 0)
            continue;
        depth += w->waits;
        oldest_ms = w->row.cut_ms < oldest_ms ? w->row.cut_ms : oldest_ms;
    }
    if (depth)
        tell(b, p, depth, oldest_ms, now_ms);
    return depth > 0;
}

void batch_sample(struct batch *b, int64_t now_ms)
{
    if (!b->daemon->clerk || b->sampled == now_ms / MINUTE_MS)
        return;
    for (struct list *n = b->pools.next; n != &b->pools; n = n->next)
        if (look_at(b, LIST_OF(n, struct batch_pool, node), now_ms))
            b->sampled = now_ms / MINUTE_MS;
}
