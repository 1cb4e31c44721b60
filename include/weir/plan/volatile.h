/* SPDX-License-Identifier: Apache-2.0
 *
 * What changes early in prompts that are otherwise alike, and so keeps all behind it from being
 * cached: a date, a uuid, a counter, tools in another order. Found by comparing a prompt with those
 * before it of the same client and model; told by position and kind. It changes nothing.
 *
 *     tools[0..3]  system[0] "... It is 12:15:07 now. You are ..."  messages ...
 *                                       ^ system 0, byte 812: time; 5,100 tokens behind it
 *
 * No text is kept: of the last prompts a hash of each block, of the last blocks that differed a
 * hash of each 32 bytes and more. Where two versions differ is found by these; what differs there
 * is read from the one at hand. Memory is given, the time is told, no lock.
 */
#ifndef WEIR_PLAN_VOLATILE_H
#define WEIR_PLAN_VOLATILE_H

#include "weir/plan/ask.h"

enum volatile_kind {
    VOLATILE_BILLING, /* a billing header, as some agents put it before their system prompt */
    VOLATILE_UUID,
    VOLATILE_TIME,   /* a date, a time of day, seconds since 1970 */
    VOLATILE_ID,     /* another long name of letters and digits */
    VOLATILE_NUMBER, /* a counter, as a rule */
    VOLATILE_ORDER,  /* the same tools in another order */
    VOLATILE_TEXT,   /* something else */
    VOLATILE_KINDS
};
/* "billing-header", "uuid", "time", "id", "number", "order", "text". */
struct str volatile_word(enum volatile_kind k);

struct volatile_place {
    enum volatile_kind kind;
    enum ask_section section;
    uint32_t message, index; /* of messages[]: which; which block of it, or of the section */
    uint32_t offset;         /* from the block's beginning, in bytes */
    /* Prompts that had something new there, and those that had something known. */
    uint64_t changes, repeats;
    uint64_t tokens; /* behind it, of all those changes: what could have been read from the cache */
    int64_t first_s, last_s; /* when it changed */
};

struct volatile_watch; /* of one client and model */
enum { VOLATILE_BYTES = 20 * 1024, VOLATILE_PLACES = 8 };
/* In VOLATILE_BYTES, 8-byte aligned. The seed is of this process: nobody else can make the hashes.
 */
struct volatile_watch *volatile_init(void *memory, uint64_t seed);

/* Once for each prompt. `known`: so many of its blocks, from the first on, the index had seen
 * before; least_tokens: of a prefix that can be cached. At most some microseconds: of the
 * one block that differs at most 64 KiB are read. */
void volatile_note(struct volatile_watch *w, const struct ask *a, size_t known,
                   uint32_t least_tokens, int64_t now_s);
/* What is certain: it changed at least three times, and in a twentieth of the prompts. */
void volatile_each(const struct volatile_watch *w,
                   void (*each)(void *arg, const struct volatile_place *p), void *arg);
/* As many tokens as that is in 30 days, by the time since it was first seen; 0: that is less than
 * an hour, which is no pace. */
uint64_t volatile_month(const struct volatile_place *p, int64_t now_s);

/* What looks volatile in one prompt, by its text alone: at most n, in the order of blocks, one for
 * each block. Returns how many; of each only kind and position are set. */
size_t volatile_look(const struct ask *a, struct volatile_place *out, size_t n);

/* What the bytes from `from` to before `to` are, with what they belong to around them; *at: where
 * that begins. TEXT: nothing known. */
enum volatile_kind volatile_kind_at(struct str text, size_t from, size_t to, size_t *at);

#endif
