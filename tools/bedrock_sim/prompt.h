/* SPDX-License-Identifier: Apache-2.0
 *
 * A request's prompt, the same for every dialect: blocks in the order in which the model reads
 * them (tools, system, messages), each with a hash, a token count and perhaps a cache marker.
 *
 *     tools[0]  tools[1]*  |  system[0]*  |  m0.b0  m0.b1*  m1.b0 ...      (* marked)
 *
 * A marker is no part of what it marks: the hashes, and so the question and the answer, are the
 * same with and without it. White space between JSON tokens and the way characters are escaped do
 * not count either; key order does.
 */
#ifndef SIM_PROMPT_H
#define SIM_PROMPT_H

#include "model.h"
#include "tree.h"

#include "weir/base/digest.h"

enum prompt_section { PROMPT_TOOLS, PROMPT_SYSTEM, PROMPT_MESSAGES };
enum prompt_ttl { PROMPT_UNMARKED, PROMPT_5M, PROMPT_30M, PROMPT_1H };

enum { PROMPT_HASH = 16, PROMPT_MARKS_MOST = 4 };

struct prompt_block {
    unsigned char hash[PROMPT_HASH];
    uint64_t tokens;
    enum prompt_section section;
    enum prompt_ttl mark;
};

struct prompt {
    const struct model *model; /* set before reading */
    bool converse;             /* errors of a Claude model come wrapped */
    struct prompt_block *blocks;
    size_t n, cap;
    unsigned marks;
    enum prompt_ttl last_mark;
    uint64_t tokens;   /* of all blocks */
    uint64_t overhead; /* to be added to the next block */
    struct buf scratch;

    /* What is asked of the answer. */
    uint64_t max_tokens;     /* 0: not said */
    const struct node *tool; /* the first tool's name, or the one chosen; NULL: no tools */
    bool tool_forced;
};

void prompt_fini(struct prompt *p);

/* Each reads a body and checks what the shapes cannot say. False with *out filled. */
bool prompt_read_converse(struct prompt *p, const struct tree *t, const struct node *body,
                          struct refusal *out);
/* `messages_api`: the /anthropic path, where model and stream are members of the body. */
bool prompt_read_claude(struct prompt *p, const struct tree *t, bool messages_api, bool counting,
                        struct refusal *out);
bool prompt_read_nova(struct prompt *p, const struct tree *t, struct refusal *out);
bool prompt_read_chat(struct prompt *p, const struct tree *t, struct refusal *out);
bool prompt_read_responses(struct prompt *p, const struct tree *t, struct refusal *out);

/* SHA-256 over the model's name and all blocks: what the answer is made from. */
void prompt_question(const struct prompt *p, struct str model_id, unsigned char out[SHA256_BYTES]);

/* --- for the readers */

/* Adds a text block; `role` is a letter that goes into the hash. */
void prompt_add_text(struct prompt *p, enum prompt_section s, char role, struct str text);
/* Adds any other block, without its marker members. */
void prompt_add_node(struct prompt *p, const struct tree *t, enum prompt_section s, char role,
                     const struct node *n);
/* Marks the last block; `where` is its place ("messages.0.content.1") for the refusal. */
bool prompt_mark(struct prompt *p, enum prompt_ttl ttl, const char *where, struct refusal *out);
/* After the last block: how many marks there may be, and whether the model caches at all. */
bool prompt_check_marks(const struct prompt *p, struct refusal *out);

#endif
