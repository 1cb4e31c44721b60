/* SPDX-License-Identifier: Apache-2.0
 *
 * The immediate lanes: hand the request to Bedrock, and its answer back, untouched. What may be
 * sent again is decided here and nowhere else:
 *
 *     not processed for certain (ORIGIN_UNSENT)    again, at most twice
 *     503 or 529                                   once, within a budget of a tenth of all calls
 *     our signature, refused since our clock is off  once, by the origin's clock
 *     400, 429, 503 or 529, with a tier of Weir's    once, without the tier
 *     400, with something in it that Weir put there  once, without that; 403, too, with a marker;
 *                                                  not where its type says: it is the caller's
 *     everything else                              the answer, or a clear error
 *
 * The body stays in memory until an answer's head has come that will be passed on.
 */
#include "back.h"
#include "caching.h"
#include "edit.h"
#include "lanes.h"
#include "meter.h"
#include "record.h"
#include "retry.h"
#include "strict.h"
#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/limits.h"
#include "weir/gate/daemon.h"
#include "weir/wire/aws_error.h"

enum {
    MOST_ATTEMPTS = 3,
    ROLE_PATIENCE_MS = 10000, /* a role that is being assumed holds no request for longer */
    ROLE_LOOK_MS = 20,
    /* So much of a refusal's text is read, and so long, for what it says of markers. */
    REFUSAL_MOST = 16 * 1024,
    REFUSAL_PATIENCE_MS = 1000
};

static enum step_result start(struct exchange *ex);
static void give_credit(struct exchange *ex);

/* --- the answer */

static bool worth_resending(struct exchange *ex, int status)
{
    return (status == 503 || status == 529) && ex->front && !ex->resent_refusal &&
           worker_may_resend(ex->worker);
}

/* The signature is Weir's: a client with a good clock must not suffer from ours. */
static bool clock_was_wrong(struct exchange *ex, int status, const struct fields *fields)
{
    return ex->front && !ex->resent_clock && ex->setup->trusts_runtime &&
           aws_signer_learn(ex->worker->signer, status, fields, ex->signed_with_s);
}

static const struct config_client *client_config(const struct exchange *ex)
{
    return ex->client ? ex->client->config : NULL;
}

/* The origin says that it does not know our credentials: they may have been rotated. */
static void look_at_refusal(struct exchange *ex, int status, const struct fields *fields)
{
    if (status == 403 && ex->setup == ex->worker->setup &&
        aws_error_stale(aws_error_type(fields, S(""))))
        worker_creds_refused(ex->worker, client_config(ex), ex->creds_version);
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

/* --- the client is gone. What it asked for is paid for all the same, so it is read to its usage: a
 * stream for settle.drain, other answers as long as they may take. */

static void read_on_enough(void *arg)
{
    exchange_over(arg);
}

static void limit_reading_on(struct exchange *ex)
{
    bool streams = ex->answered ? tap_shape(ex->tap) != STREAM_NONE : operation_streams(ex->op);
    if (!streams || timer_running(&ex->drain_timer))
        return;
    timer_start(&ex->drain_timer, ex->setup->config->settle_drain_ms);
}

static bool left(struct exchange *ex)
{
    if (!ex->calling || ex->hears_refusal || !meter_charged(ex) ||
        ex->worker->reading_on >= LIMIT_READING_ON)
        return false;
    ex->worker->reading_on++;
    ex->reads_on = true;
    worker_drop_body(ex->worker, &ex->body);
    timer_init(&ex->drain_timer, ex->worker->loop, read_on_enough, ex);
    limit_reading_on(ex);
    give_credit(ex);
    return true;
}

/* Who calls, and how often, is refused whatever stands in the body. */
static bool is_of_the_caller(const struct fields *fields)
{
    static const struct str types[] = {STR("InvalidSignature"), STR("IncompleteSignature"),
                                       STR("MissingAuthentication"), STR("Throttling"),
                                       STR("ServiceQuotaExceeded")};
    struct str type = aws_error_type(fields, S(""));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_starts(type, types[i]))
            return true;
    return aws_error_stale(type);
}

/* Is it what Weir put in that was refused? */
static bool perhaps_the_edit(const struct exchange *ex, int status, const struct fields *fields)
{
    return ex->edited && (status == 400 || (status == 403 && caching_is_out(ex))) &&
           !is_of_the_caller(fields);
}

/* What a refusal says of markers is worth reading; then the request goes again without them. */
static void refusal_heard(struct exchange *ex)
{
    ex->hears_refusal = false;
    timer_stop(&ex->wait_timer);
    caching_refused(ex, buf_str(&ex->held));
    buf_clear(&ex->held);
    send_again(ex, RESENT_EDIT);
}

/* Enough of it came, or it took long enough. */
static void heard_enough(void *arg)
{
    struct exchange *ex = arg;
    take_back(ex);
    refusal_heard(ex);
}

static void begin_to_hear(struct exchange *ex)
{
    ex->hears_refusal = true;
    timer_init(&ex->wait_timer, ex->worker->loop, heard_enough, ex);
    timer_start(&ex->wait_timer, REFUSAL_PATIENCE_MS);
}

static void hear_refusal(struct exchange *ex, struct str bytes)
{
    buf_add(&ex->held, str_sub(bytes, 0, REFUSAL_MOST));
    if (buf_len(&ex->held) < REFUSAL_MOST)
        origin_credit(&ex->call, bytes.len);
    else
        heard_enough(ex);
}

static void on_head(void *arg, int status, const struct fields *fields, int64_t content_length)
{
    struct exchange *ex = arg;
    (void)HOOK("relay.head");
    ex->upstream_status = status;
    if (ex->front && !(status == 400 && is_of_the_caller(fields)) && lanes_refused(ex, status)) {
        take_back(ex);
        send_again(ex, RESENT_TIER);
        return;
    }
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
    bool of_edit = perhaps_the_edit(ex, status, fields);
    if (of_edit && !ex->front) {
        retry_end(ex); /* who joined must not get it: each makes the call himself */
    } else if (of_edit) {
        ex->unedited = true;
        if (caching_is_out(ex)) {
            begin_to_hear(ex);
            return;
        }
        take_back(ex);
        send_again(ex, RESENT_EDIT);
        return;
    }
    caching_heard(ex);
    lanes_heard(ex);
    look_at_refusal(ex, status, fields);
    ex->counted = content_length >= 0;
    ex->left = content_length;
    ex->tap = tap_new(ex->op, status, fields);
    retry_head(ex, status, fields);
    exchange_answer(ex, status, fields->at, fields->n);
    if (ex->call.sent_ns)
        worker_drop_body(ex->worker, &ex->body);
    if (!ex->front)
        limit_reading_on(ex);
}

/* Those who wait for an answer do not wait for the client who asked first. */
static void give_credit(struct exchange *ex)
{
    bool wanted = !ex->front || retry_keeps(ex) || front_unsent(ex->front) < FRONT_HIGH_MARK;
    if (ex->owed && ex->calling && wanted) {
        size_t n = ex->owed;
        ex->owed = 0;
        origin_credit(&ex->call, n);
    }
}

static void on_bytes(void *arg, struct str bytes)
{
    struct exchange *ex = arg;
    (void)HOOK("relay.bytes");
    if (ex->hears_refusal) {
        hear_refusal(ex, bytes);
        return;
    }
    if (!ex->first_ns)
        ex->first_ns = clock_mono_ns();
    tap_feed(ex->tap, bytes);
    retry_bytes(ex, bytes);
    ex->left -= (int64_t)bytes.len;
    if (ex->counted && ex->left <= 0 && strict_wants(ex))
        buf_add(&ex->held, bytes); /* with it the answer would be whole */
    else
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

static enum outcome outcome_of_answer(const struct exchange *ex)
{
    if (ex->status >= 400)
        return OUTCOME_REFUSED;
    return tap_usage(ex->tap)->exception ? OUTCOME_STREAM_EXCEPTION : OUTCOME_ANSWERED;
}

static void on_end(void *arg, enum origin_end end, const char *why)
{
    struct exchange *ex = arg;
    ex->calling = false;
    if (ex->hears_refusal) {
        refusal_heard(ex);
        return;
    }
    ex->unsent = !ex->answered && (end == ORIGIN_UNSENT || end == ORIGIN_UNREACHABLE);
    ex->whole = end == ORIGIN_DONE && ex->answered;
    if (ex->whole) {
        tap_end(ex->tap);
    } else {
        ex->trouble = arena_dup(&ex->arena, str_of(why)).ptr;
        if (end == ORIGIN_UNSENT && ex->front && !ex->answered && ex->attempts < MOST_ATTEMPTS) {
            send_again(ex, RESENT_NOT_PROCESSED);
            return;
        }
    }
    worker_drop_body(ex->worker, &ex->body);
    if (!ex->front) {
        exchange_over(ex);
        return;
    }
    if (ex->whole)
        strict_end(ex, S(""), outcome_of_answer(ex));
    else
        (void)exchange_fail(ex, ex->answered ? ends[end].inside : ends[end].before, S(""));
    retry_end(ex); /* after its record: who joined it is not in the book before it */
}

static const struct origin_sink sink = {on_head, on_bytes, on_end};

/* --- the request */

/* Origin, address, Region and credentials belong together. What a reload found not sent yet goes
 * the new way, if its client is still one. */
static bool follow_setup(struct exchange *ex)
{
    struct setup *old = ex->setup, *new = ex->worker->setup;
    if (old == new)
        return true;
    ex->listen = NULL; /* the old one's */
    ex->client_name = arena_dup(&ex->arena, ex->client_name);
    bool had_client = ex->client;
    if (had_client)
        ex->client = clients_named(new->clients, ex->client_name);
    ex->setup = setup_ref(new);
    setup_unref(old);
    return ex->client || !had_client;
}

static enum step_result client_removed(struct exchange *ex)
{
    return exchange_fail(ex, OUTCOME_NO_CREDENTIALS,
                         S("This client was taken out of Weir's configuration."));
}

/* What a call for it is signed with; a reference, or NULL. A client's own key goes upstream instead
 * of all that is Weir's. */
static struct creds *take_creds(const struct exchange *ex)
{
    if (ex->bearer.len)
        return creds_of_bearer(ex->bearer);
    return creds_ref(worker_creds_for(ex->worker, client_config(ex)));
}

static enum step_result no_creds(struct exchange *ex)
{
    const struct config_client *c = client_config(ex);
    if (!c || !c->role_arn.len)
        return exchange_fail(ex, OUTCOME_NO_CREDENTIALS, S(""));
    ex->trouble = "the client's role could not be assumed";
    return exchange_fail(ex, OUTCOME_NO_CREDENTIALS,
                         S("Weir cannot act as this client's role at the moment: AWS STS gave no "
                           "credentials for it. Weir's log says why; see role_arn in "
                           "docs/CONFIG.md."));
}

static void look_at_role(void *arg)
{
    struct exchange *ex = arg;
    ex->role_waits = false;
    exchange_go(ex);
}

/* A role that was just configured: its first requests wait until it is had or refused. */
static bool waits_for_role(struct exchange *ex)
{
    int64_t now_ms = loop_now_ms(ex->worker->loop);
    if (ex->bearer.len || !worker_awaits_role(ex->worker, client_config(ex)))
        return false;
    if (!ex->role_since_ms)
        ex->role_since_ms = now_ms;
    if (now_ms - ex->role_since_ms >= ROLE_PATIENCE_MS)
        return false;
    ex->role_waits = true;
    timer_init(&ex->wait_timer, ex->worker->loop, look_at_role, ex);
    timer_start(&ex->wait_timer, ROLE_LOOK_MS);
    return true;
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

/* In place of a field of that name, or behind all. */
static int set_field(struct field *fields, int n, struct field set)
{
    int i = 0;
    while (i < n && !str_eq(fields[i].name, set.name))
        i++;
    fields[i] = set;
    return i == n ? n + 1 : n;
}

/* A request on its way out: what Weir puts into it, while the body that comes of it is hashed. */
struct bedrock_request {
    struct edit edit;
    struct str whole; /* the body as it came */
    struct later on;
};

static struct sha256 hash_of(const struct exchange *ex, const struct edit *edit)
{
    return edit->n_pieces ? edit->hash : ex->body.hash;
}

static enum step_result dispatch(struct exchange *ex)
{
    struct worker *w = ex->worker;
    struct bedrock_request *r = ex->going_out;
    ex->going_out = NULL;
    if (!follow_setup(ex))
        return client_removed(ex);
    const struct setup *setup = ex->setup;

    struct field fields[FIELDS_MOST + FIELD_EDITS_MOST];
    int n = operation_pass_fields(ex->op, &ex->request->fields, fields, FIELDS_MOST);
    if (n < 0)
        return not_made(ex, ERR_TOO_BIG);
    for (size_t i = 0; i < r->edit.n_fields; i++)
        n = set_field(fields, n, r->edit.fields[i]);
    struct sha256 hash = hash_of(ex, &r->edit);
    unsigned char digest[SHA256_BYTES];
    sha256_end(&hash, digest);

    const struct aws_target target = {.origin = w->origin,
                                      .authority = str_of(setup->runtime.authority),
                                      .base_path = str_of(setup->runtime.base_path),
                                      .region = setup->config->region,
                                      .service = S("bedrock")};
    const struct aws_request request = {.method = ex->request->method,
                                        .target = ex->target,
                                        .fields = fields,
                                        .n_fields = (size_t)n,
                                        .body = r->edit.n_pieces ? r->edit.pieces : &r->whole,
                                        .n_body =
                                            r->edit.n_pieces ? r->edit.n_pieces : r->whole.len > 0,
                                        .body_sha256 = digest,
                                        .answer_ms = setup->config->answer_ms,
                                        .silence_ms = setup->config->stream_silence_ms};
    struct creds *creds = take_creds(ex);
    if (!creds)
        return no_creds(ex);
    ex->call = (struct origin_call){0};
    ex->upstream_status = 0;
    ex->unsent = false;
    ex->attempts++;
    ex->creds_version = creds->version;
    ex->signed_with_s = aws_signer_offset(w->signer);
    (void)HOOK("dispatch.send");
    int err = aws_send(w->signer, &target, creds, &request, &ex->arena, &sink, ex, &ex->call);
    creds_unref(creds);
    if (err < 0)
        return not_made(ex, err);
    ex->calling = true;
    worker_called(w);
    return STEP_NEXT;
}

/* The next slice of the hash. */
static enum step_result hash_on(struct exchange *ex)
{
    if (edit_hash(&ex->going_out->edit))
        return dispatch(ex);
    loop_next_turn(ex->worker->loop, &ex->going_out->on);
    return STEP_NEXT;
}

static void go_on_hashing(void *arg)
{
    (void)hash_on(arg);
}

static enum step_result start(struct exchange *ex)
{
    if (!follow_setup(ex))
        return client_removed(ex);
    struct bedrock_request *r = arena_new(&ex->arena, sizeof *r);
    if (!r)
        return not_made(ex, ERR_NO_MEMORY);
    edit_make(ex, &r->edit);
    r->whole = body_str(&ex->body);
    later_init(&r->on, go_on_hashing, ex);
    ex->going_out = r;
    return hash_on(ex);
}

/* The first time: another call may have the answer already. */
static enum step_result begin(struct exchange *ex)
{
    char ignored[NAMES_MODEL_MOST];
    if (!follow_setup(ex))
        return client_removed(ex);
    if (waits_for_role(ex))
        return STEP_WAIT;
    if (ex->form == MODEL_TO_RESOLVE && meter_wants(ex)) /* so that it is known at the end */
        (void)names_look(ex->worker->daemon->names, ex->model, ignored);
    switch (retry_begin(ex)) {
    case RETRY_OWN:
        if (caching_plan(ex))
            return start(ex);
        loop_next_turn(ex->worker->loop, &ex->again);
        return STEP_WAIT;
    case RETRY_WAITS:
        return STEP_WAIT;
    case RETRY_ANSWERED:
        return STEP_END;
    }
    return STEP_END;
}

static void drop(struct exchange *ex)
{
    if (ex->calling)
        origin_cancel(&ex->call);
    ex->calling = false;
    if (ex->going_out)
        later_cancel(&ex->going_out->on);
    ex->going_out = NULL;
    if (ex->role_waits || ex->hears_refusal)
        timer_stop(&ex->wait_timer);
    ex->role_waits = false;
    ex->hears_refusal = false;
    if (ex->reads_on) {
        timer_stop(&ex->drain_timer);
        ex->worker->reading_on--;
        ex->reads_on = false;
    }
    retry_end(ex);
}

const struct back back_bedrock = {"bedrock", begin, drained, left, drop};
