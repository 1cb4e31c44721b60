/* SPDX-License-Identifier: Apache-2.0
 *
 * Any body as a prompt. The first byte says the dialect. What is found lies inside the body, in
 * order; what marks a block goes into the block; a marked body is strict, and has the same hashes.
 */
#include "../unit/plan/ask_tell.h"

#include "weir/base/mem.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ask_block room[2][ROOM];

static void check_block(const struct ask *a, size_t i)
{
    const struct ask_block *b = &a->blocks[i];
    assert(b->at < a->parts.body.len && b->len <= a->parts.body.len - b->at);
    assert(b->mark_at > b->at && b->mark_at <= b->at + b->len);
    assert(b->section < ASK_SECTIONS && b->message <= a->messages && b->bar <= ASK_BAR_KIND);
    assert(b->own || b->own_len == 0);
    if (b->own_len)
        assert(a->parts.body.ptr[b->own_at] == '{' &&
               a->parts.body.ptr[b->own_at + b->own_len - 1] == '}');
    if (i && b[-1].section == b->section)
        assert(b[-1].at + b[-1].len < b->at);
}

static void check_retime(const struct ask *a, size_t i, enum ask_ttl ttl)
{
    const struct ask_block *b = &a->blocks[i];
    size_t at, len;
    struct str text;
    if (!ask_retime(a, i, ttl, &at, &len, &text))
        return;
    assert(at > b->own_at && at + len < b->own_at + b->own_len);
    struct buf edited = {0};
    struct ask e;
    buf_add(&edited, str_sub(a->parts.body, 0, at));
    buf_add(&edited, text);
    buf_add(&edited, str_from_offset(a->parts.body, at + len));
    assert(ask_all(&e, a->dialect, buf_str(&edited), room[1], ROOM) == ASK_GOOD);
    assert(e.blocks[i].own == ttl && e.blocks[a->n - 1].hash == a->blocks[a->n - 1].hash);
    buf_fini(&edited);
}

/* All open blocks at once. */
static void check_marks(const struct ask *a, enum ask_ttl ttl)
{
    size_t chosen[ROOM], n = 0;
    struct ask_splice s[2];
    struct buf edited = {0};
    struct ask e;
    for (size_t i = 0; i < a->n; i++)
        if (ask_open(&a->blocks[i], true, 7) && ask_mark(a, i, ttl, s))
            chosen[n++] = i;
    ask_apply(a, chosen, n, ttl, &edited);
    assert(ask_all(&e, a->dialect, buf_str(&edited), room[1], ROOM) == ASK_GOOD);
    assert(e.n == a->n && e.own_markers == a->own_markers + n);
    for (size_t i = 0; i < a->n; i++)
        assert(e.blocks[i].hash == a->blocks[i].hash);
    buf_fini(&edited);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ask a;
    if (size < 1)
        return 0;
    char *exact = mem_new(size);
    memcpy(exact, data + 1, size - 1);
    enum ask_dialect d = data[0] % (ASK_RESPONSES + 1);
    if (ask_all(&a, d, str_from(exact, size - 1), room[0], ROOM) == ASK_GOOD && a.n) {
        for (size_t i = 0; i < a.n; i++)
            check_block(&a, i);
        for (size_t i = 0; i < a.n; i++)
            check_retime(&a, i, a.blocks[i].own == ASK_1H ? ASK_5M : ASK_1H);
        check_marks(&a, d == ASK_RESPONSES ? ASK_30M : data[0] & 128 ? ASK_1H : ASK_5M);
    }
    mem_free(exact);
    return 0;
}
