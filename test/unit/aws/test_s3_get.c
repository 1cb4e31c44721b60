/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/s3: reading in a stream, from an offset, over broken connections, at the reader's speed.
 */
#include "s3_double.h"

static struct {
    struct buf bytes;
    struct s3_call *call;
    bool keeps;    /* gives no credit */
    bool drops_it; /* at the first bytes */
} reader;

static void on_bytes(void *arg, struct str bytes)
{
    buf_add(&reader.bytes, bytes);
    if (reader.drops_it)
        s3_drop(reader.call);
    else if (!reader.keeps)
        s3_credit(reader.call, bytes.len);
}

static const struct s3_reader to_reader = {on_bytes, on_told, NULL};

static int setup_reader(void **state)
{
    memset(&reader, 0, sizeof reader);
    return setup(state);
}

static int teardown_reader(void **state)
{
    buf_fini(&reader.bytes);
    return teardown(state);
}

static void start(uint64_t offset)
{
    begin();
    buf_clear(&reader.bytes);
    reader.call = s3_get(t.s3, S("w/out j.jsonl"), offset, &to_reader);
}

static void get(uint64_t offset)
{
    start(offset);
    turn();
}

static struct reply object(const char *body)
{
    return with_field(says(200, body), "etag", "\"e1\"");
}

static struct reply part(const char *range, const char *body)
{
    struct reply r = with_field(object(body), "content-range", range);
    r.status = 206;
    return r;
}

static struct reply cut(struct reply r)
{
    r.end = ORIGIN_GONE;
    return r;
}

static void reads_all(void **state)
{
    t.replies[0] = object("0123456789");
    get(0);
    assert_int_equal(t.end, S3_GOOD);
    assert_string_equal(buf_cstr(&reader.bytes), "0123456789");
    assert_string_equal(buf_cstr(&t.heard), "GET /acme/w/out%20j.jsonl\n");
    sent_field("x-amz-expected-bucket-owner: 123456789012\n");
    never_sent("range: ");
    never_sent("if-match: ");
    t.replies[0] = object("");
    get(0);
    assert_int_equal(t.end, S3_GOOD);
}

static void reads_from_an_offset(void **state)
{
    t.replies[0] = part("bytes 3-9/10", "3456789");
    get(4);
    assert_int_equal(t.end, S3_GOOD);
    assert_string_equal(buf_cstr(&reader.bytes), "456789");
    sent_field("range: bytes=3-\n");
    t.replies[0] = part("bytes 9-9/10", "9"); /* nothing is left */
    get(10);
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(buf_len(&reader.bytes), 0);
    t.replies[0] = says(416, ERROR_OF("InvalidRange"));
    get(12);
    assert_int_equal(t.end, S3_FAILED);
    assert_non_null(strstr(t.why, "shorter"));
}

static void takes_no_other_part(void **state)
{
    const struct reply wrong[] = {object("0123456789"), part("bytes 4-9/10", "456789"),
                                  part("bytes 3-9/*", "3456789"), part("3-9/10", "3456789"),
                                  part("bytes 3", "3456789")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        t.replies[0] = wrong[i];
        get(4);
        assert_int_equal(t.end, S3_FAILED);
        assert_int_equal(buf_len(&reader.bytes), 0);
    }
    t.replies[0] = part("bytes 0-9/10", "0123456789");
    get(0);
    assert_int_equal(t.end, S3_FAILED);
}

static void goes_on_where_it_broke(void **state)
{
    t.replies[0] = cut(object("0123"));
    t.replies[1] = says(503, ERROR_OF("SlowDown"));
    t.replies[2] = cut(part("bytes 3-9/10", "345"));
    t.replies[3] = part("bytes 5-9/10", "56789");
    get(0);
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(t.calls, 4);
    assert_string_equal(buf_cstr(&reader.bytes), "0123456789");
    sent_field("range: bytes=5-\n");
    sent_field("if-match: \"e1\"\n");
}

static void goes_on_behind_an_answer_that_is_too_short(void **state)
{
    t.replies[0] = part("bytes 3-9/10", "345");
    t.replies[1] = part("bytes 5-9/10", "56789");
    get(4);
    assert_int_equal(t.end, S3_GOOD);
    assert_string_equal(buf_cstr(&reader.bytes), "456789");
}

static void a_try_that_brings_something_starts_the_count_anew(void **state)
{
    static char ranges[8][40];
    t.replies[0] = cut(object("0"));
    for (int i = 1; i < 9; i++) {
        snprintf(ranges[i - 1], sizeof ranges[0], "bytes %d-9/10", i - 1);
        t.replies[i] = cut(part(ranges[i - 1], "ab"));
    }
    t.replies[9] = part("bytes 8-9/10", "ab");
    get(0);
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(t.calls, 10);
    assert_int_equal(buf_len(&reader.bytes), 10);
    for (int i = 0; i < 5; i++)
        t.replies[i] = (struct reply){.end = ORIGIN_GONE};
    get(0);
    assert_int_equal(t.end, S3_FAILED);
    assert_int_equal(t.calls, 5);
}

static void tells_a_change(void **state)
{
    t.replies[0] = cut(object("0123"));
    t.replies[1] = says(412, ERROR_OF("PreconditionFailed"));
    get(0);
    assert_int_equal(t.end, S3_FAILED);
    assert_non_null(strstr(t.why, "has changed"));
    t.replies[1] = part("bytes 3-9/10", "3456789");
    t.replies[1].fields.at[0].value = S("\"e2\""); /* a server that knows no If-Match */
    get(0);
    assert_int_equal(t.end, S3_FAILED);
    assert_non_null(strstr(t.why, "has changed"));
    assert_string_equal(buf_cstr(&reader.bytes), "0123");
}

static void tells_what_is_refused(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum s3_end end;
        unsigned calls;
    } rows[] = {
        {404, ERROR_OF("NoSuchKey"), S3_NONE, 1},
        {404, "", S3_NONE, 1},
        {404, ERROR_OF("NoSuchBucket"), S3_REFUSED, 1},
        {403, ERROR_OF("AccessDenied"), S3_REFUSED, 1},
        {301, ERROR_OF("PermanentRedirect"), S3_REFUSED, 1},
        {500, ERROR_OF("InternalError"), S3_FAILED, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < 5; k++)
            t.replies[k] = says(rows[i].status, rows[i].body);
        get(0);
        assert_int_equal(t.end, rows[i].end);
        assert_int_equal(t.calls, rows[i].calls);
        assert_int_equal(buf_len(&reader.bytes), 0);
        assert_true(t.why[0]);
    }
    t.no_creds = true;
    get(0);
    assert_int_equal(t.end, S3_FAILED);
}

static void mends_its_clock(void **state)
{
    t.replies[0] = with_field(says(403, ERROR_OF("RequestTimeTooSkewed")), "date",
                              "Fri, 02 Jan 2026 04:04:05 GMT");
    t.replies[1] = object("0123");
    get(0);
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(t.calls, 2);
    sent_field("x-amz-date: 20260102T040405Z\n");
    t.replies[1] =
        with_field(says(403, ERROR_OF("RequestTimeTooSkewed")), "date",
                   "Fri, 02 Jan 2026 08:04:05 GMT"); /* a clock that jumps is not followed */
    t.replies[0] = with_field(says(403, ERROR_OF("RequestTimeTooSkewed")), "date",
                              "Fri, 02 Jan 2026 06:04:05 GMT");
    get(0);
    assert_int_equal(t.end, S3_FAILED);
    assert_int_equal(t.calls, 2);
}

static struct origin_call *newest;

static void serve_and_show(const struct heard *h, struct reply *out)
{
    newest = (struct origin_call *)h->call;
    serve_s3(h, out);
}

static size_t credit_of_newest(void)
{
    return ((struct pending *)newest->stream)->credit;
}

/* Credit for bytes that came over a broken connection is none of the next one's. */
static void gives_credit_to_whom_it_is_due(void **state)
{
    serve = serve_and_show;
    reader.keeps = true;
    t.replies[0] = cut(object("0123"));
    t.replies[1] = (struct reply){.silent = true};
    start(0);
    some_turns(5);
    assert_int_equal(t.calls, 2);
    newest->sink->on_head(newest->arg, 206,
                          &(struct fields){.n = 2,
                                           .at = {{STR("content-range"), STR("bytes 3-9/10")},
                                                  {STR("etag"), STR("\"e1\"")}}},
                          7);
    newest->sink->on_bytes(newest->arg, S("345"));
    assert_int_equal(credit_of_newest(), 1); /* the byte in front, which nobody else sees */
    s3_credit(reader.call, 4);
    assert_int_equal(credit_of_newest(), 1);
    s3_credit(reader.call, 1);
    assert_int_equal(credit_of_newest(), 2);
    s3_credit(reader.call, 1000); /* more than there is */
    assert_int_equal(credit_of_newest(), 3);
    s3_drop(reader.call);
}

static void may_be_dropped_by_its_reader(void **state)
{
    reader.drops_it = true;
    t.replies[0] = object("0123456789");
    start(0);
    some_turns(5);
    assert_int_equal(t.told, 0);
    assert_string_equal(buf_cstr(&reader.bytes), "01234");
    t.replies[0] = (struct reply){.silent = true};
    start(0); /* freed with the bucket */
    some_turns(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_all, setup_reader, teardown_reader),
        cmocka_unit_test_setup_teardown(reads_from_an_offset, setup_reader, teardown_reader),
        cmocka_unit_test_setup_teardown(takes_no_other_part, setup_reader, teardown_reader),
        cmocka_unit_test_setup_teardown(goes_on_where_it_broke, setup_reader, teardown_reader),
        cmocka_unit_test_setup_teardown(goes_on_behind_an_answer_that_is_too_short, setup_reader,
                                        teardown_reader),
        cmocka_unit_test_setup_teardown(a_try_that_brings_something_starts_the_count_anew,
                                        setup_reader, teardown_reader),
        cmocka_unit_test_setup_teardown(tells_a_change, setup_reader, teardown_reader),
        cmocka_unit_test_setup_teardown(tells_what_is_refused, setup_reader, teardown_reader),
        cmocka_unit_test_setup_teardown(mends_its_clock, setup_reader, teardown_reader),
        cmocka_unit_test_setup_teardown(gives_credit_to_whom_it_is_due, setup_reader,
                                        teardown_reader),
        cmocka_unit_test_setup_teardown(may_be_dropped_by_its_reader, setup_reader,
                                        teardown_reader),
    };
    return cmocka_run_group_tests_name("aws/s3_get", tests, NULL, NULL);
}
