/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/creds_sso: the cache file of "aws sso login", both of its names, the portal, and a token
 * refreshed and written back.
 */
#include "chain.h"

#include "weir/base/file.h"

static struct reply portal, oidc;

static void serve_both(const struct heard *h, struct reply *out)
{
    write_down(h);
    *out = str_starts(h->call->authority, S("oidc.")) ? oidc : portal;
}

/* SHA-1 of "corp" and of "https://corp.awsapps.example/start". */
#define BY_SESSION "ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
#define BY_URL     "1667e2e8d0e47b926b6e3048caee923410901ca4.json"

static const char *by_session(void)
{
    return ".aws/sso/cache/" BY_SESSION;
}

static int setup(void **state)
{
    int rc = chain_setup(state);
    serve = serve_both;
    portal = (struct reply){.status = 200,
                            .body = S("{\"roleCredentials\":{\"accessKeyId\":\"S\","
                                      "\"secretAccessKey\":\"s\",\"sessionToken\":\"tok\","
                                      "\"expiration\":1767326645000}}")};
    oidc = (struct reply){.status = 200,
                          .body = S("{\"accessToken\":\"NEW\",\"expiresIn\":28800,"
                                    "\"refreshToken\":\"R2\",\"tokenType\":\"Bearer\"}")};
    if (rc || mkdir(in_home(".aws/sso"), 0700) || mkdir(in_home(".aws/sso/cache"), 0700))
        return -1;
    put_file(".aws/config", "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\n"
                            "sso_role_name = Power User\n[sso-session corp]\n"
                            "sso_start_url = https://corp.awsapps.example/start\n"
                            "sso_region = eu-central-1\n"
                            "[profile old]\nsso_start_url = https://corp.awsapps.example/start\n"
                            "sso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n");
    t.o.profile = S("dev");
    return 0;
}

static void put_token(const char *name, const char *token, const char *ends, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"startUrl\":\"https://corp.awsapps.example/start\",\"region\":\"eu-central-1\","
             "\"accessToken\":\"%s\",\"expiresAt\":\"%s\"%s}",
             token, ends, more);
    put_file(name, text);
}

static const char refreshable[] =
    ",\"clientId\":\"cid\",\"clientSecret\":\"csec\",\"refreshToken\":\"R1\","
    "\"registrationExpiresAt\":\"2026-03-01T00:00:00Z\",\"kept\":[1,2]";

static void asks_the_portal(void **state)
{
    put_token(by_session(), "TOKEN", "2026-01-02T08:00:00Z", "");
    assert_true(start_chain());
    assert_string_equal(in_hand(), "sso S/s/tok +3600");
    assert_string_equal(buf_cstr(&t.asked),
                        "GET https://portal.sso.eu-central-1.amazonaws.com/federation/credentials"
                        "?role_name=Power%20User&account_id=123456789012 [x-amz-sso_bearer_token: "
                        "TOKEN]\n");
}

static void knows_the_old_form(void **state)
{
    put_token(".aws/sso/cache/" BY_URL, "OLD", "2026-01-02T08:00:00UTC", refreshable);
    t.o.profile = S("old");
    assert_true(start_chain());
    assert_string_equal(in_hand(), "sso S/s/tok +3600");
    assert_has(buf_cstr(&t.asked), "https://portal.sso.us-east-1.amazonaws.com/");
    put_token(".aws/sso/cache/" BY_URL, "OLD", "2026-01-02T03:00:00UTC", refreshable);
    creds_free(t.chain);
    assert_true(start_chain()); /* the old form is not refreshed */
    assert_has(creds_trouble(t.chain), "run: aws sso login --profile old");
    assert_int_equal(t.calls, 1);
}

static void refreshes_a_token_that_is_nearly_over(void **state)
{
    struct buf b = {0};
    put_token(by_session(), "TOKEN", "2026-01-02T03:10:00Z", refreshable);
    assert_true(start_chain());
    assert_string_equal(in_hand(), "sso S/s/tok +3600");
    assert_has(buf_cstr(&t.asked),
               "POST https://oidc.eu-central-1.amazonaws.com/token [content-type: "
               "application/json] {\"grantType\":\"refresh_token\",\"clientId\":\"cid\","
               "\"clientSecret\":\"csec\",\"refreshToken\":\"R1\"}\nGET https://portal");
    assert_has(buf_cstr(&t.asked), "[x-amz-sso_bearer_token: NEW]");
    assert_int_equal(file_read(in_home(by_session()), 4096, &b, t.err, sizeof t.err), 0);
    assert_string_equal(buf_cstr(&b),
                        "{\"startUrl\":\"https://corp.awsapps.example/start\",\"region\":"
                        "\"eu-central-1\",\"accessToken\":\"NEW\",\"expiresAt\":"
                        "\"2026-01-02T11:04:05Z\",\"clientId\":\"cid\",\"clientSecret\":\"csec\","
                        "\"refreshToken\":\"R2\",\"registrationExpiresAt\":"
                        "\"2026-03-01T00:00:00Z\",\"kept\":[1,2]}");
    buf_fini(&b);
}

static void uses_the_old_token_when_no_new_one_comes(void **state)
{
    oidc = (struct reply){.status = 400, .body = S("{\"error\":\"invalid_grant\"}")};
    put_token(by_session(), "TOKEN", "2026-01-02T03:10:00Z", refreshable);
    assert_true(start_chain());
    assert_string_equal(in_hand(), "sso S/s/tok +3600");
    assert_has(buf_cstr(&t.asked), "[x-amz-sso_bearer_token: TOKEN]");
    put_token(by_session(), "TOKEN", "2026-01-02T03:00:00Z", refreshable);
    creds_free(t.chain);
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "could not be refreshed; run: aws sso login --profile dev");
    oidc = (struct reply){.end = ORIGIN_UNREACHABLE};
    creds_free(t.chain);
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "oidc.eu-central-1.amazonaws.com: no new SSO token");
    oidc = (struct reply){.status = 200, .body = S("{\"accessToken\":\"\"}")};
    creds_free(t.chain);
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "no new SSO token");
}

static void says_how_to_log_in(void **state)
{
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "there is no SSO session; run: aws sso login --profile dev");
    put_token(by_session(), "TOKEN", "2026-01-02T03:00:00Z", "");
    creds_free(t.chain);
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "the SSO session is over; run:");
    portal = (struct reply){.status = 401};
    put_token(by_session(), "TOKEN", "2026-01-02T08:00:00Z", "");
    creds_free(t.chain);
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "the SSO session is over; run:");
    pass_s(30);
    portal = (struct reply){.status = 403};
    pass_s(30);
    assert_has(creds_trouble(t.chain), "portal.sso.eu-central-1.amazonaws.com: status 403");
}

static void makes_nothing_of_bad_files_and_answers(void **state)
{
    put_file(by_session(), "{");
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "SSO cache: not a JSON object");
    put_token(by_session(), "a\\r\\nb", "2026-01-02T08:00:00Z", "");
    creds_free(t.chain);
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "malformed token");
    assert_int_equal(t.calls, 0);
    put_token(by_session(), "TOKEN", "2026-01-02T08:00:00Z", "");
    static const char bad_time[] = "{\"roleCredentials\":{\"accessKeyId\":\"A\","
                                   "\"secretAccessKey\":\"s\",\"expiration\":\"soon\"}}";
    static const char *const bad[] = {"", "[]", "{}", "{\"roleCredentials\":7}", bad_time};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        portal = (struct reply){.status = 200, .body = str_of(bad[i])};
        creds_free(t.chain);
        assert_true(start_chain());
        assert_has(creds_trouble(t.chain), "portal.sso.eu-central-1.amazonaws.com: ");
        assert_string_equal(in_hand(), "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asks_the_portal, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(knows_the_old_form, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(refreshes_a_token_that_is_nearly_over, setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(uses_the_old_token_when_no_new_one_comes, setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(says_how_to_log_in, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(makes_nothing_of_bad_files_and_answers, setup,
                                        chain_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
