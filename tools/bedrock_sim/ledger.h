/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulator saw and what it charged for it: the other side's book, to compare with. Rows
 * live in a ring, the newest few with their bodies; sums are kept for ever (until a reset). Safe
 * from any thread.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "weir/base/buf.h"
#include "weir/base/digest.h"
#include "weir/wire/fields.h"

#include <pthread.h>

/* How the answer left. */
enum ledger_outcome {
    LEDGER_OPEN, /* not over yet */
    LEDGER_SENT, /* whole */
    LEDGER_CUT,  /* we cut it on demand */
    LEDGER_LEFT, /* the client went away before its end */
};

struct ledger_charge {
    bool charged;
    uint64_t input, output, cache_read, write_5m, write_30m, write_1h; /* input: the plain rest */
    char tier[16];
};

/* What goes into a row; everything is copied but the body, which the ledger takes over. */
struct ledger_entry {
    int64_t time_ms;
    const char *operation; /* static */
    const char *error;     /* static; NULL: none */
    struct str model, account, method, target, authority;
    const struct fields *fields;
    const char *protocol; /* static: "h1", "h1.0", "h2", "batch" */
    bool tls;
    int status;
    struct ledger_charge charge;
    unsigned char body_sha256[SHA256_BYTES];
    char *body; /* of mem_try/mem_new, or NULL */
    size_t body_bytes;
    struct str question; /* 16 hex digits, the same for the same question; may be empty */
    /* Of a batch job's record: */
    struct str job, record, spoiled; /* spoiled: the line in the output cannot be used so */
};

struct ledger_row;
struct ledger_sum;

struct ledger {
    pthread_mutex_t lock;
    struct ledger_row *rows;
    size_t cap, keep_bodies;
    uint64_t next;  /* id of the next row; ids begin at 1 */
    uint64_t first; /* id of the first row since a reset: what is older counts no more */
    struct ledger_sum *sums;
    size_t n_sums, cap_sums;
    uint64_t outcomes[4], by_protocol[4], bytes_in, bytes_out;
    uint64_t *peers; /* hashes of the addresses that came, open addressing */
    size_t n_peers, cap_peers;
};

void ledger_init(struct ledger *l, size_t rows, size_t keep_bodies);
void ledger_fini(struct ledger *l);
void ledger_reset(struct ledger *l);

/* Notes the address of a client's connection. */
void ledger_saw(struct ledger *l, struct str peer);
uint64_t ledger_add(struct ledger *l, const struct ledger_entry *e);
void ledger_finish(struct ledger *l, uint64_t id, enum ledger_outcome outcome, uint64_t bytes_out);

#define LEDGER_NEWEST UINT64_MAX
struct ledger_wish {
    size_t most;
    uint64_t after; /* the oldest that came behind this id; LEDGER_NEWEST: the newest */
    bool charged_only, without_fields;
};

/* Rows as JSON lines, oldest first. */
void ledger_add_lines(struct ledger *l, struct buf *out, const struct ledger_wish *w);
void ledger_add_summary(struct ledger *l, struct buf *out);
/* The request with that id (0: the newest) as received, with its body in base64. False when it is
 * gone. */
bool ledger_add_request(struct ledger *l, struct buf *out, uint64_t id);

#endif
