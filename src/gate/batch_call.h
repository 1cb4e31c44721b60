/* SPDX-License-Identifier: Apache-2.0
 *
 * One record of the direct list on its way: what was stored goes to Bedrock as the client sent it,
 * byte for byte, but for the Flex tier where that is offered.
 */
#ifndef WEIR_SRC_GATE_BATCH_CALL_H
#define WEIR_SRC_GATE_BATCH_CALL_H

#include "batch_private.h"
#include "batch_queue.h"
#include "weir/aws/fetch.h"

enum { BATCH_CALL_FIELDS = 3, BATCH_CALL_TYPE_MOST = 128 };

struct batch_call {
    struct list node;
    struct batch *batch;
    struct setup *setup; /* counted */
    struct batch_item item;
    struct arena arena;
    struct spool_record rec; /* its strings are in the arena */
    struct buf body;
    /* Under way. */
    struct fetch *fetch; /* NULL: not now */
    struct aws_target target;
    struct aws_request request;
    struct field fields[BATCH_CALL_FIELDS];
    struct str pieces[3];
    bool tier; /* the Flex tier was put in */
    uint64_t creds_version;
    int64_t signed_with_s, began_ns;
    /* Its end. */
    bool ended;    /* what follows is its end, perhaps not on the disk yet */
    bool settling; /* it is being written */
    int status;
    char error_type[BATCH_CALL_TYPE_MOST];
    struct buf answer, row, late_row;
    struct batch_billed billed;
};

/* Reads the record out of the spool. ERR_NOT_FOUND: it is not on the direct list any more;
 * ERR_BAD: what is stored is damaged, and `rec` is there all the same; ERR_BUSY: not now. */
MUST_CHECK int batch_call_read(struct batch *b, const struct batch_item *item,
                               struct batch_call **out);
/* Drops it if it is under way. */
void batch_call_free(struct batch_call *c);
/* Sends it; `done` comes once, never from inside. False: there are no credentials for it now. */
bool batch_call_send(struct batch_call *c, struct origin *origin,
                     void (*done)(void *arg, const struct fetch_answer *a));
/* What its credentials come from refused them. */
void batch_call_refused(const struct batch_call *c);

#endif
