/* SPDX-License-Identifier: Apache-2.0
 *
 * Words drawn from the hash by a small generator: the same everywhere, for ever.
 */
#include "answer.h"

#include <string.h>

static const struct str words[32] = {
    STR("amber"),  STR("basin"),  STR("cedar"),  STR("delta"),  STR("ember"), STR("fjord"),
    STR("grove"),  STR("heron"),  STR("inlet"),  STR("jetty"),  STR("kelp"),  STR("lagoon"),
    STR("marsh"),  STR("north"),  STR("otter"),  STR("pebble"), STR("quay"),  STR("river"),
    STR("sluice"), STR("tide"),   STR("upland"), STR("valley"), STR("weir"),  STR("yonder"),
    STR("zephyr"), STR("bridge"), STR("canal"),  STR("dam"),    STR("eddy"),  STR("ford"),
    STR("gravel"), STR("harbor"),
};

static uint64_t step(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void add_words(struct buf *b, uint64_t *state, size_t bytes)
{
    while (buf_len(b) < bytes) {
        buf_add_char(b, ' ');
        buf_add(b, words[step(state) % 32]);
    }
}

static void make_text(struct answer *a, const unsigned char *digest, uint64_t max_tokens,
                      const struct fault *f)
{
    uint64_t state;
    memcpy(&state, digest + 8, sizeof state);
    state |= 1;
    size_t want = 60 + (size_t)digest[31];
    if (f->chunks > 0 && want < 8 * (size_t)f->chunks)
        want = 8 * (size_t)f->chunks;
    if (f->bytes >= 0)
        want = (size_t)f->bytes;
    buf_addf(&a->text, "sim %s:", a->hash);
    add_words(&a->text, &state, want);
    size_t most = f->bytes >= 0 ? want : max_tokens ? (size_t)max_tokens * 4 : SIZE_MAX;
    a->stop = "end_turn";
    if (f->bytes < 0 && buf_len(&a->text) > most)
        a->stop = "max_tokens";
    if (buf_len(&a->text) > most)
        a->text.tail = a->text.head + most;
}

static void make_tool_call(struct answer *a, struct str tool)
{
    a->tool = tool;
    a->stop = "tool_use";
    buf_addf(&a->tool_input, "{\"question\":\"%s\",\"unit\":\"celsius\"}", a->hash);
}

void answer_make(struct answer *a, const unsigned char digest[SHA256_BYTES], uint64_t max_tokens,
                 struct str tool, const struct fault *f)
{
    char hex[SHA256_HEX];
    *a = (struct answer){0};
    sha256_hex(digest, hex);
    memcpy(a->hash, hex, 16);
    if (tool.len)
        make_tool_call(a, tool);
    else
        make_text(a, digest, max_tokens, f);
    size_t bytes = buf_len(tool.len ? &a->tool_input : &a->text);
    a->tokens = (bytes + 3) / 4;
    a->deltas = f->chunks >= 0 ? (size_t)f->chunks : bytes / 24 + 1;
    if (f->chunks < 0 && a->deltas > 64)
        a->deltas = 64;
    if (f->guardrail)
        a->stop = "guardrail_intervened";
}

void answer_fini(struct answer *a)
{
    buf_fini(&a->text);
    buf_fini(&a->tool_input);
}

struct str answer_delta(const struct answer *a, size_t i)
{
    struct str all = buf_str(a->tool.len ? &a->tool_input : &a->text);
    size_t begin = all.len * i / a->deltas, end = all.len * (i + 1) / a->deltas;
    return str_sub(all, begin, end - begin);
}
