/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/creds_imds: the three steps, the older protocol where the first is refused, faults at each
 * step, and service past expiry while the metadata service is down.
 */
#include "chain.h"

/* What each step answers: session token, name of the role, keys. */
static struct reply token, role, keys;
static char expiry[32];

static void serve_steps(const struct heard *h, struct reply *out)
{
    static char body[512];
    write_down(h);
    if (str_eq(h->call->method, S("PUT"))) {
        *out = token;
    } else if (str_ends(h->call->target, S("/"))) {
        *out = role;
    } else {
        *out = keys;
        if (!keys.status && !keys.silent && !keys.end) {
            int n =
                snprintf(body, sizeof body,
                         "{\"Code\":\"Success\",\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"i\","
                         "\"Token\":\"tok\",\"Expiration\":\"%s\"}",
                         expiry);
            *out = (struct reply){.status = 200, .body = str_from(body, (size_t)n)};
        }
    }
}

static int setup(void **state)
{
    serve = serve_steps;
    token = (struct reply){.status = 200, .body = S("SESSION\n")};
    role = (struct reply){.status = 200, .body = S("weir-role\nanother\n")};
    keys = (struct reply){0};
    snprintf(expiry, sizeof expiry, "2026-01-02T04:04:05Z");
    int rc = chain_setup(state);
    set_env("AWS_EC2_METADATA_DISABLED", "false");
    return rc;
}

#define PATH "/latest/meta-data/iam/security-credentials/"

static void goes_three_steps(void **state)
{
    assert_true(start_chain());
    assert_string_equal(in_hand(), "imds I/i/tok +3600");
    assert_string_equal(
        buf_cstr(&t.asked),
        "PUT http://169.254.169.254/latest/api/token [x-aws-ec2-metadata-token-ttl-seconds: "
        "21600]\n"
        "GET http://169.254.169.254" PATH " [x-aws-ec2-metadata-token: SESSION]\n"
        "GET http://169.254.169.254" PATH "weir-role [x-aws-ec2-metadata-token: SESSION]\n");
}

static void falls_back_to_the_older_protocol(void **state)
{
    static const int refusals[] = {403, 404, 405};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        creds_free(t.chain);
        buf_clear(&t.asked);
        token = (struct reply){.status = refusals[i]};
        assert_true(start_chain());
        assert_has(in_hand(), "imds I");
        assert_has(buf_cstr(&t.asked), "GET http://169.254.169.254" PATH "weir-role\n");
    }
    creds_free(t.chain);
    buf_clear(&t.asked);
    token = (struct reply){.silent = true};
    assert_true(start_chain());
    pass_s(5);
    assert_has(in_hand(), "imds I");
    assert_has(buf_cstr(&t.asked), "GET http://169.254.169.254" PATH "weir-role\n");
    creds_free(t.chain);
    token = (struct reply){.status = 405};
    set_env("AWS_EC2_METADATA_V1_DISABLED", "true");
    assert_true(start_chain());
    assert_string_equal(in_hand(), "none");
    assert_has(creds_trouble(t.chain), "169.254.169.254: status 405 (session token)");
}

static void can_be_disabled_and_moved(void **state)
{
    set_env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    assert_true(start_chain());
    assert_has(buf_cstr(&t.asked), "PUT http://[fd00:ec2::254]/latest/api/token");
    creds_free(t.chain);
    set_env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/base/");
    assert_true(start_chain());
    assert_has(buf_cstr(&t.asked), "GET http://127.0.0.1:1338/base" PATH "weir-role");
    creds_free(t.chain);
    set_env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "x");
    t.chain = NULL;
    assert_false(start_chain());
    assert_has(t.err, "AWS_EC2_METADATA_SERVICE_ENDPOINT: ");
    set_env("AWS_EC2_METADATA_DISABLED", "TRUE");
    unsigned calls = t.calls;
    assert_true(start_chain());
    assert_int_equal(t.calls, calls);
}

/* Trouble after starting with one step gone wrong. */
static const char *trouble_with(struct reply *step, struct reply answer)
{
    struct reply good = *step;
    creds_free(t.chain);
    t.calls = 0;
    *step = answer;
    assert_true(start_chain());
    for (int i = 0; i < 60 && !*creds_trouble(t.chain); i++)
        pass_ms(100);
    *step = good;
    assert_string_equal(in_hand(), "none");
    return creds_trouble(t.chain);
}

static void says_which_step_failed(void **state)
{
    static const struct reply down = {.end = ORIGIN_UNREACHABLE}, slow = {.silent = true},
                              gone = {.status = 404}, broken = {.status = 500};
    assert_has(trouble_with(&token, down), "imds: 169.254.169.254: the double says so");
    assert_int_equal(t.calls, 3);
    assert_has(trouble_with(&token, broken), "status 500 (session token)");
    assert_has(trouble_with(&token, (struct reply){.status = 200, .body = S("a\001b")}),
               "malformed session token");
    assert_has(trouble_with(&role, gone),
               "status 404 (name of the role); has the instance a role?");
    assert_has(trouble_with(&role, slow), "in time (name of the role)");
    assert_has(trouble_with(&role, (struct reply){.status = 200, .body = S("<html>")}),
               "not the name of a role");
    assert_has(trouble_with(&role, (struct reply){.status = 200, .body = S("../x")}),
               "not the name of a role");
    assert_has(trouble_with(&role, (struct reply){.status = 200}), "not the name of a role");
    set_env("AWS_EC2_METADATA_V1_DISABLED", "true");
    assert_has(trouble_with(&token, slow), "in time (session token)");
    assert_int_equal(t.calls, 3);
    assert_has(trouble_with(&keys, broken), "status 500 (keys of the role)");
    assert_has(trouble_with(&keys, (struct reply){.status = 200, .body = S("{oops")}),
               "not a JSON object");
    assert_has(trouble_with(&keys, (struct reply){.status = 200,
                                                  .body = S("{\"Code\":\"AssumeRoleUnauthorized"
                                                            "Access\"}")}),
               "says AssumeRoleUnauthorizedAccess");
}

static int64_t left_s(void)
{
    struct creds *set = creds_get(t.chain);
    int64_t s = set ? set->expires_s - t.wall_ms / 1000 : -1;
    creds_unref(set);
    return s;
}

static void serves_past_expiry_while_imds_is_down(void **state)
{
    assert_true(start_chain());
    token = (struct reply){.end = ORIGIN_UNREACHABLE};
    pass_s(3000);
    assert_int_equal(left_s(), 600);
    for (int minute = 0; minute < 60; minute++) {
        pass_s(60);
        assert_true(left_s() > 0 && left_s() <= 600);
    }
    assert_has(creds_trouble(t.chain), "imds: ");
    token = (struct reply){.status = 200, .body = S("SESSION")};
    snprintf(expiry, sizeof expiry, "2026-01-02T14:04:05Z");
    pass_s(130);
    assert_true(left_s() > 3600);
    assert_string_equal(creds_trouble(t.chain), "");
}

static void serves_stale_keys_that_imds_gives(void **state)
{
    snprintf(expiry, sizeof expiry, "2026-01-02T03:00:00Z");
    assert_true(start_chain());
    assert_has(in_hand(), "imds I/i/tok +");
    assert_true(left_s() >= 300 && left_s() <= 600);
    assert_has(creds_trouble(t.chain), "expired already");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_three_steps, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(falls_back_to_the_older_protocol, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(can_be_disabled_and_moved, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(says_which_step_failed, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(serves_past_expiry_while_imds_is_down, setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(serves_stale_keys_that_imds_gives, setup, chain_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
