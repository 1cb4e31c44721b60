/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks, their hashes and their tokens, and the rules of markers that all dialects share.
 *
 * Token counting is ours, but fixed: a text costs a token per four bytes (rounded up), a block 3,
 * a message 4, a tool 10, a request 8 more; an image costs 1,500.
 */
#include "prompt.h"

#include "weir/base/mem.h"

#include <string.h>

enum { BLOCK_COST = 3, TOOL_COST = 10, REQUEST_COST = 8, IMAGE_COST = 1500 };

void prompt_fini(struct prompt *p)
{
    mem_free(p->blocks);
    buf_fini(&p->scratch);
    p->blocks = NULL;
}

static void add_block(struct prompt *p, enum prompt_section s, struct sha256 *h, uint64_t tokens)
{
    unsigned char digest[SHA256_BYTES];
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->blocks = mem_grow(p->blocks, p->cap * sizeof *p->blocks);
    }
    struct prompt_block *b = &p->blocks[p->n];
    sha256_end(h, digest);
    *b = (struct prompt_block){.section = s, .tokens = tokens + BLOCK_COST + p->overhead};
    memcpy(b->hash, digest, sizeof b->hash);
    if (p->n++ == 0)
        b->tokens += REQUEST_COST;
    p->tokens += b->tokens;
    p->overhead = 0;
}

static void begin_hash(struct sha256 *h, enum prompt_section s, char role, char kind)
{
    char head[3] = {(char)('0' + s), role, kind};
    sha256_init(h);
    sha256_add(h, (struct str){head, sizeof head});
}

void prompt_add_text(struct prompt *p, enum prompt_section s, char role, struct str text)
{
    struct sha256 h;
    begin_hash(&h, s, role, 't');
    sha256_add(&h, text);
    add_block(p, s, &h, (text.len + 3) / 4);
}

static bool is_marker(struct str key)
{
    return str_eq(key, S("cache_control")) || str_eq(key, S("cachePoint")) ||
           str_eq(key, S("prompt_cache_breakpoint"));
}

/* Feeds the value without white space and escapes; returns how many bytes that were. */
static uint64_t feed(struct prompt *p, const struct tree *t, struct sha256 *h, const struct node *n)
{
    char kind = (char)('a' + n->kind);
    uint64_t bytes = 1;
    sha256_add(h, (struct str){&kind, 1});
    if (n->kind < TREE_ARRAY) {
        buf_clear(&p->scratch);
        struct str value = n->kind == TREE_STRING ? tree_text(n, &p->scratch) : n->raw;
        sha256_add(h, value);
        return value.len + 1;
    }
    for (const struct node *c = tree_child(t, n); c; c = tree_next(t, c)) {
        sha256_add(h, c->key);
        sha256_add(h, S(":"));
        bytes += c->key.len + 1 + feed(p, t, h, c);
    }
    sha256_add(h, S("."));
    return bytes + 1;
}

static bool is_image(const struct tree *t, const struct node *n)
{
    return tree_get(t, n, S("image")) || tree_says(tree_get(t, n, S("type")), S("image")) ||
           tree_says(tree_get(t, n, S("type")), S("image_url")) ||
           tree_says(tree_get(t, n, S("type")), S("input_image"));
}

void prompt_add_node(struct prompt *p, const struct tree *t, enum prompt_section s, char role,
                     const struct node *n)
{
    struct sha256 h;
    uint64_t bytes = 0;
    begin_hash(&h, s, role, 'n');
    for (const struct node *c = tree_child(t, n); c; c = tree_next(t, c)) {
        if (is_marker(c->key))
            continue;
        sha256_add(&h, c->key);
        sha256_add(&h, S(":"));
        bytes += c->key.len + 1 + feed(p, t, &h, c);
    }
    uint64_t tokens = is_image(t, n) ? IMAGE_COST : (bytes + 3) / 4;
    add_block(p, s, &h, tokens + (s == PROMPT_TOOLS ? TOOL_COST : 0));
}

void prompt_question(const struct prompt *p, struct str model_id, unsigned char out[SHA256_BYTES])
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, model_id);
    for (size_t i = 0; i < p->n; i++)
        sha256_add(&h, (struct str){(const char *)p->blocks[i].hash, PROMPT_HASH});
    sha256_end(&h, out);
}

/* What the model itself refuses comes wrapped through Converse (public bug reports, 2025-2026). */
static const char *wrapping(const struct prompt *p)
{
    return p->converse ? "The model returned the following errors: " : "";
}

bool prompt_mark(struct prompt *p, enum prompt_ttl ttl, const char *where, struct refusal *out)
{
    if (ttl == PROMPT_1H && p->model->cache_min && !p->model->ttl_1h)
        return refusal_invalid(out, "%s%s.cache_control.ttl: Extra inputs are not permitted",
                               wrapping(p), where);
    if (ttl == PROMPT_1H && p->last_mark == PROMPT_5M)
        return refusal_invalid(out,
                               "%s%s.cache_control.ttl: a ttl='1h' cache_control block must not "
                               "come after a ttl='5m' cache_control block. Note that blocks are "
                               "processed in the following order: tools, system, messages.",
                               wrapping(p), where);
    p->blocks[p->n - 1].mark = ttl;
    p->last_mark = ttl;
    p->marks++;
    return true;
}

bool prompt_check_marks(const struct prompt *p, struct refusal *out)
{
    if (p->marks == 0)
        return true;
    if (p->model->cache_min == 0 || p->model->cache_fields == 0) {
        bool denied = p->model->refuse_status == 403;
        return refusal_set(out, denied ? 403 : 400,
                           denied ? "AccessDeniedException" : "ValidationException",
                           "You invoked an unsupported model or your request did not allow prompt "
                           "caching. See the documentation for more information.");
    }
    if (p->marks > PROMPT_MARKS_MOST)
        return refusal_invalid(out,
                               "%sA maximum of 4 blocks with cache_control may be provided. "
                               "Found %u.",
                               wrapping(p), p->marks);
    return true;
}
