/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/s3: where the bucket stands, what is signed, what answers mean, lists and deletes.
 */
#include "s3_double.h"

static void probe(void)
{
    begin();
    (void)s3_probe(t.s3, on_told, NULL);
    turn();
}

static void stands_in_host_or_path(void **state)
{
    static const struct {
        const char *url, *bucket, *authority, *target;
    } rows[] = {
        {"http://127.0.0.1:7480", "acme", "127.0.0.1:7480", "/acme/?list-type=2&max-keys=0"},
        {"https://s3.eu-west-1.amazonaws.com", "acme", "acme.s3.eu-west-1.amazonaws.com",
         "/?list-type=2&max-keys=0"},
        {"https://s3.cn-north-1.amazonaws.com.cn", "acme", "acme.s3.cn-north-1.amazonaws.com.cn",
         "/?list-type=2&max-keys=0"},
        {"https://s3.eu-west-1.amazonaws.com", "acme.weir", "s3.eu-west-1.amazonaws.com",
         "/acme.weir/?list-type=2&max-keys=0"},
        {"https://s3.example.com/store", "acme", "s3.example.com",
         "/store/acme/?list-type=2&max-keys=0"},
        {"https://s3.notamazonaws.com", "acme", "s3.notamazonaws.com",
         "/acme/?list-type=2&max-keys=0"},
        {"https://vpce-1.s3.eu-west-1.vpce.amazonaws.com", "acme",
         "vpce-1.s3.eu-west-1.vpce.amazonaws.com", "/acme/?list-type=2&max-keys=0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[300];
        open_bucket(rows[i].url, rows[i].bucket);
        t.replies[0] = says(200, "<ListBucketResult></ListBucketResult>");
        probe();
        assert_int_equal(t.end, S3_GOOD);
        assert_string_equal(t.authority, rows[i].authority);
        snprintf(line, sizeof line, "GET %s\n", rows[i].target);
        assert_string_equal(buf_cstr(&t.heard), line);
    }
}

static void signs_owner_and_hash(void **state)
{
    t.replies[0] = says(200, "");
    probe();
    sent_field("x-amz-expected-bucket-owner: 123456789012\n");
    sent_field("x-amz-content-sha256: "
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
    sent_field("authorization: AWS4-HMAC-SHA256 "
               "Credential=AKIDEXAMPLE/20260102/eu-west-1/s3/aws4_request, SignedHeaders=host;"
               "x-amz-content-sha256;x-amz-date;x-amz-expected-bucket-owner, Signature=");
}

static void knows_never_from_later(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum s3_end end;
        unsigned calls;
        const char *says;
    } rows[] = {
        {403, ERROR_OF("AccessDenied"), S3_REFUSED, 1, "\"acme\": 403 AccessDenied: these"},
        {404, ERROR_OF("NoSuchBucket"), S3_REFUSED, 1, "404 NoSuchBucket: there is no such"},
        {404, "<Error><Code>NoSuchBucket</Code><Message>It does not exist</Message></Error>",
         S3_REFUSED, 1, "404 NoSuchBucket: there is no such bucket"},
        {404, "", S3_REFUSED, 1, "404"},
        {403, ERROR_OF("InvalidAccessKeyId"), S3_REFUSED, 1, "does not know the access key"},
        {403, ERROR_OF("SignatureDoesNotMatch"), S3_REFUSED, 1, "secret key"},
        {403, "", S3_REFUSED, 1, "403: these credentials"},
        {301, ERROR_OF("PermanentRedirect"), S3_REFUSED, 1, "another Region"},
        {400, ERROR_OF("KMS.DisabledException"), S3_REFUSED, 1, "KMS refuses the key"},
        {400, ERROR_OF("ThrottlingException"), S3_FAILED, 5, "400 ThrottlingException"},
        {400, ERROR_OF("KMS.ThrottlingException"), S3_FAILED, 5, "400 KMS.Throttling"},
        {400, ERROR_OF("InvalidArgument"), S3_REFUSED, 1, "400 InvalidArgument"},
        {501, ERROR_OF("NotImplemented"), S3_REFUSED, 1, "501 NotImplemented"},
        {400, ERROR_OF("ExpiredToken"), S3_FAILED, 1, "have expired"},
        {400, ERROR_OF("RequestTimeout"), S3_FAILED, 5, "RequestTimeout"},
        {409, ERROR_OF("ConditionalRequestConflict"), S3_FAILED, 5, "409 Cond"},
        {429, "", S3_FAILED, 5, "429"},
        {500, ERROR_OF("InternalError"), S3_FAILED, 5, "500 InternalError"},
        {503, ERROR_OF("SlowDown"), S3_FAILED, 5, "503 SlowDown"},
        {503, "<html>busy</html>", S3_FAILED, 5, "503"},
        {200, " <Error><Code>InternalError</Code></Error>", S3_FAILED, 5, "InternalError"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < 5; k++)
            t.replies[k] = says(rows[i].status, rows[i].body);
        probe();
        if (t.end != rows[i].end || t.calls != rows[i].calls || !strstr(t.why, rows[i].says))
            fail_msg("row %zu: %d after %u: %s", i, (int)t.end, t.calls, t.why);
    }
    t.replies[0] = with_field(says(301, ""), "x-amz-bucket-region", "us-east-2");
    probe();
    assert_non_null(strstr(t.why, "another Region, us-east-2"));
    t.replies[0] = says(503, "");
    t.replies[1] = (struct reply){.end = ORIGIN_GONE};
    t.replies[2] = says(200, "");
    probe();
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(t.calls, 3);
    for (int k = 0; k < 5; k++)
        t.replies[k] = (struct reply){.end = ORIGIN_UNREACHABLE};
    probe();
    assert_int_equal(t.end, S3_FAILED);
    assert_int_equal(t.calls, 5);
}

static void says_what_a_message_says(void **state)
{
    t.replies[0] = says(
        403, "<Error><Code>AccessDenied</Code><Message>User x may not &lt;y&gt;</Message></Error>");
    probe();
    assert_non_null(strstr(t.why, "403 AccessDenied: User x may not <y>"));
    t.replies[0] = says(403, "<Error><Code>A\x1b[2J</Code><Message>b\ac</Message></Error>");
    probe();
    assert_null(strpbrk(t.why, "\a\x1b"));
}

static void mends_its_clock(void **state)
{
    struct reply skewed = with_field(says(403, ERROR_OF("RequestTimeTooSkewed")), "date",
                                     "Fri, 02 Jan 2026 04:04:05 GMT");
    t.replies[0] = skewed;
    t.replies[1] = says(200, "");
    probe();
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(t.calls, 2);
    sent_field("x-amz-date: 20260102T040405Z\n");
    t.replies[0] = skewed; /* the same offset again is no news */
    probe();
    assert_int_equal(t.end, S3_FAILED);
    assert_int_equal(t.calls, 1);
    t.replies[0].fields.at[0].value = S("Fri, 02 Jan 2026 06:04:05 GMT");
    t.replies[1] = skewed; /* a clock that jumps is not followed */
    probe();
    assert_int_equal(t.end, S3_FAILED);
    assert_int_equal(t.calls, 2);
}

static void needs_credentials(void **state)
{
    t.no_creds = true;
    probe();
    assert_int_equal(t.end, S3_FAILED);
    assert_int_equal(t.calls, 0);
    t.no_creds = false;
    t.creds.bearer = S("a-bedrock-key");
    probe();
    assert_int_equal(t.end, S3_REFUSED);
    assert_int_equal(t.calls, 0);
}

static void needs_tls_where_it_is_asked_for(void **state)
{
    tls_fault = "no roots";
    open_bucket("https://s3.eu-west-1.amazonaws.com", "acme");
    tls_fault = NULL;
    probe();
    assert_int_equal(t.end, S3_REFUSED);
    assert_non_null(strstr(t.why, "no roots"));
    struct s3_reader r = {NULL, on_told, NULL};
    t.told = 0;
    (void)s3_get(t.s3, S("k"), 0, &r);
    turn();
    assert_int_equal(t.end, S3_REFUSED);
    assert_non_null(strstr(t.why, "no roots"));
}

static void deletes_what_is_not_there(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum s3_end end;
    } rows[] = {{204, "", S3_GOOD},
                {200, "", S3_GOOD},
                {404, ERROR_OF("NoSuchKey"), S3_GOOD},
                {404, ERROR_OF("NoSuchBucket"), S3_REFUSED},
                {403, ERROR_OF("AccessDenied"), S3_REFUSED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        t.replies[0] = says(rows[i].status, rows[i].body);
        (void)s3_delete(t.s3, S("weir/a b/j7~+x.out"), on_told, NULL);
        turn();
        assert_int_equal(t.end, rows[i].end);
        assert_string_equal(buf_cstr(&t.heard), "DELETE /acme/weir/a%20b/j7~%2Bx.out\n");
    }
}

static char keys[4000];
static size_t n_keys;
static bool more_keys;

static void on_listed(void *arg, const struct s3_listed *l)
{
    size_t at = 0;
    keys[0] = 0;
    for (size_t i = 0; i < l->n && at < sizeof keys - 100; i++)
        at += (size_t)snprintf(keys + at, sizeof keys - at, "%.*s|", STR_ARG(l->keys[i]));
    n_keys = l->n;
    more_keys = l->more;
    on_told(arg, l->end, l->why);
}

static void list(const char *body)
{
    begin();
    t.replies[0] = says(200, body);
    (void)s3_list(t.s3, S("weir/j7/"), on_listed, NULL);
    turn();
}

#define PAGE(inside) "<ListBucketResult xmlns=\"x\">" inside "</ListBucketResult>"
#define KEY(key)     "<Contents><Key>" key "</Key><Size>7</Size></Contents>"

static void lists_keys(void **state)
{
    list(PAGE("<IsTruncated>false</IsTruncated>" KEY("weir/j7/a") KEY("weir/j7/b&amp;c")));
    assert_int_equal(t.end, S3_GOOD);
    assert_string_equal(keys, "weir/j7/a|weir/j7/b&c|");
    assert_false(more_keys);
    assert_string_equal(buf_cstr(&t.heard),
                        "GET /acme/?list-type=2&max-keys=1000&prefix=weir%2Fj7%2F\n");
    list(PAGE("<IsTruncated>true</IsTruncated>" KEY("weir/j7/a")));
    assert_true(more_keys);
    list(PAGE("<IsTruncated>false</IsTruncated>"));
    assert_int_equal(t.end, S3_GOOD);
    assert_int_equal(n_keys, 0);
    list(PAGE("<Contents><Size>7</Size></Contents>"));
    assert_int_equal(t.end, S3_FAILED);
    list("<ListBucketResult><Contents><Key>a</K");
    assert_int_equal(t.end, S3_FAILED);
    assert_int_equal(n_keys, 0);
    begin();
    t.replies[0] = says(404, ERROR_OF("NoSuchBucket"));
    (void)s3_list(t.s3, S("w"), on_listed, NULL);
    turn();
    assert_int_equal(t.end, S3_REFUSED);
}

#define UPLOADS(inside) "<ListMultipartUploadsResult>" inside "</ListMultipartUploadsResult>"
#define UPLOAD(key, id) "<Upload><Key>" key "</Key><UploadId>" id "</UploadId></Upload>"
#define LISTED_UPLOADS  "GET /acme/?uploads=&prefix=weir%2Fj7%2F\n"
#define TWO_UPLOADS     UPLOAD("weir/j7/in.jsonl", "2~a/b") UPLOAD("weir/j7/in&amp;", "n2")
#define BOTH_ABORTED                                   \
    "DELETE /acme/weir/j7/in.jsonl?uploadId=2~a%2Fb\n" \
    "DELETE /acme/weir/j7/in%26?uploadId=n2\n"

static void aborts_uploads_that_were_left_open(void **state)
{
    static const struct {
        int status;
        const char *body;
        int abort_status;
        const char *abort_body;
        enum s3_end end;
        const char *heard; /* behind the list */
    } rows[] = {
        {200, UPLOADS(""), 0, "", S3_GOOD, ""},
        {200, UPLOADS(TWO_UPLOADS), 204, "", S3_GOOD, BOTH_ABORTED},
        {200, UPLOADS(TWO_UPLOADS), 404, ERROR_OF("NoSuchUpload"), S3_GOOD, BOTH_ABORTED},
        {200, UPLOADS(UPLOAD("others/k", "n1") UPLOAD("weir/j7/k", "n2")), 204, "", S3_GOOD,
         "DELETE /acme/weir/j7/k?uploadId=n2\n"},
        {200, UPLOADS("<IsTruncated>true</IsTruncated>" UPLOAD("weir/j7/k", "n2")), 204, "",
         S3_FAILED, "DELETE /acme/weir/j7/k?uploadId=n2\n"},
        {200, UPLOADS("<Upload><Key>weir/j7/k</Key></Upload>"), 0, "", S3_FAILED, ""},
        {200, "<ListMultipartUploadsResult><Upload><K", 0, "", S3_FAILED, ""},
        {403, ERROR_OF("AccessDenied"), 0, "", S3_REFUSED, ""},
        {404, "", 0, "", S3_REFUSED, ""},
        {200, UPLOADS(UPLOAD("weir/j7/k", "n2")), 403, ERROR_OF("AccessDenied"), S3_REFUSED,
         "DELETE /acme/weir/j7/k?uploadId=n2\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        t.replies[0] = says(rows[i].status, rows[i].body);
        t.replies[1] = t.replies[2] = says(rows[i].abort_status, rows[i].abort_body);
        (void)s3_abort_uploads(t.s3, S("weir/j7/"), on_told, NULL);
        turn();
        assert_int_equal(t.end, rows[i].end);
        assert_memory_equal(buf_cstr(&t.heard), LISTED_UPLOADS, strlen(LISTED_UPLOADS));
        assert_string_equal(buf_cstr(&t.heard) + strlen(LISTED_UPLOADS), rows[i].heard);
    }
}

static void is_dropped_in_the_middle(void **state)
{
    t.replies[0] = t.replies[1] = t.replies[2] = t.replies[3] = (struct reply){.silent = true};
    s3_drop(s3_abort_uploads(t.s3, S("w"), on_told, NULL));
    s3_drop(s3_probe(t.s3, on_told, NULL));
    s3_drop(NULL);
    (void)s3_list(t.s3, S("w"), on_listed, NULL);
    (void)s3_delete(t.s3, S("w"), on_told, NULL); /* freed with the bucket */
    some_turns(3);
    assert_int_equal(t.told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stands_in_host_or_path, setup, teardown),
        cmocka_unit_test_setup_teardown(signs_owner_and_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(knows_never_from_later, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_a_message_says, setup, teardown),
        cmocka_unit_test_setup_teardown(mends_its_clock, setup, teardown),
        cmocka_unit_test_setup_teardown(needs_credentials, setup, teardown),
        cmocka_unit_test_setup_teardown(needs_tls_where_it_is_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(deletes_what_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(aborts_uploads_that_were_left_open, setup, teardown),
        cmocka_unit_test_setup_teardown(is_dropped_in_the_middle, setup, teardown),
    };
    return cmocka_run_group_tests_name("aws/s3", tests, NULL, NULL);
}
