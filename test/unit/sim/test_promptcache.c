/* SPDX-License-Identifier: Apache-2.0
 *
 * Prompt-cache semantics as a table of steps. A prompt is written as blocks: a letter (its
 * content), thousands of tokens, and perhaps a marker, `5` (5m) or `1` (1h):
 *
 *     "A3 B2*5 C1"     three blocks, 3,000 + 2,000 + 1,000 tokens, the second marked for 5 minutes
 */
#include "../wire/vectors.h"
#include "promptcache.h"

static void make_prompt(struct prompt *p, const char *text, const char *model)
{
    struct model_ref ref;
    struct refusal why;
    *p = (struct prompt){0};
    assert_true(model_find(str_of(model), &ref, &why));
    p->model = ref.model;
    for (struct str rest = str_of(text); rest.len;) {
        struct str word = str_cut(&rest, ' ');
        char content[8] = {word.ptr[0], word.ptr[0]};
        prompt_add_text(p, PROMPT_MESSAGES, 'u', str_of(content));
        struct prompt_block *b = &p->blocks[p->n - 1];
        p->tokens -= b->tokens;
        b->tokens = (uint64_t)(word.ptr[1] - '0') * 1000;
        p->tokens += b->tokens;
        ptrdiff_t star = str_chr(word, '*');
        if (star < 0)
            continue;
        b->mark = word.ptr[star + 1] == '1' ? PROMPT_1H : PROMPT_5M;
        p->marks++;
    }
}

struct step {
    int at_minutes;
    const char *account, *prompt;
    unsigned read, write_5m, write_1h, plain; /* thousands */
};

static void play(const char *model, const struct step *steps, size_t n)
{
    struct promptcache cache = {0};
    for (size_t i = 0; i < n; i++) {
        struct prompt p;
        struct promptcache_use u;
        make_prompt(&p, steps[i].prompt, model);
        promptcache_settle(&cache, &p, str_of(steps[i].account), str_of(model),
                           1000000 + steps[i].at_minutes * 60000LL, &u);
        prompt_fini(&p);
        if (u.read == steps[i].read * 1000 && u.write_5m == steps[i].write_5m * 1000 &&
            u.write_1h == steps[i].write_1h * 1000 && u.plain == steps[i].plain * 1000)
            continue;
        fail_msg("step %zu (%s): read %u, 5m %u, 1h %u, plain %u", i, steps[i].prompt,
                 (unsigned)u.read, (unsigned)u.write_5m, (unsigned)u.write_1h, (unsigned)u.plain);
    }
    promptcache_fini(&cache);
}
#define PLAY(model, steps) play(model, steps, sizeof(steps) / sizeof *(steps))

static const char sonnet[] = "anthropic.claude-sonnet-4-6", haiku[] = "anthropic.claude-haiku-4-5";

static void writes_then_reads(void **state)
{
    static const struct step steps[] = {
        {0, "a", "A3*5 B2", 0, 3, 0, 2},    {1, "a", "A3*5 C2", 3, 0, 0, 2},
        {1, "a", "A3 C2", 0, 0, 0, 5},      /* without a marker nothing is looked up */
        {1, "a", "D3*5 C2", 0, 3, 0, 2},    /* another prefix */
        {1, "b", "A3*5 B2", 0, 3, 0, 2},    /* another account */
        {1, "a", "A3 C2*5 E1", 3, 2, 0, 1}, /* extends what is there */
        {1, "a", "A3 C2 E1*5", 5, 1, 0, 0},
    };
    PLAY(sonnet, steps);
}

static void has_a_minimum(void **state)
{
    static const struct step steps[] = {
        {0, "a", "A4*5 B2", 0, 0, 0, 6}, /* 4,000 < 4,096 */
        {0, "a", "A4*5 B2", 0, 0, 0, 6},
        {0, "a", "A4 B2*5", 0, 6, 0, 0}, /* cumulative */
        {0, "a", "A4*5 B2*5 C1", 6, 0, 0, 1},
    };
    PLAY(haiku, steps);
}

static void forgets_and_refreshes(void **state)
{
    static const struct step steps[] = {
        {0, "a", "A3*5", 0, 3, 0, 0},
        {4, "a", "A3*5", 3, 0, 0, 0}, /* and begins anew */
        {8, "a", "A3*5", 3, 0, 0, 0},
        {13, "a", "A3*5", 0, 3, 0, 0}, /* exactly 5 minutes later: gone */
        {20, "a", "A3*1", 0, 0, 3, 0},
        {79, "a", "A3*1", 3, 0, 0, 0},
        {138, "a", "A3*1", 3, 0, 0, 0},
        {198, "a", "A3*1", 0, 0, 3, 0},
    };
    PLAY(sonnet, steps);
}

static void splits_writes_by_ttl(void **state)
{
    static const struct step steps[] = {
        {0, "a", "A2*1 B3*5 C1", 0, 3, 2, 1},  {1, "a", "A2*1 B3*5 C1", 5, 0, 0, 1},
        {10, "a", "A2*1 B3*5 C1", 2, 3, 0, 1}, /* the hour lives, the five minutes do not */
        {12, "a", "A2*1 D4*5 C1", 2, 4, 0, 1}, {71, "a", "A2*1", 2, 0, 0, 0},
    };
    PLAY(sonnet, steps);
}

/* 20 places are looked at: the marker's own and 19 before it. */
static void looks_back(void **state)
{
    static const struct step steps[] = {
        {0, "a", "A2*5", 0, 2, 0, 0},
        {1, "a", "A2 b0 c0 d0 e0 f0 g0 h0 i0 j0 k0 l0 m0 n0 o0 p0 q0 r0 s0 t1*5", 2, 1, 0, 0},
        {5, "a", "A2*5", 2, 0, 0, 0},
        {7, "a", "A2 u0 c0 d0 e0 f0 g0 h0 i0 j0 k0 l0 m0 n0 o0 p0 q0 r0 s0 t0 v1*5", 0, 3, 0, 0},
        {7, "a", "A2*5 u0 c0 d0 e0 f0 g0 h0 i0 j0 k0 l0 m0 n0 o0 p0 q0 r0 s0 t0 w1*5", 2, 1, 0, 0},
    };
    PLAY(sonnet, steps);
}

static void caps_novas(void **state)
{
    static const struct step steps[] = {
        {0, "a", "A9*5 B9*5 C9*5", 0, 18, 0, 9}, /* at most 20,000 tokens */
        {1, "a", "A9*5 B9*5 C9*5", 18, 0, 0, 9},
    };
    PLAY("amazon.nova-lite-v1:0", steps);
}

static void leaves_other_models_alone(void **state)
{
    static const struct step steps[] = {{0, "a", "A9 B9", 0, 0, 0, 18}};
    PLAY("meta.llama3-3-70b-instruct-v1:0", steps);
}

/* GPT models cache by themselves, for 30 minutes; the older ones charge nothing for writing. */
static void caches_implicitly(void **state)
{
    static const struct step steps[] = {
        {0, "a", "A2 B1", 0, 0, 0, 3},
        {29, "a", "A2 B1 C1", 3, 0, 0, 1},
        {70, "a", "A2 B1 C1", 0, 0, 0, 4},
    };
    PLAY("openai.gpt-5.5", steps);
}

static void keeps_thousands(void **state)
{
    struct promptcache cache = {0};
    struct promptcache_use u;
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 5000; i++) {
            struct prompt p;
            char account[16];
            snprintf(account, sizeof account, "%u", i);
            make_prompt(&p, "A3*5", sonnet);
            promptcache_settle(&cache, &p, str_of(account), str_of(sonnet), 1000 + round, &u);
            assert_int_equal(u.read, round * 3000);
            prompt_fini(&p);
        }
    }
    promptcache_fini(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_then_reads),
        cmocka_unit_test(has_a_minimum),
        cmocka_unit_test(forgets_and_refreshes),
        cmocka_unit_test(splits_writes_by_ttl),
        cmocka_unit_test(looks_back),
        cmocka_unit_test(caps_novas),
        cmocka_unit_test(leaves_other_models_alone),
        cmocka_unit_test(caches_implicitly),
        cmocka_unit_test(keeps_thousands),
    };
    return cmocka_run_group_tests_name("sim/promptcache", tests, NULL, NULL);
}
