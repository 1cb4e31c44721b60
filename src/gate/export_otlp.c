/* SPDX-License-Identifier: Apache-2.0
 *
 * OTLP/HTTP: every few seconds what the book has committed since the process began goes to a
 * collector, in one call or, for very many series, in a few. What fails is not kept: the next time
 * says it all again. Before Weir stops there is one last time, so that the collector knows the end.
 */
#include "weir/gate/export_otlp.h"

#include "export.h"
#include "weir/aws/fetch.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/gate/way.h"

#include <stdio.h>

enum {
    SERIES_A_CALL = 500, /* about 2 MB at most: collectors take 20 (confighttp's default) */
    WHOLE_MS = 10 * 1000,
    LAST_MS = 3000, /* what the end may take */
    ANSWER_MOST_BYTES = 64 * 1024,
    ID_BYTES = 16
};

struct export_otlp {
    struct export_place *place;
    struct way *way, *taken; /* taken: by the call under way */
    struct fetch *fetch;
    int64_t every_ms;
    struct timer tick;
    struct export_otlp_about about;
    char instance[2 * ID_BYTES + 1];
    struct export_otlp_points points;
    struct buf bodies;
    size_t *ends, n, cap, at; /* at: the body under way */
    struct str body;          /* ... itself */
    struct export_otlp_counts counts;
    int64_t well_ms; /* when the last one arrived */
    bool ill;
    bool over;                /* the clerk is gone: mail that still comes changes nothing */
    void (*ended)(void *arg); /* the last time is over */
    void *ended_arg;
    struct mail mail; /* home from the clerk */
};

/* --- bodies */

static void end_body(struct export_otlp *x)
{
    export_otlp_request(&x->points, &x->about, &x->bodies);
    if (x->n == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 4;
        x->ends = mem_grow(x->ends, x->cap * sizeof *x->ends);
    }
    x->ends[x->n++] = buf_len(&x->bodies);
}

static void add_series(void *arg, const struct series *s, const struct rollup *sum)
{
    struct export_otlp *x = arg;
    export_otlp_add(&x->points, &x->about, s, sum);
    if (x->points.series == SERIES_A_CALL)
        end_body(x);
}

static void make_bodies(struct export_otlp *x)
{
    buf_clear(&x->bodies);
    x->n = x->at = 0;
    x->about.now_ns = (uint64_t)clock_wall_ms() * 1000000;
    clerk_tally(x->place->clerk, add_series, x);
    if (x->points.series)
        end_body(x);
}

/* --- calls */

static void send_next(struct export_otlp *x);

static void round_over(struct export_otlp *x)
{
    if (x->ended)
        x->ended(x->ended_arg);
    x->ended = NULL;
}

static void say(struct export_otlp *x, bool good, const char *why)
{
    if (!good && !x->ill)
        log_say(LOG_WARN, "export", "otlp: %s; it is tried again", why);
    if (good && x->ill)
        log_say(LOG_INFO, "export", "otlp: it is well again");
    x->ill = !good;
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct export_otlp *x = arg;
    char why[200];
    bool good = a->status >= 200 && a->status < 300;
    if (a->status)
        snprintf(why, sizeof why, "status %d", a->status);
    else
        snprintf(why, sizeof why, "%s", a->why);
    x->fetch = NULL;
    way_unref(x->taken);
    x->taken = NULL;
    say(x, good, why);
    if (good) {
        x->counts.sent++;
        x->well_ms = clock_wall_ms();
        x->at++;
        send_next(x);
    } else {
        x->counts.failed++;
        round_over(x);
    }
}

static void send_next(struct export_otlp *x)
{
    static const struct field type = {STR("content-type"), STR("application/x-protobuf")};
    const struct fetch_limits limits = {ANSWER_MOST_BYTES, x->ended ? LAST_MS : WHOLE_MS};
    if (x->at == x->n || !x->way) {
        round_over(x);
        return;
    }
    size_t begin = x->at ? x->ends[x->at - 1] : 0;
    x->body = str_sub(buf_str(&x->bodies), begin, x->ends[x->at] - begin);
    x->taken = way_ref(x->way);
    const struct aws_request r = {.method = S("POST"),
                                  .target = S("/v1/metrics"),
                                  .fields = &type,
                                  .n_fields = 1,
                                  .body = &x->body,
                                  .n_body = 1};
    x->fetch = fetch_start(x->place->loop, x->place->signer, &x->taken->target, NULL, &r, &limits,
                           on_answer, x);
}

static void begin_round(struct export_otlp *x)
{
    make_bodies(x);
    send_next(x);
}

static void on_tick(void *arg)
{
    struct export_otlp *x = arg;
    if (!x->way)
        return;
    timer_start(&x->tick, x->every_ms);
    if (!x->fetch && !x->ended)
        begin_round(x);
}

/* --- the last time */

static void all_committed(struct mail *m)
{
    struct export_otlp *x = LIST_OF(m, struct export_otlp, mail);
    if (!x->over)
        begin_round(x);
}

static void clerk_done(void *arg, bool good)
{
    struct export_otlp *x = arg;
    mailbox_send(loop_mailbox(x->place->loop), &x->mail);
}

static void drop_call(struct export_otlp *x)
{
    fetch_drop(x->fetch);
    x->fetch = NULL;
    way_unref(x->taken);
    x->taken = NULL;
}

bool export_otlp_finish(struct export_otlp *x, void (*ended)(void *arg), void *arg)
{
    timer_stop(&x->tick);
    if (!x->way || x->ill)
        return false;
    drop_call(x);
    x->ended = ended;
    x->ended_arg = arg;
    /* Minute 0 is long closed: this only comes back when what was recorded before is committed. */
    clerk_close_minute(x->place->clerk, 0, clerk_done, x);
    return true;
}

/* --- life */

struct export_otlp *export_otlp_new(struct export_place *p)
{
    struct export_otlp *x = mem_new(sizeof *x);
    unsigned char id[ID_BYTES];
    struct buf hex = {0};
    x->place = p;
    timer_init(&x->tick, p->loop, on_tick, x);
    random_bytes(id, sizeof id);
    text_add_hex(&hex, id, sizeof id);
    snprintf(x->instance, sizeof x->instance, "%s", buf_cstr(&hex));
    buf_fini(&hex);
    x->mail.deliver = all_committed;
    x->about.instance = str_of(x->instance);
    x->about.start_ns = (uint64_t)clock_wall_ms() * 1000000;
    return x;
}

void export_otlp_follow(struct export_otlp *x, const struct setup *setup)
{
    const struct config *c = setup->config;
    char why[300];
    way_unref(x->way);
    x->way = NULL;
    timer_stop(&x->tick);
    x->every_ms = c->otlp_every_ms;
    if (c->otlp_url.len == 0)
        return;
    x->way = way_new(x->place->loop, x->place->dns, setup, c->otlp_url, S("otlp"), WAY_DIRECT, why,
                     sizeof why);
    if (!x->way) {
        say(x, false, why);
        return;
    }
    x->well_ms = clock_wall_ms();
    timer_start(&x->tick, x->every_ms);
}

void export_otlp_end(struct export_otlp *x)
{
    x->over = true;
}

void export_otlp_free(struct export_otlp *x)
{
    if (!x)
        return;
    timer_stop(&x->tick);
    fetch_drop(x->fetch);
    if (x->taken && x->taken != x->way)
        way_close(x->taken);
    else
        way_unref(x->taken);
    way_close(x->way);
    export_otlp_points_fini(&x->points);
    buf_fini(&x->bodies);
    mem_free(x->ends);
    mem_free(x);
}

void export_otlp_count(const struct export_otlp *x, struct export_otlp_counts *out)
{
    *out = x->counts;
    out->telling = x->way != NULL;
    out->behind_s = x->way ? (clock_wall_ms() - x->well_ms) / 1000 : 0;
}
