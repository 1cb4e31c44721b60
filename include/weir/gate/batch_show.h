/* SPDX-License-Identifier: Apache-2.0
 *
 * How the spool stands, as JSON: for the admin API, and for weir batch, which shows the same
 * without a daemon. No text of a request, and no secret: a record is named by its number alone,
 * which opens nothing.
 */
#ifndef WEIR_GATE_BATCH_SHOW_H
#define WEIR_GATE_BATCH_SHOW_H

#include "weir/book/spool.h"
#include "weir/gate/batch.h"

enum { BATCH_SHOW_MOST = 100, BATCH_SHOW_TICKETS = 200, BATCH_SHOW_TICKETS_MOST = 1000 };

/* Pools, jobs and counts. At most BATCH_SHOW_MOST of either: `more` says that there are others.
 * `b` NULL: there is no daemon. */
void batch_show_json(struct spool *s, struct batch *b, struct buf *out);
/* Of one: "p7" or "j12". False: there is none of that name. */
bool batch_show_json_one(struct spool *s, struct str name, struct buf *out);

/* Records that wait; what is empty or SPOOL_STATES matches all. */
struct batch_show_ask {
    struct str client;
    enum spool_state state;
    uint64_t most;
};
/* The part behind a URL's ?; false with a sentence. `room`: query.len + 1 bytes. */
bool batch_show_read_ask(struct str query, char *room, struct batch_show_ask *out,
                         struct buf *sentence);
/* ERR_BUSY: it cannot be read now. */
MUST_CHECK int batch_show_tickets(struct spool *s, const struct batch_show_ask *ask,
                                  struct buf *out);

/* For people, out of those: tables of pools and jobs; the fields of one, a line each. False: it is
 * not what was written there. */
bool batch_show_table(struct str json, struct buf *out);
bool batch_show_fields(struct str json, struct buf *out);

#endif
