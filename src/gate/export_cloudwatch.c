/* SPDX-License-Identifier: Apache-2.0
 *
 * PutMetricData: the sink that makes a minute's points into bodies and sends one after the other.
 * What is sure and what is not about a call's end is said by aws/cloudwatch; here it only becomes
 * the cursor's word.
 */
#include "weir/gate/export_cloudwatch.h"

#include "export.h"
#include "weir/base/mem.h"
#include "weir/gate/way.h"

#include <stdio.h>

/* A call is a few kilobytes; CloudWatch answers within a second, or something is wrong. */
enum { WHOLE_MS = 20 * 1000 };

struct export_cloudwatch {
    struct export_place *place;
    struct teller *teller;
    struct setup *setup; /* counted */
    struct way *way;     /* NULL: off, or `trouble` says why */
    char trouble[300];
    struct way *taken; /* by the call under way */
    struct cloudwatch_call *call;
    uint64_t version; /* of the credentials that signed it */
    int64_t offset_s; /* ... and by which clock */
    char name_space[256];
    struct cloudwatch_bodies bodies;
    struct later refuse;
};

/* --- a minute's bodies */

static uint32_t cut(void *arg, uint32_t minute, const struct report_row *rows, size_t n,
                    uint64_t *out_plan)
{
    struct export_cloudwatch *x = arg;
    struct points points = {0};
    points_of(x->place->names, rows, n, &points);
    cloudwatch_fini(&x->bodies);
    x->bodies.name_space = str_of(x->name_space);
    for (size_t i = 0; i < points.n; i++)
        export_cloudwatch_add(&x->bodies, &points.at[i], minute);
    cloudwatch_end(&x->bodies);
    points_fini(&points);
    *out_plan = export_digest(buf_str(&x->bodies.text));
    return (uint32_t)x->bodies.n;
}

/* --- a call */

/* The next try may fare better with newer keys, or with the service's clock. */
static void learn(struct export_cloudwatch *x, const struct fetch_answer *a)
{
    if (a->status == 401 || a->status == 403)
        creds_refused(x->setup->creds, x->version);
    if (x->taken->trusted && a->status >= 400)
        (void)aws_signer_learn(x->place->signer, a->status, a->fields, x->offset_s);
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    static const enum cursor_event how[] = {[CLOUDWATCH_TAKEN] = CURSOR_TOLD,
                                            [CLOUDWATCH_REFUSED] = CURSOR_REFUSED,
                                            [CLOUDWATCH_HOPELESS] = CURSOR_HOPELESS,
                                            [CLOUDWATCH_UNKNOWN] = CURSOR_UNKNOWN};
    struct export_cloudwatch *x = arg;
    char why[300] = "";
    enum cloudwatch_fate fate = cloudwatch_judge(a, why, sizeof why);
    learn(x, a);
    way_unref(x->taken);
    x->taken = NULL;
    x->call = NULL;
    teller_sent(x->teller, how[fate], why);
}

static void refuse(void *arg)
{
    struct export_cloudwatch *x = arg;
    teller_sent(x->teller, CURSOR_REFUSED, x->trouble);
}

static void begin_call(struct export_cloudwatch *x, struct creds *creds, uint32_t part)
{
    x->taken = way_ref(x->way);
    x->version = creds->version;
    x->offset_s = aws_signer_offset(x->place->signer);
    x->call = cloudwatch_put(x->place->loop, x->place->signer, &x->taken->target, creds,
                             cloudwatch_body(&x->bodies, part), WHOLE_MS, on_answer, x);
}

static void send_part(void *arg, uint32_t part)
{
    struct export_cloudwatch *x = arg;
    struct creds *creds = x->way ? creds_get(x->setup->creds) : NULL;
    if (x->way && !creds)
        snprintf(x->trouble, sizeof x->trouble, "there are no AWS credentials at the moment");
    else if (creds && creds->bearer.len)
        snprintf(x->trouble, sizeof x->trouble,
                 "CloudWatch wants AWS access keys; a Bedrock API key opens only Bedrock");
    if (creds && !creds->bearer.len)
        begin_call(x, creds, part);
    else
        loop_later(x->place->loop, &x->refuse);
    creds_unref(creds);
}

/* --- life */

struct export_cloudwatch *export_cloudwatch_new(struct export_place *p)
{
    static const struct teller_sink sink = {"cloudwatch", cut, send_part};
    struct export_cloudwatch *x = mem_new(sizeof *x);
    x->place = p;
    x->teller = teller_new(p->loop, p->clerk, &sink, x);
    later_init(&x->refuse, refuse, x);
    return x;
}

void export_cloudwatch_follow(struct export_cloudwatch *x, struct setup *setup)
{
    const struct config *c = setup->config;
    struct setup *before = x->setup;
    x->setup = setup_ref(setup);
    if (before)
        setup_unref(before);
    way_unref(x->way);
    x->way = NULL;
    snprintf(x->trouble, sizeof x->trouble, "metrics.cloudwatch was turned off");
    snprintf(x->name_space, sizeof x->name_space, "%.*s", STR_ARG(c->cloudwatch_namespace));
    if (c->cloudwatch_namespace.len == 0) {
        teller_stop(x->teller);
        return;
    }
    x->way = way_new(x->place->loop, x->place->dns, setup, c->cloudwatch_url, S("monitoring"),
                     WAY_BY_PROXY, x->trouble, sizeof x->trouble);
    teller_start(x->teller, c->cloudwatch_every_ms);
}

void export_cloudwatch_free(struct export_cloudwatch *x)
{
    if (!x)
        return;
    later_cancel(&x->refuse);
    cloudwatch_drop(x->call);
    if (x->taken && x->taken != x->way)
        way_close(x->taken);
    else
        way_unref(x->taken);
    way_close(x->way);
    if (x->setup)
        setup_unref(x->setup);
    cloudwatch_fini(&x->bodies);
    teller_free(x->teller);
    mem_free(x);
}

struct teller *export_cloudwatch_teller(struct export_cloudwatch *x)
{
    return x->teller;
}
