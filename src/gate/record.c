/* SPDX-License-Identifier: Apache-2.0
 *
 * What remains of an exchange: one log line and the counters. Every field of the line is named
 * here; none of them holds a prompt, an answer, a key or a signature.
 */
#include "record.h"

#include "spooled.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"

enum { SHED_SILENCE_MS = 60000 };

/* Time that the request spent in Weir: until its last byte was handed on, and from the answer's
 * head until that was handed on. Without a call it is all of it. */
int64_t record_added_us(const struct exchange *ex, int64_t now_ns)
{
    const struct origin_call *c = &ex->call;
    if (!ex->ours_ns)
        return 0;
    if (!ex->attempts)
        return ex->joined || ex->spooled ? 0 : (now_ns - ex->ours_ns) / 1000;
    int64_t before = c->sent_ns > ex->ours_ns ? c->sent_ns - ex->ours_ns : 0;
    int64_t after = c->head_ns && ex->handed_ns > c->head_ns ? ex->handed_ns - c->head_ns : 0;
    return (ex->added_ns + before + after) / 1000;
}

/* What was never sent was in our hands all the time. */
void record_attempt(struct exchange *ex)
{
    int64_t sent_ns = ex->call.sent_ns;
    if (!sent_ns)
        return;
    ex->added_ns += sent_ns - ex->ours_ns;
    ex->ours_ns = clock_mono_ns();
}

static const struct str versions[] = {STR("http/1.0"), STR("http/1.1"), STR("h2")};

/* As upstream told it: the book has what was estimated. */
static void log_usage(struct log_line *l, const struct tap_usage *t)
{
    const uint64_t *n = t->usage.tokens;
    uint64_t written = n[TOKEN_CACHE_WRITE_5M] + n[TOKEN_CACHE_WRITE_1H] + n[TOKEN_CACHE_WRITE_30M];
    if (!t->told)
        return;
    log_u64(l, "tokens_in", n[TOKEN_INPUT]);
    log_u64(l, "tokens_out", n[TOKEN_OUTPUT]);
    if (n[TOKEN_CACHE_READ])
        log_u64(l, "cache_read", n[TOKEN_CACHE_READ]);
    if (written)
        log_u64(l, "cache_write", written);
}

/* How long it waited here; its record may have waited before. */
static void log_spooled(struct log_line *l, const struct exchange *ex, int64_t now_ns)
{
    const struct spooled *s = ex->spooled;
    if (!s || ex->op->id == OP_WEIR_TICKET)
        return;
    log_str(l, "lane", lane_word(s->lane));
    log_ms(l, "waited_ms", (now_ns - s->since_ns) / 1000);
}

/* Who looks, looks often. What changes something, and what was refused, is for the log. */
static bool is_quiet(const struct exchange *ex, const struct operation *op)
{
    bool looks = str_eq(op->method, S("GET")) || op->id == OP_ADMIN_QUERY;
    if (ex->realm == REALM_ADMIN)
        return looks && ex->outcome == OUTCOME_OWN;
    return op->id == OP_WEIR_HEALTH || op->id == OP_WEIR_READY;
}

static void log_exchange(const struct exchange *ex, int64_t now_ns, const struct operation *op,
                         const char *step)
{
    static const struct str json[] = {STR("none"), STR("strict"), STR("loose"), STR("unread")};
    struct log_line l;
    log_begin(&l, is_quiet(ex, op) ? LOG_DEBUG : LOG_INFO, "exchange");
    if (!l.wanted)
        return;
    log_str(&l, "id", str_from(ex->id, sizeof ex->id));
    log_str(&l, "op", op->name);
    if (ex->model.len)
        log_str(&l, "model", ex->model);
    if (ex->client)
        log_str(&l, "client", ex->client_name);
    if (ex->workload.len)
        log_str(&l, "workload", ex->workload);
    log_str(&l, "peer", ex->request->peer_addr);
    if (ex->request->peer_name.len)
        log_str(&l, "cn", ex->request->peer_name);
    log_str(&l, "via", versions[ex->request->version]);
    if (ex->status)
        log_u64(&l, "status", (uint64_t)ex->status);
    log_str(&l, "outcome", outcome_row(ex->outcome)->word);
    if (ex->outcome != OUTCOME_ANSWERED && ex->outcome != OUTCOME_REFUSED)
        log_str(&l, "while", str_of(step));
    log_u64(&l, "in", ex->request_bytes);
    log_u64(&l, "out", ex->answer_bytes);
    log_ms(&l, "ms", (now_ns - ex->request->began_ns) / 1000);
    log_ms(&l, "added_ms", record_added_us(ex, now_ns));
    log_usage(&l, tap_usage(ex->tap));
    log_spooled(&l, ex, now_ns);
    if (ex->joined)
        log_str(&l, "joined", S("retry"));
    if (ex->attempts > 1)
        log_u64(&l, "attempts", ex->attempts);
    log_str(&l, "json", json[ex->facts.state]);
    if (ex->trouble)
        log_str(&l, "trouble", str_of(ex->trouble));
    log_end(&l);
}

static void count(const struct exchange *ex, int64_t now_ns, const struct operation *op)
{
    struct metric_slab *m = &ex->worker->metrics;
    metric_bump(&m->requests[op->id][ex->outcome], 1);
    metric_observe(&m->request_seconds[op->id], METRIC_REQUEST_SECONDS,
                   (now_ns - ex->request->began_ns) / 1000);
    metric_observe(&m->added_seconds[op->id], METRIC_ADDED_SECONDS, record_added_us(ex, now_ns));
    metric_add(m, METRIC_REQUEST_BYTES, ex->request_bytes);
    metric_add(m, METRIC_ANSWER_BYTES, ex->answer_bytes);
}

void record_exchange(const struct exchange *ex, const char *step)
{
    const struct operation *op = ex->op ? ex->op : operation_row(OP_NONE);
    int64_t now_ns = clock_mono_ns();
    log_exchange(ex, now_ns, op, step);
    count(ex, now_ns, op);
}

/* A line for each would be work for a flood; the first of a minute says what is the matter. */
void record_shed(struct worker *w, enum front_shed why)
{
    static const struct str sentences[FRONT_SHEDS] = {
        STR("memory.connections are open: new ones are closed"),
        STR("a source began too many TLS handshakes: its connections are closed"),
        STR("no file descriptor is left (ulimit -n): new connections are closed")};
    int64_t now_ms = loop_now_ms(w->loop);
    metric_bump(&w->metrics.shed[why], 1);
    if (w->shed_said_ms[why] && now_ms - w->shed_said_ms[why] < SHED_SILENCE_MS)
        return;
    w->shed_said_ms[why] = now_ms;
    log_say(LOG_WARN, "shed", "%.*s", STR_ARG(sentences[why]));
}

void record_refusal(struct worker *w, const struct front_refusal *r)
{
    enum outcome outcome = r->status ? OUTCOME_BAD_HEAD : OUTCOME_BAD_CONNECTION;
    struct log_line l;
    log_begin(&l, LOG_INFO, "exchange");
    log_str(&l, "op", operation_row(OP_NONE)->name);
    log_str(&l, "peer", r->peer_addr);
    if (r->status) {
        log_str(&l, "via", versions[r->version]);
        log_u64(&l, "status", (uint64_t)r->status);
    }
    log_str(&l, "outcome", outcome_row(outcome)->word);
    log_str(&l, "trouble", str_of(r->sentence));
    log_end(&l);
    metric_bump(&w->metrics.requests[OP_NONE][outcome], 1);
}
