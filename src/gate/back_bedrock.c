/* SPDX-License-Identifier: Apache-2.0
 *
 * The immediate lanes: hand the request to Bedrock, and its answer back, untouched. What may be
 * sent again is decided here and nowhere else:
 *
 *     not processed for certain (ORIGIN_UNSENT)    again, at most twice
 *     503 or 529                                   once, within a budget of a tenth of all calls
 *     our signature, refused since our clock is off  once, by the origin's clock
 *     everything else                              the answer, or a clear error
 *
 * The body stays in memory until an answer's head has come that will be passed on.
 */
#include "back.h"
#include "record.h"
#include "weir/base/hook.h"

enum { MOST_ATTEMPTS = 3 };

static enum step_result start(struct exchange *ex);

/* --- the answer */

static bool worth_resending(struct exchange *ex, int status)
{
    return (status == 503 || status == 529) && !ex->resent_refusal && worker_may_resend(ex->worker);
}

/* The signature is Weir's: a client with a good clock must not suffer from ours. */
static bool clock_was_wrong(struct exchange *ex, int status, const struct fields *fields)
{
    return !ex->resent_clock && ex->setup->trusts_runtime &&
           aws_signer_learn(ex->worker->signer, status, fields, ex->signed_with_s);
}

/* The origin says that it does not know our credentials: they may have been rotated. */
static void look_at_refusal(struct exchange *ex, int status, const struct fields *fields)
{
    static const struct str stale[] = {STR("ExpiredToken"), STR("UnrecognizedClient"),
                                       STR("InvalidClientTokenId")};
    struct str type = fields_get(fields, S("x-amzn-errortype"));
    if (status != 403)
        return;
    for (size_t i = 0; i < sizeof stale / sizeof *stale; i++)
        if (str_find(type, stale[i]) >= 0)
            creds_refused(ex->setup->creds, ex->creds_version);
}

static void send_again(struct exchange *ex, enum resent reason)
{
    metric_bump(&ex->worker->metrics.resent[reason], 1);
    record_attempt(ex);
    (void)start(ex);
}

static void take_back(struct exchange *ex)
{
    origin_cancel(&ex->call);
    ex->calling = false;
}

static void on_head(void *arg, int status, const struct fields *fields, int64_t content_length)
{
    struct exchange *ex = arg;
    (void)HOOK("relay.head");
    if (worth_resending(ex, status)) {
        ex->resent_refusal = true;
        take_back(ex);
        send_again(ex, RESENT_UNAVAILABLE);
        return;
    }
    if (clock_was_wrong(ex, status, fields)) {
        ex->resent_clock = true;
        take_back(ex);
        send_again(ex, RESENT_CLOCK);
        return;
    }
    look_at_refusal(ex, status, fields);
    if (content_length < 0) /* nothing can be added to what was counted */
        stream_tail_init(&ex->tail, fields_get(fields, S("content-type")));
    exchange_answer(ex, status, fields->at, fields->n);
    if (ex->call.sent_ns)
        worker_drop_body(ex->worker, &ex->body);
}

static void give_credit(struct exchange *ex)
{
    if (ex->owed && ex->calling && front_unsent(ex->front) < FRONT_HIGH_MARK) {
        size_t n = ex->owed;
        ex->owed = 0;
        origin_credit(&ex->call, n);
    }
}

static void on_bytes(void *arg, struct str bytes)
{
    struct exchange *ex = arg;
    (void)HOOK("relay.bytes");
    stream_tail_feed(&ex->tail, bytes);
    exchange_send(ex, bytes);
    ex->owed += bytes.len;
    give_credit(ex);
}

static void drained(struct exchange *ex)
{
    give_credit(ex);
}

/* How a call's end looks to the client when no answer had begun, and when one had. */
static const struct {
    enum outcome before, inside;
} ends[] = {
    [ORIGIN_DONE] = {OUTCOME_ORIGIN_BAD, OUTCOME_ANSWERED},
    [ORIGIN_UNSENT] = {OUTCOME_ORIGIN_UNREACHABLE, OUTCOME_STREAM_CUT},
    [ORIGIN_UNREACHABLE] = {OUTCOME_ORIGIN_UNREACHABLE, OUTCOME_STREAM_CUT},
    [ORIGIN_GONE] = {OUTCOME_ORIGIN_CUT, OUTCOME_STREAM_CUT},
    [ORIGIN_TIMEOUT] = {OUTCOME_ORIGIN_TIMEOUT, OUTCOME_STREAM_SILENT},
    [ORIGIN_BAD] = {OUTCOME_ORIGIN_BAD, OUTCOME_STREAM_CUT},
};

static void on_end(void *arg, enum origin_end end, const char *why)
{
    struct exchange *ex = arg;
    ex->calling = false;
    if (end == ORIGIN_DONE && ex->answered) {
        exchange_end(ex, ex->status < 400 ? OUTCOME_ANSWERED : OUTCOME_REFUSED);
        return;
    }
    struct str sentence = arena_dup(&ex->arena, str_of(why));
    ex->trouble = sentence.ptr;
    if (end == ORIGIN_UNSENT && !ex->answered && ex->attempts < MOST_ATTEMPTS) {
        send_again(ex, RESENT_NOT_PROCESSED);
        return;
    }
    (void)exchange_fail(ex, ex->answered ? ends[end].inside : ends[end].before, S(""));
}

static const struct origin_sink sink = {on_head, on_bytes, on_end};

/* --- the request */

/* Origin, address, Region and credentials belong together. What a reload found not sent yet goes
 * the new way. */
static const struct setup *newest_setup(struct exchange *ex)
{
    struct setup *old = ex->setup;
    ex->setup = setup_ref(ex->worker->setup);
    if (old != ex->setup)
        ex->listen = NULL; /* the old one's */
    setup_unref(old);
    return ex->setup;
}

/* The request cannot be made: it is too large, or there is no memory for it. */
static enum step_result not_made(struct exchange *ex, int err)
{
    if (ex->arena.refused)
        return exchange_fail(ex, OUTCOME_MEMORY_FULL,
                             S("Weir is out of memory. Try again in a moment."));
    bool too_big = err == ERR_TOO_BIG || err == ERR_NO_MEMORY;
    return exchange_fail(ex, too_big ? OUTCOME_HEAD_TOO_BIG : OUTCOME_INTERNAL, S(""));
}

static enum step_result start(struct exchange *ex)
{
    struct worker *w = ex->worker;
    const struct setup *setup = newest_setup(ex);
    struct creds *creds = worker_creds(w);
    if (!creds)
        return exchange_fail(ex, OUTCOME_NO_CREDENTIALS, S(""));

    struct field fields[FIELDS_MOST];
    int n = operation_pass_fields(ex->op, &ex->request->fields, fields, FIELDS_MOST);
    struct sha256 hash = ex->body.hash;
    unsigned char digest[SHA256_BYTES];
    sha256_end(&hash, digest);
    struct str *body = arena_new(&ex->arena, sizeof *body);
    if (n < 0 || !body)
        return not_made(ex, ERR_TOO_BIG);
    *body = body_str(&ex->body);

    const struct aws_target target = {.origin = w->origin,
                                      .authority = str_of(setup->runtime.authority),
                                      .base_path = str_of(setup->runtime.base_path),
                                      .region = setup->config->region,
                                      .service = S("bedrock")};
    const struct aws_request request = {.method = ex->request->method,
                                        .target = ex->target,
                                        .fields = fields,
                                        .n_fields = (size_t)n,
                                        .body = body,
                                        .n_body = body->len ? 1 : 0,
                                        .body_sha256 = digest,
                                        .answer_ms = setup->config->answer_ms,
                                        .silence_ms = setup->config->stream_silence_ms};
    ex->call = (struct origin_call){0};
    ex->attempts++;
    ex->creds_version = creds->version;
    ex->signed_with_s = aws_signer_offset(w->signer);
    (void)HOOK("dispatch.send");
    int err = aws_send(w->signer, &target, creds, &request, &ex->arena, &sink, ex, &ex->call);
    if (err < 0)
        return not_made(ex, err);
    ex->calling = true;
    worker_called(w);
    return STEP_NEXT;
}

static void drop(struct exchange *ex)
{
    if (ex->calling)
        origin_cancel(&ex->call);
    ex->calling = false;
}

const struct back back_bedrock = {"bedrock", start, drained, drop};
