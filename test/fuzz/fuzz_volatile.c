/* SPDX-License-Identifier: Apache-2.0
 *
 * Prompts made of whatever bytes come, one behind the other: places lie inside their block, their
 * sums are no larger than what was there, and nothing is read outside.
 */
#include "weir/plan/volatile.h"

#include "weir/base/hash.h"
#include "weir/base/mem.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { MOST = 80 };

static uint64_t longest;

static void check(void *arg, const struct volatile_place *p)
{
    assert(p->offset <= longest && p->kind < VOLATILE_KINDS && p->section < ASK_SECTIONS);
    assert(p->last_s >= p->first_s && p->changes >= 3);
    (void)volatile_month(p, p->last_s);
}

/* Blocks end at '|', sections at '/', messages at '+', prompts at '#'. */
static size_t read_prompt(struct str text, struct ask *a, struct ask_block *blocks)
{
    size_t at = 0, i = 0;
    unsigned section = 0, message = 0;
    a->n = 0;
    for (; i < text.len && text.ptr[i] != '#' && a->n < MOST; i++) {
        char c = text.ptr[i];
        if (c != '|' && c != '/' && c != '+')
            continue;
        struct str block = str_sub(text, at, i - at);
        blocks[a->n++] = (struct ask_block){.at = at,
                                            .len = block.len,
                                            .alone = hash64(0, block),
                                            .tokens = (uint32_t)block.len * 100,
                                            .section = (unsigned char)section,
                                            .message = message};
        longest = block.len > longest ? block.len : longest;
        section += c == '/' && section < ASK_MESSAGES;
        message += c == '+' && section == ASK_MESSAGES;
        at = i + 1;
    }
    a->parts.body = str_sub(text, 0, i);
    return i + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str text = {(const char *)bytes, n};
    struct volatile_watch *w = volatile_init(mem_new(VOLATILE_BYTES), 7);
    struct volatile_place found[4];
    struct ask_block blocks[MOST];
    struct ask a = {.state = ASK_GOOD, .blocks = blocks};
    longest = 0;
    for (int64_t now_s = 1780000000; text.len; now_s++) {
        text = str_from_offset(text, read_prompt(text, &a, blocks));
        volatile_note(w, &a, 0, 1, now_s);
        size_t looks = volatile_look(&a, found, 4);
        for (size_t i = 0; i < looks; i++)
            assert(found[i].offset <= longest);
    }
    volatile_each(w, check, NULL);
    mem_free(w);
    return 0;
}
