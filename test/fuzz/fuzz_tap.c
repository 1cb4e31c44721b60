/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an answer of any operation in any shape: whole and cut up, the same is told, and no
 * count is beyond what a count can be. The first two bytes say which, and how to cut.
 */
#include "weir/base/mem.h"
#include "weir/gate/tap.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum operation_id operations[] = {
    OP_CONVERSE, OP_CONVERSE_STREAM, OP_INVOKE, OP_INVOKE_STREAM, OP_MESSAGES,
    OP_CHAT,     OP_RESPONSES,       OP_OTHER};
static const struct str types[] = {STR("application/json"),
                                   STR("application/vnd.amazon.eventstream"),
                                   STR("text/event-stream"), STR("")};

struct told {
    struct tap_usage u;
    char invoked[2048];
    enum stream_shape shape;
    bool between;
};

static void check(const struct tap_usage *u)
{
    for (int i = 0; i < TOKENS; i++)
        assert(u->usage.tokens[i] <= USAGE_MOST_TOKENS);
    assert(u->invoked.len <= 2048 && (int)u->lane < (int)LANES);
    assert(!u->told || u->has_input);
}

static void feed(struct tap *t, struct str all, size_t step)
{
    for (size_t at = 0; at < all.len; at += step) {
        size_t len = all.len - at < step ? all.len - at : step;
        char *exact = mem_new(len);
        memcpy(exact, all.ptr + at, len);
        tap_feed(t, str_from(exact, len));
        mem_free(exact);
        check(tap_usage(t));
    }
}

static void read_all(const uint8_t *how, struct str all, size_t step, struct told *out)
{
    struct fields fields = {0};
    fields_add(&fields, S("content-type"), types[how[0] >> 3 & 3]);
    if (how[0] & 0x20)
        fields_add(&fields, S("x-amzn-bedrock-input-token-count"), str_sub(all, 0, 3));
    struct tap *t = tap_new(operation_row(operations[how[0] & 7]), 200, &fields);
    feed(t, all, step);
    memset(out, 0, sizeof *out);
    out->shape = tap_shape(t);
    out->between = tap_between(t);
    tap_end(t);
    out->u = *tap_usage(t);
    check(&out->u);
    if (out->u.invoked.len)
        memcpy(out->invoked, out->u.invoked.ptr, out->u.invoked.len);
    tap_free(t);
}

static void same(const struct told *a, const struct told *b)
{
    assert(memcmp(&a->u.usage, &b->u.usage, sizeof a->u.usage) == 0);
    assert(a->u.told == b->u.told && a->u.has_input == b->u.has_input);
    assert(a->u.unreadable == b->u.unreadable && a->u.disagree == b->u.disagree);
    assert(a->u.exception == b->u.exception && a->u.text_bytes == b->u.text_bytes);
    assert(a->u.has_tier == b->u.has_tier && a->u.lane == b->u.lane);
    assert(a->u.invoked.len == b->u.invoked.len);
    assert(memcmp(a->invoked, b->invoked, sizeof a->invoked) == 0);
    assert(a->shape == b->shape && a->between == b->between);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told whole, cut;
    if (size < 2)
        return 0;
    struct str all = {(const char *)data + 2, size - 2};
    read_all(data, all, size, &whole);
    read_all(data, all, 1 + data[1] % 64, &cut);
    same(&whole, &cut);
    return 0;
}
