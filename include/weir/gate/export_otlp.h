/* SPDX-License-Identifier: Apache-2.0
 *
 * OTLP's metrics (ExportMetricsServiceRequest of opentelemetry-proto 1.x, binary): what each series
 * of the book came to since the process began, under OpenTelemetry's gen_ai names. All of it is
 * cumulative: a repetition says the same again.
 */
#ifndef WEIR_GATE_EXPORT_OTLP_H
#define WEIR_GATE_EXPORT_OTLP_H

#include "weir/book/clerk.h"

struct export_otlp_about {
    uint64_t start_ns, now_ns; /* since 1970: when the process began, and when this is true */
    struct str instance;       /* service.instance.id */
};

/* Points of many series, by metric. Zero it first. */
enum { EXPORT_OTLP_METRICS = 9 };
struct export_otlp_points {
    struct buf of[EXPORT_OTLP_METRICS];
    size_t series;
};
void export_otlp_add(struct export_otlp_points *p, const struct export_otlp_about *about,
                     const struct series *s, const struct rollup *sum);
/* Appends a whole request with all of them, and empties them. */
void export_otlp_request(struct export_otlp_points *p, const struct export_otlp_about *about,
                         struct buf *out);
void export_otlp_points_fini(struct export_otlp_points *p);

#endif
