/* SPDX-License-Identifier: Apache-2.0
 *
 * CreateModelInvocationJob's patterns and lines of batch input, without sockets: there is no S3
 * here, so every job that is taken fails by and by.
 */
#include "../wire/vectors.h"
#include "job_line.h"
#include "ops.h"
#include "tree.h"
#include "world.h"

struct bench {
    struct world *w;
    struct fields fields;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->w = world_new(64, 4);
    b->w->auth.off = true;
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    world_free(b->w);
    free(b);
    return 0;
}

/* A create of these; what is NULL is as it should be. */
struct wish {
    const char *name, *token, *role, *model, *input, *output, *more;
};

static const char *either(const char *given, const char *otherwise)
{
    return given ? given : otherwise;
}

/* The answer's status; *error is its type. */
static int create(struct bench *b, const struct wish *w, const char **error)
{
    struct ops_result out;
    struct buf body = {0};
    buf_addf(&body,
             "{\"jobName\":\"%s\",\"clientRequestToken\":\"%s\",\"roleArn\":\"%s\",\"modelId\":"
             "\"%s\",\"inputDataConfig\":{\"s3InputDataConfig\":{\"s3Uri\":\"%s\"}},"
             "\"outputDataConfig\":{\"s3OutputDataConfig\":{\"s3Uri\":\"%s\"}}%s}",
             either(w->name, "name"), either(w->token, "token"),
             either(w->role, "arn:aws:iam::123456789012:role/r"),
             either(w->model, "amazon.nova-lite-v1:0"), either(w->input, "s3://bucket/a/b.jsonl"),
             either(w->output, "s3://bucket/out/"), either(w->more, ""));
    struct ops_request r = {
        S("POST"), S("/model-invocation-job"), S("bedrock"), &b->fields, buf_str(&body), {0}};
    ops_answer(b->w, &r, &out);
    int status = out.reply.status;
    *error = out.reply.error;
    buf_fini(&body);
    ops_result_fini(&out);
    return status;
}

static void takes_what_the_patterns_allow(void **state)
{
    static const struct wish wishes[] = {
        {.name = "a-.+9-", .token = "a--b9"},
        {.token = "b", .input = "s3://my.bucket-1/!_*'()./x.jsonl", .output = "s3://abc"},
        {.token = "c", .role = "arn:aws-us-gov:iam:::role/path/r"},
        {.token = "d", .model = "us.anthropic.claude-sonnet-4-6"},
        {.token = "e",
         .model = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc"},
        {.token = "f",
         .more = ",\"timeoutDurationInHours\":168,\"modelInvocationType\":\"Converse\""},
    };
    const char *error;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        if (create(*state, &wishes[i], &error) != 200)
            fail_msg("wish %zu: %s", i, error);
}

static void refuses_what_they_do_not(void **state)
{
    static const char long_name[] =
        "a23456789-a23456789-a23456789-a23456789-a23456789-a23456789-abcd";
    static const struct wish wishes[] = {
        {.name = ""},
        {.name = "-a"},
        {.name = "a_b"},
        {.name = long_name},
        {.token = "a_b"},
        {.token = "a-"},
        {.token = ""},
        {.role = "arn:aws:iam::123456789012:user/u"},
        {.role = "arn:aws:iam::1234:role/r"},
        {.role = "arn:aws:iam::123456789012:role/"},
        {.input = "s3://bucket/dt=2026/x.jsonl"},
        {.input = "s3://bucket/a b.jsonl"},
        {.input = "s3://bucket/a:b.jsonl"},
        {.input = "s3://bucket//x.jsonl"},
        {.input = "s3://Bucket/x.jsonl"},
        {.input = "https://bucket/x.jsonl"},
        {.output = "s3://ab/x"},
        {.output = "s3://bucket/a+b/"},
        {.model = "nobodys.model"},
        {.model = "us.anthropic.claude-sonnet-5"}, /* no batch */
        {.model = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc"},
        {.more = ",\"timeoutDurationInHours\":23"},
        {.more = ",\"modelInvocationType\":\"Other\""},
        {.more = ",\"serviceTier\":\"flex\""},
    };
    struct bench *b = *state;
    const char *error;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        if (create(b, &wishes[i], &error) != 400 || strcmp(error, "ValidationException") != 0)
            fail_msg("wish %zu is not refused", i);
    assert_int_equal(b->w->batch->made, 0);
}

static void knows_its_tokens(void **state)
{
    struct bench *b = *state;
    struct wish w = {0};
    const char *error;
    assert_int_equal(create(b, &w, &error), 200);
    w.name = "other";
    assert_int_equal(create(b, &w, &error), 200);
    assert_int_equal(b->w->batch->made, 1);
    assert_int_equal(b->w->batch->newest->came, 2);
    assert_int_equal(b->w->batch->newest->other, 1);
}

static void reads_lines(void **state)
{
    static const struct {
        const char *line;
        bool good;
    } lines[] = {
        {"{\"recordId\":\"a\",\"modelInput\":{}}", true},
        {"{\"modelInput\":{\"x\":1}}", true},
        {"{\"recordId\":\"a\",\"modelInput\":[]}", false},
        {"{\"recordId\":\"a\"}", false},
        {"{\"recordId\":7,\"modelInput\":{}}", false},
        {"[]", false},
        {"{\"modelInput\":{}} x", false},
        {"", false},
    };
    uint64_t a, again, none;
    const char *why;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (job_line_check(str_of(lines[i].line), &a, &why) != lines[i].good)
            fail_msg("%s", lines[i].line);
    assert_true(job_line_check(str_of(lines[0].line), &a, &why));
    assert_true(job_line_check(S("{\"modelInput\":{},\"recordId\":\"a\"}"), &again, &why));
    assert_true(job_line_check(str_of(lines[1].line), &none, &why));
    assert_true(a == again && none == 0);
}

static void reads_orders(void **state)
{
    struct job_order o;
    struct str bad;
    job_order_init(&o);
    assert_true(job_order_read(&o, S("stall=Scheduled, partial=37 refuse=role show=Paused"), &bad));
    assert_int_equal(o.stall, JOB_SCHEDULED);
    assert_int_equal(o.partial, 37);
    assert_int_equal(o.refuse, JOB_NO_ROLE);
    assert_string_equal(o.show, "Paused");
    static const char *const none[] = {"stall=Completed", "partial=101", "fail=1",  "hidden",
                                       "nothing",         "show=a b=c",  "refuse=x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(job_order_read(&o, str_of(none[i]), &bad));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_what_the_patterns_allow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_they_do_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_its_tokens, set_up, tear_down),
        cmocka_unit_test(reads_lines),
        cmocka_unit_test(reads_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
