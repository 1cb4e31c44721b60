/* SPDX-License-Identifier: Apache-2.0
 *
 * How what comes out of the spool looks to a client: status and header fields from a small table,
 * since a job tells only bodies; the body in slices, as the client takes them; and what the spool
 * is told of how that ended. What waits, and for how long, is back_spool's and back_tickets'.
 */
#include "spooled.h"

#include "lanes.h"
#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/gate/daemon.h"
#include "weir/plan/price.h"

enum {
    SLICE_BYTES = 16 * 1024,
    AGAIN_MOST_MS = 300000, /* a job takes minutes at least, and who asks should hear of it soon */
    HEAD_FIELDS = 12
};

struct spooled *spooled_new(struct exchange *ex)
{
    struct spooled *s = mem_new(sizeof *s);
    s->ex = ex;
    s->worker = ex->worker;
    s->holders = 1;
    s->op = ex->op;
    s->lane = LANE_BATCH;
    s->since_ns = clock_mono_ns();
    ex->spooled = s;
    return s;
}

void spooled_release(struct spooled *s)
{
    if (--s->holders == 0)
        mem_free(s);
}

void spooled_send(struct spooled *s, struct mail *m)
{
    mailbox_send(loop_mailbox(s->worker->loop), m);
}

/* --- heads */

struct head {
    struct field at[HEAD_FIELDS];
    size_t n;
};

static void add(struct head *h, struct str name, struct str value)
{
    if (value.len && h->n < HEAD_FIELDS)
        h->at[h->n++] = (struct field){name, value};
}

static void add_u64(struct exchange *ex, struct head *h, struct str name, uint64_t n)
{
    add(h, name, arena_printf(&ex->arena, "%llu", (unsigned long long)n));
}

/* Weir's own id of the request, in the form of Bedrock's. */
static struct str request_id(struct exchange *ex)
{
    const char *id = ex->id;
    return arena_printf(&ex->arena, "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12, id + 16,
                        id + 20);
}

/* As the runtime sends them with every answer (bedrock-runtime, November 2026). */
static void add_usual(struct exchange *ex, struct head *h)
{
    add(h, S("content-type"), S("application/json"));
    add(h, S("x-amzn-requestid"), request_id(ex));
}

/* InvokeModel tells its counts in the head; in a job's output they stand in the body alone. */
static void add_counts(struct exchange *ex, struct head *h)
{
    const struct spooled *s = ex->spooled;
    const struct fields none = {0};
    if (s->op->id != OP_INVOKE || s->answer->status >= 400)
        return;
    struct tap *tap = tap_new(s->op, s->answer->status, &none);
    tap_feed(tap, s->answer->body);
    tap_end(tap);
    const struct tap_usage *t = tap_usage(tap);
    const uint64_t *n = t->usage.tokens;
    uint64_t written = n[TOKEN_CACHE_WRITE_5M] + n[TOKEN_CACHE_WRITE_1H] + n[TOKEN_CACHE_WRITE_30M];
    if (t->told) {
        add_u64(ex, h, S("x-amzn-bedrock-input-token-count"), n[TOKEN_INPUT]);
        add_u64(ex, h, S("x-amzn-bedrock-output-token-count"), n[TOKEN_OUTPUT]);
        if (n[TOKEN_CACHE_READ] || written) {
            add_u64(ex, h, S("x-amzn-bedrock-cache-read-input-token-count"), n[TOKEN_CACHE_READ]);
            add_u64(ex, h, S("x-amzn-bedrock-cache-write-input-token-count"), written);
        }
    }
    tap_free(tap);
}

static struct str dollars(struct exchange *ex, uint64_t nanousd)
{
    struct buf b = {0};
    price_add_usd(&b, (int64_t)nanousd);
    struct str text = arena_dup(&ex->arena, buf_str(&b));
    buf_fini(&b);
    return text;
}

static void add_costs(struct exchange *ex, struct head *h)
{
    const struct spool_answer *a = ex->spooled->answer;
    if (a->status >= 400 || !exchange_explains(ex))
        return;
    add(h, S("x-weir-cost-usd"), dollars(ex, a->cost_nanousd));
    add(h, S("x-weir-saved-usd"), dollars(ex, a->saved_nanousd));
}

static void answer_head(struct exchange *ex)
{
    const struct spool_answer *a = ex->spooled->answer;
    struct head h = {.n = 0};
    add_usual(ex, &h);
    add_u64(ex, &h, S("content-length"), a->body.len);
    add(&h, S("x-amzn-errortype"), a->error_type);
    add_counts(ex, &h);
    add_costs(ex, &h);
    ex->decision =
        arena_printf(&ex->arena, "lane=%.*s;model=same", STR_ARG(lane_word(ex->spooled->lane)));
    exchange_answer(ex, a->status, h.at, h.n);
}

void spooled_commit(struct exchange *ex)
{
    struct head h = {.n = 0};
    add_usual(ex, &h);
    exchange_answer(ex, 200, h.at, h.n);
}

/* --- bodies */

static enum outcome outcome_of(const struct spool_answer *a)
{
    if (a->flags & SPOOL_CANCELLED)
        return OUTCOME_CANCELLED;
    return a->status < 400 ? OUTCOME_ANSWERED : OUTCOME_REFUSED;
}

static void pump(struct exchange *ex)
{
    struct spooled *s = ex->spooled;
    struct str body = s->answer->body;
    while (s->sent < body.len && front_unsent(ex->front) <= FRONT_HIGH_MARK) {
        struct str slice = str_sub(body, s->sent, SLICE_BYTES);
        s->sent += slice.len;
        exchange_send(ex, slice);
    }
    if (s->sent == body.len && !ex->ended)
        exchange_end(ex, outcome_of(s->answer));
}

enum step_result spooled_answer(struct exchange *ex)
{
    struct spooled *s = ex->spooled;
    const struct spool_answer *a = s->answer;
    (void)HOOK("held.answer");
    if (a->flags & SPOOL_BY_FLEX)
        s->lane = LANE_FLEX;
    else if (!(a->flags & (SPOOL_BY_BATCH | SPOOL_CANCELLED)))
        s->lane = LANE_ONDEMAND;
    if (ex->answered && a->status >= 400) {
        ex->trouble = arena_printf(&ex->arena, "its answer is a %d", a->status).ptr;
        return exchange_fail(ex, OUTCOME_HELD_FAILED, S(""));
    }
    if (!ex->answered)
        answer_head(ex);
    pump(ex);
    return STEP_END;
}

void spooled_drained(struct exchange *ex)
{
    const struct spooled *s = ex->spooled;
    if (s && s->answer && ex->answered && !ex->ended && s->ex)
        pump(ex);
}

/* --- ends */

static bool is_whole(const struct exchange *ex)
{
    return ex->ended && !ex->front && ex->gone == FRONT_DONE &&
           !str_eq(ex->request->method, S("HEAD"));
}

static void leave_the_others(struct exchange *ex)
{
    struct spooled *s = ex->spooled;
    const struct shared_lanes_pool pool = lanes_pool(ex);
    s->counted = false;
    shared_lanes_left(ex->worker->daemon->lanes, &pool, ex->workload);
}

void spooled_let_go(struct exchange *ex)
{
    struct spooled *s = ex->spooled;
    struct spool *spool = ex->worker->daemon->spool;
    if (!s->ex || (ex->ended && ex->front)) /* on its way: its end comes */
        return;
    s->ex = NULL;
    timer_stop(&s->space);
    if (s->counted)
        leave_the_others(ex);
    if (s->held && ex->front)
        front_hold(ex->front, false);
    if (s->held)
        spool_leave(spool, s->admitted.id.number, s);
    s->held = false;
    (void)HOOK("held.over");
    if (s->answer)
        spool_delivered(spool, s->answer->id.number, is_whole(ex));
    spool_answer_free(s->answer);
    s->answer = NULL;
}

/* Without a front it is over: until then what it was is for the log. */
void spooled_drop(struct exchange *ex)
{
    if (!ex->spooled)
        return;
    spooled_let_go(ex);
    if (ex->front)
        return;
    spooled_release(ex->spooled);
    ex->spooled = NULL;
}

/* --- not yet */

int64_t spooled_again_s(const struct exchange *ex, int64_t deadline_ms)
{
    int64_t ms = ex->setup->config->batch.linger_ms, left = deadline_ms - clock_wall_ms();
    if (ms > AGAIN_MOST_MS)
        ms = AGAIN_MOST_MS;
    if (ms > left)
        ms = left;
    return ms > 1000 ? (ms + 999) / 1000 : 1;
}

/* What a listener's prefix was in front of, it is in front of again. */
static struct str prefix_of(const struct exchange *ex)
{
    struct str prefix = ex->listen ? ex->listen->prefix : S("");
    return str_starts(ex->request->target, prefix) ? prefix : S("");
}

enum step_result spooled_ticket(struct exchange *ex, const struct spool_id *id, int64_t deadline_ms)
{
    char ticket[SPOOL_ID_CHARS + 1], when[21];
    struct head h = {.n = 0};
    spool_id_write(id, ticket);
    text_iso_time(deadline_ms / 1000, when);
    struct str url =
        arena_printf(&ex->arena, "%.*s/weir/tickets/%s", STR_ARG(prefix_of(ex)), ticket);
    struct str body = arena_printf(&ex->arena,
                                   "{\"ticket\":\"%s\",\"status\":\"waiting\",\"status_url\":"
                                   "\"%.*s\",\"deadline\":\"%s\"}\n",
                                   ticket, STR_ARG(url), when);
    add(&h, S("content-type"), S("application/json"));
    add_u64(ex, &h, S("content-length"), body.len);
    add(&h, S("location"), url);
    add_u64(ex, &h, S("retry-after"), (uint64_t)spooled_again_s(ex, deadline_ms));
    add(&h, S("cache-control"), S("no-store"));
    exchange_answer(ex, 202, h.at, h.n);
    exchange_send(ex, body);
    exchange_end(ex, OUTCOME_TICKET);
    return STEP_END;
}
