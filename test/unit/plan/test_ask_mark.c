/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/ask: the bytes that mark a block, where they may stand, and what hashes and tokens say.
 */
#include "ask_rows.h"

static struct ask_block other_room[ROOM];

#define USER(content) "{'messages':[{'role':'user','content':" content "}]}"

struct marking {
    enum ask_dialect d;
    const char *body;
    size_t block;
    enum ask_ttl ttl;
    const char *edited;
};

static void marks(void **state)
{
    static const struct marking rows[] = {
        {ASK_CONVERSE, USER("[{'text':'a'} ]"), 0, ASK_5M,
         USER("[{'text':'a'},{'cachePoint':{'type':'default'}} ]")},
        {ASK_CONVERSE, USER("[{'text':'a'},{'toolResult':{}}]"), 1, ASK_1H,
         USER("[{'text':'a'},{'toolResult':{}},{'cachePoint':{'type':'default','ttl':'1h'}}]")},
        {ASK_CLAUDE, USER("[{'type':'text','text':'a' }]"), 0, ASK_5M,
         USER("[{'type':'text','text':'a' ,'cache_control':{'type':'ephemeral'}}]")},
        {ASK_CLAUDE, "{'messages':[{'role':'user','content':'q'}],'tools':[{'name':'a'}]}", 0,
         ASK_1H,
         "{'messages':[{'role':'user','content':'q'}],'tools':[{'name':'a',"
         "'cache_control':{'type':'ephemeral','ttl':'1h'}}]}"},
        {ASK_CLAUDE, USER("'a\\n\\u00e9'"), 0, ASK_1H,
         USER("[{'type':'text','text':'a\\n\\u00e9','cache_control':{'type':'ephemeral','ttl':'1h'}"
              "}]")},
        {ASK_CLAUDE, "{'system': 's' ,'messages':[{'role':'user','content':'q'}]}", 0, ASK_5M,
         "{'system': [{'type':'text','text':'s','cache_control':{'type':'ephemeral'}}] ,"
         "'messages':[{'role':'user','content':'q'}]}"},
        {ASK_NOVA, USER("[{'text':'a'}]"), 0, ASK_5M,
         USER("[{'text':'a','cachePoint':{'type':'default'}}]")},
        {ASK_RESPONSES, "{'input':[{'role':'user','content':'q'}]}", 0, ASK_30M,
         "{'input':[{'role':'user','content':[{'type':'input_text','text':'q',"
         "'prompt_cache_breakpoint':{'mode':'explicit'}}]}]}"},
        {ASK_RESPONSES, "{'input':[{'role':'user','content':[{'type':'input_text','text':'q'}]}]}",
         0, ASK_30M,
         "{'input':[{'role':'user','content':[{'type':'input_text','text':'q',"
         "'prompt_cache_breakpoint':{'mode':'explicit'}}]}]}"},
        /* no such TTL there */
        {ASK_NOVA, USER("[{'text':'a'}]"), 0, ASK_1H, USER("[{'text':'a'}]")},
        {ASK_CONVERSE, USER("[{'text':'a'}]"), 0, ASK_30M, USER("[{'text':'a'}]")},
        {ASK_RESPONSES, "{'input':[{'role':'user','content':'q'}]}", 0, ASK_5M,
         "{'input':[{'role':'user','content':'q'}]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf body = {0}, want = {0}, got = {0};
        struct ask a;
        quote(&body, rows[i].body);
        quote(&want, rows[i].edited);
        assert_int_equal(ask_all(&a, rows[i].d, buf_str(&body), room, ROOM), ASK_GOOD);
        ask_apply(&a, &rows[i].block, 1, rows[i].ttl, &got);
        assert_string_equal(buf_cstr(&got), buf_cstr(&want));
        buf_fini(&body);
        buf_fini(&want);
        buf_fini(&got);
    }
}

struct retiming {
    enum ask_dialect d;
    const char *body;
    enum ask_ttl ttl;
    const char *edited; /* NULL: it cannot be */
};

static void retimes(void **state)
{
#define POINT(more) USER("[{'text':'a'},{'cachePoint':{'type':'default'" more "}}]")
#define CONTROL(of) USER("[{'type':'text','text':'a','cache_control':{" of "}}]")
    static const struct retiming rows[] = {
        {ASK_CONVERSE, POINT(""), ASK_1H, POINT(",'ttl':'1h'")},
        {ASK_CONVERSE, POINT(",'ttl':'5m'"), ASK_1H, POINT(",'ttl':'1h'")},
        {ASK_CONVERSE, POINT(",'ttl':'1h'"), ASK_5M, POINT(",'ttl':'5m'")},
        {ASK_CONVERSE, POINT(""), ASK_5M, NULL},
        {ASK_CONVERSE, POINT(""), ASK_30M, NULL},
        {ASK_CLAUDE, CONTROL("'ttl':'\\u0031h' ,'type':'ephemeral'"), ASK_5M,
         CONTROL("'ttl':'5m' ,'type':'ephemeral'")},
        {ASK_CLAUDE, CONTROL("'type':'ephemeral' "), ASK_1H,
         CONTROL("'type':'ephemeral' ,'ttl':'1h'")},
        {ASK_CLAUDE, USER("'a'"), ASK_1H, NULL},
        /* a marker within, and two of them */
        {ASK_CLAUDE,
         USER("[{'type':'tool_result','content':[{'cache_control':{'type':'ephemeral'}}]}]"),
         ASK_1H,
         USER("[{'type':'tool_result','content':[{'cache_control':{'type':'ephemeral','ttl':'1h'}}"
              "]}]")},
        {ASK_CLAUDE,
         USER("[{'type':'tool_result','content':[{'cache_control':{'type':'ephemeral'}},"
              "{'cache_control':{'type':'ephemeral'}}]}]"),
         ASK_1H, NULL},
        {ASK_NOVA, USER("[{'text':'a','cachePoint':{'type':'default'}}]"), ASK_1H, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf body = {0}, want = {0}, got = {0};
        struct ask a;
        size_t at, len;
        struct str text;
        quote(&body, rows[i].body);
        assert_int_equal(ask_all(&a, rows[i].d, buf_str(&body), room, ROOM), ASK_GOOD);
        bool can = ask_retime(&a, 0, rows[i].ttl, &at, &len, &text);
        assert_int_equal(can, rows[i].edited != NULL);
        if (can) {
            quote(&want, rows[i].edited);
            buf_add(&got, str_sub(buf_str(&body), 0, at));
            buf_add(&got, text);
            buf_add(&got, str_from_offset(buf_str(&body), at + len));
            assert_string_equal(buf_cstr(&got), buf_cstr(&want));
        }
        buf_fini(&body);
        buf_fini(&want);
        buf_fini(&got);
    }
}

static bool open(enum ask_bar bar, enum ask_ttl own, enum ask_section s, bool after_result,
                 unsigned fields)
{
    struct ask_block b = {
        .bar = (unsigned char)bar, .own = (unsigned char)own, .section = (unsigned char)s};
    return ask_open(&b, after_result, fields);
}

static void opens(void **state)
{
    assert_true(open(ASK_FREE, ASK_UNMARKED, ASK_TOOLS, false, 1));
    assert_false(open(ASK_FREE, ASK_UNMARKED, ASK_TOOLS, false, 6));
    assert_true(open(ASK_FREE, ASK_UNMARKED, ASK_SYSTEM, false, 2));
    assert_false(open(ASK_FREE, ASK_UNMARKED, ASK_SYSTEM, false, 5));
    assert_true(open(ASK_FREE, ASK_UNMARKED, ASK_MESSAGES, false, 4));
    assert_false(open(ASK_FREE, ASK_UNMARKED, ASK_MESSAGES, false, 3));
    assert_false(open(ASK_FREE, ASK_5M, ASK_MESSAGES, true, 7));
    assert_true(open(ASK_BAR_RESULT, ASK_UNMARKED, ASK_MESSAGES, true, 7));
    assert_false(open(ASK_BAR_RESULT, ASK_UNMARKED, ASK_MESSAGES, false, 7));
    assert_true(open(ASK_BAR_TOOL_CALL, ASK_UNMARKED, ASK_MESSAGES, true, 7));
    assert_false(open(ASK_BAR_TOOL_CALL, ASK_UNMARKED, ASK_MESSAGES, false, 7));
    for (enum ask_bar b = ASK_BAR_DIALECT; b <= ASK_BAR_KIND; b++)
        if (b != ASK_BAR_RESULT && b != ASK_BAR_TOOL_CALL)
            assert_false(open(b, ASK_UNMARKED, ASK_MESSAGES, true, 7));
}

/* Are the last hashes of the two alike? */
static bool alike(enum ask_dialect d, const char *one, const char *two)
{
    struct buf b = {0}, c = {0};
    struct ask a, o;
    quote(&b, one);
    quote(&c, two);
    assert_int_equal(ask_all(&a, d, buf_str(&b), room, ROOM), ASK_GOOD);
    assert_int_equal(ask_all(&o, d, buf_str(&c), other_room, ROOM), ASK_GOOD);
    buf_fini(&b);
    buf_fini(&c);
    return room[a.n - 1].hash == other_room[o.n - 1].hash;
}

static void hashes(void **state)
{
    const char *text = USER("[{'type':'text','text':'a'}]");
#define MARK "'cache_control':{'type':'ephemeral'}"
    assert_true(alike(ASK_CLAUDE, text, text));
    assert_true(alike(ASK_CLAUDE, text, USER("'a'")));
    assert_true(alike(ASK_CLAUDE, text, USER("[{" MARK ",'text' : 'a','type':'text'}]")));
    assert_false(alike(ASK_CLAUDE, text, USER("'b'")));
    assert_false(alike(ASK_CLAUDE, text, "{'messages':[{'role':'assistant','content':'a'}]}"));
    assert_false(alike(ASK_CLAUDE, text, USER("[{'type':'text','text':'a','citations':{}}]")));
    assert_false(
        alike(ASK_CLAUDE, text, "{'system':'s','messages':[{'role':'user','content':'a'}]}"));
    /* the same words in another section */
    assert_false(
        alike(ASK_CLAUDE, "{'system':'a','messages':[{'role':'user','content':'q'}]}",
              "{'messages':[{'role':'user','content':'a'},{'role':'user','content':'q'}]}"));
    assert_false(alike(ASK_CONVERSE,
                       "{'system':[{'x':1}],'messages':[{'role':'user','content':[{'text':'a'}]}]}",
                       "{'toolConfig':{'tools':[{'x':1}]},'messages':[{'role':'user','content':[{"
                       "'text':'a'}]}]}"));
    /* a marker goes with its comma, wherever it stands */
    const char *image = USER("[{'type':'image', 'source' : {'a':1} }]");
    assert_true(
        alike(ASK_CLAUDE, image, USER("[{" MARK " , 'type':'image', 'source' : {'a':1} }]")));
    assert_true(alike(ASK_CLAUDE, image, USER("[{'type':'image'," MARK ", 'source' : {'a':1} }]")));
    assert_true(alike(ASK_CLAUDE, image, USER("[{'type':'image', 'source' : {'a':1} ," MARK "}]")));
    assert_false(alike(ASK_CLAUDE, image, USER("[{'type':'image', 'source' : {'a':2} }]")));
    assert_true(
        alike(ASK_CLAUDE, USER("[{'type':'tool_result','content':[{'x':1},{}]}]"),
              USER("[{'type':'tool_result'," MARK ",'content':[{'x':1," MARK "},{" MARK "}]}]")));
    assert_true(alike(ASK_CONVERSE, USER("[{'text':'a'},{'text':'b'}]"),
                      USER("[{'text':'a'},{'cachePoint':{'type':'default'}}, {'text':'b'}]")));
    assert_true(alike(ASK_NOVA, USER("[{'text':'a'}]"),
                      USER("[{'cachePoint':{'type':'default'},'text':'a'}]")));
    /* other members of a message count; where the role stands does not */
    assert_true(alike(ASK_CLAUDE, text, "{'messages':[{'content':'a','role':'user'}]}"));
    assert_false(alike(ASK_CLAUDE, text, "{'messages':[{'role':'user','content':'a','x':1}]}"));
    assert_false(alike(ASK_CHAT, USER("'a'"),
                       "{'messages':[{'role':'user','content':'a','name':'b'"
                       "}]}"));
    assert_true(alike(ASK_RESPONSES, "{'input':'a'}", "{'input':[{'role':'user','content':'a'}]}"));
}

static void seeds(void **state)
{
    struct ask a;
    struct ask_parts parts;
    struct str body = S("{\"messages\":[{\"role\":\"user\",\"content\":[]}]}");
    struct str good = S("{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"a\"}]}]}");
    uint64_t hash[2];
    assert_int_equal(ask_all(&a, ASK_CONVERSE, body, room, ROOM), ASK_UNCLEAR);
    for (uint64_t i = 0; i < 2; i++) {
        assert_true(ask_find_parts(good, ASK_CONVERSE, &parts));
        ask_begin(&a, ASK_CONVERSE, i, &parts, room, 1);
        assert_int_equal(ask_step(&a), ASK_GOOD);
        hash[i] = room[0].hash;
    }
    assert_true(hash[0] != hash[1]);
    ask_begin(&a, ASK_CONVERSE, 0, &parts, room, 0);
    assert_int_equal(ask_step(&a), ASK_UNCLEAR);
    assert_string_equal(a.why, "more blocks than Weir looks at");
}

static void add_often(struct buf *b, const char *unit, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add(b, str_of(unit));
}

static void tokens(void **state)
{
    struct buf b = {0};
    struct ask a;
    buf_add(&b, S("{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\""));
    add_often(&b, "for ", 1000);
    buf_add(&b, S("\"},{\"image\":{\"source\":{\"bytes\":\"iVBORw0KGgo"));
    add_often(&b, "AAAA", 5000);
    buf_add(&b, S("\"}}},{\"toolUse\":{\"input\":{}}}]}]}"));
    assert_int_equal(ask_all(&a, ASK_CONVERSE, buf_str(&b), room, ROOM), ASK_GOOD);
    assert_int_equal(a.n, 3);
    assert_int_equal(room[0].tokens, 1000);
    assert_in_range(room[1].tokens, 1600, 1620);
    assert_int_equal(room[2].tokens, 6);
    buf_fini(&b);
}

/* Long bodies come in slices, between elements. */
static void slices(void **state)
{
    struct buf b = {0};
    struct ask a;
    struct ask_parts parts;
    unsigned steps = 0;
    buf_add(&b, S("{\"messages\":["));
    for (int i = 0; i < 40; i++) {
        buf_add(&b, i ? S(",") : S(""));
        buf_add(&b, S("{\"content\":[{\"text\":\""));
        add_often(&b, "0123456789", 10000);
        buf_add(&b, S("\"}],\"role\":\"user\"}"));
    }
    buf_add(&b, S("]}"));
    assert_true(ask_find_parts(buf_str(&b), ASK_CONVERSE, &parts));
    ask_begin(&a, ASK_CONVERSE, 0, &parts, room, ROOM);
    while (ask_step(&a) == ASK_MORE)
        steps++;
    assert_int_equal(a.state, ASK_GOOD);
    assert_int_equal(a.n, 40);
    assert_int_equal(a.messages, 40);
    assert_in_range(steps, 6, 8);
    buf_fini(&b);
}

/* 100,000 blocks; depth; a block full of markers. */
static void absurd(void **state)
{
    struct buf b = {0};
    struct ask a;
    buf_add(&b, S("{\"messages\":[{\"role\":\"user\",\"content\":[{}"));
    add_often(&b, ",{\"text\":\"a\"}", 100000);
    buf_add(&b, S("]}]}"));
    assert_int_equal(ask_all(&a, ASK_CONVERSE, buf_str(&b), room, ROOM), ASK_UNCLEAR);
    assert_string_equal(a.why, "more blocks than Weir looks at");
    buf_clear(&b);
    buf_add(&b, S("{\"messages\":[{\"role\":\"user\",\"content\":[{\"toolUse\":"));
    add_often(&b, "[", 1000);
    add_often(&b, "]", 1000);
    buf_add(&b, S("}]}]}"));
    assert_int_equal(ask_all(&a, ASK_CONVERSE, buf_str(&b), room, ROOM), ASK_GOOD);
    buf_clear(&b);
    buf_add(&b, S("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
                  "\"content\":[1"));
    add_often(&b, ",{\"cache_control\":{\"type\":\"ephemeral\"}}", 17);
    buf_add(&b, S("]}]}]}"));
    assert_int_equal(ask_all(&a, ASK_CLAUDE, buf_str(&b), room, ROOM), ASK_UNCLEAR);
    assert_string_equal(a.why, "more markers in a block than any model takes");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks),  cmocka_unit_test(retimes), cmocka_unit_test(opens),
        cmocka_unit_test(hashes), cmocka_unit_test(seeds),   cmocka_unit_test(tokens),
        cmocka_unit_test(slices), cmocka_unit_test(absurd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
