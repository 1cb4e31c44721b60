/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/outcome and gate/stream_tail: errors in three shapes, and the places in a stream where one
 * can stand.
 */
#include "weir/gate/outcome.h"
#include "weir/gate/stream_tail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void speaks_each_dialect(void **state)
{
    struct buf b = {0};
    outcome_add_body(&b, OUTCOME_BODY_TOO_BIG, DIALECT_AWS, S("say \"no\""));
    assert_string_equal(buf_cstr(&b), "{\"message\":\"say \\\"no\\\"\"}");
    buf_clear(&b);
    outcome_add_body(&b, OUTCOME_BODY_TOO_BIG, DIALECT_ANTHROPIC, S("no"));
    assert_string_equal(
        buf_cstr(&b),
        "{\"type\":\"error\",\"error\":{\"type\":\"request_too_large\",\"message\":\"no\"}}");
    buf_clear(&b);
    outcome_add_body(&b, OUTCOME_NO_CREDENTIALS, DIALECT_OPENAI, S("no"));
    assert_string_equal(buf_cstr(&b), "{\"error\":{\"message\":\"no\",\"type\":\"server_error\","
                                      "\"param\":null,\"code\":null}}");
    buf_fini(&b);
}

static void own_answers_have_all_they_need(void **state)
{
    for (int o = 1; o < OUTCOMES; o++) {
        const struct outcome_row *row = outcome_row((enum outcome)o);
        assert_true(row->word.len && row->sentence.len && row->blame.len);
        if (row->status)
            assert_true(row->aws_type.len && row->anthropic_type.len && row->openai_type.len);
    }
}

static void follows_frames(void **state)
{
    char frames[40] = {0};
    frames[3] = 16;
    frames[16 + 3] = 24;
    for (size_t cut = 0; cut <= sizeof frames; cut++) {
        struct stream_tail t;
        stream_tail_init(&t, S("application/vnd.amazon.eventstream"));
        assert_true(stream_tail_between(&t));
        stream_tail_feed(&t, str_from(frames, cut));
        assert_int_equal(stream_tail_between(&t), cut == 0 || cut == 16 || cut == 40);
        stream_tail_feed(&t, str_from(frames + cut, sizeof frames - cut));
        assert_true(stream_tail_between(&t));
    }
}

static void a_length_that_cannot_be(void **state)
{
    struct stream_tail t;
    stream_tail_init(&t, S("application/vnd.amazon.eventstream"));
    stream_tail_feed(&t, S("\xff\xff\xff\xff"));
    assert_false(stream_tail_between(&t));
}

static void follows_blank_lines(void **state)
{
    static const struct {
        const char *text;
        bool between;
    } cases[] = {{"", true},
                 {"data: x", false},
                 {"data: x\n", false},
                 {"data: x\n\n", true},
                 {"data: x\r\n\r\n", true},
                 {"data: x\n\ndata", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stream_tail whole, bytewise;
        stream_tail_init(&whole, S("text/event-stream; charset=utf-8"));
        bytewise = whole;
        stream_tail_feed(&whole, str_of(cases[i].text));
        for (size_t j = 0; j < strlen(cases[i].text); j++)
            stream_tail_feed(&bytewise, str_from(cases[i].text + j, 1));
        assert_int_equal(stream_tail_between(&whole), cases[i].between);
        assert_int_equal(stream_tail_between(&bytewise), cases[i].between);
    }
}

static void nothing_fits_into_plain_answers(void **state)
{
    struct stream_tail t;
    stream_tail_init(&t, S("application/json"));
    assert_false(stream_tail_between(&t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speaks_each_dialect), cmocka_unit_test(own_answers_have_all_they_need),
        cmocka_unit_test(follows_frames),      cmocka_unit_test(a_length_that_cannot_be),
        cmocka_unit_test(follows_blank_lines), cmocka_unit_test(nothing_fits_into_plain_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
