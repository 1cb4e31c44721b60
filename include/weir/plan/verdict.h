/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model taught by refusing, hitting and missing, remembered for a time: markers in which
 * fields it takes, the TTL of an hour, from how many tokens on it really caches, how often it hits
 * when it should. One struct for each model as it is called (an id, a profile, an ARN).
 */
#ifndef WEIR_PLAN_VERDICT_H
#define WEIR_PLAN_VERDICT_H

#include "weir/base/buf.h"
#include "weir/base/err.h"
#include "weir/plan/cache_plan.h"

/* Refused for a day, then tried again; a second time for a week. */
enum { VERDICT_FIRST_S = 86400, VERDICT_AGAIN_S = 7 * 86400 };

enum verdict_of {
    VERDICT_TOOLS, /* a marker there is refused */
    VERDICT_SYSTEM,
    VERDICT_MESSAGES,
    VERDICT_ANY,     /* it takes no markers at all */
    VERDICT_1H,      /* the TTL of an hour is refused */
    VERDICT_RENEWAL, /* a marker for an hour does not prolong what is cached for less */
    VERDICTS
};
struct str verdict_word(enum verdict_of v); /* "tools", ..., "any", "1h", "renewal" */

struct verdict {
    int64_t until_s[VERDICTS]; /* refused until then; 0: never was */
    unsigned times[VERDICTS];
    /* Marks above the believed minimum that wrote nothing and read nothing: the largest such
     * prefix, how many in a row, until when it counts; and the smallest that was written. */
    uint32_t silent_tokens, spoke_tokens;
    unsigned silent_times;
    int64_t silent_until_s;
    unsigned suspect; /* blamed once without a text that says so: 1 + enum verdict_of; 0: none */
    int64_t suspect_s;
    unsigned stale_times; /* reads in a row that missed what only such a marker kept */
    float tries, hits;    /* of reads that were to come, decayed by number and by time */
    int64_t tried_s;      /* when the last was */
};

/* A refusal of a request that Weir marked and that was taken without Weir's marks: what it is
 * about, from its text (the message alone) and what was marked. `marked` has the sections that Weir
 * marked (1 << ask_section), `hour` whether one was for an hour. What is about this one body alone
 * (five markers, a wrong order, an empty text) is true, and not remembered. False: the text is
 * about something else, nothing was learned, and verdict_blamed has the word. */
bool verdict_refused(struct verdict *v, struct str message, unsigned marked, bool hour,
                     int64_t now_s);
/* Without a text that says so: refused with the marks, taken without them. One thing at a time is
 * taken for the reason: the hour, then tools, messages, system; and not before the second time
 * within an hour, since once may be chance. Nothing is learned where what was blamed before
 * explains it: it was on its way already. */
void verdict_blamed(struct verdict *v, unsigned marked, bool hour, int64_t now_s);
/* An answer: what was to be read and written, and what was, in tokens. `renewed`: so much of what
 * was to be read is there only if a marker for an hour prolonged it. */
void verdict_answered(struct verdict *v, uint32_t expect_read, uint32_t renewed,
                      uint32_t expect_write, uint32_t prefix_tokens, uint64_t read,
                      uint64_t written, int64_t now_s);
/* Takes what is refused now out of the terms, raises least_tokens, sets hit. False: no markers. */
bool verdict_apply(const struct verdict *v, int64_t now_s, struct cache_terms *terms);

void verdict_write(const struct verdict *v, struct buf *out);
MUST_CHECK int verdict_read(struct str bytes, struct verdict *out);

#endif
