/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/bedrock_jobs: what each call sends, what each answer means, and lists over pages.
 */
#include "signed_double.h"

#include "weir/aws/bedrock_jobs.h"
#include "weir/base/random.h"

#define ARN      "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"
#define JOB(arn) "{\"jobArn\":\"" arn "\",\"jobName\":\"weir-7\",\"status\":\"InProgress\"}"

static struct {
    struct loop *loop;
    struct bedrock_jobs *jobs;
    struct creds creds;
    struct reply reply[32];
    unsigned calls, told;
    struct buf heard;
    enum bedrock_jobs_end end;
    int status;
    int64_t retry_ms;
    size_t n;
    struct bedrock_job first, last;
    char texts[8][100], why[500];
} t;

static void serve_it(const struct heard *h, struct reply *out)
{
    assert_true(sent(h, "authorization").len > 0);
    buf_addf(&t.heard, "%.*s %.*s %.*s\n", STR_ARG(h->call->method), STR_ARG(h->call->target),
             STR_ARG(h->body));
    *out = t.reply[t.calls < 31 ? t.calls : 31];
    t.calls++;
}

static struct str keep(int i, struct str s)
{
    snprintf(t.texts[i], sizeof t.texts[i], "%.*s", STR_ARG(s));
    return str_of(t.texts[i]);
}

static void on_told(void *arg, const struct bedrock_jobs_answer *a)
{
    t.told++;
    t.end = a->end;
    t.status = a->status;
    t.retry_ms = a->retry_ms;
    t.n = a->n;
    snprintf(t.why, sizeof t.why, "%s", a->why);
    if (!a->n)
        return;
    t.first = a->jobs[0];
    t.last = a->jobs[a->n - 1];
    t.first.arn = keep(0, t.first.arn);
    t.first.name = keep(1, t.first.name);
    t.first.token = keep(2, t.first.token);
    t.first.status = keep(3, t.first.status);
    t.first.message = keep(4, t.first.message);
    t.first.model = keep(5, t.first.model);
    t.last.arn = keep(6, t.last.arn);
}

static int setup(void **state)
{
    memset(&t, 0, sizeof t);
    t.loop = signed_begin(&t.creds, serve_it);
    struct bedrock_control_options o = {
        .at = signed_endpoint("https://bedrock.us-east-1.amazonaws.com"), .region = S("us-east-1")};
    t.jobs = bedrock_jobs_new(t.loop, NULL, &o);
    return 0;
}

static int teardown(void **state)
{
    bedrock_jobs_free(t.jobs);
    signed_end(t.loop, &t.creds);
    buf_fini(&t.heard);
    return 0;
}

static const struct bedrock_jobs_create good = {.name = STR("weir-a1-7"),
                                                .token = STR("0123456789abcdef0123456789abcdef"),
                                                .model = STR("amazon.nova-lite-v1:0"),
                                                .role_arn = STR("arn:aws:iam::123456789012:role/b"),
                                                .converse = true,
                                                .input_uri = STR("s3://acme-weir/weir/j7/in.jsonl"),
                                                .output_uri = STR("s3://acme-weir/weir/j7/out/"),
                                                .owner = STR("123456789012"),
                                                .kms_key = STR("alias/weir"),
                                                .hours = 48};

static void turn(void)
{
    assert_int_equal(t.told, 0);
    for (int i = 0; i < 100 && !t.told; i++)
        loop_turn(t.loop, 0);
}

static void begin(struct reply r)
{
    t.reply[0] = r;
    t.calls = t.told = 0;
    buf_clear(&t.heard);
}

static void create(const struct bedrock_jobs_create *c, struct reply r)
{
    begin(r);
    (void)bedrock_jobs_create(t.jobs, &t.creds, c, on_told, NULL);
    turn();
}

static void creates_what_the_model_says(void **state)
{
    create(&good, says_json(200, NULL, "{\"jobArn\":\"" ARN "\"}"));
    assert_int_equal(t.end, BEDROCK_JOBS_GOOD);
    assert_int_equal(t.n, 1);
    assert_string_equal(t.first.arn.ptr, ARN);
    assert_string_equal(
        buf_cstr(&t.heard),
        "POST /model-invocation-job {\"jobName\":\"weir-a1-7\",\"clientRequestToken\":"
        "\"0123456789abcdef0123456789abcdef\",\"roleArn\":\"arn:aws:iam::123456789012:role/b\","
        "\"modelId\":\"amazon.nova-lite-v1:0\",\"modelInvocationType\":\"Converse\","
        "\"inputDataConfig\":{\"s3InputDataConfig\":{\"s3Uri\":\"s3://acme-weir/weir/j7/in.jsonl\","
        "\"s3InputFormat\":\"JSONL\",\"s3BucketOwner\":\"123456789012\"}},\"outputDataConfig\":"
        "{\"s3OutputDataConfig\":{\"s3Uri\":\"s3://acme-weir/weir/j7/out/\","
        "\"s3EncryptionKeyId\":\"alias/weir\",\"s3BucketOwner\":\"123456789012\"}},"
        "\"timeoutDurationInHours\":48}\n");
    struct bedrock_jobs_create plain = good;
    plain.converse = false;
    plain.owner.len = plain.kms_key.len = 0;
    create(&plain, says_json(200, NULL, "{}"));
    assert_int_equal(t.end, BEDROCK_JOBS_UNKNOWN); /* there may be a job, and nobody says which */
    const char *sent_body = buf_cstr(&t.heard);
    assert_non_null(strstr(sent_body, "\"modelInvocationType\":\"InvokeModel\""));
    assert_null(strstr(sent_body, "s3BucketOwner"));
    assert_null(strstr(sent_body, "s3EncryptionKeyId"));
}

struct row {
    int status;
    const char *type;
    enum bedrock_jobs_end create, get, stop;
};
static const struct row rows[] = {
#define U BEDROCK_JOBS_UNKNOWN
#define L BEDROCK_JOBS_LATER
#define R BEDROCK_JOBS_REFUSED
    {400, "ValidationException:http://internal.amazon.com/coral/", R, R, R},
    {400, "ServiceQuotaExceededException", L, L, L},
    {400, "com.amazon.coral#ThrottlingException", L, L, L},
    {400, "ConflictException", U, U, BEDROCK_JOBS_GOOD},
    {400, NULL, R, R, R},
    {403, "AccessDeniedException", R, R, R},
    {403, "ExpiredTokenException", L, L, L},
    {403, "UnrecognizedClientException", L, L, L},
    {403, "InvalidSignatureException", L, L, L},
    {404, "ResourceNotFoundException", R, BEDROCK_JOBS_NONE, BEDROCK_JOBS_NONE},
    {408, NULL, U, U, U},
    {409, NULL, U, U, BEDROCK_JOBS_GOOD},
    {413, NULL, R, R, R},
    {429, "ThrottlingException", L, L, L},
    {500, "InternalServerException", U, U, U},
    {503, NULL, U, U, U},
    {302, NULL, R, R, R},
    {204, NULL, U, U, U},
#undef U
#undef L
#undef R
};

static void knows_what_is_certain(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct reply reply = says_json(r->status, r->type, "{\"message\":\"the words\"}");
        create(&good, reply);
        assert_int_equal(t.calls, 1);
        assert_int_equal(t.status, r->status);
        if (t.end != r->create)
            fail_msg("create %d", r->status);
        assert_non_null(strstr(t.why, "the words"));
        begin(reply);
        (void)bedrock_jobs_get(t.jobs, &t.creds, S(ARN), on_told, NULL);
        turn();
        if (t.end != r->get)
            fail_msg("get %d", r->status);
        begin(reply);
        (void)bedrock_jobs_stop(t.jobs, &t.creds, S(ARN), on_told, NULL);
        turn();
        if (t.end != r->stop)
            fail_msg("stop %d", r->status);
    }
}

static void knows_what_silence_means(void **state)
{
    static const struct {
        enum origin_end how;
        enum bedrock_jobs_end end;
    } ends[] = {{ORIGIN_UNSENT, BEDROCK_JOBS_LATER},
                {ORIGIN_UNREACHABLE, BEDROCK_JOBS_LATER},
                {ORIGIN_GONE, BEDROCK_JOBS_UNKNOWN},
                {ORIGIN_TIMEOUT, BEDROCK_JOBS_UNKNOWN},
                {ORIGIN_BAD, BEDROCK_JOBS_UNKNOWN}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        create(&good, (struct reply){.end = ends[i].how});
        assert_int_equal(t.end, ends[i].end);
        assert_int_equal(t.status, 0);
    }
    /* A job was made, and the answer breaks off behind its head. */
    create(&good, (struct reply){.end = ORIGIN_GONE, .status = 200});
    assert_int_equal(t.end, BEDROCK_JOBS_UNKNOWN);
}

static void tells_when_to_come_again(void **state)
{
    struct reply r = says_json(429, "ThrottlingException", "{}");
    (void)fields_add(&r.fields, S("retry-after"), S("7"));
    create(&good, r);
    assert_int_equal(t.retry_ms, 7000);
    r.fields.at[1].value = S("99999999");
    create(&good, r);
    assert_int_equal(t.retry_ms, 0);
}

static void refuses_what_breaks_a_pattern(void **state)
{
    static const struct str uris[] = {
        STR("s3://acme-weir/dt=7/in.jsonl"), STR("s3://a/in"),         STR("s3://acme-weir//in"),
        STR("https://acme-weir/in"),         STR("s3://Acme-weir/in"), STR("s3://acme-weir/a b")};
    struct bedrock_jobs_create wrong[16];
    size_t n = 0;
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        wrong[n] = good;
        wrong[n++].input_uri = uris[i];
    }
    for (size_t i = 0; i < 8; i++)
        wrong[n + i] = good;
    wrong[n++].name = S("weir_7");
    wrong[n++].name = S("-weir");
    wrong[n++].token = S("a_b");
    wrong[n++].token = S("ab-");
    wrong[n++].role_arn = S("weir");
    wrong[n++].owner = S("12345");
    wrong[n++].hours = 23;
    wrong[n++].hours = 169;
    for (size_t i = 0; i < n; i++) {
        create(&wrong[i], says_json(200, NULL, "{\"jobArn\":\"" ARN "\"}"));
        if (t.end != BEDROCK_JOBS_REFUSED)
            fail_msg("row %zu", i);
        assert_int_equal(t.calls, 0);
        assert_true(t.why[0]);
    }
}

static void waits_for_credentials(void **state)
{
    begin(says_json(200, NULL, "{}"));
    (void)bedrock_jobs_create(t.jobs, NULL, &good, on_told, NULL);
    turn();
    assert_int_equal(t.end, BEDROCK_JOBS_LATER);
    assert_int_equal(t.calls, 0);
}

static void reads_a_job(void **state)
{
    begin(says_json(
        200, NULL,
        "{\"jobArn\":\"" ARN "\",\"jobName\":\"weir-7\",\"modelId\":\"m\","
        "\"clientRequestToken\":\"tok\",\"status\":\"PartiallyCompleted\",\"message\":\"m!\","
        "\"totalRecordCount\":100,\"processedRecordCount\":90,\"successRecordCount\":88,"
        "\"errorRecordCount\":2,\"jobExpirationTime\":\"2026-01-02T03:04:05.678Z\"}"));
    (void)bedrock_jobs_get(t.jobs, &t.creds, S(ARN), on_told, NULL);
    turn();
    assert_int_equal(t.end, BEDROCK_JOBS_GOOD);
    assert_string_equal(t.first.name.ptr, "weir-7");
    assert_string_equal(t.first.token.ptr, "tok");
    assert_string_equal(t.first.status.ptr, "PartiallyCompleted");
    assert_string_equal(t.first.message.ptr, "m!");
    assert_string_equal(t.first.model.ptr, "m");
    assert_int_equal(t.first.total, 100);
    assert_int_equal(t.first.processed, 90);
    assert_int_equal(t.first.succeeded, 88);
    assert_int_equal(t.first.errors, 2);
    assert_int_equal(t.first.expires_s, 1767323045);
    assert_string_equal(buf_cstr(&t.heard),
                        "GET /model-invocation-job/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012"
                        "%3Amodel-invocation-job%2Fabcdefghijkl \n");
    begin(says_json(200, NULL, "[]"));
    (void)bedrock_jobs_get(t.jobs, &t.creds, S(ARN), on_told, NULL);
    turn();
    assert_int_equal(t.end, BEDROCK_JOBS_UNKNOWN);
}

static void stops_a_job(void **state)
{
    begin(says_json(200, NULL, "{}"));
    (void)bedrock_jobs_stop(t.jobs, &t.creds, S("abcdefghijkl"), on_told, NULL);
    turn();
    assert_int_equal(t.end, BEDROCK_JOBS_GOOD);
    assert_string_equal(buf_cstr(&t.heard), "POST /model-invocation-job/abcdefghijkl/stop \n");
}

static void list(struct str name)
{
    (void)bedrock_jobs_list(t.jobs, &t.creds, name, on_told, NULL);
    turn();
}

static void reads_every_page(void **state)
{
    begin(says_json(200, NULL,
                    "{\"nextToken\":\"a+b\",\"invocationJobSummaries\":[" JOB("one") "]}"));
    t.reply[1] =
        says_json(200, NULL, "{\"invocationJobSummaries\":[" JOB("two") "," JOB("three") "]}");
    list(S("weir-7"));
    assert_int_equal(t.end, BEDROCK_JOBS_GOOD);
    assert_int_equal(t.n, 3);
    assert_string_equal(t.first.arn.ptr, "one");
    assert_string_equal(t.last.arn.ptr, "three");
    assert_string_equal(buf_cstr(&t.heard),
                        "GET /model-invocation-jobs?maxResults=100&nameContains=weir-7"
                        "&sortBy=CreationTime&sortOrder=Descending \n"
                        "GET /model-invocation-jobs?maxResults=100&nameContains=weir-7&nextToken="
                        "a%2Bb&sortBy=CreationTime&sortOrder=Descending \n");
    begin(says_json(200, NULL, "{\"invocationJobSummaries\":[]}"));
    list(S("weir-7"));
    assert_int_equal(t.end, BEDROCK_JOBS_GOOD);
    assert_int_equal(t.n, 0);
}

static void never_takes_half_a_list_for_one(void **state)
{
    struct reply page =
        says_json(200, NULL, "{\"nextToken\":\"x\",\"invocationJobSummaries\":[" JOB(ARN) "]}");
    begin(page);
    t.reply[1] = says_json(429, NULL, "{}");
    list(S("weir-7"));
    assert_int_equal(t.end, BEDROCK_JOBS_LATER);
    assert_int_equal(t.n, 0);
    begin(page);
    for (int i = 0; i < 32; i++)
        t.reply[i] = page;
    list(S("weir-7"));
    assert_int_equal(t.end, BEDROCK_JOBS_UNKNOWN);
    assert_int_equal(t.calls, 20);
    assert_int_equal(t.n, 20); /* for who wants the newest alone */
    begin(says_json(200, NULL, "{\"invocationJobSummaries\":[{}]}"));
    list(S("weir-7"));
    assert_int_equal(t.end, BEDROCK_JOBS_UNKNOWN);
}

static void mends_its_clock(void **state)
{
    struct reply late = says_json(403, "InvalidSignatureException", "{}");
    (void)fields_add(&late.fields, S("date"), S("Fri, 02 Jan 2026 04:04:05 GMT"));
    begin(late);
    t.reply[1] = says_json(200, NULL, "{\"jobArn\":\"" ARN "\"}");
    (void)bedrock_jobs_create(t.jobs, &t.creds, &good, on_told, NULL);
    turn();
    assert_int_equal(t.calls, 2);
    assert_int_equal(t.end, BEDROCK_JOBS_GOOD);
    late.fields.at[1].value = S("Fri, 02 Jan 2026 06:04:05 GMT");
    begin(late);
    t.reply[1] = late;
    t.reply[1].fields.at[1].value = S("Fri, 02 Jan 2026 08:04:05 GMT");
    (void)bedrock_jobs_create(t.jobs, &t.creds, &good, on_told, NULL);
    turn(); /* a clock that jumps is not followed */
    assert_int_equal(t.calls, 2);
    assert_int_equal(t.end, BEDROCK_JOBS_LATER);
}

static void is_dropped_in_the_middle(void **state)
{
    begin((struct reply){.silent = true});
    bedrock_jobs_drop(bedrock_jobs_get(t.jobs, &t.creds, S(ARN), on_told, NULL));
    bedrock_jobs_drop(bedrock_jobs_get(t.jobs, NULL, S(ARN), on_told, NULL));
    bedrock_jobs_drop(NULL);
    (void)bedrock_jobs_get(t.jobs, NULL, S(ARN), on_told, NULL); /* freed with the jobs */
    (void)bedrock_jobs_list(t.jobs, &t.creds, S("weir"), on_told, NULL);
    assert_int_equal(t.told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(creates_what_the_model_says, setup, teardown),
        cmocka_unit_test_setup_teardown(knows_what_is_certain, setup, teardown),
        cmocka_unit_test_setup_teardown(knows_what_silence_means, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_when_to_come_again, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_breaks_a_pattern, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_credentials, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_a_job, setup, teardown),
        cmocka_unit_test_setup_teardown(stops_a_job, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_every_page, setup, teardown),
        cmocka_unit_test_setup_teardown(never_takes_half_a_list_for_one, setup, teardown),
        cmocka_unit_test_setup_teardown(mends_its_clock, setup, teardown),
        cmocka_unit_test_setup_teardown(is_dropped_in_the_middle, setup, teardown),
    };
    return cmocka_run_group_tests_name("aws/bedrock_jobs", tests, NULL, NULL);
}
