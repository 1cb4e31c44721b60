/* SPDX-License-Identifier: Apache-2.0
 *
 * The exporters: embedded metric format, CloudWatch and OTLP, each when the configuration asks for
 * it. They live on the office's loop and tell what the clerk has committed, nothing else. One that
 * cannot reach its receiver waits and tries again; nobody waits for it.
 */
#ifndef WEIR_GATE_EXPORTERS_H
#define WEIR_GATE_EXPORTERS_H

#include "weir/base/str.h"

#include <stdint.h>

struct daemon;
struct setup;
struct exporters;

/* For the daemon's newest setup and its clerk. */
struct exporters *exporters_new(struct daemon *daemon);
void exporters_follow(struct exporters *e, struct setup *setup);
/* Before the office's loop stops: what is under way ends, and a collector gets the last word; it
 * takes a few seconds at most, and no time when there is nothing.
 * `done` may be called from inside. */
void exporters_finish(struct exporters *e, void (*done)(void *arg), void *arg);
/* When the loop has stopped: first end, before the clerk goes; then free, when it has gone, which
 * reads the loop's mailbox. NULL is fine for all of these. */
void exporters_end(struct exporters *e);
void exporters_free(struct exporters *e);

/* For /metrics, in the office. */
enum exporter { EXPORTER_EMF, EXPORTER_CLOUDWATCH, EXPORTER_OTLP, EXPORTERS };
struct exporter_counts {
    bool telling; /* it is on */
    uint64_t sent, failed, unknown, dropped;
    int64_t behind_s;
};
struct str exporter_word(enum exporter which);
/* `e` may be NULL: all zero. */
void exporters_count(const struct exporters *e, enum exporter which, struct exporter_counts *out);

#endif
