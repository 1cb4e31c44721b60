/* SPDX-License-Identifier: Apache-2.0
 *
 * The runs of src/wire/json_run.h that this CPU has, for tests that want one verdict of them all.
 */
#ifndef WEIR_TEST_WIRE_JSON_RUNS_H
#define WEIR_TEST_WIRE_JSON_RUNS_H

#include "../../../src/wire/json_run.h"

#include <stdbool.h>

typedef size_t (*run_fn)(const unsigned char *p, size_t n);

static size_t run_none(const unsigned char *p, size_t n)
{
    return 0;
}

/* The first is the exact reader alone, which the others are compared with. */
static run_fn runs[5] = {run_none, json_run_words};
static int n_runs = 2;

static int find_runs(void **state)
{
#if defined(__x86_64__)
    runs[n_runs++] = json_run_sse2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
        runs[n_runs++] = json_run_avx2;
#elif defined(__aarch64__)
    runs[n_runs++] = json_run_neon;
#endif
    return 0;
}

#endif
