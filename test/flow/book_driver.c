/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes a book of nights that were not, for stories:
 *
 *     book_driver STATE/meter  <  lines of: TIME_MS LATENCY_MS KIND CLIENT WORKLOAD MODEL
 *
 * One record a line, of 2,000 tokens in and 200 out, priced by the built-in catalogue. KIND: fit,
 * stream, tools. WORKLOAD "-" is none.
 */
#include "weir/base/random.h"
#include "weir/book/catalogue.h"
#include "weir/book/clerk.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static unsigned flags_of(const char *kind)
{
    if (strcmp(kind, "stream") == 0)
        return RECORD_INVOCATION | RECORD_STREAM;
    return RECORD_INVOCATION | (strcmp(kind, "fit") == 0 ? RECORD_BATCH_FIT : 0);
}

static void put(struct clerk *c, const struct catalogue *prices, const char *line)
{
    char kind[16], client[64], workload[64], model[128];
    int64_t time_ms, latency_ms;
    struct price price = {0};
    if (sscanf(line, "%" SCNd64 " %" SCNd64 " %15s %63s %63s %127s", &time_ms, &latency_ms, kind,
               client, workload, model) != 6)
        return;
    struct record r = {.time_ms = time_ms,
                       .client = str_of(client),
                       .workload = str_of(strcmp(workload, "-") == 0 ? "" : workload),
                       .asked = str_of(model),
                       .model = str_of(model),
                       .operation = S("Converse"),
                       .outcome = S("answered"),
                       .decision = S("cache=off;lane=ondemand;model=same"),
                       .lane = LANE_ONDEMAND,
                       .end = RECORD_GOOD,
                       .flags = flags_of(kind),
                       .status = 200,
                       .attempts = 1,
                       .usage = {{2000, 200}},
                       .latency_us = (uint64_t)latency_ms * 1000};
    r.first_us = r.flags & RECORD_STREAM ? r.latency_us / 2 : 0;
    if (catalogue_price(prices, r.model, LANE_ONDEMAND, &price) == UNPRICED)
        r.flags |= RECORD_UNPRICED;
    r.cost_nanousd = r.unmarked_nanousd = r.untouched_nanousd = price_cost(&price, &r.usage);
    random_bytes(r.id, sizeof r.id);
    clerk_record(c, &r, NULL, NULL);
}

int main(int argc, char **argv)
{
    char line[512];
    struct buf faults = {0};
    struct catalogue *prices = catalogue_load(NULL, &(struct catalogue_terms){0}, &faults);
    if (argc != 2 || !prices)
        return 2;
    struct clerk *c = clerk_new(&(struct clerk_options){
        .dir = argv[1], .size_bytes = 1ull << 30, .keep_requests_ms = 30 * 86400000LL});
    while (fgets(line, sizeof line, stdin))
        put(c, prices, line);
    struct clerk_counts n;
    for (clerk_count(c, &n); n.waiting; clerk_count(c, &n))
        (void)poll(NULL, 0, 2);
    clerk_free(c);
    catalogue_free(prices);
    return 0;
}
