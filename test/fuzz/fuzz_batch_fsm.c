/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever lies on the disk, and whatever is told then: a job's row is refused, or it comes back
 * the same and lives on by any events. A row that took a step can be written and read; who left
 * does not come back; a job that is over stays so.
 *
 *     length of the row (one byte)  row  events: event, status, hours that pass, bits
 */
#include "weir/plan/batch_fsm.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int64_t now_ms = 1763640000000;

static void comes_back(const struct batch_job *j)
{
    struct batch_job again;
    struct buf b = {0};
    batch_job_write(j, &b);
    assert(batch_job_read(buf_str(&b), &again) == 0);
    assert(again.next_ms == j->next_ms && again.state == j->state && again.left == j->left);
    buf_fini(&b);
}

static void step(struct batch_job *j, const uint8_t at[4])
{
    const struct batch_job was = *j;
    now_ms += (int64_t)at[2] * 3600 * 1000;
    const struct batch_news news = {.event = (enum batch_event)(at[0] % BATCH_EVENTS),
                                    .status = (enum batch_status)(at[1] % BATCH_STATUSES),
                                    .arn = at[3] & 1 ? S("arn:a") : S(""),
                                    .why = at[3] & 2 ? S("so it is") : S(""),
                                    .total = at[3] & 4 ? 100 : 0,
                                    .succeeded = at[3]};
    const struct batch_terms terms = {.now_ms = now_ms,
                                      .poll_ms = 30000,
                                      .jitter = (uint32_t)at[1] << 24,
                                      .per_second = at[2] / 4.0,
                                      .may_create = at[3] & 8,
                                      .may_pay_twice = at[3] & 16,
                                      .unanswered = at[1] * 10u};
    const struct batch_turn turn = batch_step(j, &news, &terms);
    assert(j->state >= was.state && j->left >= was.left && turn.act < BATCH_ACTS);
    assert(turn.members != BATCH_LEAVE_TWICE || j->left || j->state == BATCH_CLEANING);
    comes_back(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct batch_job j;
    now_ms = 1763640000000;
    if (n < 1 || n - 1 < bytes[0])
        return 0;
    size_t at = 1 + (size_t)bytes[0];
    if (batch_job_read(str_from((const char *)bytes + 1, bytes[0]), &j) < 0)
        return 0;
    comes_back(&j);
    for (; at + 4 <= n && at < 4096; at += 4)
        step(&j, bytes + at);
    return 0;
}
