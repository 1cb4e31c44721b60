/* SPDX-License-Identifier: Apache-2.0
 *
 * One request in the book. A worker encodes it once into bytes; the same bytes are stored, and read
 * again without a copy. There is no prompt and no answer in it.
 */
#ifndef WEIR_BOOK_RECORD_H
#define WEIR_BOOK_RECORD_H

#include "weir/base/buf.h"
#include "weir/base/err.h"
#include "weir/plan/usage.h"

enum { RECORD_ID_BYTES = 16 };

/* Bits of what is true of a record; stored: only append. */
enum record_flag {
    RECORD_INVOCATION =
        1 << 0,                /* a model was asked: it counts as one of CloudWatch's Invocations */
    RECORD_STREAM = 1 << 1,    /* the answer came in pieces */
    RECORD_ESTIMATED = 1 << 2, /* tokens are Weir's estimate: no usage was to be had */
    RECORD_UNPRICED = 1 << 3,  /* no price is known: cost says nothing */
    RECORD_PROVISIONAL = 1 << 4, /* priced as the model's family */
    RECORD_JOINED = 1 << 5,      /* it got the answer of another record's call and cost nothing */
    RECORD_UNREADABLE = 1 << 6,  /* upstream's usage was there and made no sense */
    RECORD_MOVED = 1 << 7,       /* Weir chose its lane, which is another than on demand */
    RECORD_REFUSED = 1 << 8,  /* Weir answered with an error of its own: nothing went to Bedrock */
    RECORD_OBSERVED = 1 << 9, /* levers: observe; observed_nanousd says what they withheld */
    RECORD_MAYBE_TWICE = 1 << 10, /* it may have been paid for in a batch job and on demand */
    RECORD_SAMPLE =
        1 << 11,                /* no request: how many wait for a batch job (attempts), and for how
                                   long the oldest of them (latency_us). Nobody exports it as a record */
    RECORD_BATCH_FIT = 1 << 12, /* by all that is known of it a batch job could have it */
};

/* The control group (docs/decisions/011): by a hash of client and first block a prompt is in one of
 * the arms, and in one of its groups. NONE: prompts like it are left alone on either side, so that
 * there is nothing to compare. Stored: only append. */
enum record_arm { RECORD_ARM_NONE, RECORD_ARM_TREATED, RECORD_ARM_CONTROL, RECORD_ARMS };
enum { RECORD_GROUPS = 8 };

/* How it ended, as CloudWatch counts; stored: only append. */
enum record_end {
    RECORD_GOOD,
    RECORD_CLIENT_ERROR,
    RECORD_THROTTLED,
    RECORD_SERVER_ERROR,
    RECORD_ENDS
};

/* Strings are borrowed: from the caller when writing, from the bytes when reading. */
struct record {
    int64_t time_ms; /* wall clock, when it ended */
    unsigned char id[RECORD_ID_BYTES];
    struct str client, workload; /* workload may be empty */
    struct str asked;            /* the model as the client named it */
    struct str model; /* the one that answered, as a plain id, perhaps with its geo prefix; `asked`
                         when that is not known */
    struct str operation, outcome; /* words */
    struct str decision;           /* what Weir decided: x-weir-decision */
    enum lane lane;
    enum record_end end;
    unsigned flags; /* enum record_flag */
    unsigned status, attempts;
    struct usage usage;
    /* As it was; as it was served, but without Weir's markers; as it would have been without Weir.
     * So the first two differ by what caching saved, the last two by what another lane did. */
    uint64_t cost_nanousd, unmarked_nanousd, untouched_nanousd;
    enum record_arm arm;
    unsigned group; /* of its arm, below RECORD_GROUPS */
    unsigned marks; /* markers that Weir set */
    /* What all kinds of input cost; what as many tokens would have cost as plain input. */
    uint64_t input_nanousd, plain_nanousd;
    uint64_t observed_nanousd; /* OBSERVED: with the markers that were withheld, by belief */
    uint64_t latency_us, added_us;
    uint64_t first_us; /* to the first byte of a stream's answer; 0: no stream */
};

enum {
    RECORD_TEXT_MOST = 512, /* each of its strings is cut there */
    RECORD_BYTES_MOST = 4096
};

/* Appends the record's bytes. */
void record_write(const struct record *r, struct buf *out);
/* ERR_BAD for what record_write did not write (a checksum is part of it), ERR_UNSUPPORTED for a
 * later version's. */
MUST_CHECK int record_read(struct str bytes, struct record *out);

/* For other programs: one JSON object without a newline; a line of CSV, and its header. */
void record_add_json(const struct record *r, struct buf *out);
void record_add_csv(const struct record *r, struct buf *out);
void record_add_csv_head(struct buf *out);

#endif
