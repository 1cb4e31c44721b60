/* SPDX-License-Identifier: Apache-2.0
 *
 * Where markers pay. Facts in, plan out: no clock, no lock, no memory of its own.
 *
 *     for each block:  cache_see(site, prefix, ...)       what was known, and that it came again
 *     cache_plan(...)                                     at most 4 markers, with their reasons
 *     for each note:   cache_note(prefix, note, now)      what the plan has to remember of a block
 *     for each mark:   cache_mark(prefix, mark, now)      what will be cached when it went out
 *
 * They are apart so that who shares an index between threads locks each look-up alone. What
 * was learned of one client is in a struct cache_learner, which its owner locks.
 *
 * Money here is in tokens: one is what a token of plain input costs.
 */
#ifndef WEIR_PLAN_CACHE_PLAN_H
#define WEIR_PLAN_CACHE_PLAN_H

#include "weir/plan/ask.h"
#include "weir/plan/prefix.h"

enum cache_mode { CACHE_AUTO, CACHE_ALWAYS, CACHE_OFF };
enum cache_ttl { CACHE_TTL_AUTO, CACHE_TTL_5M, CACHE_TTL_1H };

/* What holds for the model and the request. */
struct cache_terms {
    enum cache_mode mode; /* not OFF */
    enum cache_ttl ttl;
    bool withheld;         /* the plan does not go out: its marks cost and read nothing */
    bool implicit;         /* unmarked prompts are cached, too, for the same money */
    bool retime;           /* the client's own TTLs may be changed */
    unsigned fields, ttls; /* enum catalogue_field, catalogue_ttl as bits: book/catalogue.h */
    unsigned most_markers;
    uint32_t least_tokens, most_tokens; /* of a marked prefix; most 0: no limit */
    bool after_tool_result;
    /* A marker for an hour behind what is cached for less writes only what stands between, and all
     * of it lasts an hour. False: it is all written anew (docs/decisions/011). */
    bool renews;
    float read, write_5m, write_30m, write_1h; /* a token's price; plain input is 1 */
    float hit;       /* how often Bedrock hits when the prefix is there: 0 .. 1 */
    float exploring; /* the budget of loss: 0.004 of what the client's input costs */
};

/* A boundary: the end of a block. */
struct cache_site {
    uint64_t key;
    uint32_t tokens;            /* from the beginning, calibrated */
    unsigned char section, own; /* enum ask_section; enum ask_ttl: the client's marker */
    bool open;                  /* a marker may stand here */
    bool known;                 /* the index had it */
    struct prefix was;          /* before this visit; zero when it was not known */
};

enum cache_reason {
    CACHE_OWN,     /* the client's own marker, kept */
    CACHE_RETIMED, /* ... with another TTL */
    CACHE_TAIL,    /* the end of the prompt: prompts like this one are continued */
    CACHE_SEEN,    /* it came before, and will again */
    CACHE_BRANCH,  /* many prompts pass here and then part */
    CACHE_READ,    /* so that what is cached before it is found */
    CACHE_FORCED   /* mode: always */
};
struct str cache_reason_word(enum cache_reason r); /* "own", "retimed", "tail", ... */

struct cache_mark {
    uint32_t block;
    enum ask_ttl ttl;
    enum cache_reason reason;
    bool renews;      /* counts on what was cached for less to last an hour from here on */
    float p_5m, p_1h; /* chance that it is read within that time */
    float gain;       /* expected, in tokens */
};

/* What the index is to keep of a block, whether or not the plan goes out. */
struct cache_note {
    uint32_t block;
    float line_gap;
    uint16_t label, turn, parent, branch;
    unsigned char hung, came;
    bool asked, end;
};
enum { CACHE_NOTES_MOST = 16 };

struct cache_plan {
    struct cache_note notes[CACHE_NOTES_MOST];
    size_t n_notes;
    struct cache_mark marks[ASK_MARKERS_MOST]; /* in the order of blocks; the client's among them */
    size_t n;
    uint32_t expect_read, expect_write_5m, expect_write_30m, expect_write_1h; /* tokens */
    uint32_t expect_renewed; /* of expect_read: there only because a marker prolonged it */
    uint32_t own_read, own_write_5m, own_write_30m, own_write_1h; /* with the client's alone */
    float gain;       /* expected of all of Weir's marks, in tokens */
    const char *held; /* why nothing more was marked: a few words; NULL: nothing held it */
};

/* What was learned of one client; in memory that is given, at most CACHE_LEARNER_BYTES. */
struct cache_learner;
enum { CACHE_LEARNER_BYTES = 96 * 1024 };
struct cache_learner *cache_learner_init(void *memory); /* CACHE_LEARNER_BYTES, 16-byte aligned */
/* What must survive a restart. ERR_BAD for what cache_learner_write did not write; the learner is
 * as new then. */
void cache_learner_write(const struct cache_learner *l, struct buf *out);
MUST_CHECK int cache_learner_read(struct cache_learner *l, struct str bytes);

/* Fills the site's `was` and `known` from what the index has, and notes the visit there. `behind`:
 * how many blocks of the prompt stand behind this one. */
void cache_see(struct cache_site *site, struct prefix *p, size_t behind, uint32_t now);
/* Decides, and learns from what came back. `dry`: decides only, and nothing is learned
 * (explain). `workload` is a hash of its name. */
void cache_plan(struct cache_learner *l, const struct cache_terms *terms,
                const struct cache_site *sites, size_t n, uint64_t workload, uint32_t now, bool dry,
                struct cache_plan *out);
/* For each of the plan's notes, in the entry of its block. */
void cache_note(struct prefix *p, const struct cache_note *note, uint32_t now);
/* The plan went out: what is now cached, as far as one knows. For each mark. */
void cache_mark(struct prefix *p, const struct cache_mark *mark, uint32_t tokens, uint32_t now);
/* Nothing of it is believed to be cached any more. */
void cache_forget(struct prefix *p);

#endif
