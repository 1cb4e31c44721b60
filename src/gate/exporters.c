/* SPDX-License-Identifier: Apache-2.0
 *
 * One of each, made when the daemon starts and told of every reload; those that are off do nothing.
 */
#include "weir/gate/exporters.h"

#include "export.h"
#include "weir/base/mem.h"
#include "weir/gate/daemon.h"

struct exporters {
    struct export_place place;
    uint64_t most; /* what place.names was made for */
    struct export_emf *emf;
    struct export_cloudwatch *cloudwatch;
    struct export_otlp *otlp;
    /* The end: what is under way ends first, since the outcome of a call must be noted. */
    struct timer ending;
    int64_t until_ms;
    bool telling; /* the collector, for the last time */
    void (*ended)(void *arg);
    void *ended_arg;
};

enum { END_POLL_MS = 20, END_MOST_MS = 4000 };

static void look_whether_ended(void *arg)
{
    struct exporters *e = arg;
    bool busy = e->telling || teller_is_busy(export_emf_teller(e->emf)) ||
                teller_is_busy(export_cloudwatch_teller(e->cloudwatch));
    if (busy && loop_now_ms(e->place.loop) < e->until_ms)
        timer_start(&e->ending, END_POLL_MS);
    else
        e->ended(e->ended_arg);
}

struct exporters *exporters_new(struct daemon *daemon)
{
    struct exporters *e = mem_new(sizeof *e);
    e->place = (struct export_place){.loop = daemon->office.loop,
                                     .dns = daemon->office.dns,
                                     .signer = daemon->office.signer,
                                     .clerk = daemon->clerk};
    e->emf = export_emf_new(&e->place);
    e->cloudwatch = export_cloudwatch_new(&e->place);
    e->otlp = export_otlp_new(&e->place);
    timer_init(&e->ending, e->place.loop, look_whether_ended, e);
    exporters_follow(e, daemon->setups);
    return e;
}

void exporters_follow(struct exporters *e, struct setup *setup)
{
    if (!e)
        return;
    uint64_t most = setup->config->cloudwatch_series;
    if (!e->place.names || e->most != most) {
        points_names_free(e->place.names);
        e->place.names = points_names_new(most);
        e->most = most;
    }
    export_emf_follow(e->emf, setup);
    export_cloudwatch_follow(e->cloudwatch, setup);
    export_otlp_follow(e->otlp, setup);
}

static void otlp_ended(void *arg)
{
    struct exporters *e = arg;
    e->telling = false;
}

void exporters_finish(struct exporters *e, void (*done)(void *arg), void *arg)
{
    if (!e) {
        done(arg);
        return;
    }
    e->ended = done;
    e->ended_arg = arg;
    e->until_ms = loop_now_ms(e->place.loop) + END_MOST_MS;
    teller_stop(export_emf_teller(e->emf));
    teller_stop(export_cloudwatch_teller(e->cloudwatch));
    e->telling = export_otlp_finish(e->otlp, otlp_ended, e);
    look_whether_ended(e);
}

void exporters_end(struct exporters *e)
{
    if (!e)
        return;
    timer_stop(&e->ending);
    teller_end(export_emf_teller(e->emf));
    teller_end(export_cloudwatch_teller(e->cloudwatch));
    export_otlp_end(e->otlp);
}

void exporters_free(struct exporters *e)
{
    if (!e)
        return;
    mailbox_read(loop_mailbox(e->place.loop));
    export_emf_free(e->emf);
    export_cloudwatch_free(e->cloudwatch);
    export_otlp_free(e->otlp);
    points_names_free(e->place.names);
    mem_free(e);
}

/* --- counts */

struct str exporter_word(enum exporter which)
{
    static const struct str words[EXPORTERS] = {STR("emf"), STR("cloudwatch"), STR("otlp")};
    return words[which];
}

static void count_teller(const struct teller *t, struct exporter_counts *out)
{
    struct teller_counts c;
    teller_count(t, &c);
    *out = (struct exporter_counts){.telling = c.telling,
                                    .sent = c.cursor.told,
                                    .failed = c.cursor.refused,
                                    .unknown = c.cursor.unknown,
                                    .dropped = c.cursor.hopeless + c.cursor.skipped,
                                    .behind_s = c.behind_s};
}

static void count_otlp(const struct export_otlp *x, struct exporter_counts *out)
{
    struct export_otlp_counts c;
    export_otlp_count(x, &c);
    *out = (struct exporter_counts){
        .telling = c.telling, .sent = c.sent, .failed = c.failed, .behind_s = c.behind_s};
}

void exporters_count(const struct exporters *e, enum exporter which, struct exporter_counts *out)
{
    *out = (struct exporter_counts){0};
    if (!e)
        return;
    if (which == EXPORTER_OTLP)
        count_otlp(e->otlp, out);
    else
        count_teller(which == EXPORTER_EMF ? export_emf_teller(e->emf)
                                           : export_cloudwatch_teller(e->cloudwatch),
                     out);
}
