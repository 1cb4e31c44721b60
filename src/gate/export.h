/* SPDX-License-Identifier: Apache-2.0
 *
 * What the exporters share, inside gate: where they live, and how each is made, follows a reload
 * and ends.
 */
#ifndef WEIR_SRC_GATE_EXPORT_H
#define WEIR_SRC_GATE_EXPORT_H

#include "weir/gate/points.h"
#include "weir/gate/setup.h"
#include "weir/gate/teller.h"

struct aws_signer;

/* The office's, as long as it runs. */
struct export_place {
    struct loop *loop;
    struct dns *dns;
    struct aws_signer *signer;
    struct clerk *clerk;
    struct points_names *names; /* CloudWatch's and EMF's; a reload may make new ones */
};

/* A digest of what a minute's parts were cut from. */
static inline uint64_t export_digest(struct str text)
{
    uint64_t h = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (unsigned char)text.ptr[i]) * 0x100000001b3;
    return h;
}

struct export_emf;
struct export_emf *export_emf_new(struct export_place *p);
void export_emf_follow(struct export_emf *x, const struct setup *setup);
void export_emf_free(struct export_emf *x); /* its teller has ended */
struct teller *export_emf_teller(struct export_emf *x);

struct export_cloudwatch;
struct export_cloudwatch *export_cloudwatch_new(struct export_place *p);
void export_cloudwatch_follow(struct export_cloudwatch *x, struct setup *setup);
void export_cloudwatch_free(struct export_cloudwatch *x);
struct teller *export_cloudwatch_teller(struct export_cloudwatch *x);

struct export_otlp;
struct export_otlp *export_otlp_new(struct export_place *p);
void export_otlp_follow(struct export_otlp *x, const struct setup *setup);
void export_otlp_end(struct export_otlp *x); /* as teller_end */
void export_otlp_free(struct export_otlp *x);
/* Tells what is committed by then, once more; `ended` is called within a few seconds. False when
 * there is nobody to tell: then it is not called. */
bool export_otlp_finish(struct export_otlp *x, void (*ended)(void *arg), void *arg);
struct export_otlp_counts {
    uint64_t sent, failed; /* calls */
    bool telling;
    int64_t behind_s; /* since the last one that arrived, or since it began to try */
};
void export_otlp_count(const struct export_otlp *x, struct export_otlp_counts *out);

#endif
