/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's own reader as a witness of plan/ask, over random prompts of every dialect: it
 * finds as many blocks, takes every prompt with Weir's markers that it takes without, and finds as
 * many markers more, behind the blocks that were meant; what it is asked stays the same.
 */
#include "../plan/ask_make.h"
#include "../plan/ask_tell.h"
#include "prompt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { BODIES = 4000 };

static struct ask_block room[ROOM];

struct reading {
    struct tree tree;
    struct prompt prompt;
    struct refusal why;
    bool taken;
};

static const char *model_of(const struct ask_make *m)
{
    static const char *const models[] = {
        [ASK_CONVERSE] = "anthropic.claude-sonnet-4-6",
        [ASK_CLAUDE] = "anthropic.claude-sonnet-4-6",
        [ASK_NOVA] = "amazon.nova-2-lite-v1:0",
        [ASK_CHAT] = "us.openai.gpt-5.6-sol",
        [ASK_RESPONSES] = "us.openai.gpt-5.6-sol",
    };
    return models[m->nova_model ? ASK_NOVA : m->d];
}

static bool read_prompt(struct reading *r, enum ask_dialect d)
{
    switch (d) {
    case ASK_NONE:
        return false;
    case ASK_CONVERSE:
        return prompt_read_converse(&r->prompt, &r->tree, tree_root(&r->tree), &r->why);
    case ASK_CLAUDE:
        return prompt_read_claude(&r->prompt, &r->tree, false, false, &r->why);
    case ASK_NOVA:
        return prompt_read_nova(&r->prompt, &r->tree, &r->why);
    case ASK_CHAT:
        return prompt_read_chat(&r->prompt, &r->tree, &r->why);
    case ASK_RESPONSES:
        return prompt_read_responses(&r->prompt, &r->tree, &r->why);
    }
    return false;
}

static void read_body(struct reading *r, const struct ask_make *m, struct str body)
{
    struct model_ref ref;
    *r = (struct reading){0};
    assert_int_equal(tree_parse(&r->tree, body), 0);
    assert_true(model_find(str_of(model_of(m)), &ref, &r->why));
    r->prompt.model = ref.model;
    r->taken = read_prompt(r, m->d);
}

static void forget(struct reading *r)
{
    prompt_fini(&r->prompt);
    tree_fini(&r->tree);
}

/* As many as there is room for, anywhere, of the client's own TTL. */
static size_t choose(const struct ask *a, const struct ask_make *m, size_t *chosen)
{
    size_t n = 0, most = ASK_MARKERS_MOST - a->own_markers;
    uint64_t one_in = 1 + random_below(4);
    for (size_t i = 0; i < a->n && n < most; i++)
        if (ask_open(&a->blocks[i], !m->nova_model, m->nova_model ? 6 : 7) &&
            random_below(one_in) == 0)
            chosen[n++] = i;
    return n;
}

static void compare(const struct reading *was, const struct reading *is, const size_t *chosen,
                    size_t n)
{
    assert_int_equal(is->prompt.n, was->prompt.n);
    assert_int_equal(is->prompt.marks, was->prompt.marks + n);
    for (size_t i = 0; i < is->prompt.n; i++)
        assert_memory_equal(is->prompt.blocks[i].hash, was->prompt.blocks[i].hash, PROMPT_HASH);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(was->prompt.blocks[chosen[i]].mark, PROMPT_UNMARKED);
        assert_int_not_equal(is->prompt.blocks[chosen[i]].mark, PROMPT_UNMARKED);
    }
}

static enum ask_ttl ttl_of(const struct ask_make *m)
{
    return m->d == ASK_RESPONSES ? ASK_30M : m->ttl && m->ttl[0] == '1' ? ASK_1H : ASK_5M;
}

/* How many markers went in; -1: not even the original is taken. */
static int one(uint64_t seed)
{
    struct ask_make m = {0};
    struct ask a;
    struct reading was, is;
    struct buf edited = {0};
    size_t chosen[ROOM], n;
    random_seed(seed);
    ask_make(&m);
    assert_int_equal(ask_all(&a, m.d, buf_str(&m.body), room, ROOM), ASK_GOOD);
    n = choose(&a, &m, chosen);
    ask_apply(&a, chosen, n, ttl_of(&m), &edited);
    read_body(&was, &m, buf_str(&m.body));
    read_body(&is, &m, buf_str(&edited));
    if (was.taken && !is.taken)
        fail_msg("%s\n%s", is.why.message, buf_cstr(&edited));
    if (was.taken) {
        assert_int_equal(was.prompt.n, a.n);
        compare(&was, &is, chosen, n);
    }
    int marks = was.taken ? (int)n : -1;
    forget(&was);
    forget(&is);
    buf_fini(&edited);
    buf_fini(&m.body);
    return marks;
}

static void takes_every_marked_prompt(void **state)
{
    int taken = 0, marks = 0;
    for (uint64_t seed = 1; seed <= BODIES; seed++) {
        int n = one(seed);
        taken += n >= 0;
        marks += n > 0 ? n : 0;
    }
    print_message("# %d prompts, %d taken, %d marks\n", BODIES, taken, marks);
    assert_true(taken > BODIES / 2 && marks > taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(takes_every_marked_prompt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
