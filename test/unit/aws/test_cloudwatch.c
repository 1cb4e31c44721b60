/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/cloudwatch: what a call looks like on the wire, and what its end means: sure or not, worth a
 * second try or not. How bodies are filled is tested with gate/points.
 */
#include "origin_double.h"

#include "weir/aws/cloudwatch.h"
#include "weir/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>

#include <cmocka.h>

static struct fields answer_fields;

static enum cloudwatch_fate judge(enum origin_end end, int status, const char *code,
                                  const char *body)
{
    char why[200];
    answer_fields.n = 0;
    if (code)
        assert_true(fields_add(&answer_fields, S("x-amzn-query-error"), str_of(code)));
    const struct fetch_answer a = {.end = end,
                                   .status = status,
                                   .fields = &answer_fields,
                                   .body = str_of(body),
                                   .why = "the double says so"};
    enum cloudwatch_fate fate = cloudwatch_judge(&a, why, sizeof why);
    assert_true(fate == CLOUDWATCH_TAKEN || strlen(why) > 3);
    return fate;
}

static void what_is_sure(void **state)
{
    assert_int_equal(judge(ORIGIN_DONE, 200, NULL, "{}"), CLOUDWATCH_TAKEN);
    assert_int_equal(judge(ORIGIN_GONE, 200, NULL, NULL), CLOUDWATCH_TAKEN); /* its head came */
    assert_int_equal(judge(ORIGIN_UNREACHABLE, 0, NULL, NULL), CLOUDWATCH_REFUSED);
    assert_int_equal(judge(ORIGIN_UNSENT, 0, NULL, NULL), CLOUDWATCH_REFUSED);
    assert_int_equal(judge(ORIGIN_DONE, 500, "InternalFailure;Receiver", ""), CLOUDWATCH_REFUSED);
    assert_int_equal(judge(ORIGIN_DONE, 503, NULL, "<html>no JSON"), CLOUDWATCH_REFUSED);
    assert_int_equal(judge(ORIGIN_GONE, 503, NULL, NULL), CLOUDWATCH_REFUSED);
    assert_int_equal(judge(ORIGIN_DONE, 302, NULL, NULL), CLOUDWATCH_REFUSED);
    assert_int_equal(judge(ORIGIN_DONE, 400, "Throttling;Sender", ""), CLOUDWATCH_REFUSED);
    assert_int_equal(judge(ORIGIN_DONE, 400, NULL, "{\"__type\":\"com.amazon#ExpiredToken\"}"),
                     CLOUDWATCH_REFUSED);
    assert_int_equal(judge(ORIGIN_DONE, 403, "AccessDenied;Sender", ""), CLOUDWATCH_REFUSED);
}

static void what_nobody_knows(void **state)
{
    assert_int_equal(judge(ORIGIN_GONE, 0, NULL, NULL), CLOUDWATCH_UNKNOWN);
    assert_int_equal(judge(ORIGIN_TIMEOUT, 0, NULL, NULL), CLOUDWATCH_UNKNOWN);
    assert_int_equal(judge(ORIGIN_BAD, 0, NULL, NULL), CLOUDWATCH_UNKNOWN);
}

static void what_will_never_be_taken(void **state)
{
    assert_int_equal(judge(ORIGIN_DONE, 400, "InvalidParameterValue;Sender", ""),
                     CLOUDWATCH_HOPELESS);
    assert_int_equal(judge(ORIGIN_DONE, 400, NULL,
                           "{\"__type\":\"com.amazon.coral.service#SerializationException\"}"),
                     CLOUDWATCH_HOPELESS);
    assert_int_equal(judge(ORIGIN_DONE, 413, NULL, ""), CLOUDWATCH_HOPELESS);
    assert_int_equal(judge(ORIGIN_DONE, 500, "InvalidParameterValue;Sender", ""),
                     CLOUDWATCH_REFUSED);
}

/* --- a call */

static struct loop *loop;
static int told, served;
static bool silent;

static void inflate_all(struct str packed, char *out, size_t size)
{
    z_stream z = {.next_in = (z_const Bytef *)packed.ptr,
                  .avail_in = (uInt)packed.len,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)size - 1};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    out[z.total_out] = 0;
    inflateEnd(&z);
}

static void serve_put(const struct heard *h, struct reply *out)
{
    char body[256];
    served++;
    assert_true(str_eq(h->call->method, S("POST")));
    assert_true(str_eq(h->call->target, S("/")));
    assert_true(str_eq(sent(h, "content-type"), S("application/x-amz-json-1.0")));
    assert_true(str_eq(sent(h, "x-amz-target"), S("GraniteServiceVersion20100801.PutMetricData")));
    assert_true(str_eq(sent(h, "content-encoding"), S("gzip")));
    assert_true(str_starts(sent(h, "authorization"), S("AWS4-HMAC-SHA256 Credential=AKID/")));
    assert_true(str_find(sent(h, "authorization"), S("/us-east-1/monitoring/aws4_request")) > 0);
    assert_true(str_find(sent(h, "authorization"), S("content-encoding;")) > 0);
    inflate_all(h->body, body, sizeof body);
    assert_string_equal(body, "{\"Namespace\":\"Weir\"}");
    out->status = 200;
    out->silent = silent;
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    told++;
    assert_int_equal(a->status, 200);
}

static struct cloudwatch_call *put(struct aws_signer *signer, struct aws_target *target)
{
    static struct creds creds = {
        .version = 1, .access_key = STR("AKID"), .secret_key = STR("secret")};
    char body[] = "{\"Namespace\":\"Weir\"}";
    struct cloudwatch_call *c =
        cloudwatch_put(loop, signer, target, &creds, str_of(body), 1000, on_answer, NULL);
    memset(body, 'x', sizeof body - 1); /* it need not stay */
    return c;
}

static void a_call(void **state)
{
    const struct origin_options o = {.host = S("monitoring.us-east-1.amazonaws.com"), .port = 443};
    serve = serve_put;
    loop = loop_new();
    struct aws_signer *signer = aws_signer_new();
    struct aws_target target = {.origin = origin_new(loop, NULL, &o),
                                .authority = o.host,
                                .region = S("us-east-1"),
                                .service = S("monitoring")};
    (void)put(signer, &target);
    assert_int_equal(told, 0);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 0);
    assert_int_equal(told, 1);
    silent = true;
    struct cloudwatch_call *c = put(signer, &target);
    loop_turn(loop, 0);
    cloudwatch_drop(c);
    loop_turn(loop, 0);
    assert_int_equal(told, 1);
    assert_int_equal(served, 2);
    origin_free(target.origin);
    aws_signer_free(signer);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sure),
        cmocka_unit_test(what_nobody_knows),
        cmocka_unit_test(what_will_never_be_taken),
        cmocka_unit_test(a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
