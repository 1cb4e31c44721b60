/* SPDX-License-Identifier: Apache-2.0
 *
 * Which exchanges may share a call: the same asker, operation with its target, invocation id and
 * body; not streams, and not what asked for the plain road.
 */
#include "retry.h"

#include "strict.h"
#include "weir/gate/daemon.h"

static bool may_join(const struct exchange *ex, struct str *out_id)
{
    *out_id = fields_get(&ex->request->fields, S("amz-sdk-invocation-id"));
    return out_id->len && ex->op->usage != NO_USAGE && !operation_streams(ex->op) && !ex->off;
}

static void make_key(const struct exchange *ex, struct str id, unsigned char key[SHA256_BYTES])
{
    unsigned char body[SHA256_BYTES];
    struct sha256 hash = ex->body.hash;
    sha256_end(&hash, body);
    sha256_init(&hash);
    const struct str parts[] = {ex->client_name, ex->bearer, ex->request->peer_name,
                                ex->target,      id,         {(const char *)body, sizeof body}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        sha256_add(&hash, parts[i]);
        sha256_add(&hash, S("\n"));
    }
    sha256_end(&hash, key);
}

static void woken(void *arg)
{
    struct exchange *ex = arg;
    ex->join_wait = NULL;
    exchange_go(ex);
}

static void give_up(struct exchange *ex)
{
    join_leave(ex->join, ex->join_wait);
    ex->join = NULL;
    ex->join_wait = NULL;
}

static enum retry answer_from(struct exchange *ex, const struct join_answer *a)
{
    ex->joined = true;
    metric_add(&ex->worker->metrics, METRIC_REQUESTS_JOINED, 1);
    worker_drop_body(ex->worker, &ex->body);
    exchange_answer(ex, a->status, a->fields, a->n_fields);
    strict_end(ex, buf_str(&a->body), a->status < 400 ? OUTCOME_ANSWERED : OUTCOME_REFUSED);
    give_up(ex); /* it has its copy */
    return RETRY_ANSWERED;
}

enum retry retry_begin(struct exchange *ex)
{
    unsigned char key[SHA256_BYTES];
    struct str id;
    if (ex->join_wait)
        return RETRY_WAITS;
    if (ex->owns_join)
        return RETRY_OWN;
    if (ex->join) { /* woken */
        const struct join_answer *a = join_answer_of(ex->join);
        if (a)
            return answer_from(ex, a);
        give_up(ex);
    }
    if (!may_join(ex, &id))
        return RETRY_OWN;
    make_key(ex, id, key);
    struct loop *loop = ex->worker->loop;
    switch (join_enter(ex->worker->daemon->joins, key, loop_now_ms(loop), loop_mailbox(loop), woken,
                       ex, &ex->join, &ex->join_wait)) {
    case JOIN_OWN:
        ex->owns_join = true;
        return RETRY_OWN;
    case JOIN_WAIT:
        return RETRY_WAITS;
    case JOIN_READY:
        return answer_from(ex, join_answer_of(ex->join));
    }
    return RETRY_OWN;
}

void retry_head(struct exchange *ex, int status, const struct fields *fields)
{
    if (!ex->owns_join)
        return;
    if (tap_shape(ex->tap) != STREAM_NONE) {
        retry_end(ex); /* who waits makes the call himself, now and not at the stream's end */
        return;
    }
    if (!join_head(ex->join, !ex->front || front_half_closed(ex->front)))
        return;
    ex->join_answer = join_answer_new(status, fields->at, fields->n);
}

void retry_bytes(struct exchange *ex, struct str bytes)
{
    if (!ex->join_answer || join_add(ex->join, ex->join_answer, bytes))
        return;
    join_answer_free(ex->join_answer);
    ex->join_answer = NULL;
}

bool retry_keeps(const struct exchange *ex)
{
    return ex->join_answer;
}

void retry_end(struct exchange *ex)
{
    if (!ex->join)
        return;
    if (!ex->owns_join) {
        give_up(ex);
        return;
    }
    struct join_answer *a = ex->join_answer;
    if (a && !ex->whole) {
        join_answer_free(a);
        a = NULL;
    }
    ex->join_answer = NULL;
    ex->owns_join = false;
    join_end(ex->join, a, ex->status < 400, loop_now_ms(ex->worker->loop));
    give_up(ex);
}
