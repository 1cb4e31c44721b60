/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/ask over random prompts of every dialect: what is inserted is all that changes, and no hash
 * minds markers, the client's or ours; a changed byte changes the hashes from there on and none
 * before; a longer conversation keeps the hashes that it had.
 */
#include "ask_make.h"
#include "ask_tell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { BODIES = 3000 };

static struct ask_block room[3][ROOM];

/* One body, and a choice of blocks to mark in it. */
struct trial {
    struct ask_make made;
    struct ask a;
    size_t chosen[ROOM], n;
    bool mark[ROOM];
    enum ask_ttl ttl;
};

static enum ask_ttl some_ttl(enum ask_dialect d)
{
    return d == ASK_RESPONSES ? ASK_30M : d == ASK_NOVA || random_below(2) ? ASK_5M : ASK_1H;
}

static void choose(struct trial *t)
{
    uint64_t one_in = 1 + random_below(8);
    t->ttl = some_ttl(t->made.d);
    for (size_t i = 0; i < t->a.n; i++) {
        t->mark[i] = ask_open(&t->a.blocks[i], true, 7) && random_below(one_in) == 0;
        if (t->mark[i])
            t->chosen[t->n++] = i;
    }
}

static void spans_in_order(const struct ask *a)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct ask_block *b = &a->blocks[i];
        assert_true(b->len && b->at + b->len <= a->parts.body.len);
        assert_true(b->mark_at > b->at && b->mark_at <= b->at + b->len);
        assert_true(i == 0 || b[-1].section <= b->section);
        if (i && b[-1].section == b->section)
            assert_true(b[-1].at + b[-1].len < b->at);
    }
}

static void begin(struct trial *t, uint64_t seed)
{
    *t = (struct trial){0};
    random_seed(seed);
    ask_make(&t->made);
    ask_all(&t->a, t->made.d, buf_str(&t->made.body), room[0], ROOM);
    if (t->a.state != ASK_GOOD)
        print_error("%s: %s\n", t->a.why, buf_cstr(&t->made.body));
    assert_int_equal(t->a.state, ASK_GOOD);
    assert_int_equal(t->a.own_markers, t->made.own);
    spans_in_order(&t->a);
    choose(t);
}

static void end(struct trial *t)
{
    buf_fini(&t->made.body);
}

/* The same but for the markers that `mark` says. */
static void same_but_marked(const struct trial *t, const struct ask *e)
{
    assert_int_equal(e->state, ASK_GOOD);
    assert_int_equal(e->n, t->a.n);
    assert_int_equal(e->own_markers, t->a.own_markers + t->n);
    for (size_t i = 0; i < e->n; i++) {
        const struct ask_block *was = &t->a.blocks[i], *is = &e->blocks[i];
        assert_int_equal(is->hash, was->hash);
        assert_int_equal(is->tokens, was->tokens);
        assert_int_equal(is->bar, was->bar);
        assert_int_equal(is->own, t->mark[i] ? t->ttl : was->own);
    }
}

/* Takes out what went in. */
static void is_the_original(const struct trial *t, struct str edited)
{
    struct str body = buf_str(&t->made.body);
    size_t from = 0;
    for (size_t at = 0; at < edited.len; at++)
        if (from < body.len && edited.ptr[at] == body.ptr[from])
            from++;
    assert_int_equal(from, body.len);
}

static void marked(void **state)
{
    for (uint64_t seed = 1; seed <= BODIES; seed++) {
        struct trial t;
        struct ask e;
        struct buf edited = {0};
        begin(&t, seed);
        ask_apply(&t.a, t.chosen, t.n, t.ttl, &edited);
        ask_all(&e, t.made.d, buf_str(&edited), room[1], ROOM);
        same_but_marked(&t, &e);
        is_the_original(&t, buf_str(&edited));
        buf_fini(&edited);
        end(&t);
    }
}

static void retime_one(struct trial *t, size_t i, enum ask_ttl ttl)
{
    struct str body = buf_str(&t->made.body), text;
    size_t at, len;
    struct buf edited = {0};
    struct ask e;
    if (!ask_retime(&t->a, i, ttl, &at, &len, &text))
        return;
    assert_true(at > t->a.blocks[i].own_at);
    assert_true(at + len < t->a.blocks[i].own_at + t->a.blocks[i].own_len);
    buf_add(&edited, str_sub(body, 0, at));
    buf_add(&edited, text);
    buf_add(&edited, str_from_offset(body, at + len));
    ask_all(&e, t->made.d, buf_str(&edited), room[1], ROOM);
    assert_int_equal(e.state, ASK_GOOD);
    assert_int_equal(e.n, t->a.n);
    for (size_t j = 0; j < e.n; j++) {
        assert_int_equal(e.blocks[j].hash, t->a.blocks[j].hash);
        assert_int_equal(e.blocks[j].own, j == i ? ttl : t->a.blocks[j].own);
    }
    buf_fini(&edited);
}

static void retimed(void **state)
{
    for (uint64_t seed = 1; seed <= BODIES; seed++) {
        struct trial t;
        begin(&t, seed);
        for (size_t i = 0; i < t.a.n; i++)
            retime_one(&t, i, t.a.blocks[i].own == ASK_1H ? ASK_5M : ASK_1H);
        end(&t);
    }
}

/* Another letter in a text of block i. */
static void changed(void **state)
{
    for (uint64_t seed = 1; seed <= BODIES; seed++) {
        struct trial t;
        struct ask e;
        begin(&t, seed);
        size_t i = random_below(t.a.n);
        const struct ask_block *b = &t.a.blocks[i];
        char *z = memchr(t.made.body.data + t.made.body.head + b->at, 'Z', b->len);
        if (z) {
            *z = 'Y';
            ask_all(&e, t.made.d, buf_str(&t.made.body), room[1], ROOM);
            assert_int_equal(e.n, t.a.n);
            for (size_t j = 0; j < e.n; j++)
                assert_int_equal(e.blocks[j].hash == t.a.blocks[j].hash, j < i);
        }
        end(&t);
    }
}

static void longer(void **state)
{
    static const struct str more = STR(",{\"role\":\"user\",\"content\":[{\"text\":\"x\",\"type\":"
                                       "\"text\"}]}");
    for (uint64_t seed = 1; seed <= BODIES; seed++) {
        struct trial t;
        struct ask e;
        struct buf grown = {0};
        begin(&t, seed);
        struct str body = buf_str(&t.made.body), list = t.a.parts.messages;
        size_t close = (size_t)(list.ptr - body.ptr) + list.len - 1;
        buf_add(&grown, str_sub(body, 0, close));
        buf_add(&grown, more);
        buf_add(&grown, str_from_offset(body, close));
        ask_all(&e, t.made.d, buf_str(&grown), room[1], ROOM);
        assert_int_equal(e.state, ASK_GOOD);
        assert_int_equal(e.n, t.a.n + 1);
        for (size_t j = 0; j < t.a.n; j++)
            assert_int_equal(e.blocks[j].hash, t.a.blocks[j].hash);
        buf_fini(&grown);
        end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marked),
        cmocka_unit_test(retimed),
        cmocka_unit_test(changed),
        cmocka_unit_test(longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
