/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/s3: putting objects, whole and in parts; answers that were lost, and objects that are there.
 */
#include "s3_double.h"

#include "weir/base/mem.h"
#include "weir/base/random.h"

#define CREATED \
    "<InitiateMultipartUploadResult><UploadId>up/1</UploadId></InitiateMultipartUploadResult>"
#define HELLO_SHA256 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HELLO_BASE64 "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="

/* What is put: `pieces` of `piece` bytes each. */
static struct {
    size_t piece, pieces, done, largest;
    int last; /* what the last call returns */
} source;

static int more(void *arg, struct buf *out)
{
    if (source.done < source.pieces) {
        char *at = buf_reserve(out, source.piece);
        memset(at, 'a', source.piece);
        buf_commit(out, source.piece);
        source.done++;
    }
    if (buf_len(out) > source.largest)
        source.largest = buf_len(out);
    return source.done < source.pieces ? 1 : source.last;
}

static int say_hello(void *arg, struct buf *out)
{
    buf_add(out, S("hello"));
    return 0;
}

static struct s3_call *put(int (*from)(void *arg, struct buf *out))
{
    begin();
    source.done = source.largest = 0;
    return s3_put(t.s3, S("w/in.jsonl"), S("application/jsonl"), from, on_told, NULL);
}

static void put_hello(void)
{
    (void)put(say_hello);
    turn();
}

static void puts_at_once(void **state)
{
    t.replies[0] = with_field(says(200, ""), "x-amz-checksum-sha256", HELLO_BASE64);
    put_hello();
    assert_int_equal(t.end, S3_GOOD);
    assert_string_equal(buf_cstr(&t.heard), "PUT /acme/w/in.jsonl [5]\n");
    sent_field("content-type: application/jsonl\n");
    sent_field("x-amz-content-sha256: " HELLO_SHA256 "\n");
    sent_field("x-amz-checksum-sha256: " HELLO_BASE64 "\n");
    sent_field("x-amz-meta-weir-put: " HELLO_SHA256 "\n");
    sent_field("if-none-match: *\n");
    sent_field("x-amz-expected-bucket-owner: 123456789012\n");
    sent_field("content-type;host;if-none-match;x-amz-checksum-sha256;x-amz-content-sha256;"
               "x-amz-date;x-amz-expected-bucket-owner;x-amz-meta-weir-put,");
    never_sent("server-side-encryption");
}

static void asks_for_its_kms_key(void **state)
{
    char err[200];
    struct s3_options o = {.region = STR("eu-west-1"),
                           .bucket = STR("acme"),
                           .kms_key = STR("alias/weir"),
                           .creds = s3_creds};
    assert_true(endpoint_parse(S("http://127.0.0.1:1"), &o.at, err, sizeof err));
    s3_free(t.s3);
    t.s3 = s3_new(t.loop, NULL, &o);
    t.replies[0] = says(200, "");
    put_hello();
    sent_field("x-amz-server-side-encryption: aws:kms\n");
    sent_field("x-amz-server-side-encryption-aws-kms-key-id: alias/weir\n");
    never_sent("x-amz-expected-bucket-owner: ");
    source.piece = S3_PART_BYTES;
    source.pieces = 1;
    source.last = 1;
    t.replies[0] = says(403, ERROR_OF("AccessDenied"));
    (void)put(more);
    turn();
    assert_non_null(strstr(buf_cstr(&t.heard), "POST /acme/w/in.jsonl?uploads="));
    sent_field("x-amz-server-side-encryption-aws-kms-key-id: alias/weir\n");
}

static void takes_other_bytes_for_a_failure(void **state)
{
    t.replies[0] = with_field(says(200, ""), "x-amz-checksum-sha256", "AAAA");
    put_hello();
    assert_int_equal(t.end, S3_FAILED);
}

static struct reply head(const char *length, const char *mark)
{
    return with_field(with_field(says(200, ""), "content-length", length), "x-amz-meta-weir-put",
                      mark);
}

static void knows_its_own_again(void **state)
{
    t.replies[0] = (struct reply){.end = ORIGIN_GONE}; /* it was put, and the answer was lost */
    t.replies[1] = says(412, ERROR_OF("PreconditionFailed"));
    t.replies[2] = head("5", HELLO_SHA256);
    put_hello();
    assert_int_equal(t.end, S3_GOOD);
    assert_string_equal(buf_cstr(&t.heard), "PUT /acme/w/in.jsonl [5]\nPUT /acme/w/in.jsonl [5]\n"
                                            "HEAD /acme/w/in.jsonl\n");
}

static void replaces_what_is_not_its_own(void **state)
{
    const struct reply others[] = {head("6", HELLO_SHA256), head("5", "b" HELLO_SHA256),
                                   with_field(says(200, ""), "content-length", "5"),
                                   with_field(says(200, ""), "x-amz-meta-weir-put", HELLO_SHA256),
                                   says(404, "")};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        t.replies[0] = says(412, ERROR_OF("PreconditionFailed"));
        t.replies[1] = others[i];
        t.replies[2] = says(200, "");
        put_hello();
        assert_int_equal(t.end, S3_GOOD);
        assert_int_equal(t.calls, 3);
        never_sent("if-none-match");
    }
    t.replies[1] = says(403, "");
    put_hello();
    assert_int_equal(t.end, S3_REFUSED);
    t.replies[0] = says(404, ""); /* whatever is missing */
    put_hello();
    assert_int_equal(t.end, S3_REFUSED);
    t.replies[0] = says(412, ERROR_OF("PreconditionFailed"));
    t.replies[1] = others[0];
    t.replies[2] = says(412, ""); /* who asks for nothing cannot be told this */
    put_hello();
    assert_int_equal(t.end, S3_FAILED);
}

static void put_pieces(size_t piece, size_t pieces, int last)
{
    source.piece = piece;
    source.pieces = pieces;
    source.last = last;
    (void)put(more);
    turn();
}

static void of_exactly_a_part_is_put_at_once(void **state)
{
    t.replies[0] = says(200, "");
    put_pieces(S3_PART_BYTES, 1, 0);
    assert_int_equal(t.end, S3_GOOD);
    assert_string_equal(buf_cstr(&t.heard), "PUT /acme/w/in.jsonl [8388608]\n");
    t.replies[0] = says(200, "");
    put_pieces(0, 0, 0);
    assert_string_equal(buf_cstr(&t.heard), "PUT /acme/w/in.jsonl\n");
    sent_field("x-amz-content-sha256: "
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
}

#define PARTS                                                       \
    "POST /acme/w/in.jsonl?uploads=\n"                              \
    "PUT /acme/w/in.jsonl?partNumber=1&uploadId=up%2F1 [9000000]\n" \
    "PUT /acme/w/in.jsonl?partNumber=2&uploadId=up%2F1 [9000000]\n" \
    "PUT /acme/w/in.jsonl?partNumber=3&uploadId=up%2F1 [3000000]\n" \
    "POST /acme/w/in.jsonl?uploadId=up%2F1 [528]\n"

static void answer_parts(void)
{
    t.replies[0] = says(200, CREATED);
    t.replies[1] = with_field(says(200, ""), "etag", "\"e1\"");
    t.replies[2] = with_field(says(200, ""), "etag", "\"e2\"");
    t.replies[3] = with_field(says(200, ""), "etag", "\"e3\"");
    t.replies[4] = says(200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
}

static void puts_in_parts(void **state)
{
    answer_parts();
    put_pieces(3000000, 7, 0);
    assert_int_equal(t.end, S3_GOOD);
    assert_string_equal(buf_cstr(&t.heard), PARTS);
    assert_int_equal(source.largest, 9000000); /* one part is in memory */
    sent_field("if-none-match: *\n");
}

static int two_and_nothing(void *arg, struct buf *out)
{
    source.piece = 9000000;
    source.pieces = 2;
    source.last = 1;
    if (source.done == 2)
        return 0;
    return more(arg, out);
}

static void makes_no_empty_part(void **state)
{
    answer_parts();
    t.replies[3] = t.replies[4];
    (void)put(two_and_nothing);
    turn();
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(t.calls, 4);
}

static struct buf completed; /* the body of Complete, in the newest call */

static void serve_and_keep(const struct heard *h, struct reply *out)
{
    if (str_find(h->call->target, S("?uploadId=")) >= 0) {
        buf_clear(&completed);
        buf_add(&completed, h->body);
    }
    serve_s3(h, out);
}

static void tells_its_parts(void **state)
{
    answer_parts();
    serve = serve_and_keep;
    t.replies[3] = t.replies[4];
    put_pieces(3000000, 4, 0);
    assert_int_equal(t.end, S3_GOOD);
    assert_string_equal(
        buf_cstr(&completed),
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Part><PartNumber>1</PartNumber><ETag>&quot;e1&quot;</ETag>"
        "<ChecksumSHA256>agSrUWwWbIdPHtMO7P4sYAFHF5u4sZL6mtYyC/+SXcY=</ChecksumSHA256></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>&quot;e2&quot;</ETag>"
        "<ChecksumSHA256>KhUsiUOYcZwFcPg/rDSsA6D26OR0uZXCQDqlQ097ndQ=</ChecksumSHA256></Part>"
        "</CompleteMultipartUpload>");
    buf_fini(&completed);
}

static char mark[64];

/* A server that keeps the mark of the upload, and shows it in a HEAD. */
static void serve_with_mark(const struct heard *h, struct reply *out)
{
    if (sent(h, "x-amz-meta-weir-put").len)
        snprintf(mark, sizeof mark, "%.*s", STR_ARG(sent(h, "x-amz-meta-weir-put")));
    serve_s3(h, out);
    if (str_eq(h->call->method, S("HEAD")) && out->status == 200)
        *out = head("21000000", mark);
}

static void knows_an_upload_again(void **state)
{
    serve = serve_with_mark;
    answer_parts();
    t.replies[4] = (struct reply){.end = ORIGIN_TIMEOUT};
    t.replies[5] = says(404, ERROR_OF("NoSuchUpload"));
    t.replies[6] = says(200, "");
    put_pieces(3000000, 7, 0);
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(strlen(mark), 32);
    t.replies[4] = says(412, ERROR_OF("PreconditionFailed"));
    t.replies[5] = says(200, "");
    put_pieces(3000000, 7, 0);
    assert_int_equal(t.end, S3_GOOD);
    /* Parts stay when Complete says 412, so that asking without the condition replaces. */
    t.replies[5] = says(404, "");
    t.replies[6] = says(200, "");
    put_pieces(3000000, 7, 0);
    assert_int_equal(t.end, S3_GOOD);
    never_sent("if-none-match");
    /* An upload that somebody aborted, and nothing is there. */
    t.replies[4] = says(404, ERROR_OF("NoSuchUpload"));
    put_pieces(3000000, 7, 0);
    assert_int_equal(t.end, S3_FAILED);
    assert_int_equal(t.calls, 6);
}

static void asks_again_what_was_told_late(void **state)
{
    answer_parts();
    t.replies[5] = t.replies[4];
    t.replies[4] =
        says(200, "\n <?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>");
    put_pieces(3000000, 7, 0);
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(t.calls, 6);
}

/* Fails with what stands in the replies, and gives the upload up. */
static void gives_up(size_t pieces, int last, enum s3_end end, unsigned calls)
{
    put_pieces(3000000, pieces, last);
    t.replies[t.calls] = says(204, "");
    some_turns(3);
    assert_int_equal(t.end, end);
    assert_int_equal(t.calls, calls);
    const char *abort = strstr(buf_cstr(&t.heard), "DELETE /acme/w/in.jsonl?uploadId=up%2F1\n");
    assert_true(abort && abort[sizeof "DELETE /acme/w/in.jsonl?uploadId=up%2F1"] == 0);
    assert_int_equal(t.told, 1);
}

static void aborts_what_failed(void **state)
{
    answer_parts();
    t.replies[1] = says(200, ""); /* no ETag */
    gives_up(7, 0, S3_FAILED, 3);
    answer_parts();
    t.replies[2] = with_field(t.replies[2], "x-amz-checksum-sha256", "AAAA");
    gives_up(7, 0, S3_FAILED, 4);
    answer_parts();
    t.replies[2] = says(403, ERROR_OF("AccessDenied"));
    gives_up(7, 0, S3_REFUSED, 4);
    answer_parts();
    gives_up(4, -1, S3_FAILED, 3); /* `more` gives up behind the first part */
    answer_parts();
    for (int i = 2; i < 7; i++)
        t.replies[i] = says(503, ERROR_OF("SlowDown"));
    gives_up(7, 0, S3_FAILED, 8);
}

/* S3 takes the bytes and says nothing: each try has its time, the longer the more it sends. */
static void waits_by_the_size(void **state)
{
    for (int i = 0; i < 5; i++)
        t.replies[i] = (struct reply){.silent = true};
    source.piece = S3_PART_BYTES;
    source.pieces = 1;
    source.last = 0;
    (void)put(more);
    some_turns(200);
    assert_int_equal(t.calls, 1);
    some_turns(50);
    assert_int_equal(t.calls, 2);
    some_turns(1000);
    assert_int_equal(t.calls, 5);
    assert_int_equal(t.end, S3_FAILED);
    assert_non_null(strstr(t.why, "no whole answer in time"));
    (void)put(say_hello);
    some_turns(55);
    assert_int_equal(t.calls, 1);
    some_turns(10);
    assert_int_equal(t.calls, 2);
}

static void aborts_what_is_dropped(void **state)
{
    answer_parts();
    t.replies[2] = (struct reply){.silent = true};
    source.piece = 3000000;
    source.pieces = 7;
    source.last = 0;
    struct s3_call *c = put(more);
    some_turns(20);
    assert_int_equal(t.calls, 3);
    t.replies[3] = says(204, "");
    s3_drop(c);
    some_turns(3);
    assert_int_equal(t.told, 0);
    assert_non_null(strstr(buf_cstr(&t.heard), "DELETE /acme/w/in.jsonl?uploadId=up%2F1\n"));
    (void)put(more); /* freed with the bucket */
    some_turns(10);
}

static struct s3_call *itself;

static int drop_itself(void *arg, struct buf *out)
{
    s3_drop(itself);
    return 1;
}

static void may_be_dropped_by_who_is_asked(void **state)
{
    source.pieces = 1;
    s3_drop(put(more));
    some_turns(2);
    assert_int_equal(source.done, 0);
    itself = put(drop_itself);
    some_turns(5);
    assert_int_equal(t.told, 0);
    assert_int_equal(t.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(puts_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(asks_for_its_kms_key, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_other_bytes_for_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(knows_its_own_again, setup, teardown),
        cmocka_unit_test_setup_teardown(replaces_what_is_not_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(of_exactly_a_part_is_put_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(puts_in_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(makes_no_empty_part, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_its_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(knows_an_upload_again, setup, teardown),
        cmocka_unit_test_setup_teardown(asks_again_what_was_told_late, setup, teardown),
        cmocka_unit_test_setup_teardown(aborts_what_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_by_the_size, setup, teardown),
        cmocka_unit_test_setup_teardown(aborts_what_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(may_be_dropped_by_who_is_asked, setup, teardown),
    };
    return cmocka_run_group_tests_name("aws/s3_put", tests, NULL, NULL);
}
