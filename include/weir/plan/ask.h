/* SPDX-License-Identifier: Apache-2.0
 *
 * A prompt as its cache sees it, the same for every dialect: blocks in the order in which the model
 * reads them, each as a span of the body, with a hash of all that stands up to its end.
 *
 *     tools[0]  tools[1]*  |  system[0]*  |  m0.b0  m0.b1*  m1.b0 ...      (* the client's marker)
 *     h0        h1            h2             h3     h4      h5               rolling hashes
 *
 * A marker is no part of what it marks: hashes are the same with and without it, and the same for a
 * text alone and for a list of it. What a body means must be clear: where a member that counts here
 * stands twice, where an element is not what the dialect knows, or where there are more than
 * ASK_BLOCKS_MOST blocks, there is no ask, and nobody plans anything for that body. It is walked
 * once, without a copy.
 *
 *     ask_begin(&a, dialect, seed, &parts, room, n);
 *     while (ask_step(&a) == ASK_MORE)      (about 512 KiB each; other work in between)
 *         ;
 *     for each block: site.open = ask_open(block, terms.after_tool_result, terms.fields)
 */
#ifndef WEIR_PLAN_ASK_H
#define WEIR_PLAN_ASK_H

#include "weir/base/buf.h"
#include "weir/wire/json_scan.h"

enum {
    /* 200 turns of an agent are about 1,000. It bounds the work of one request. */
    ASK_BLOCKS_MOST = 8192,
    ASK_LOOK_BACK = 20, /* blocks before a marker in which Bedrock looks for what is cached */
    ASK_MARKERS_MOST = 4
};

enum ask_dialect {
    ASK_NONE, /* no prompt that could be marked */
    ASK_CONVERSE,
    ASK_CLAUDE, /* InvokeModel's and /anthropic's */
    ASK_NOVA,   /* InvokeModel's */
    ASK_CHAT,   /* /openai/v1/chat/completions: read, never marked */
    ASK_RESPONSES
};

enum ask_section { ASK_TOOLS, ASK_SYSTEM, ASK_MESSAGES, ASK_SECTIONS };
/* "tools", "system", "messages". */
struct str ask_section_word(enum ask_section s);

/* In the order of their length. */
enum ask_ttl { ASK_UNMARKED, ASK_5M, ASK_30M, ASK_1H };
/* "5m", "30m", "1h"; "" for unmarked. */
struct str ask_ttl_word(enum ask_ttl t);

/* Why a marker cannot stand behind a block. */
enum ask_bar {
    ASK_FREE,
    ASK_BAR_DIALECT,   /* the dialect has no markers here */
    ASK_BAR_EMPTY,     /* an empty text */
    ASK_BAR_THINKING,  /* reasoning, or the assistant's turn that opens with it */
    ASK_BAR_DOCUMENT,  /* directly behind a document or video */
    ASK_BAR_TOOL_CALL, /* behind a tool use in the assistant's turn, where the model minds */
    ASK_BAR_RESULT,    /* behind a tool result: barred unless the model takes it there */
    ASK_BAR_NULL,      /* it has the member already, as null: a second one would be a duplicate */
    ASK_BAR_CROWDED, /* some block of this prompt holds several of the client's markers: who counts
                        blocks would count too few, so none is added anywhere */
    ASK_BAR_KIND     /* a kind of block that Weir does not know, or knows to carry none */
};

/* How a marker goes behind a block. */
enum ask_way {
    ASK_AS_BLOCK,  /* a block of its own is inserted at mark_at */
    ASK_AS_MEMBER, /* a member is inserted at mark_at, before the block's closing brace */
    ASK_WRAPPED    /* the block is a string: it becomes a list of one block around it */
};

struct ask_block {
    uint64_t hash;  /* of everything up to its end */
    uint64_t alone; /* of the block by itself */
    size_t at, len; /* its bytes in the body */
    size_t mark_at; /* where what marks it is inserted */
    /* The client's marker: its object, {"type":...}. Length 0 with `own` set: several in this
     * block, all of one TTL. */
    size_t own_at;
    uint32_t own_len;
    uint32_t tokens;                 /* estimated from its bytes, not calibrated */
    uint32_t message;                /* of messages[]: which; else 0 */
    unsigned char section, way, bar; /* enum ask_section, ask_way, ask_bar */
    unsigned char own;               /* enum ask_ttl: the client's own marker */
};

/* The members of a body that hold the prompt, as they stand in it; empty: absent. gate/facts finds
 * them, strict, once each. */
struct ask_parts {
    struct str body;
    struct str tools; /* the list itself */
    struct str system;
    struct str messages; /* or Responses' input */
};

enum ask_state {
    ASK_MORE, /* call again */
    ASK_GOOD,
    ASK_UNCLEAR /* there is no ask; `why` says so in a few words */
};

/* --- the walk's own: how far it is */

enum { ASK_CUTS_MOST = 16 }; /* the client's markers in one block */

/* Going through an object's members. */
struct ask_members {
    size_t key_at, end; /* of the last key; behind the value before it */
    unsigned n, seen;   /* how many; which of those that count */
};

/* What one block turned out to be. */
struct ask_found {
    struct str text;  /* of a block that is nothing but a text: its string; else empty */
    bool point;       /* it is no block but a marker of the one before it */
    bool null;        /* its marker's member is null */
    enum ask_bar bar; /* who reads it sets it */
    enum ask_ttl own;
    unsigned markers;       /* the client's, in it */
    size_t own_at, own_len; /* of the last of them */
    size_t file_bytes;      /* of its bytes, those that are no text, and what they count */
    uint64_t file_tokens;
    unsigned n_cuts;
    struct {
        size_t at, len;
    } cuts[ASK_CUTS_MOST]; /* what is not hashed; the last member, left as it was at the start */
};

/* The message (or item) that it is in. */
struct ask_item {
    struct ask_members members;
    size_t at, first; /* where it begins; its first block */
    struct str role;
    uint64_t rest; /* hash of its other members */
    bool content, output;
};

struct ask {
    enum ask_dialect dialect;
    enum ask_state state;
    const char *why;
    struct ask_parts parts;
    struct ask_block *blocks; /* the caller's */
    size_t n, most;
    unsigned own_markers; /* the client's, all of them */
    uint32_t messages;    /* how many there are */
    /* the walk's own */
    uint64_t hash;
    struct json_scan scan; /* over the list that it is in */
    size_t base;           /* where that stands in the body */
    size_t counted, done;  /* bytes in this step */
    size_t list_first;     /* the first block of the innermost list */
    unsigned section, where;
    bool thinking; /* in an assistant's turn behind reasoning */
    bool crowded;
    struct ask_item item;
    struct ask_found found;
};

/* `seed`: what else must be alike: client (or what shares), model. `room` for at most n blocks;
 * more than that is ASK_UNCLEAR. */
void ask_begin(struct ask *a, enum ask_dialect dialect, uint64_t seed,
               const struct ask_parts *parts, struct ask_block *room, size_t n);
enum ask_state ask_step(struct ask *a);

/* May a marker of Weir's stand behind it, for this model? `after_tool_result` and `fields` (a bit
 * for each section) are what the catalogue says of it. This, and not `bar`, is what decides. */
bool ask_open(const struct ask_block *b, bool after_tool_result, unsigned fields);

/* The bytes that mark this block, in one or two places of the body (two: it is wrapped), in the
 * order of the places. The texts are static. Returns how many; 0: the dialect has no marker of this
 * TTL. The block must be open. */
struct ask_splice {
    size_t at;
    struct str text;
};
size_t ask_mark(const struct ask *a, size_t block, enum ask_ttl ttl, struct ask_splice out[2]);
/* Gives the client's own marker another TTL: the span to replace (which may be empty) and by what,
 * a static text. False where it cannot be, or is so already. */
bool ask_retime(const struct ask *a, size_t block, enum ask_ttl ttl, size_t *out_at,
                size_t *out_len, struct str *out_text);

#endif
