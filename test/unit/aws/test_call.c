/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/call: the head that goes out, against requests that botocore made (a few in here, all of them
 * where the shared data is), and what the signer keeps.
 */
#include "weir/aws/call.h"
#include "weir/base/clock.h"
#include "weir/base/file.h"

#include "origin_double.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { JAN_2_2026 = 1767323045 }; /* 20260102T030405Z */

static struct fix {
    struct loop *loop;
    struct aws_signer *signer;
    struct arena arena;
    struct creds creds;
    struct origin *origin;
    struct origin_call call;
    unsigned served;
    char authorization[1024], names[512];
} fix;

static const struct origin_sink sink;

static void listen(const struct heard *h, struct reply *out)
{
    struct str value = sent(h, "authorization");
    fix.served++;
    out->silent = true;
    snprintf(fix.authorization, sizeof fix.authorization, "%.*s", STR_ARG(value));
    fix.names[0] = 0;
    for (size_t i = 0; i < h->call->n_fields; i++) {
        size_t len = strlen(fix.names);
        snprintf(fix.names + len, sizeof fix.names - len, "%.*s;",
                 STR_ARG(h->call->fields[i].name));
    }
}

static int setup(void **state)
{
    serve = listen;
    clock_fake(1, (int64_t)JAN_2_2026 * 1000 + 999);
    struct origin_options o = {.host = S("h")};
    fix = (struct fix){.loop = loop_new(), .signer = aws_signer_new()};
    arena_init(&fix.arena, 64 * 1024);
    fix.origin = origin_new(fix.loop, NULL, &o);
    fix.creds = (struct creds){.version = 1,
                               .access_key = S("AKIDEXAMPLE"),
                               .secret_key = S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")};
    return 0;
}

static int teardown(void **state)
{
    if (fix.call.stream)
        origin_cancel(&fix.call);
    origin_free(fix.origin);
    arena_fini(&fix.arena);
    aws_signer_free(fix.signer);
    loop_free(fix.loop);
    clock_real();
    return 0;
}

static struct aws_target bedrock(void)
{
    return (struct aws_target){.origin = fix.origin,
                               .authority = S("bedrock-runtime.us-east-1.amazonaws.com"),
                               .region = S("us-east-1"),
                               .service = S("bedrock")};
}

static int send_it(const struct aws_target *t, struct creds *creds, const struct aws_request *r)
{
    if (fix.call.stream)
        origin_cancel(&fix.call);
    arena_fini(&fix.arena);
    return aws_send(fix.signer, t, creds, r, &fix.arena, &sink, &fix, &fix.call);
}

static struct str sent_value(const char *name)
{
    struct heard h = {fix.origin, &fix.call, {0}};
    return sent(&h, name);
}

static const struct field json[] = {{STR("user-agent"), STR("ua/fixed")},
                                    {STR("amz-sdk-request"), STR("attempt=1")},
                                    {STR("content-type"), STR("application/json")}};
static const char arn_path[] =
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-"
    "inference-profile%2Fabcdef123456/converse";
static const char arn_authorization[] =
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/bedrock/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
    "Signature=1827d41a5e07b7516371bae01e773260b89d5a17915e2e5de35ce113faaef5f3";
static const struct str arn_body[] = {
    STR("{\"messages\": [{\"role\": \"user\", \"content\": [{\"text\": \"hi\"}, "),
    STR("{\"cachePoint\": {\"type\": \"default\", \"ttl\": \"1h\"}}]}]}")};

static struct aws_request arn_request(void)
{
    return (struct aws_request){.method = S("POST"),
                                .target = str_of(arn_path),
                                .fields = json,
                                .n_fields = 3,
                                .body = arn_body,
                                .n_body = 2};
}

static void signs_as_botocore_does(void **state)
{
    struct aws_target t = bedrock();
    struct aws_request r = arn_request();
    fix.creds.session_token = S("SESSIONTOKEN/+=");
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    assert_string_equal(fix.authorization, arn_authorization);
    assert_string_equal(fix.names, "x-amz-date;x-amz-security-token;user-agent;amz-sdk-request;"
                                   "content-type;authorization;");
    assert_true(str_eq(sent_value("x-amz-date"), S("20260102T030405Z")));
    assert_true(str_eq(fix.call.target, str_of(arn_path)));
    assert_true(str_eq(fix.call.authority, t.authority));
    assert_ptr_equal(fix.call.body, arn_body);

    unsigned char digest[SHA256_BYTES];
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, arn_body[0]);
    sha256_add(&h, arn_body[1]);
    sha256_end(&h, digest);
    r.body_sha256 = digest;
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    assert_string_equal(fix.authorization, arn_authorization);
}

static void signs_metadata(void **state)
{
    static const struct field fields[] = {
        {STR("x-amzn-bedrock-request-metadata"), STR("{\"team\":\"a\"}")},
        {STR("x-amzn-trace-id"), STR("Root=1")}};
    struct aws_target t = bedrock();
    struct aws_request r = {.method = S("GET"), .target = S("/"), .fields = fields, .n_fields = 2};
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    assert_non_null(strstr(fix.authorization,
                           "SignedHeaders=host;x-amz-date;x-amzn-bedrock-request-metadata,"));
    assert_true(str_eq(sent_value("x-amzn-trace-id"), S("Root=1")));
}

static void puts_the_base_path_in_front(void **state)
{
    struct aws_target t = bedrock();
    struct aws_request r = arn_request();
    char with_base[256], whole[1024];
    t.base_path = S("/weir/team%2Fa");
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    snprintf(with_base, sizeof with_base, "/weir/team%%2Fa%s", arn_path);
    assert_true(str_eq(fix.call.target, str_of(with_base)));
    strcpy(whole, fix.authorization);
    t.base_path = S("");
    r.target = str_of(with_base); /* the same bytes, the same signature */
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    assert_string_equal(fix.authorization, whole);
}

static bool learns(struct aws_signer *signer, int status, const char *type, const char *date,
                   int64_t signed_with)
{
    struct fields answer = {0};
    fields_add(&answer, S("x-amzn-errortype"), str_of(type));
    fields_add(&answer, S("date"), str_of(date));
    return aws_signer_learn(signer, status, &answer, signed_with);
}

static void learns_the_services_clock(void **state)
{
    static const char *const expired = "InvalidSignatureException:http://internal";
    struct aws_signer *s = aws_signer_new();
    clock_fake(0, 784111777000); /* Sun, 06 Nov 1994 08:49:37 GMT */
    assert_false(learns(s, 403, "AccessDeniedException", "Sun, 06 Nov 1994 09:49:37 GMT", 0));
    assert_false(learns(s, 200, expired, "Sun, 06 Nov 1994 09:49:37 GMT", 0));
    assert_false(learns(s, 403, expired, "Sun, 06 Nov 1994 08:51:37 GMT", 0));
    assert_false(learns(s, 403, expired, "Tue, 08 Nov 1994 09:49:37 GMT", 0));
    assert_false(learns(s, 403, expired, "yesterday", 0));
    assert_int_equal(aws_signer_offset(s), 0);
    assert_true(learns(s, 403, expired, "Sun, 06 Nov 1994 09:49:37 GMT", 0));
    assert_int_equal(aws_signer_offset(s), 3600);
    /* What was signed with it and is refused all the same was refused for another reason; what was
     * signed before is worth another try. */
    assert_false(learns(s, 403, expired, "Sun, 06 Nov 1994 09:49:38 GMT", 3600));
    assert_true(learns(s, 403, expired, "Sun, 06 Nov 1994 09:49:38 GMT", 0));
    clock_real();
    aws_signer_free(s);
}

static void sends_a_bearer_key(void **state)
{
    struct aws_target t = bedrock();
    struct aws_request r = arn_request();
    struct creds bearer = {.version = 3, .bearer = S("ABSKtest")};
    assert_int_equal(send_it(&t, &bearer, &r), 0);
    assert_string_equal(fix.authorization, "Bearer ABSKtest");
    assert_string_equal(fix.names, "user-agent;amz-sdk-request;content-type;authorization;");
    assert_int_equal(send_it(&t, NULL, &r), 0);
    assert_string_equal(fix.names, "user-agent;amz-sdk-request;content-type;");
}

static void signs_for_s3(void **state)
{
    struct aws_target t = {.origin = fix.origin,
                           .authority = S("weir-bucket.s3.amazonaws.com"),
                           .region = S("us-east-1"),
                           .service = S("s3"),
                           .s3_path = true};
    static const struct field sse[] = {{STR("x-amz-server-side-encryption"), STR("aws:kms")}};
    static const struct str body[] = {STR("{}\n")};
    struct aws_request r = {.method = S("PUT"),
                            .target = S("/in/a%20b%2Bc.jsonl"),
                            .fields = sse,
                            .n_fields = 1,
                            .body = body,
                            .n_body = 1};
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    assert_string_equal(
        fix.authorization,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-server-side-encryption, "
        "Signature=a3dc1ce58bf9ca042fac249d17be9a50dcd772b4e76723369337603c19a251bb");
    assert_true(str_eq(sent_value("x-amz-content-sha256"),
                       S("ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356")));
}

static void keeps_keys_by_version_day_region_and_service(void **state)
{
    static const char *const regions[] = {"us-east-1",    "us-west-2",   "eu-west-1",  "eu-west-2",
                                          "sa-east-1",    "af-south-1",  "me-south-1", "ca-west-1",
                                          "il-central-1", "mx-central-1"};
    struct aws_target t = bedrock();
    struct aws_request r = arn_request();
    fix.creds.session_token = S("SESSIONTOKEN/+=");
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
            t.region = str_of(regions[i]);
            assert_int_equal(send_it(&t, &fix.creds, &r), 0);
        }
    t.service = S("other");
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    t = bedrock();
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    assert_string_equal(fix.authorization, arn_authorization);

    /* another secret is another version; the day is the clock's */
    fix.creds.version = 2;
    fix.creds.secret_key = S("other");
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    assert_string_not_equal(fix.authorization, arn_authorization);
    clock_fake(1, ((int64_t)JAN_2_2026 + 86400) * 1000);
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    assert_non_null(strstr(fix.authorization, "/20260103/"));
    assert_true(str_eq(sent_value("x-amz-date"), S("20260103T030405Z")));
    char known[1024];
    memcpy(known, fix.authorization, sizeof known);
    aws_signer_free(fix.signer); /* one that remembers nothing signs the same */
    fix.signer = aws_signer_new();
    assert_int_equal(send_it(&t, &fix.creds, &r), 0);
    assert_string_equal(fix.authorization, known);
}

static void says_so_when_it_cannot(void **state)
{
    struct aws_target t = bedrock();
    struct aws_request r = arn_request();
    arena_init(&fix.arena, 128);
    fix.served = 0;
    assert_int_equal(send_it(&t, &fix.creds, &r), ERR_NO_MEMORY);
    assert_int_equal(fix.served, 0);
    arena_init(&fix.arena, 64 * 1024);
    t.region = S("us east");
    assert_int_equal(send_it(&t, &fix.creds, &r), ERR_BAD);
    assert_int_equal(fix.served, 0);
}

/* --- all of botocore's, where they are */

static bool ours(const char *name)
{
    static const char *const made_here[] = {"x-amz-date",           "x-amz-security-token",
                                            "x-amz-content-sha256", "authorization",
                                            "content-length",       "expect"};
    for (size_t i = 0; i < sizeof made_here / sizeof *made_here; i++)
        if (strcasecmp(name, made_here[i]) == 0)
            return true;
    return false;
}

static struct str text_of(const cJSON *o, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(o, name);
    return cJSON_IsString(item) ? str_of(item->valuestring) : (struct str){NULL, 0};
}

/* "Credential=A/day/REGION/SERVICE/aws4_request" */
static struct str scope_part(struct str authorization, int n)
{
    struct str rest = authorization, part = {0};
    while (n-- >= 0)
        part = str_cut(&rest, '/');
    return part;
}

static void compare(const cJSON *one)
{
    static char lower[32][64];
    struct field fields[32];
    size_t n = 0;
    const cJSON *headers = cJSON_GetObjectItem(one, "headers"), *h;
    struct str want = text_of(headers, "Authorization"), body = text_of(one, "body");
    struct str url = str_from_offset(text_of(one, "url"), 8);
    size_t slash = (size_t)str_chr(url, '/');
    cJSON_ArrayForEach(h, headers)
    {
        if (ours(h->string))
            continue;
        for (size_t i = 0; i <= strlen(h->string); i++)
            lower[n][i] = (char)(h->string[i] >= 'A' && h->string[i] <= 'Z' ? h->string[i] + 32
                                                                            : h->string[i]);
        fields[n] = (struct field){str_of(lower[n]), str_of(h->valuestring)};
        n++;
    }
    struct str authority = str_sub(url, 0, slash);
    bool bearer = str_starts(want, S("Bearer "));
    struct creds set = fix.creds;
    set.session_token = text_of(headers, "X-Amz-Security-Token");
    if (bearer)
        set.bearer = str_from_offset(want, 7);
    struct aws_target t = {.origin = fix.origin,
                           .authority = authority,
                           .region = scope_part(want, 2),
                           .service = scope_part(want, 3),
                           .s3_path = str_eq(text_of(one, "service"), S("s3"))};
    struct aws_request r = {.method = text_of(one, "method"),
                            .target = str_from_offset(url, slash),
                            .fields = fields,
                            .n_fields = n,
                            .body = &body,
                            .n_body = body.len ? 1 : 0};
    assert_int_equal(send_it(&t, want.len ? &set : NULL, &r), 0);
    assert_true(str_eq(str_of(fix.authorization), want));
}

static void signs_all_of_botocores(void **state)
{
    const char *shared = getenv("WEIR_SHARED");
    char path[512], err[512];
    struct buf b = {0};
    snprintf(path, sizeof path, "%s/vectors/sigv4/botocore-generated-requests.json",
             shared ? shared : "../shared");
    if (file_read(path, FILE_MOST_BYTES, &b, err, sizeof err) != 0) {
        print_message("skipped: no shared data\n");
        skip();
    }
    cJSON *root = cJSON_Parse(buf_cstr(&b)), *one;
    unsigned seen = 0;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(root, "requests"))
    {
        /* an unsigned streaming payload is nothing that aws/call makes */
        if (str_eq(text_of(one, "name"), S("s3-put-default-checksum")))
            continue;
        compare(one);
        seen++;
    }
    assert_true(seen >= 27);
    cJSON_Delete(root);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signs_as_botocore_does, setup, teardown),
        cmocka_unit_test_setup_teardown(signs_metadata, setup, teardown),
        cmocka_unit_test_setup_teardown(puts_the_base_path_in_front, setup, teardown),
        cmocka_unit_test(learns_the_services_clock),
        cmocka_unit_test_setup_teardown(sends_a_bearer_key, setup, teardown),
        cmocka_unit_test_setup_teardown(signs_for_s3, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_keys_by_version_day_region_and_service, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(says_so_when_it_cannot, setup, teardown),
        cmocka_unit_test_setup_teardown(signs_all_of_botocores, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
