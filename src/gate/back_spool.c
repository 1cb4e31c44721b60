/* SPDX-License-Identifier: Apache-2.0
 *
 * A request that waits for a batch: it is put on the disk first, and then its client is answered in
 * one of three ways. The way there and back:
 *
 *     asked --NOT--> the operation's own back, now
 *       |---READY--> its answer
 *       `---HELD--> wait: held, a space now and then --woken--> its answer
 *                   retry: 429, come again
 *                   ticket: 202, come and look
 *
 * A held connection costs a struct and a timer: body, slot and reserved tokens are given back. It
 * has no end of its own but the deadline's, which the spool knows.
 */
#include "admit.h"
#include "back.h"
#include "caching.h"
#include "lanes.h"
#include "spooled.h"
#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/text.h"
#include "weir/gate/daemon.h"

enum {
    /* boto3, Node's http and fetch bear a space each 20 s for as long as it lasts (measured,
     * November 2026); the shortest silence that some of them bear is 60 s. */
    SPACE_MOST_MS = 20000,
    SPACE_LEAST_MS = 50,
    SPACES_A_LINGER = 3,
    /* A disk that hangs is waited for as long as metering: strict does, or batch.linger. */
    SPOOL_MOST_MS = 10000,
    /* Who comes sooner may be taken for another sample of the same question. */
    CLAIM_S = (SPOOL_CLAIM_MS + 999) / 1000,
    /* The first byte to a client that is gone fetches a reset, and the second one meets it. */
    PROBES = 2,
    PROBE_MS = 250
};

/* --- which request it is */

static void add_part(struct sha256 *h, struct str part)
{
    unsigned char length[8];
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (unsigned char)((uint64_t)part.len >> (8 * i));
    sha256_add(h, str_from((const char *)length, sizeof length));
    sha256_add(h, part);
}

static void make_key(const struct exchange *ex, unsigned char out[SHA256_BYTES])
{
    unsigned char body[SHA256_BYTES];
    struct sha256 hash = ex->body.hash;
    sha256_end(&hash, body);
    sha256_init(&hash);
    add_part(&hash, ex->client_name);
    add_part(&hash, ex->op->name);
    add_part(&hash, ex->model);
    add_part(&hash, str_from((const char *)body, sizeof body));
    sha256_end(&hash, out);
}

/* --- what the spool says */

/* It was not heard any more: the record is nobody's. */
static void forsake(struct spooled *s)
{
    struct spool *spool = s->worker->daemon->spool;
    const struct spool_admitted *a = &s->admitted;
    if (!spool) /* both are at their end */
        return;
    if (a->said == SPOOL_READY)
        spool_delivered(spool, a->id.number, false);
    else if (a->said == SPOOL_HELD && s->too_slow && (a->fresh || s->reply == SPOOL_WAIT))
        spool_withdraw(spool, a->id.number, s->reply == SPOOL_WAIT ? s : NULL);
    else if (a->said == SPOOL_HELD && s->reply == SPOOL_WAIT)
        spool_leave(spool, a->id.number, s);
}

static void hear_admitted(struct mail *m)
{
    struct spooled *s = LIST_OF(m, struct spooled, told_mail);
    bool last = s->admitted.said != SPOOL_HELD || s->reply != SPOOL_WAIT;
    s->told = true;
    timer_stop(&s->space);
    if (s->ex) {
        exchange_go(s->ex);
    } else {
        forsake(s);
        spool_answer_free(s->admitted.answer);
    }
    if (last)
        spooled_release(s);
}

static void hear_woken(struct mail *m)
{
    struct spooled *s = LIST_OF(m, struct spooled, woken_mail);
    struct spool *spool = s->worker->daemon->spool;
    s->woken = true;
    if (s->ex) {
        exchange_go(s->ex);
    } else if (s->brought) {
        if (spool)
            spool_delivered(spool, s->brought->id.number, false);
        spool_answer_free(s->brought);
    }
    spooled_release(s);
}

/* These two in the spool's thread. */
static void on_admitted(void *arg, const struct spool_admitted *a)
{
    struct spooled *s = arg;
    s->admitted = *a;
    spooled_send(s, &s->told_mail);
}

static void on_woken(void *arg, struct spool_answer *answer)
{
    struct spooled *s = arg;
    s->brought = answer;
    spooled_send(s, &s->woken_mail);
}

static void go_on_demand(struct exchange *ex, const char *why)
{
    struct spooled *s = ex->spooled;
    ex->spooled = NULL;
    s->ex = NULL;
    lanes_not_held(ex, why);
    spooled_release(s);
}

/* What it says of it later is forsaken. */
static void lose_patience(void *arg)
{
    struct exchange *ex = arg;
    ex->spooled->too_slow = true;
    go_on_demand(ex, "the spool is slow");
    exchange_go(ex);
}

static int64_t patience_ms(const struct exchange *ex)
{
    int64_t ms = ex->setup->config->batch.linger_ms;
    return ms < SPOOL_MOST_MS ? ms : SPOOL_MOST_MS;
}

static enum step_result ask(struct exchange *ex)
{
    const struct lanes *lanes = ex->lanes;
    const struct fields *fields = &ex->request->fields;
    struct spooled *s = spooled_new(ex);
    struct spool_ask a = {.client = ex->client_name,
                          .workload = ex->workload,
                          .model = ex->model,
                          .operation = ex->op->name,
                          .role = ex->client ? ex->client->config->role_arn : S(""),
                          .kind = lanes->kind,
                          .invocation = fields_get(fields, S("amz-sdk-invocation-id")),
                          .reply = lanes->reply,
                          .flags = lanes->ask.allowed & LANE_SET_FLEX ? SPOOL_MAY_FLEX : 0,
                          .now_ms = clock_wall_ms(),
                          .deadline_ms = lanes->deadline_ms,
                          .known_only = ex->over || lanes->known_only,
                          .expect_nanousd = lanes->choice.nanousd[LANE_BATCH],
                          .content_type = fields_get(fields, S("content-type")),
                          .accept = fields_get(fields, S("accept")),
                          .target = ex->target,
                          .body = body_str(&ex->body)};
    make_key(ex, a.key);
    s->reply = lanes->reply;
    timer_init(&s->space, ex->worker->loop, lose_patience, ex);
    timer_start(&s->space, patience_ms(ex));
    s->told_mail.deliver = hear_admitted;
    s->woken_mail.deliver = hear_woken;
    s->holders++;
    const struct spool_waiter w = {on_admitted, on_woken, s};
    spool_admit(ex->worker->daemon->spool, &a, &w);
    return STEP_WAIT;
}

static enum step_result not_held(struct exchange *ex)
{
    go_on_demand(ex, ex->spooled->admitted.why);
    return ex->over ? admit_refuse(ex) : ex->back->start(ex);
}

/* --- wait */

static int64_t space_ms(const struct exchange *ex)
{
    int64_t ms = ex->setup->config->batch.linger_ms / SPACES_A_LINGER;
    if (ms < SPACE_LEAST_MS)
        return SPACE_LEAST_MS;
    return ms < SPACE_MOST_MS ? ms : SPACE_MOST_MS;
}

/* Who takes nothing gets no more. */
static void send_space(void *arg)
{
    struct exchange *ex = arg;
    struct spooled *s = ex->spooled;
    bool first = !ex->answered;
    if (first)
        spooled_commit(ex);
    if (first || front_unsent(ex->front) == 0)
        exchange_send(ex, S(" "));
    timer_start(&s->space, s->probes ? PROBE_MS : space_ms(ex));
    s->probes -= s->probes > 0;
}

/* The record is safe, and the SDK comes again: nobody is kept waiting for a Weir that stops. */
static enum step_result send_away(struct exchange *ex)
{
    spooled_let_go(ex);
    return exchange_fail(ex, OUTCOME_DRAINED,
                         S("Weir is stopping. This request is kept, and goes on: send it again, "
                           "and its answer comes."));
}

static enum step_result hold(struct exchange *ex)
{
    struct spooled *s = ex->spooled;
    const struct shared_lanes_pool pool = lanes_pool(ex);
    s->held = s->counted = true;
    timer_init(&s->space, ex->worker->loop, send_space, ex);
    front_hold(ex->front, true);
    shared_lanes_held(ex->worker->daemon->lanes, &pool, ex->workload);
    if (ex->worker->leaving)
        return send_away(ex);
    timer_start(&s->space, space_ms(ex));
    if (front_half_closed(ex->front))
        back_spool_half_closed(ex);
    return STEP_WAIT;
}

/* Its answer is there; or the spool ends, as Weir does. */
static enum step_result wake(struct exchange *ex)
{
    struct spooled *s = ex->spooled;
    timer_stop(&s->space);
    s->held = false;
    front_hold(ex->front, false);
    s->answer = s->brought;
    s->brought = NULL;
    return s->answer ? spooled_answer(ex) : send_away(ex);
}

void back_spool_drain(struct exchange *ex)
{
    if (ex->spooled && ex->spooled->held)
        (void)send_away(ex);
}

/* A client that was killed looks like one that has nothing more to say. A byte tells them apart,
 * and the record of the former is soon nobody's: who starts it again gets it. */
void back_spool_half_closed(struct exchange *ex)
{
    if (!ex->spooled || !ex->spooled->held)
        return;
    ex->spooled->probes = PROBES;
    timer_start(&ex->spooled->space, 0);
}

/* --- retry and ticket */

static enum step_result come_again(struct exchange *ex)
{
    char when[21];
    text_iso_time(ex->spooled->admitted.deadline_ms / 1000, when);
    int64_t again_s = spooled_again_s(ex, ex->spooled->admitted.deadline_ms);
    ex->retry_after_s = again_s > CLAIM_S ? again_s : CLAIM_S;
    return exchange_fail(
        ex, OUTCOME_WAITS,
        arena_printf(&ex->arena,
                     "This request waits for a batch job. Send the same request again after the "
                     "time in Retry-After; its answer is there at %s at the latest.",
                     when));
}

static enum step_result held(struct exchange *ex)
{
    const struct spooled *s = ex->spooled;
    (void)HOOK("held.told");
    caching_free(ex);
    worker_drop_body(ex->worker, &ex->body);
    admit_give_back(ex);
    ex->decision = S("lane=batch;model=same");
    switch (s->reply) {
    case SPOOL_WAIT:
        return hold(ex);
    case SPOOL_RETRY:
        return come_again(ex);
    case SPOOL_TICKET:
        return spooled_ticket(ex, &s->admitted.id, s->admitted.deadline_ms);
    }
    return STEP_END;
}

static enum step_result ready(struct exchange *ex)
{
    struct spooled *s = ex->spooled;
    caching_free(ex);
    worker_drop_body(ex->worker, &ex->body);
    admit_give_back(ex);
    s->answer = s->admitted.answer;
    s->admitted.answer = NULL;
    return spooled_answer(ex);
}

/* --- the back */

static enum step_result start(struct exchange *ex)
{
    const struct spooled *s = ex->spooled;
    if (!s)
        return ask(ex);
    if (s->woken)
        return wake(ex);
    if (!s->told || s->held)
        return STEP_WAIT;
    switch (s->admitted.said) {
    case SPOOL_NOT:
        return not_held(ex);
    case SPOOL_HELD:
        return held(ex);
    case SPOOL_READY:
        return ready(ex);
    }
    return STEP_END;
}

const struct back back_spool = {"spool", start, spooled_drained, NULL, spooled_drop};
