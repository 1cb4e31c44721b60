/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/bedrock_control: what is asked, how each answer is taken, and the model out of it.
 */
#include "signed_double.h"

#include "weir/aws/bedrock_control.h"

#define ARN            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
#define IN(region, id) "{\"modelArn\":\"arn:aws:bedrock:" region "::foundation-model/" id "\"}"

static struct {
    struct loop *loop;
    struct bedrock_control *control;
    struct creds creds;
    struct reply reply[2];
    unsigned calls, told;
    struct buf heard;
    enum bedrock_control_end end;
    int status;
    char model[300], why[300];
} t;

static void serve_it(const struct heard *h, struct reply *out)
{
    buf_addf(&t.heard, "%.*s %.*s%.*s %.*s\n", STR_ARG(h->call->method),
             STR_ARG(h->call->authority), STR_ARG(h->call->target),
             STR_ARG(sent(h, "authorization")));
    *out = t.reply[t.calls++ ? 1 : 0];
}

static void on_told(void *arg, const struct bedrock_control_answer *a)
{
    t.told++;
    t.end = a->end;
    t.status = a->status;
    snprintf(t.model, sizeof t.model, "%.*s", STR_ARG(a->model));
    snprintf(t.why, sizeof t.why, "%s", a->why);
}

static int setup(void **state)
{
    memset(&t, 0, sizeof t);
    t.loop = signed_begin(&t.creds, serve_it);
    struct bedrock_control_options o = {
        .at = signed_endpoint("https://bedrock.us-east-1.amazonaws.com"), .region = S("us-east-1")};
    t.control = bedrock_control_new(t.loop, NULL, &o);
    return 0;
}

static int teardown(void **state)
{
    bedrock_control_free(t.control);
    signed_end(t.loop, &t.creds);
    buf_fini(&t.heard);
    return 0;
}

static void ask(struct reply first, struct reply second)
{
    t.reply[0] = first;
    t.reply[1] = second;
    t.calls = t.told = 0;
    bedrock_control_ask_profile(t.control, &t.creds, S(ARN), on_told, NULL);
    assert_int_equal(t.told, 0);
    for (int i = 0; i < 20 && !t.told; i++)
        loop_turn(t.loop, 0);
}

static void asks_signed_for_one_segment(void **state)
{
    struct reply good = says_json(200, NULL, "{\"models\":[" IN("us-east-1", "a.b-v1:0") "]}");
    ask(good, good);
    assert_int_equal(t.end, BEDROCK_CONTROL_KNOWN);
    assert_string_equal(t.model, "a.b-v1:0");
    const char *start =
        "GET bedrock.us-east-1.amazonaws.com/inference-profiles/"
        "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc "
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/bedrock/aws4_request, ";
    assert_memory_equal(buf_cstr(&t.heard), start, strlen(start));
    assert_int_equal(t.calls, 1);
}

static void tells_never_from_not_now(void **state)
{
    static const struct {
        int status;
        const char *type;
        enum bedrock_control_end end;
    } rows[] = {
        {404, "ResourceNotFoundException", BEDROCK_CONTROL_NONE},
        {404, NULL, BEDROCK_CONTROL_NONE},
        {400, "ValidationException:http://internal.amazon.com/coral/", BEDROCK_CONTROL_NONE},
        {400, "com.amazon.coral#ValidationException", BEDROCK_CONTROL_NONE},
        {400, "IncompleteSignature", BEDROCK_CONTROL_FAILED},
        {400, NULL, BEDROCK_CONTROL_FAILED},
        {403, "AccessDeniedException", BEDROCK_CONTROL_FAILED},
        {429, "ThrottlingException", BEDROCK_CONTROL_FAILED},
        {500, "InternalServerException", BEDROCK_CONTROL_FAILED},
        {200, NULL, BEDROCK_CONTROL_FAILED}, /* and no JSON */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply r = says_json(rows[i].status, rows[i].type, "x");
        ask(r, r);
        assert_int_equal(t.told, 1);
        assert_int_equal(t.calls, 1); /* asked once, whatever came */
        assert_int_equal(t.status, rows[i].status);
        if (t.end != rows[i].end)
            fail_msg("%d %s", rows[i].status, rows[i].type);
        assert_true(t.why[0]);
    }
    struct reply gone = {.end = ORIGIN_UNREACHABLE};
    ask(gone, gone);
    assert_int_equal(t.end, BEDROCK_CONTROL_FAILED);
    assert_int_equal(t.status, 0);
}

static void gives_up_after_five_seconds(void **state)
{
    struct reply silence = {.silent = true};
    ask(silence, silence);
    assert_int_equal(t.told, 0);
    clock_fake(1000000000 + (BEDROCK_CONTROL_MS + 1) * 1000000LL, 1767323045000);
    for (int i = 0; i < 5; i++)
        loop_turn(t.loop, 0);
    assert_int_equal(t.told, 1);
    assert_int_equal(t.end, BEDROCK_CONTROL_FAILED);
}

static void mends_its_clock(void **state)
{
    struct reply late = says_json(403, "SignatureDoesNotMatch", "{}");
    (void)fields_add(&late.fields, S("date"), S("Fri, 02 Jan 2026 04:04:05 GMT"));
    ask(late, says_json(200, NULL, "{\"models\":[" IN("eu-west-1", "a.b") "]}"));
    assert_int_equal(t.calls, 2);
    assert_int_equal(t.end, BEDROCK_CONTROL_KNOWN);
    ask(late, late); /* the same offset again is no news: told as it is */
    assert_int_equal(t.end, BEDROCK_CONTROL_FAILED);
}

static void is_dropped_in_the_middle(void **state)
{
    t.reply[0] = t.reply[1] = (struct reply){.silent = true};
    bedrock_control_ask_profile(t.control, &t.creds, S(ARN), on_told, NULL);
    loop_turn(t.loop, 0); /* it is freed with the control */
    assert_int_equal(t.told, 0);
}

static void the_model_of_a_profile(void **state)
{
    static const struct {
        const char *json, *model;
    } rows[] = {
        {"{\"models\":[" IN("us-east-1", "a.b") "]}", "a.b"},
        {"{\"models\":[" IN("us-east-1", "a.b") "," IN("us-west-2", "a.b") "]}", "us.a.b"},
        {"{\"models\":[" IN("eu-west-1", "a.b") "," IN("eu-north-1", "a.b") "]}", "eu.a.b"},
        {"{\"models\":[" IN("ap-south-1", "a.b") "," IN("ap-east-1", "a.b") "]}", "apac.a.b"},
        {"{\"models\":[" IN("us-gov-west-1", "a.b") "," IN("us-gov-east-1", "a.b") "]}",
         "us-gov.a.b"},
        {"{\"models\":[" IN("us-gov-west-1", "a.b") "," IN("us-east-1", "a.b") "]}", "a.b"},
        {"{\"models\":[" IN("eu-west-1", "a.b") "," IN("us-east-1", "a.b") "," IN("us-east-2",
                                                                                  "a.b") "]}",
         "a.b"},
        {"{\"models\":[" IN("", "a.b") "," IN("us-east-1", "a.b") "]}", "a.b"},
        {"{\"models\":[" IN("us-east-1", "a.b") "," IN("us-east-1", "a.c") "]}", NULL},
        {"{\"models\":[{\"modelArn\":\"arn:aws:bedrock:us-east-1:1:custom-model/a.b\"}]}", NULL},
        {"{\"models\":[{\"modelArn\":\"a.b\"}]}", NULL},
        {"{\"models\":[{\"modelArn\":7}]}", NULL},
        {"{\"models\":[" IN("us-east-1", "") "]}", NULL},
        {"{\"models\":[]}", NULL},
        {"{\"models\":{}}", NULL},
        {"[]", NULL},
        {"", NULL},
    };
    char model[BEDROCK_CONTROL_MODEL_MOST];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool good = bedrock_control_model(str_of(rows[i].json), model);
        if (good != (rows[i].model != NULL) || (good && strcmp(model, rows[i].model) != 0))
            fail_msg("%s: %s", rows[i].json, good ? model : "nothing");
    }
    char text[600];
    memset(text, 'x', sizeof text);
    snprintf(text, sizeof text, "{\"models\":[" IN("us-east-1", "a.%0300d") "]}", 1);
    assert_false(bedrock_control_model(str_of(text), model));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asks_signed_for_one_segment, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_never_from_not_now, setup, teardown),
        cmocka_unit_test_setup_teardown(gives_up_after_five_seconds, setup, teardown),
        cmocka_unit_test_setup_teardown(mends_its_clock, setup, teardown),
        cmocka_unit_test_setup_teardown(is_dropped_in_the_middle, setup, teardown),
        cmocka_unit_test(the_model_of_a_profile),
    };
    return cmocka_run_group_tests_name("aws/bedrock_control", tests, NULL, NULL);
}
