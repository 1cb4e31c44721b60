/* SPDX-License-Identifier: Apache-2.0
 *
 * The record of an exchange. An application inference profile whose model is still being asked for
 * goes by the office, which waits a moment for the name; everything else goes straight to the
 * clerk.
 */
#include "meter.h"

#include "admit.h"
#include "back.h"
#include "bill.h"
#include "caching.h"
#include "lanes.h"
#include "record.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/gate/daemon.h"

#include <assert.h>
#include <string.h>

/* GetInferenceProfile answers within a second; a record that waits is not on the disk. */
enum { NAME_PATIENCE_MS = 2000 };

/* What nobody known has sent costs no disk; what came out of the spool is metered by it. */
bool meter_wants(const struct exchange *ex)
{
    return ex->worker->daemon->clerk && !ex->spooled && ex->op && ex->op->back == &back_bedrock &&
           ex->client_name.len && ex->setup->config->metering != METERING_OFF;
}

bool meter_charged(const struct exchange *ex)
{
    bool wanted = meter_wants(ex) || ex->owns_join;
    return wanted && ex->op->usage != NO_USAGE && ex->call.sent_ns && ex->status < 400;
}

/* --- what it used */

/* Its last call, if it made one: Bedrock has all of the question, or did not wait for it. */
static bool went_out(const struct exchange *ex)
{
    return ex->call.sent_ns || ex->upstream_status;
}

/* A model was asked, and may have heard it. */
static bool was_called(const struct exchange *ex)
{
    return ex->op->usage != NO_USAGE && went_out(ex) && !ex->unsent && !ex->joined;
}

/* Was a model put to work? Whatever came of it: a refusal says that it was not. */
static bool worked(const struct exchange *ex)
{
    return was_called(ex) && ex->upstream_status < 400;
}

static void fill_usage(const struct exchange *ex, struct record *r)
{
    if (worked(ex))
        bill_usage(tap_usage(ex->tap), ex->request_bytes, r);
}

/* The tier served; where the answer does not say it, the usual one. */
static enum lane lane_of(const struct exchange *ex)
{
    const struct tap_usage *t = tap_usage(ex->tap);
    return t->has_tier ? t->lane : LANE_ONDEMAND;
}

/* It was served in a tier that Weir chose. */
static unsigned moved_of(const struct exchange *ex, enum lane lane)
{
    return ex->tier_out && lane == ex->tier ? RECORD_MOVED : 0;
}

/* --- whose it was, and what it cost */

/* What a client may not call is not asked for: it would have Weir ask AWS about any ARN. */
static bool may_ask(const struct exchange *ex)
{
    return ex->form == MODEL_TO_RESOLVE && (!ex->client || clients_may(ex->client, ex->model));
}

/* The model that answered; false while its name is being asked for. */
static bool find_model(struct exchange *ex, struct record *r)
{
    const struct tap_usage *t = tap_usage(ex->tap);
    char name[NAMES_MODEL_MOST];
    struct str id = {NULL, 0};
    r->asked = r->model = ex->model;
    if (t->invoked.len && model_form(t->invoked, &id) == MODEL_PLAIN)
        r->model = id;
    else if (ex->form == MODEL_PLAIN)
        r->model = ex->plain_model;
    else if (may_ask(ex))
        switch (names_look(ex->worker->daemon->names, ex->model, name)) {
        case NAMES_KNOWN:
            r->model = arena_dup(&ex->arena, str_of(name));
            break;
        case NAMES_ASKED:
            return false;
        case NAMES_UNKNOWN:
            break;
        }
    return true;
}

static void price_exchange(const struct exchange *ex, struct record *r)
{
    struct saved_split own, observed;
    enum lane lane;
    bill_price(ex->setup->catalogue, r, caching_own(ex, &own) ? &own : NULL,
               caching_observed(ex, &observed) ? &observed : NULL);
    if (lanes_observed(ex, &lane))
        bill_observe(ex->setup->catalogue, r, lane);
}

/* --- how it ended */

static enum record_end end_of(const struct exchange *ex)
{
    int status = ex->joined ? ex->status : ex->upstream_status;
    struct str blame = outcome_row(ex->outcome)->blame;
    if (status == 429)
        return RECORD_THROTTLED;
    if (status >= 400)
        return status < 500 ? RECORD_CLIENT_ERROR : RECORD_SERVER_ERROR;
    if (ex->outcome == OUTCOME_CLIENT_LEFT || ex->outcome == OUTCOME_ANSWERED ||
        ex->outcome == OUTCOME_NONE)
        return RECORD_GOOD;
    return str_eq(blame, S("client")) ? RECORD_CLIENT_ERROR : RECORD_SERVER_ERROR;
}

/* By a rule, or because Weir could not serve it. That Bedrock was out of reach is no refusal. */
static bool is_refused(const struct exchange *ex, const struct record *r)
{
    const struct outcome_row *row = outcome_row(ex->outcome);
    return r->attempts == 0 && !ex->joined && row->status >= 400 &&
           !str_eq(row->blame, S("origin"));
}

/* One night is found by it in the sums: cheap, and for certain only when it is wanted. A client's
 * own key and a guardrail that stands in the head go into no job. */
static bool fits_batch(const struct exchange *ex)
{
    bool op = ex->op->id == OP_CONVERSE || ex->op->id == OP_INVOKE;
    return op && !ex->bearer.len && facts_fit_batch(&ex->facts) &&
           !fields_get(&ex->request->fields, S("x-amzn-bedrock-guardrailidentifier")).ptr;
}

static uint64_t us_between(int64_t from_ns, int64_t to_ns)
{
    return to_ns > from_ns ? (uint64_t)(to_ns - from_ns) / 1000 : 0;
}

static void fill(struct exchange *ex, struct record *r)
{
    int64_t now_ns = clock_mono_ns();
    r->time_ms = clock_wall_ms();
    memcpy(r->id, ex->id_bytes, RECORD_ID_BYTES);
    r->client = ex->client_name;
    r->workload = ex->workload;
    r->operation = ex->op->name;
    r->outcome = outcome_row(ex->outcome)->word;
    r->decision = exchange_decision(ex);
    r->end = end_of(ex);
    r->status = ex->upstream_status ? (unsigned)ex->upstream_status : (unsigned)ex->status;
    r->attempts = ex->attempts - (ex->attempts && !went_out(ex)); /* those that went out */
    r->lane = lane_of(ex);
    r->flags |= moved_of(ex, r->lane);
    if (was_called(ex))
        r->flags |= RECORD_INVOCATION | (fits_batch(ex) ? (unsigned)RECORD_BATCH_FIT : 0);
    if (ex->joined)
        r->flags |= RECORD_JOINED;
    if (is_refused(ex, r))
        r->flags |= RECORD_REFUSED;
    r->latency_us = us_between(ex->request->began_ns, now_ns);
    r->added_us = (uint64_t)record_added_us(ex, now_ns);
    if (tap_shape(ex->tap) != STREAM_NONE) {
        r->flags |= RECORD_STREAM;
        r->first_us = us_between(ex->request->began_ns, ex->first_ns);
    }
    fill_usage(ex, r);
    caching_record(ex, r);
}

/* --- by the office: its name is being asked for */

struct parked {
    struct mail mail;
    struct daemon *daemon;
    struct setup *setup; /* whose prices hold; counted */
    struct limits_held reserved;
    struct buf bytes;
    void (*done)(void *arg, bool good); /* meter_exchange's */
    void *arg;
};

static void named(void *arg, enum names_answer answer, struct str model)
{
    struct parked *p = arg;
    struct record r;
    if (record_read(buf_str(&p->bytes), &r) == 0) {
        if (answer == NAMES_KNOWN)
            r.model = model;
        bill_price(p->setup->catalogue, &r, NULL, NULL);
        admit_settle(p->daemon->limits, &p->reserved, &r);
        clerk_record(p->daemon->clerk, &r, p->done, p->arg);
    }
    assert(!p->reserved.entry); /* this process wrote the record */
    setup_unref(p->setup);
    buf_fini(&p->bytes);
    mem_free(p);
}

static void wait_for_name(struct mail *m)
{
    struct parked *p = LIST_OF(m, struct parked, mail);
    struct record r;
    struct str asked = record_read(buf_str(&p->bytes), &r) == 0 ? r.asked : S("");
    names_wait(p->daemon->names, asked, NAME_PATIENCE_MS, named, p);
}

static void park(struct exchange *ex, const struct record *r, void (*done)(void *arg, bool good),
                 void *arg)
{
    struct daemon *d = ex->worker->daemon;
    struct parked *p = mem_new(sizeof *p);
    *p = (struct parked){.mail.deliver = wait_for_name,
                         .daemon = d,
                         .setup = setup_ref(ex->setup),
                         .reserved = ex->reserved,
                         .done = done,
                         .arg = arg};
    ex->reserved = (struct limits_held){0};
    record_write(r, &p->bytes);
    mailbox_send(loop_mailbox(d->office.loop), &p->mail);
}

/* --- the door */

void meter_exchange(struct exchange *ex, void (*done)(void *arg, bool good), void *arg)
{
    struct record r = {0};
    if (ex->metered || !meter_wants(ex))
        return;
    ex->metered = true;
    fill(ex, &r);
    struct metric_slab *m = &ex->worker->metrics;
    metric_add(m, METRIC_USAGE_UNREADABLE, (r.flags & RECORD_UNREADABLE) != 0);
    metric_add(m, METRIC_USAGE_ESTIMATED, (r.flags & RECORD_ESTIMATED) != 0);
    metric_add(m, METRIC_USAGE_DISAGREE, tap_usage(ex->tap)->disagree);
    if (!find_model(ex, &r)) {
        park(ex, &r, done, arg);
        return;
    }
    price_exchange(ex, &r);
    admit_settle(ex->worker->daemon->limits, &ex->reserved, &r);
    clerk_record(ex->worker->daemon->clerk, &r, done, arg);
}

static struct str dollars(struct exchange *ex, int64_t nanousd)
{
    struct buf b = {0};
    price_add_usd(&b, nanousd);
    struct str text = arena_dup(&ex->arena, buf_str(&b));
    buf_fini(&b);
    return text;
}

bool meter_costs(struct exchange *ex, struct str *out_cost, struct str *out_saved)
{
    struct record r = {.usage = tap_usage(ex->tap)->usage,
                       .lane = lane_of(ex),
                       .flags = moved_of(ex, lane_of(ex))};
    if (!meter_wants(ex) || !tap_usage(ex->tap)->told || !find_model(ex, &r))
        return false;
    price_exchange(ex, &r);
    if (r.flags & RECORD_UNPRICED)
        return false;
    *out_cost = dollars(ex, (int64_t)r.cost_nanousd);
    *out_saved = dollars(ex, (int64_t)(r.untouched_nanousd - r.cost_nanousd));
    return out_saved->len > 0;
}
