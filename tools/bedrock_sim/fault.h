/* SPDX-License-Identifier: Apache-2.0
 *
 * What shall go wrong with one answer, or be special about it. The words stand in the prompt,
 * "[[sim:status=503]]", or come over the control port; they are one table (fault.c).
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "weir/base/buf.h"
#include "weir/base/str.h"

enum fault_cut { FAULT_WHOLE, FAULT_CUT_BEFORE, FAULT_CUT_HEAD, FAULT_CUT_AT };

struct fault {
    int64_t status;      /* answer this status; 0: none */
    int64_t once;        /* this status the first time this body is seen */
    char error[64];      /* answer this error type */
    int64_t retry_after; /* seconds, for the Retry-After field; -1: none */
    int64_t delay_ms;    /* before the head */
    int64_t slow_ms;     /* between pieces of the answer */
    enum fault_cut cut;
    int64_t cut_at;       /* bytes of the body */
    bool garbage;         /* bytes that are no HTTP, then the end */
    bool refuse;          /* REFUSED_STREAM; HTTP/1 closes */
    bool hang;            /* never answers */
    bool early;           /* only from the control port: answers before the body is read */
    bool bad_crc;         /* the second event's checksum is wrong */
    char exception[64];   /* an exception event after two deltas */
    char frame_error[64]; /* an error event there */
    int64_t bytes;        /* length of the answer's text; -1: as usual */
    int64_t chunks;       /* deltas in a stream; -1: as usual */
    bool tool;            /* answer with a call of the first tool */
    bool guardrail;       /* a guardrail intervenes */
    char tier[64];        /* only of a request that asks for this service tier; empty: of any */
    char batch[64];       /* in a batch job alone: what happens to the record's line */
};

/* Nothing wrong. */
void fault_init(struct fault *f);
/* Does it apply to a request that asks for that tier (empty: "default")? */
bool fault_is_for(const struct fault *f, struct str tier);
/* Every "[[sim:...]]" in the text; words that are none are ignored. */
void fault_read_prompt(struct fault *f, struct str body);
/* Words separated by spaces, commas or semicolons; false with the culprit in *bad (borrowed). */
bool fault_read_words(struct fault *f, struct str words, struct str *bad);
/* The table as text for --help: one line a word. */
void fault_add_help(struct buf *b);

#endif
