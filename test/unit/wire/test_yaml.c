/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/yaml: the tree, its positions, and a sentence with a place for everything refused.
 */
#include "vectors.h"
#include "weir/wire/yaml.h"

enum { ARENA_BYTES = 64 << 20 };

static struct arena arena;
static struct yaml_fault fault;

static int set_up(void **state)
{
    arena_init(&arena, ARENA_BYTES);
    memset(&fault, 0, sizeof fault);
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(&arena);
    return 0;
}

static const struct yaml_node *parse(struct str text)
{
    const struct yaml_node *root = NULL;
    int err = yaml_parse(&arena, text, &root, &fault);
    if (err)
        fail_msg("%u:%u: %s", fault.line, fault.column, fault.sentence);
    return root;
}

static void assert_scalar(const struct yaml_node *n, const char *text, unsigned line,
                          unsigned column)
{
    assert_non_null(n);
    assert_int_equal(n->kind, YAML_SCALAR);
    assert_string_equal(n->text.ptr, text);
    assert_int_equal(n->text.len, strlen(text));
    assert_int_equal(n->line, line);
    assert_int_equal(n->column, column);
}

static void reads_a_configuration(void **state)
{
    const struct yaml_node *root = parse(S("# a comment\n"
                                           "listen:\n"
                                           "  - address: 127.0.0.1:8080\n"
                                           "  - {address: \"[::1]:80\", plaintext: allow}\n"
                                           "workers: auto\n"
                                           "\xc3\xbc: 'x'\n"
                                           "empty:\n"
                                           "text: |\n"
                                           "  two\n"
                                           "  lines\n"));
    assert_int_equal(root->kind, YAML_MAPPING);
    assert_int_equal(root->n, 5);
    const struct yaml_node *listen = yaml_get(root, S("listen"));
    assert_int_equal(listen->kind, YAML_SEQUENCE);
    assert_int_equal(listen->n, 2);
    assert_scalar(listen->key, "listen", 2, 1);
    assert_scalar(yaml_get(listen->first, S("address")), "127.0.0.1:8080", 3, 14);
    const struct yaml_node *second = listen->first->next;
    assert_scalar(yaml_get(second, S("address")), "[::1]:80", 4, 15);
    assert_true(yaml_get(second, S("address"))->quoted);
    assert_scalar(yaml_get(second, S("plaintext")), "allow", 4, 38);
    assert_false(yaml_get(second, S("plaintext"))->quoted);
    assert_null(second->next);
    assert_scalar(yaml_get(root, S("\xc3\xbc")), "x", 6, 4);
    assert_true(yaml_is_null(yaml_get(root, S("empty"))));
    assert_scalar(yaml_get(root, S("text")), "two\nlines\n", 8, 7);
    assert_true(yaml_get(root, S("text"))->quoted);
    assert_null(yaml_get(root, S("other")));
    assert_null(yaml_get(listen, S("address")));
}

static void keeps_the_order_of_the_file(void **state)
{
    const struct yaml_node *n = parse(S("{c: 1, a: 2, b: 3}"))->first;
    assert_string_equal(n->key->text.ptr, "c");
    assert_string_equal(n->next->key->text.ptr, "a");
    assert_string_equal(n->next->next->key->text.ptr, "b");
    assert_null(n->next->next->next);
}

static void tells_null_from_text(void **state)
{
    assert_true(yaml_is_null(parse(S(""))));
    assert_true(yaml_is_null(parse(S("# only a comment\n"))));
    assert_true(yaml_is_null(parse(S("---\n...\n"))));
    assert_true(yaml_is_null(parse(S("~"))));
    assert_true(yaml_is_null(parse(S("null"))));
    assert_false(yaml_is_null(parse(S("''"))));
    assert_false(yaml_is_null(parse(S("'null'"))));
    assert_false(yaml_is_null(parse(S("nil"))));
    assert_false(yaml_is_null(parse(S("[]"))));
    assert_string_equal(parse(S(""))->text.ptr, "");
}

static void passes_over_a_byte_order_mark(void **state)
{
    assert_scalar(yaml_get(parse(S("\xef\xbb\xbf"
                                   "a: b\n")),
                           S("a")),
                  "b", 1, 4);
}

/* Each: a text, where it is at fault, a piece of the sentence. */
static const struct bad {
    struct str text;
    unsigned line, column;
    const char *piece;
} bads[] = {
    {STR("a: &x 1\nb: 2\n"), 1, 4, "anchor"},
    {STR("a: &x [1]\n"), 1, 4, "anchor"},
    {STR("a: &x {}\n"), 1, 4, "anchor"},
    {STR("&x a: 1\n"), 1, 1, "anchor"},
    {STR("a: b\nc: *x\n"), 2, 4, "put the value in quotes"},
    {STR("*x : b\n"), 1, 1, "alias"},
    {STR("a: *\n"), 1, 5, "alias"},
    {STR("a: !!int 1\n"), 1, 4, "tag"},
    {STR("a: !env NAME\n"), 1, 4, "tag"},
    {STR("a: ! NAME\n"), 1, 4, "tag"},
    {STR("!!map {a: 1}\n"), 1, 1, "tag"},
    {STR("a: !x [1]\n"), 1, 4, "tag"},
    {STR("%YAML 1.1\n---\na: 1\n"), 1, 1, "directive"},
    {STR("%TAG ! tag:x,2000:\n---\na: 1\n"), 1, 1, "directive"},
    {STR("a: 1\n---\nb: 1\n"), 2, 1, "second document"},
    {STR("a: 1\nb:\n  a: 1\n  c: 2\n  a: 3\n"), 5, 3, "\"a\" is there already, at 3:3"},
    {STR("{'a': 1, a: 2}"), 1, 10, "already, at 1:2"},
    {STR("? [a]\n: b\n"), 1, 3, "a key must be"},
    {STR("? {a: b}\n: b\n"), 1, 3, "a key must be"},
    {STR("a: \"x\\0y\"\n"), 1, 4, "NUL"},
    {STR("\"x\\0\": y\n"), 1, 1, "NUL"},
    {STR("a: b\nc: \xff\n"), 2, 4, "UTF-8"},
    {STR("\xc3\xbc: \xc3\n"), 1, 5, "UTF-8"},
    {STR("a: \xc0\xaf\n"), 1, 4, "UTF-8"},
    {STR("a: \x01\n"), 1, 4, "control characters"},
    {STR("a: \x00\n"), 1, 4, "control characters"},
    {STR("\xff\xfe"
         "a\0:\0"),
     1, 1, "UTF-8"},
    {STR("a: 1\n b: 2\n"), 2, 3, "not allowed"},
    {STR("a: [1, 2\n"), 2, 1, "that begins at 1:4"},
    {STR("a: \"b\n"), 2, 1, "that begins at 1:4"},
    {STR("a:\n\tb: 1\n"), 2, 1, "cannot start any token"},
    {STR("a: 1\nb\nc: 2\n"), 3, 1, "':'"},
};

static void refuses_with_place_and_sentence(void **state)
{
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        const struct bad *b = &bads[i];
        const struct yaml_node *root = NULL;
        assert_int_equal(yaml_parse(&arena, b->text, &root, &fault), ERR_BAD);
        assert_null(root);
        if (fault.line != b->line || fault.column != b->column || !strstr(fault.sentence, b->piece))
            fail_msg("%s\n%u:%u: %s", b->text.ptr, fault.line, fault.column, fault.sentence);
    }
}

static void add_times(struct buf *b, struct str s, int times)
{
    for (int i = 0; i < times; i++)
        buf_add(b, s);
}

static void stops_at_its_depth(void **state)
{
    struct buf b = {0};
    const struct yaml_node *root;
    add_times(&b, S("["), YAML_DEPTH_MOST);
    add_times(&b, S("]"), YAML_DEPTH_MOST);
    parse(buf_str(&b));
    buf_clear(&b);
    add_times(&b, S("{a: "), YAML_DEPTH_MOST + 1);
    assert_int_equal(yaml_parse(&arena, buf_str(&b), &root, &fault), ERR_BAD);
    assert_string_equal(fault.sentence, "nested too deeply");
    buf_clear(&b);
    add_times(&b, S("["), 900000);
    assert_int_equal(yaml_parse(&arena, buf_str(&b), &root, &fault), ERR_BAD);
    assert_int_equal(fault.column, YAML_DEPTH_MOST + 1);
    buf_fini(&b);
}

static void stops_at_its_sizes(void **state)
{
    struct buf b = {0};
    const struct yaml_node *root;
    for (int i = 0; i < YAML_KEYS_MOST; i++)
        buf_addf(&b, "k%d: v\n", i);
    assert_int_equal(parse(buf_str(&b))->n, YAML_KEYS_MOST);
    buf_add(&b, S("last: v\n"));
    assert_int_equal(yaml_parse(&arena, buf_str(&b), &root, &fault), ERR_BAD);
    assert_int_equal(fault.line, YAML_KEYS_MOST + 1);
    assert_non_null(strstr(fault.sentence, "more than 1024 keys"));

    buf_clear(&b);
    add_times(&b, S("#"), YAML_TEXT_MOST);
    assert_true(yaml_is_null(parse(buf_str(&b))));
    buf_add_char(&b, '#');
    assert_int_equal(yaml_parse(&arena, buf_str(&b), &root, &fault), ERR_TOO_BIG);
    assert_string_equal(fault.sentence, "the file is larger than 1024 KiB");
    buf_fini(&b);
}

/* Wherever the arena ends, the answer is polite. */
static void stops_when_the_arena_is_full(void **state)
{
    struct buf b = {0};
    const struct yaml_node *root = NULL;
    add_times(&b, S("- {a: [b, c]}\n"), 200);
    parse(buf_str(&b));
    for (size_t max = 0; max < arena.used; max += 4096) {
        struct arena small;
        arena_init(&small, max);
        assert_int_equal(yaml_parse(&small, buf_str(&b), &root, &fault), ERR_NO_MEMORY);
        assert_string_equal(fault.sentence, "the file holds too much");
        arena_fini(&small);
    }
    assert_null(root);
    buf_fini(&b);
}

static void prints_like_a_compiler(void **state)
{
    struct buf b = {0};
    const struct yaml_node *root;
    assert_int_equal(yaml_parse(&arena, S("a: 1\na: 2\n"), &root, &fault), ERR_BAD);
    yaml_add_fault(&b, S("/etc/weir/weir.yaml"), &fault);
    assert_string_equal(buf_cstr(&b),
                        "/etc/weir/weir.yaml:2:1: the key \"a\" is there already, at 1:1");
    buf_fini(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_a_configuration),
        TEST(keeps_the_order_of_the_file),
        TEST(tells_null_from_text),
        TEST(passes_over_a_byte_order_mark),
        TEST(refuses_with_place_and_sentence),
        TEST(stops_at_its_depth),
        TEST(stops_at_its_sizes),
        TEST(stops_when_the_arena_is_full),
        TEST(prints_like_a_compiler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
