/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/json_split: the same records however the bytes are cut up, with the line that each began
 * on; what is no record is a fault.
 */
#include "vectors.h"
#include "weir/wire/json_split.h"

/* "LINE:RECORD|LINE:RECORD|...", and a fault's text at the end. */
static void split(struct str all, size_t piece, size_t max, struct buf *out)
{
    struct json_split s = {.begun.max = max};
    struct str record;
    int got = 0;
    for (size_t at = 0; at < all.len && got == 0; at += piece) {
        struct str bytes = str_sub(all, at, piece);
        while ((got = json_split_step(&s, &bytes, &record)) == 1)
            buf_addf(out, "%zu:%.*s|", s.first + 1, STR_ARG(record));
    }
    if (got == 0)
        got = json_split_end(&s);
    if (got < 0)
        buf_addf(out, "%s:%zu: %s", err_word(got), s.lines + 1, s.fault);
    json_split_fini(&s);
}

static void gives(struct str all, struct str wanted)
{
    for (size_t piece = 1; piece <= all.len; piece++) {
        struct buf out = {0};
        split(all, piece, 100, &out);
        assert_str(buf_str(&out), wanted);
        buf_fini(&out);
    }
}

static void lines_of_objects(void **state)
{
    gives(S("{\"a\":1}\n{\"b\":[{}]}\n\n {}"), S("1:{\"a\":1}|2:{\"b\":[{}]}|4:{}|"));
    gives(S("{}{}\r\n{}"), S("1:{}|1:{}|2:{}|"));
    gives(S("{\"a\":\n\n1} {}"), S("1:{\"a\":\n\n1}|3:{}|"));
    gives(S(" \n"), S(""));
}

static void strings_hide_braces(void **state)
{
    gives(S("{\"a\":\"}{][\\\"}\\\\\"}{}"), S("1:{\"a\":\"}{][\\\"}\\\\\"}|1:{}|"));
}

static void elements_of_lists(void **state)
{
    gives(S("[{\"a\":1},\n {}\n]"), S("1:{\"a\":1}|2:{}|"));
    gives(S("[]\n[{}]"), S("2:{}|"));
    gives(S("[{} {}]"), S("1:{}|malformed:1: not JSON: no comma between two elements of a list"));
    gives(S("[{},]"), S("1:{}|malformed:1: not JSON: something that is no object"));
    gives(S("[{},\n"), S("1:{}|malformed:2: it ends in the middle of a list"));
}

static void what_is_none(void **state)
{
    gives(S("{}\nhello"), S("1:{}|malformed:2: not JSON: something that is no object"));
    gives(S("{},{}"), S("1:{}|malformed:1: not JSON: something that is no object"));
    gives(S("[1]"), S("malformed:1: not JSON: something that is no object"));
    gives(S("{\"a\":\"\n}"), S("malformed:2: it ends in the middle of a record"));
    gives(S("{\"a\":{}"), S("malformed:1: it ends in the middle of a record"));
}

static void too_large(void **state)
{
    struct str all = S("{\"a\":\"0123456789\"}");
    for (size_t piece = 1; piece <= all.len; piece++) {
        struct buf out = {0};
        split(all, piece, all.len, &out);
        assert_true(str_starts(buf_str(&out), S("1:{")));
        buf_clear(&out);
        split(all, piece, all.len - 1, &out);
        assert_str(buf_str(&out), S("too-big:1: a record that is too large"));
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_objects),  cmocka_unit_test(strings_hide_braces),
        cmocka_unit_test(elements_of_lists), cmocka_unit_test(what_is_none),
        cmocka_unit_test(too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
