/* SPDX-License-Identifier: Apache-2.0
 *
 * Embedded metric format: the sink that cuts a minute's lines into pieces and hands them to an
 * outlet. After a reload the piece under way ends where it began.
 */
#include "weir/gate/export_emf.h"

#include "export.h"
#include "weir/base/mem.h"
#include "weir/gate/outlet.h"

#include <stdio.h>

/* A piece for the outlet: what a crash leaves in doubt at most. */
enum { PART_BYTES = 64 * 1024, EVERY_MS = 1000 };

struct export_emf {
    struct export_place *place;
    struct teller *teller;
    struct outlet *outlet, *next; /* next: takes over when what is being sent is gone */
    bool sending, switching;
    char name_space[256];
    struct buf lines;
    size_t *ends; /* of parts */
    size_t n, cap;
    struct later refuse;
};

static void end_part(struct export_emf *x)
{
    if (x->n == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 8;
        x->ends = mem_grow(x->ends, x->cap * sizeof *x->ends);
    }
    x->ends[x->n++] = buf_len(&x->lines);
}

static uint32_t cut(void *arg, uint32_t minute, const struct report_row *rows, size_t n,
                    uint64_t *out_plan)
{
    struct export_emf *x = arg;
    struct points points = {0};
    size_t begin = 0;
    points_of(x->place->names, rows, n, &points);
    buf_clear(&x->lines);
    x->n = 0;
    for (size_t i = 0; i < points.n; i++) {
        export_emf_line(&points.at[i], str_of(x->name_space), minute, &x->lines);
        if (buf_len(&x->lines) - begin < PART_BYTES)
            continue;
        end_part(x);
        begin = buf_len(&x->lines);
    }
    if (buf_len(&x->lines) > begin)
        end_part(x);
    points_fini(&points);
    *out_plan = export_digest(buf_str(&x->lines));
    return (uint32_t)x->n;
}

static void change_outlet(struct export_emf *x)
{
    if (!x->switching || x->sending)
        return;
    outlet_free(x->outlet);
    x->outlet = x->next;
    x->next = NULL;
    x->switching = false;
}

static void on_done(void *arg, enum outlet_fate fate, const char *why)
{
    static const enum cursor_event how[] = {CURSOR_TOLD, CURSOR_REFUSED, CURSOR_UNKNOWN};
    struct export_emf *x = arg;
    x->sending = false;
    teller_sent(x->teller, how[fate], why);
}

static void refuse(void *arg)
{
    struct export_emf *x = arg;
    teller_sent(x->teller, CURSOR_REFUSED, "metrics.emf was turned off");
}

static void send_part(void *arg, uint32_t part)
{
    struct export_emf *x = arg;
    size_t begin = part ? x->ends[part - 1] : 0;
    change_outlet(x);
    if (!x->outlet) {
        loop_later(x->place->loop, &x->refuse);
        return;
    }
    x->sending = true;
    outlet_send(x->outlet, str_sub(buf_str(&x->lines), begin, x->ends[part] - begin));
}

struct export_emf *export_emf_new(struct export_place *p)
{
    static const struct teller_sink sink = {"emf", cut, send_part};
    struct export_emf *x = mem_new(sizeof *x);
    x->place = p;
    x->teller = teller_new(p->loop, p->clerk, &sink, x);
    later_init(&x->refuse, refuse, x);
    return x;
}

static struct outlet *outlet_of(struct export_emf *x)
{
    return x->switching ? x->next : x->outlet;
}

void export_emf_follow(struct export_emf *x, const struct setup *setup)
{
    const struct config *c = setup->config;
    struct str name = c->cloudwatch_namespace.len ? c->cloudwatch_namespace : S("Weir");
    struct outlet *now = outlet_of(x);
    snprintf(x->name_space, sizeof x->name_space, "%.*s", STR_ARG(name));
    if (!str_eq(now ? outlet_to(now) : S(""), c->emf_to)) {
        if (x->switching)
            outlet_free(x->next);
        x->next =
            c->emf_to.len ? outlet_new(x->place->loop, x->place->dns, c->emf_to, on_done, x) : NULL;
        x->switching = true;
        change_outlet(x);
    }
    if (c->emf_to.len)
        teller_start(x->teller, EVERY_MS);
    else
        teller_stop(x->teller);
}

void export_emf_free(struct export_emf *x)
{
    if (!x)
        return;
    later_cancel(&x->refuse);
    outlet_free(x->outlet);
    outlet_free(x->next);
    teller_free(x->teller);
    buf_fini(&x->lines);
    mem_free(x->ends);
    mem_free(x);
}

struct teller *export_emf_teller(struct export_emf *x)
{
    return x->teller;
}
