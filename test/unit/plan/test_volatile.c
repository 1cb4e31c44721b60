/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/volatile: what changes early in prompts that are otherwise alike is found, and said to be
 * what it is; what is only new, or comes back, is not told.
 */
#include "weir/plan/volatile.h"

#include "weir/base/buf.h"
#include "weir/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1780000000, MOST = 64 };

static struct volatile_watch *w;
static struct ask_block blocks[MOST];
static struct volatile_place found[VOLATILE_PLACES];
static size_t n_found;

static int setup(void **state)
{
    w = volatile_init(mem_new(VOLATILE_BYTES), 99);
    return 0;
}

static int teardown(void **state)
{
    mem_free(w);
    return 0;
}

static void ask_of(struct ask *a, struct str body, struct str tools, struct str system,
                   struct str messages)
{
    const struct ask_parts parts = {body, tools, system, messages};
    ask_begin(a, ASK_CLAUDE, 1, &parts, blocks, MOST);
    while (ask_step(a) == ASK_MORE)
        ;
    assert_int_equal(a->state, ASK_GOOD);
}

/* Some thousand bytes that are always the same for the same number. */
static void add_prose(struct buf *b, unsigned n, size_t bytes)
{
    static const char *const words[] = {"river", "stone", "lamp",  "under",  "seven",
                                        "never", "table", "south", "orange", "quiet"};
    for (size_t from = buf_len(b); buf_len(b) < from + bytes; n = n * 1103515245 + 12345)
        buf_addf(b, "%s ", words[n >> 16 & 7]);
}

/* One request: tools in an order, a system prompt of so much prose around a piece, and a question.
 */
struct request {
    const char *order;  /* of the tools: a letter each */
    const char *before; /* in front of the piece: prose up to it, so many bytes in hundreds */
    unsigned hundreds;
    const char *piece;
    unsigned question;
};

static void note_at(const struct request *r, size_t known, int64_t now_s)
{
    struct buf b = {0}, tools = {0}, system = {0}, messages = {0};
    struct ask a;
    buf_add_char(&tools, '[');
    for (const char *c = r->order; *c; c++) {
        buf_addf(&tools, "%s{\"name\":\"%c\",\"description\":\"", c > r->order ? "," : "", *c);
        add_prose(&tools, (unsigned)*c, 300);
        buf_add(&tools, S("\"}"));
    }
    buf_add_char(&tools, ']');
    buf_add(&system, S("[{\"type\":\"text\",\"text\":\""));
    add_prose(&system, 5, r->hundreds * 100);
    buf_addf(&system, "%s%s", r->before, r->piece);
    add_prose(&system, 6, 6000);
    buf_add(&system, S("\"}]"));
    buf_add(&messages, S("[{\"role\":\"user\",\"content\":\""));
    add_prose(&messages, 100 + r->question * 77, 900);
    buf_add(&messages, S("\"}]"));
    buf_add(&b, buf_str(&tools));
    buf_add(&b, buf_str(&system));
    buf_add(&b, buf_str(&messages));
    struct str body = buf_str(&b);
    struct str t = str_sub(body, 0, buf_len(&tools)), s = str_sub(body, t.len, buf_len(&system));
    ask_of(&a, body, t, s, str_from_offset(body, t.len + s.len));
    volatile_note(w, &a, known, 1024, now_s);
    buf_fini(&b);
    buf_fini(&tools);
    buf_fini(&system);
    buf_fini(&messages);
}

static void note(const struct request *r)
{
    note_at(r, 0, NOW);
}

static void keep(void *arg, const struct volatile_place *p)
{
    found[n_found++] = *p;
}

static size_t tell(void)
{
    n_found = 0;
    volatile_each(w, keep, NULL);
    return n_found;
}

/* With one question. */
static void ask_of_system(struct ask *a, struct buf *system)
{
    size_t len = buf_len(system);
    buf_add(system, S("[{\"role\":\"user\",\"content\":\"And?\"}]"));
    struct str body = buf_str(system);
    ask_of(a, body, S(""), str_sub(body, 0, len), str_from_offset(body, len));
}

static void note_system(struct buf *system)
{
    struct ask a;
    ask_of_system(&a, system);
    volatile_note(w, &a, 0, 1024, NOW);
    buf_fini(system);
}

/* --- kinds */

static const struct {
    const char *form; /* of the piece; %u is the number of the request */
    const char *before;
    unsigned first, step;
    enum volatile_kind kind;
} pieces[] = {
    {"2026-11-20T12:%02u:07Z. ", "It is ", 10, 1, VOLATILE_TIME},
    {"2026-11-%02u. ", "Today is ", 10, 1, VOLATILE_TIME},
    {"Friday, November %u, 2026. ", "Today is ", 8, 1, VOLATILE_TIME},
    {"%u:15 ", "The time is ", 8, 1, VOLATILE_TIME},
    {"1780000%03u ", "now=", 100, 7, VOLATILE_TIME},
    {"0f8fad5b-d9cb-469f-a165-7086%08x ", "session ", 0x1234, 0x7654321, VOLATILE_UUID},
    {"req_01HX%uZZQK9Q7 ", "request ", 51234, 7919, VOLATILE_ID},
    {"%u ", "turn ", 8, 1, VOLATILE_NUMBER},
    {"%u days ", "You have ", 995, 1, VOLATILE_NUMBER},
    {"\\n%u\\n", "", 995, 1, VOLATILE_NUMBER},
};

static void says_what_it_is(void **state)
{
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        for (unsigned hundreds = 0; hundreds < 30; hundreds += 7) {
            char piece[100];
            volatile_init(w, 99);
            for (unsigned n = 0; n < 6; n++) {
                snprintf(piece, sizeof piece, pieces[i].form, pieces[i].first + n * pieces[i].step);
                const struct request r = {"ab", pieces[i].before, hundreds, piece, n};
                note(&r);
            }
            if (tell() != 1 || found[0].kind != pieces[i].kind)
                fail_msg("%s at %u00: %zu found, %s", pieces[i].form, hundreds, n_found,
                         n_found ? volatile_word(found[0].kind).ptr : "");
            size_t at = strlen("{\"type\":\"text\",\"text\":\"") + hundreds * 100;
            assert_int_equal(found[0].section, ASK_SYSTEM);
            assert_int_equal(found[0].index, 0);
            assert_true(found[0].offset >= at && found[0].offset < at + 40);
            assert_int_equal(found[0].changes, 4); /* two are needed to compare */
        }
}

static void other_words_are_text(void **state)
{
    static const char *const names[] = {"Alice", "Bob", "Carol", "Dave", "Eve", "Frank"};
    for (unsigned n = 0; n < 6; n++) {
        const struct request r = {"", "You help ", 1, names[n], n};
        note(&r);
    }
    assert_int_equal(tell(), 1);
    assert_int_equal(found[0].kind, VOLATILE_TEXT);
}

static void a_billing_header(void **state)
{
    char header[200];
    for (unsigned n = 0; n < 6; n++) {
        snprintf(header, sizeof header,
                 "x-anthropic-billing-header: cc_version=2.1.%u; cc_entrypoint=cli; cch=%05x;", n,
                 n * 7919);
        const struct request r = {"abc", header, 0, "\\nYou are an agent. ", 1};
        note(&r);
    }
    assert_int_equal(tell(), 1);
    assert_int_equal(found[0].kind, VOLATILE_BILLING);
}

static void tools_in_another_order(void **state)
{
    static const char *const orders[] = {"abcde", "abdce", "abecd", "abdec", "abced", "cabde"};
    for (unsigned n = 0; n < 6; n++) {
        const struct request r = {orders[n], "", 0, "", 1};
        note(&r);
    }
    assert_int_equal(tell(), 1);
    assert_int_equal(found[0].kind, VOLATILE_ORDER);
    assert_int_equal(found[0].section, ASK_TOOLS);
    assert_int_equal(found[0].index, 0);
    assert_int_equal(found[0].changes, 5);
    assert_true(found[0].tokens > 5 * 1500); /* the system prompt is behind it */
}

/* --- what is no finding */

static void what_is_only_new(void **state)
{
    for (unsigned n = 0; n < 40; n++) {
        const struct request r = {"ab", "You are an agent. ", 0, "", n};
        note(&r);
    }
    assert_int_equal(tell(), 0);
}

static void other_prompts_altogether(void **state)
{
    for (unsigned n = 0; n < 40; n++) {
        struct buf b = {0};
        buf_add(&b, S("[{\"type\":\"text\",\"text\":\"You are an agent. Now it is 12:15. "));
        add_prose(&b, n * 31, 8000);
        buf_add(&b, S("\"}]"));
        note_system(&b);
    }
    assert_int_equal(tell(), 0);
}

static void what_comes_back(void **state)
{
    char piece[40];
    for (unsigned n = 0; n < 60; n++) { /* three versions in turn */
        snprintf(piece, sizeof piece, "2026-11-%02u ", 10 + n % 3);
        const struct request r = {"ab", "Today is ", 0, piece, n};
        note(&r);
    }
    assert_int_equal(tell(), 0);
    for (unsigned n = 0; n < 60; n++) { /* many of them, but the index knows them all */
        snprintf(piece, sizeof piece, "number %u ", n);
        const struct request r = {"ab", "You help customer ", 0, piece, n};
        note_at(&r, 3, NOW);
    }
    assert_int_equal(tell(), 0);
}

/* A date that changes once a day, a thousand requests each. */
static void what_changes_seldom(void **state)
{
    char piece[40];
    for (unsigned n = 0; n < 600; n++) {
        snprintf(piece, sizeof piece, "2026-11-%02u ", 10 + n / 100);
        const struct request r = {"ab", "Today is ", 0, piece, n};
        note(&r);
    }
    assert_int_equal(tell(), 0);
}

static void what_is_mended_is_forgotten(void **state)
{
    char piece[40];
    for (unsigned n = 0; n < 60; n++) {
        snprintf(piece, sizeof piece, "12:%02u ", n);
        const struct request r = {"ab", "It is ", 0, piece, n};
        note(&r);
    }
    assert_int_equal(tell(), 1);
    for (unsigned n = 0; n < 201; n++) {
        const struct request r = {"ab", "It is ", 0, "late", n};
        note(&r);
    }
    assert_int_equal(tell(), 0);
}

static void too_small_or_too_late(void **state)
{
    char piece[40];
    for (unsigned n = 0; n < 20; n++) {
        snprintf(piece, sizeof piece, "12:%02u ", n);
        const struct request r = {"ab", "It is ", 0, piece, n};
        note_at(&r, 0, NOW + n * 4000);
    }
    assert_int_equal(tell(), 0); /* nothing would have been cached so long */
}

/* A large block is seen by larger pieces, and not in its middle. */
static void in_a_large_block(void **state)
{
    static const struct {
        unsigned hundreds;
        size_t found;
    } rows[] = {{80, 1}, {150, 1}, {300, 1}, {400, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        volatile_init(w, 99);
        for (unsigned n = 0; n < 6; n++) {
            struct buf b = {0};
            buf_add(&b, S("[{\"type\":\"text\",\"text\":\""));
            add_prose(&b, 5, 100 * rows[i].hundreds);
            buf_addf(&b, "It is 12:%02u now. ", n + 10);
            add_prose(&b, 6, 40000);
            buf_add(&b, S("\"}]"));
            note_system(&b);
        }
        assert_int_equal(tell(), rows[i].found);
        if (n_found)
            assert_int_equal(found[0].kind, VOLATILE_TIME);
    }
}

/* --- and behind it */

static void tokens_and_months(void **state)
{
    char piece[40];
    for (unsigned n = 0; n < 12; n++) {
        snprintf(piece, sizeof piece, "12:%02u ", n);
        const struct request r = {"ab", "It is ", 0, piece, 1};
        note_at(&r, 0, NOW + n * 60);
    }
    assert_int_equal(tell(), 1);
    /* about 6,000 bytes of the system prompt and 900 of the question, ten times */
    assert_true(found[0].tokens > 10 * 1500 && found[0].tokens < 10 * 2200);
    assert_int_equal(found[0].last_s, NOW + 11 * 60);
    assert_int_equal(volatile_month(&found[0], found[0].first_s + 3599), 0);
    uint64_t month = volatile_month(&found[0], found[0].first_s + 3600);
    assert_true(month > found[0].tokens * 719 && month < found[0].tokens * 721);
    month = volatile_month(&found[0], found[0].first_s + 86400);
    assert_true(month > found[0].tokens * 29 && month < found[0].tokens * 31);
}

static void a_short_block_before_a_long_one(void **state)
{
    for (unsigned n = 0; n < 6; n++) {
        struct buf b = {0};
        buf_addf(&b, "[{\"type\":\"text\",\"text\":\"Run %u\"},{\"type\":\"text\",\"text\":\"",
                 n * 37);
        add_prose(&b, 3, 6000);
        buf_add(&b, S("\"}]"));
        note_system(&b);
    }
    assert_int_equal(tell(), 1);
    assert_int_equal(found[0].kind, VOLATILE_NUMBER);
    assert_int_equal(found[0].changes, 5);
    assert_int_equal(found[0].offset, 27);
}

static void several_programs_of_one_client(void **state)
{
    char piece[40];
    for (unsigned n = 0; n < 40; n++) {
        snprintf(piece, sizeof piece, "12:%02u ", n);
        const struct request a = {"ab", "It is ", 0, piece, n};
        const struct request b = {"cde", "Draw it. ", 3, "", n};
        const struct request c = {"", "Translate. ", 9, "", n};
        note(&b);
        note(n % 2 ? &a : &c);
    }
    assert_int_equal(tell(), 1);
    assert_int_equal(found[0].kind, VOLATILE_TIME);
}

/* One in twelve prompts, and every other one has something new elsewhere. */
static void among_many_others(void **state)
{
    char piece[40];
    for (unsigned n = 0; n < 120; n++) {
        snprintf(piece, sizeof piece, "12:%02u ", n / 12);
        const struct request a = {"", "It is ", 0, piece, n};
        const struct request b = {"cde", "Draw it. ", 3, "", n};
        note(n % 12 ? &b : &a);
    }
    assert_int_equal(tell(), 1);
    assert_int_equal(found[0].kind, VOLATILE_TIME);
    assert_int_equal(found[0].changes, 8);
}

/* --- one prompt alone */

static void looks_at_one_prompt(void **state)
{
    static const struct {
        const char *system;
        size_t n;
        enum volatile_kind kind;
        uint32_t offset;
    } rows[] = {
        {"You are an agent.", 0, 0, 0},
        {"Use the interface of 2023-05-31.", 0, 0, 0},
        {"Today's date is 2026-11-20.", 1, VOLATILE_TIME, 16},
        {"The current time: 12:15.", 1, VOLATILE_TIME, 18},
        {"x 0f8fad5b-d9cb-469f-a165-708677289501", 1, VOLATILE_UUID, 2},
        {"t=1780000000", 1, VOLATILE_TIME, 2},
        {"x-anthropic-billing-header: cc_version=2", 1, VOLATILE_BILLING, 0},
        {"ratio 1:20, 30 apples", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct volatile_place p[4];
        struct buf b = {0};
        struct ask a;
        buf_addf(&b, "[{\"type\":\"text\",\"text\":\"same\"},{\"type\":\"text\",\"text\":\"%s\"}]",
                 rows[i].system);
        ask_of_system(&a, &b);
        size_t n = volatile_look(&a, p, 4);
        if (n != rows[i].n)
            fail_msg("%s: %zu", rows[i].system, n);
        if (n) {
            assert_int_equal(p[0].kind, rows[i].kind);
            assert_int_equal(p[0].index, 1);
            assert_int_equal(p[0].section, ASK_SYSTEM);
            assert_int_equal(p[0].offset, rows[i].offset + 23);
        }
        buf_fini(&b);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(says_what_it_is),
        TEST(other_words_are_text),
        TEST(a_billing_header),
        TEST(tools_in_another_order),
        TEST(what_is_only_new),
        TEST(other_prompts_altogether),
        TEST(what_comes_back),
        TEST(what_changes_seldom),
        TEST(what_is_mended_is_forgotten),
        TEST(too_small_or_too_late),
        TEST(in_a_large_block),
        TEST(tokens_and_months),
        TEST(a_short_block_before_a_long_one),
        TEST(several_programs_of_one_client),
        TEST(among_many_others),
        TEST(looks_at_one_prompt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
