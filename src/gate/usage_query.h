/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of usage, savings and decisions: the part of a target behind its '?'.
 */
#ifndef WEIR_SRC_GATE_USAGE_QUERY_H
#define WEIR_SRC_GATE_USAGE_QUERY_H

#include "weir/book/report.h"

enum usage_param { USAGE_SINCE = 1, USAGE_UNTIL = 2, USAGE_BY = 4, USAGE_PERIOD = 8, USAGE_N = 16 };

enum { USAGE_ROWS_MOST = 5000, USAGE_N_USUAL = 100, USAGE_N_MOST = 1000 };

struct usage_query {
    struct report_query report;
    uint64_t n;
};

/* Only the parameters in `takes` (enum usage_param). False with a sentence for the one who asked.
 */
bool usage_query_read(struct str query, unsigned takes, int64_t now_ms, struct usage_query *out,
                      struct buf *sentence);

#endif
