/* SPDX-License-Identifier: Apache-2.0
 *
 * What the dialects' files and the walk share. The walk (ask.c) knows lists, messages and hashes; a
 * dialect knows what one element is: `block` is called behind the opening brace of an element of
 * a->section's list, reads its members to the closing brace and says in `f` what it was.
 *
 * False is "unclear" everywhere, with a->why set by ask_unclear.
 */
#ifndef WEIR_PLAN_ASK_WALK_H
#define WEIR_PLAN_ASK_WALK_H

#include "weir/plan/ask.h"

struct ask_rules {
    bool (*block)(struct ask *a, struct ask_found *f);
    /* The value of an item's "output", where there is such a thing. */
    bool (*output)(struct ask *a, struct ask_found *f);
    /* "cache_control":{"type":"ephemeral"} */
    struct str kind_name, kind;
    enum ask_ttl plain; /* what a marker without a TTL is */
    enum ask_way way;
    bool strings; /* a system or content may be a string */
    bool items;   /* a message needs no role and no content; all of them may be one string */
    enum ask_bar string_bar;  /* of a system or input that is a string */
    enum ask_bar content_bar; /* and of a content */
    /* By enum ask_ttl; empty: there is none. */
    struct str splices[ASK_1H + 1];
    struct str wrap_open, wraps[ASK_1H + 1];
};

extern const struct ask_rules ask_converse, ask_claude, ask_nova, ask_chat, ask_responses;
/* NULL: ASK_NONE. */
const struct ask_rules *ask_rules_of(enum ask_dialect d);

bool ask_unclear(struct ask *a, const char *why);

/* The next member of the object that the scan is in: the index of its name, ASK_OTHER when none of
 * them is it, ASK_OVER at the object's end, or ASK_FAILED; also where a name of the list stands
 * twice. The value must be read before the next call. */
enum { ASK_OTHER = -1, ASK_OVER = -2, ASK_FAILED = -3 };
int ask_member(struct ask *a, struct ask_members *m, const struct str *names, unsigned n);

/* Each reads the value that comes next. */
bool ask_skip(struct ask *a);
bool ask_string(struct ask *a, struct str *out_raw);
/* A member that is the client's marker: counted, noted in `f`, cut out. */
bool ask_own_member(struct ask *a, struct ask_found *f, struct ask_members *m);
/* A marker's object. */
bool ask_own(struct ask *a, struct ask_found *f);
/* What may hold files: an image, a source. */
bool ask_file(struct ask *a, struct ask_found *f);

/* A text that is empty or white: no marker goes there. `raw` with its quotes. */
bool ask_blank(struct str raw);

#endif
