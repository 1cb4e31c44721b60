/* SPDX-License-Identifier: Apache-2.0
 *
 * A back is something that answers an exchange. Those that answer at once (health, admin, refusals)
 * have only `start`.
 */
#ifndef WEIR_SRC_GATE_BACK_H
#define WEIR_SRC_GATE_BACK_H

#include "weir/gate/exchange.h"

struct back {
    const char *name;
    /* The dispatch step. May be called again after STEP_WAIT. */
    enum step_result (*start)(struct exchange *ex);
    /* The front took bytes and has room again. */
    void (*drained)(struct exchange *ex);
    /* The client is gone. True: the back goes on without one, and calls exchange_over. May be NULL.
     */
    bool (*left)(struct exchange *ex);
    /* Stop, no callback into the exchange any more. */
    void (*drop)(struct exchange *ex);
};

extern const struct back back_bedrock;

/* What waits for a batch: on the disk first (back_spool.c). */
extern const struct back back_spool;
/* Weir stops: if it is a held connection, it ends now. */
void back_spool_drain(struct exchange *ex);
/* Its client has nothing more to say, and is perhaps gone. */
void back_spool_half_closed(struct exchange *ex);
extern const struct back back_tickets;
extern const struct back back_health, back_ready, back_none;
extern const struct back back_query, back_query_cbor;
extern const struct back back_compact;
extern const struct back back_metrics, back_config, back_reload, back_drain;
extern const struct back back_levers, back_levers_set;
extern const struct back back_batches, back_batch, back_ticket_list;
extern const struct back back_batch_flush, back_batch_cancel, back_batch_retry;
extern const struct back back_batch_accept, back_batch_revoke;
extern const struct back back_clients;
/* Its answer. */
void back_clients_add_json(struct daemon *d, const struct keyring *ring, int64_t now_ms,
                           struct buf *out);
extern const struct back back_prefixes;
struct shared_cache;
/* Its answer. `cache` NULL: it knows nothing. */
struct catalogue;
void back_prefixes_add_json(struct shared_cache *cache, const struct catalogue *catalogue,
                            int64_t now_s, struct buf *out);
extern const struct back back_keys, back_keys_new, back_keys_revoke;
extern const struct back back_usage, back_savings, back_decisions;

#endif
