/* SPDX-License-Identifier: Apache-2.0
 *
 * All that a worker does for a prompt beyond the strict scan, as gate/caching.c does it, without
 * the exchange around it: parts, blocks and hashes, the index, what is volatile, the plan, its
 * edits, and the marks once it went out. The second hash over an edited body is not in it.
 *
 * The index is full. Prompts are of so many sessions: of one, whose entries stay in the
 * processor's caches, or (cold) of as many as together are far larger than those, in turn.
 *
 *     new        every prompt is another one from its first block on
 *     same       the same prompt again
 *     extends    each has two blocks more than the session's last one
 *     clock      only the first block, of 16 KiB, is another one each time
 *
 * A row is the median of its passes, since on a shared machine a mean is of the others' work.
 */
#include "micro_plan.h"

#include "micro_index.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/book/catalogue.h"
#include "weir/gate/cache_prompt.h"
#include "weir/gate/facts.h"
#include "weir/gate/shared_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20, KIB = 1 << 10, DIGITS = 8, GROWS = 2, CLOCK_BYTES = 16 * KIB };
enum { COLD_BLOCKS = 120000 }; /* times 512 bytes that a look-up reads: the whole index */
enum shape { NEW, SAME, EXTENDS, CLOCK };

struct row {
    struct str name;
    enum shape shape;
    bool agent; /* blocks are tool calls and their results; else texts */
    bool cold;
    size_t blocks, size_bytes;
    size_t passes;
};

/* A body in the making: where each block's number stands, and where its message ends. */
struct script {
    struct buf text;
    size_t blocks;
    size_t numbers[ASK_BLOCKS_MOST], ends[ASK_BLOCKS_MOST];
};

enum part { SCAN, PARTS, ASK, SITES, SEE, WATCH, PLAN, EDITS, HEARD, WHOLE, N_PARTS };
static const char *const part_words[] = {"scan",  "parts", "ask",   "sites", "see",
                                         "watch", "plan",  "edits", "heard", ""};

struct samples {
    double *ns[N_PARTS];
    size_t n;
};

static struct ask_block blocks[ASK_BLOCKS_MOST];
static struct cache_site sites[ASK_BLOCKS_MOST];
static const struct str model = STR("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
static const struct str client = STR("bench");

/* --- bodies */

static void add_text(struct buf *b, size_t size_bytes)
{
    size_t from = buf_len(b);
    while (buf_len(b) - from < size_bytes)
        buf_add(b, S("The keeper wrote: \\\"the gate stands open\\\".\\n"));
}

static void add_message(struct buf *b, size_t i, bool agent, size_t size_bytes)
{
    size_t from = buf_len(b);
    buf_addf(b, "{\"role\":\"%s\",\"content\":[", i % 2 ? "assistant" : "user");
    if (!agent)
        buf_addf(b, "{\"text\":\"%08zu", i);
    else if (i % 2)
        buf_addf(
            b, "{\"toolUse\":{\"toolUseId\":\"%08zu\",\"name\":\"read\",\"input\":{\"path\":\"", i);
    else
        buf_addf(b, "{\"toolResult\":{\"toolUseId\":\"%08zu\",\"content\":[{\"text\":\"", i);
    struct str close = !agent ? S("\"}]}") : i % 2 ? S("\"}}}]}") : S("\"}]}}]}");
    size_t used = buf_len(b) - from + close.len;
    add_text(b, size_bytes > used + 45 ? size_bytes - used - 45 : 0);
    buf_add(b, close);
}

static void make(struct script *s, const struct row *row)
{
    size_t each = row->size_bytes / row->blocks;
    *s = (struct script){.blocks = row->blocks};
    buf_add(&s->text, S("{\"system\":[{\"text\":\"00000000"));
    s->numbers[0] = buf_len(&s->text) - DIGITS;
    add_text(&s->text, row->shape == CLOCK ? CLOCK_BYTES : each - 60);
    buf_add(&s->text, S("\"}],\"messages\":["));
    for (size_t i = 1; i < s->blocks; i++) {
        size_t at = buf_len(&s->text);
        add_message(&s->text, i - 1, row->agent, each);
        struct str added = str_from_offset(buf_str(&s->text), at);
        const char *number = strstr(added.ptr, row->agent ? "Id\":\"" : "text\":\"");
        s->numbers[i] = (size_t)(number - s->text.data) + (row->agent ? 5 : 7);
        s->ends[i] = buf_len(&s->text);
        buf_add_char(&s->text, ','); /* there the body ends, or goes on */
    }
    buf_add_char(&s->text, '{');
}

/* As if another session had written it, or its first blocks. */
static void renumber(struct script *s, uint64_t session, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char digits[DIGITS + 1];
        snprintf(digits, sizeof digits, "%08u",
                 (unsigned)((session * 2654435761 + i * 40503) % 100000000));
        memcpy(s->text.data + s->numbers[i], digits, DIGITS);
    }
}

/* With so many blocks. Lasts until the next call. */
static struct str body_of(struct script *s, size_t n)
{
    for (size_t i = 1; i < s->blocks; i++)
        memcpy(s->text.data + s->ends[i], i == n - 1 ? "]}" : ",{", 2);
    return str_from(s->text.data, s->ends[n - 1] + 2);
}

/* --- one prompt */

/* Of Claude's as the catalogue has them. */
static const struct cache_terms terms = {
    .mode = CACHE_AUTO,
    .fields = 1u << ASK_TOOLS | 1u << ASK_SYSTEM | 1u << ASK_MESSAGES,
    .ttls = TTL_5M | TTL_1H,
    .most_markers = 4,
    .least_tokens = 1024,
    .after_tool_result = true,
    .renews = true,
    .read = 0.1F,
    .write_5m = 1.25F,
    .write_1h = 2,
    .hit = 1,
    .exploring = 0.004F,
};

static void fail(const char *what)
{
    fprintf(stderr, "weir-micro: %s\n", what);
    exit(1);
}

static void scan(struct str body, struct facts *f)
{
    *f = (struct facts){0};
    while (facts_read(f, body, S("modelId")) == FACTS_MORE)
        ;
}

static void read_blocks(struct ask *a, uint64_t seed, const struct ask_parts *parts)
{
    ask_begin(a, ASK_CONVERSE, seed, parts, blocks, ASK_BLOCKS_MOST);
    while (ask_step(a) == ASK_MORE)
        ;
    if (a->state != ASK_GOOD)
        fail(a->why);
}

static size_t count_known(size_t n)
{
    size_t known = 0;
    while (known < n && sites[known].known)
        known++;
    return known;
}

static void once(struct shared_cache *c, const struct config *config, struct str body, uint32_t now,
                 int64_t at[WHOLE + 1])
{
    static struct facts f;
    static struct ask a;
    struct ask_parts parts;
    struct cache_plan plan;
    struct json_edit edits[CACHE_EDITS_MOST];
    int64_t now_s = now / 10;
    at[SCAN] = clock_mono_ns();
    scan(body, &f);
    at[PARTS] = clock_mono_ns();
    if (!facts_parts(&f, body, ASK_CONVERSE, &parts))
        fail("no prompt");
    at[ASK] = clock_mono_ns();
    read_blocks(&a, cache_prompt_seed(config, client, model), &parts);
    at[SITES] = clock_mono_ns();
    struct verdict v = shared_cache_verdict(c, model);
    struct cache_terms t = terms;
    if (!verdict_apply(&v, now_s, &t))
        fail("a verdict");
    struct tokens_scale scale = shared_cache_scale(c, model, client);
    uint64_t estimated = cache_prompt_sites(&a, &t, &scale, sites);
    bool control = cache_prompt_is_control(config, cache_prompt_draw(&a));
    at[SEE] = clock_mono_ns();
    shared_cache_see(c, sites, a.n, now, false);
    at[WATCH] = clock_mono_ns();
    shared_cache_watch(c, client, model, &a, count_known(a.n), t.least_tokens, now_s);
    at[PLAN] = clock_mono_ns();
    shared_cache_plan(c, client, &t, sites, a.n, S(""), now, false, &plan);
    at[EDITS] = clock_mono_ns();
    if (!control)
        (void)cache_prompt_edits(&a, &plan, edits);
    at[HEARD] = clock_mono_ns();
    shared_cache_mark(c, sites, &plan, now);
    const struct shared_cache_answer answer = {.model = model,
                                               .client = client,
                                               .estimated = estimated,
                                               .reported = estimated,
                                               .plan = plan.n ? &plan : NULL,
                                               .prefix_tokens = sites[a.n - 1].tokens,
                                               .read = plan.expect_read,
                                               .written = plan.expect_write_5m,
                                               .now_s = now_s};
    shared_cache_answered(c, &answer);
    at[WHOLE] = clock_mono_ns();
}

/* --- a row */

static size_t length_at(const struct row *row, size_t round, size_t rounds)
{
    return row->shape == EXTENDS ? row->blocks - GROWS * (rounds - 1 - round) : row->blocks;
}

static void keep(struct samples *s, const int64_t at[WHOLE + 1])
{
    for (int i = 0; i < WHOLE; i++)
        s->ns[i][s->n] = (double)(at[i + 1] - at[i]);
    s->ns[WHOLE][s->n] = (double)(at[WHOLE] - at[PARTS]);
    s->n++;
}

/* Every session once in each round; when all of them are long, with new ones. A session's first
 * prompt is new, and is measured only where all are. */
static void run(const struct row *row, struct samples *s)
{
    static struct script script;
    struct config config = {0};
    struct shared_cache *c = index_filled(64 * MIB);
    size_t sessions = row->cold ? COLD_BLOCKS / row->blocks : 1, rounds = row->cold ? 4 : 12;
    bool other = row->shape == NEW || row->shape == CLOCK; /* no prompt is known */
    uint64_t first = 1;
    uint32_t now = 1 << 26;
    int64_t at[WHOLE + 1];
    make(&script, row);
    for (; s->n < row->passes; first += sessions)
        for (size_t round = 0; round < rounds; round++)
            for (size_t i = 0; i < sessions && s->n < row->passes; i++) {
                renumber(&script, first + i + (other ? round << 32 : 0),
                         row->shape == CLOCK ? 1 : script.blocks);
                once(c, &config, body_of(&script, length_at(row, round, rounds)),
                     now += row->cold ? 1 : 300, at);
                if (round > 0 || other)
                    keep(s, at);
            }
    buf_fini(&script.text);
    shared_cache_free(c);
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_number);
    return x[n / 2];
}

static void print(const struct row *row, struct samples *s)
{
    printf("%-42.*s %9.0f ns\n", STR_ARG(row->name), median(s->ns[WHOLE], s->n));
    for (int i = 0; i < WHOLE; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s.%s", STR_ARG(row->name), part_words[i]);
        printf("%-42s %9.0f ns\n", name, median(s->ns[i], s->n));
    }
}

static const struct row rows[] = {
    {STR("plan.new.60.64KiB"), NEW, false, false, 60, 64 * KIB, 2000},
    {STR("plan.same.60.64KiB"), SAME, false, false, 60, 64 * KIB, 2000},
    {STR("plan.extends.60.64KiB"), EXTENDS, false, false, 60, 64 * KIB, 2000},
    {STR("plan.clock.60.64KiB"), CLOCK, false, false, 60, 64 * KIB, 2000},
    {STR("plan.extends-cold.60.64KiB"), EXTENDS, false, true, 60, 64 * KIB, 4000},
    {STR("plan.same-cold.60.64KiB"), SAME, false, true, 60, 64 * KIB, 4000},
    {STR("plan.new.500.1MiB"), NEW, false, false, 500, MIB, 300},
    {STR("plan.same.500.1MiB"), SAME, false, false, 500, MIB, 300},
    {STR("plan.extends.500.1MiB"), EXTENDS, false, false, 500, MIB, 300},
    {STR("plan.extends-cold.500.1MiB"), EXTENDS, false, true, 500, MIB, 500},
    {STR("plan.new.2700.1MiB"), NEW, true, false, 2700, MIB, 300},
    {STR("plan.same.2700.1MiB"), SAME, true, false, 2700, MIB, 300},
    {STR("plan.extends.2700.1MiB"), EXTENDS, true, false, 2700, MIB, 300},
    {STR("plan.extends-cold.2700.1MiB"), EXTENDS, true, true, 2700, MIB, 150},
};

void plan_rows(struct str prefix)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct samples s = {0};
        if (!str_starts(rows[i].name, prefix))
            continue;
        for (int k = 0; k < N_PARTS; k++)
            s.ns[k] = mem_new(rows[i].passes * sizeof(double));
        run(&rows[i], &s);
        print(&rows[i], &s);
        for (int k = 0; k < N_PARTS; k++)
            mem_free(s.ns[k]);
    }
}
