/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/creds_role, aws/creds_web_identity and aws/sts: what is asked of STS, byte by byte, and what
 * is made of its answers, good and bad.
 */
#include "chain.h"

#define ANSWER(action, key)                                                                        \
    "<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <" action         \
    "Result>\n    <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>\n" \
    "    <Credentials>\n      <AccessKeyId>" key                                                   \
    "</AccessKeyId>\n      <SecretAccessKey>s/+&#x3D;"                                             \
    "</SecretAccessKey>\n      <SessionToken>T</SessionToken>\n"                                   \
    "      <Expiration>2026-01-02T04:04:05Z</Expiration>\n    </Credentials>\n  </" action         \
    "Result>\n  <ResponseMetadata><RequestId>x</RequestId></ResponseMetadata>\n</" action          \
    "Response>\n"

static struct reply answers[4];

static void serve_each(const struct heard *h, struct reply *out)
{
    size_t last = sizeof answers / sizeof *answers - 1;
    *out = answers[t.calls < last ? t.calls : last];
    write_down(h);
}

static void script(struct reply a, struct reply b)
{
    serve = serve_each;
    answers[0] = a;
    answers[1] = b;
    answers[2] = answers[3] = b;
}

static const struct reply role_a = {.status = 200, .body = STR(ANSWER("AssumeRole", "RA"))};
static const struct reply role_b = {.status = 200, .body = STR(ANSWER("AssumeRole", "RB"))};
static const struct reply web = {.status = 200,
                                 .body = STR(ANSWER("AssumeRoleWithWebIdentity", "WEB"))};

static void assumes_a_role(void **state)
{
    put_file(".aws/config", "[default]\nrole_arn = arn:aws:iam::123456789012:role/a b\n"
                            "source_profile = base\nrole_session_name = me@here\n"
                            "external_id = x/y\nduration_seconds = 900\n");
    put_file(".aws/credentials",
             "[base]\naws_access_key_id=AKIDEXAMPLE\n"
             "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n");
    script(role_a, role_a);
    assert_true(start_chain());
    assert_string_equal(in_hand(), "assume-role RA/s/+=/T +3600");
    assert_has(buf_cstr(&t.asked), "POST https://sts.us-east-1.amazonaws.com/ "
                                   "[x-amz-date: 20260102T030405Z] [content-type: "
                                   "application/x-www-form-urlencoded; charset=utf-8] "
                                   "[authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"
                                   "20260102/us-east-1/sts/aws4_request, SignedHeaders=content-"
                                   "type;host;x-amz-date, Signature=");
    assert_has(buf_cstr(&t.asked),
               "] Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3A"
               "role%2Fa%20b&RoleSessionName=me%40here&ExternalId=x%2Fy&DurationSeconds=900\n");
}

static void assumes_a_role_through_another(void **state)
{
    put_file(".aws/config", "[profile one]\nrole_arn = role/one\nsource_profile = two\n"
                            "region = eu-west-1\n"
                            "[profile two]\nrole_arn = role/two\nsource_profile = two\n"
                            "aws_access_key_id = K\naws_secret_access_key = k\n");
    t.o.profile = S("one");
    t.o.region = S("");
    script(role_a, role_b);
    assert_true(start_chain()); /* two has keys: they are the source, its role is not */
    assert_int_equal(t.calls, 1);
    assert_has(buf_cstr(&t.asked), "https://sts.eu-west-1.amazonaws.com/");

    put_file(".aws/config", "[profile one]\nrole_arn = role/one\nsource_profile = two\n"
                            "[profile two]\nrole_arn = role/two\nsource_profile = three\n"
                            "[profile three]\naws_access_key_id = K\naws_secret_access_key = k\n");
    creds_free(t.chain);
    t.calls = 0;
    buf_clear(&t.asked);
    set_env("AWS_REGION", "us-west-2");
    assert_true(start_chain());
    assert_int_equal(t.calls, 2);
    assert_string_equal(in_hand(), "assume-role RB/s/+=/T +3600");
    const char *first = strchr(buf_cstr(&t.asked), '\n');
    assert_non_null(first);
    assert_has(buf_cstr(&t.asked), "RoleArn=role%2Ftwo&RoleSessionName=weir-1767323045\n");
    assert_has(first, "Credential=RA/");
    assert_has(first, "[x-amz-security-token: T]");
    assert_has(first, "RoleArn=role%2Fone");
}

static void takes_a_source_of_the_machine(void **state)
{
    put_file(".aws/config", "[default]\nrole_arn = role/one\ncredential_source = Environment\n");
    set_env("AWS_ACCESS_KEY_ID", "ENV");
    set_env("AWS_SECRET_ACCESS_KEY", "env");
    t.o.profile = S("default");
    t.o.sts_endpoint = S("http://127.0.0.1:4567/sts");
    t.o.proxy_host = S("proxy.example");
    t.o.proxy_port = 3128;
    script(role_a, role_a);
    assert_true(start_chain());
    assert_string_equal(in_hand(), "assume-role RA/s/+=/T +3600");
    assert_has(buf_cstr(&t.asked), "POST http://127.0.0.1:4567/sts/ via proxy.example:3128 ");
    assert_has(buf_cstr(&t.asked), "Credential=ENV/20260102/us-east-1/sts/");
}

static void needs_a_region(void **state)
{
    put_file(".aws/config",
             "[default]\nrole_arn = r\nsource_profile=default\naws_access_key_id = K\n"
             "aws_secret_access_key = k\n");
    t.o.region = S("");
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "STS needs a region");
}

static void says_what_sts_says(void **state)
{
    static const struct reply denied = {
        .status = 403,
        .body = STR("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                    "<Message>User: x is not authorized to perform: sts:AssumeRole</Message>"
                    "</Error></ErrorResponse>")};
    put_file(".aws/config", "[default]\nrole_arn = role/one\ncredential_source = Environment\n");
    set_env("AWS_ACCESS_KEY_ID", "ENV");
    set_env("AWS_SECRET_ACCESS_KEY", "env");
    t.o.profile = S("default");
    script(role_a, denied);
    assert_true(start_chain());
    pass_s(2700); /* the refresh is denied; the set in hand serves on to its end */
    assert_has(in_hand(), "assume-role RA/s/+=/T +900");
    pass_s(61);
    assert_has(creds_trouble(t.chain),
               "assume-role: role/one: STS: AccessDenied (status 403) User: "
               "x is not authorized");
    assert_has(in_hand(), "assume-role RA");
    pass_s(900);
    assert_string_equal(in_hand(), "none");
    answers[3] = role_b;
    put_file(".aws/config", "[default]\nrole_arn = r2\ncredential_source = Environment\n");
    t.wall_ms = (int64_t)NOW * 1000;
    pass_s(20);
    assert_has(in_hand(), "assume-role RB");
}

static void makes_nothing_of_bad_answers(void **state)
{
    static const struct {
        struct reply reply;
        const char *says;
    } bad[] = {
        {{.status = 200, .body = STR("<html>")}, "has no credentials"},
        {{.status = 200, .body = STR("")}, "has no credentials"},
        {{.status = 500, .body = STR("x")}, "STS: failed (status 500)"},
        {{.status = 400, .body = STR("<Code>Throttling</Code>")}, "STS: Throttling (status 400)"},
        {{.end = ORIGIN_UNREACHABLE}, "STS: the double says so"},
        {{.status = 200,
          .body = STR("<A><Credentials><Expiration>2026-01-02T04:04:05Z</Expiration>"
                      "<AccessKeyId>A</AccessKeyId></Credentials></A>")},
         "STS: the answer has no SecretAccessKey"},
        {{.status = 200,
          .body = STR("<A><Credentials><Expiration>soon</Expiration><AccessKeyId>A</AccessKeyId>"
                      "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
                      "</Credentials></A>")},
         "Expiration is not a time"},
        {{.status = 200,
          .body = STR("<A><Credentials><Expiration>2026-01-02T04:04:05Z</Expiration><AccessKeyId>A"
                      "</AccessKeyId><SecretAccessKey/><SessionToken>t</SessionToken>"
                      "</Credentials></A>")},
         "the secret access key is missing"},
    };
    put_file("token", "tok");
    set_env("AWS_WEB_IDENTITY_TOKEN_FILE", in_home("token"));
    set_env("AWS_ROLE_ARN", "arn");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        creds_free(t.chain);
        script(bad[i].reply, bad[i].reply);
        assert_true(start_chain());
        pass_s(2);
        assert_has(creds_trouble(t.chain), bad[i].says);
    }
}

/* --- web identity */

static void use_token(void)
{
    set_env("AWS_WEB_IDENTITY_TOKEN_FILE", in_home("token"));
    set_env("AWS_ROLE_ARN", "arn:aws:iam::1:role/w");
    script(web, web);
}

static void sends_the_token_unsigned(void **state)
{
    put_file("token", "header.body.sig\n");
    set_env("AWS_ROLE_SESSION_NAME", "pod-7");
    use_token();
    assert_true(start_chain());
    assert_string_equal(in_hand(), "web-identity WEB/s/+=/T +3600");
    assert_string_equal(
        buf_cstr(&t.asked),
        "POST https://sts.us-east-1.amazonaws.com/ [content-type: "
        "application/x-www-form-urlencoded; charset=utf-8] "
        "Action=AssumeRoleWithWebIdentity&Version="
        "2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fw&RoleSessionName=pod-7&"
        "WebIdentityToken=header.body.sig\n");
}

static void reads_the_token_anew(void **state)
{
    put_file("token", "first");
    use_token();
    assert_true(start_chain());
    put_file("token", "second");
    pass_s(2761);
    assert_int_equal(t.calls, 2);
    assert_has(buf_cstr(&t.asked), "WebIdentityToken=second\n");
}

static void survives_bad_token_files(void **state)
{
    char huge[30001];
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = 0;
    put_file("token", "first");
    use_token();
    assert_true(start_chain());
    assert_int_equal(unlink(in_home("token")), 0);
    pass_s(2761);
    assert_has(creds_trouble(t.chain), "token: cannot open: No such file");
    put_file("token", "\n");
    pass_s(240);
    assert_has(creds_trouble(t.chain), "the token file is empty");
    put_file("token", huge);
    pass_s(240);
    assert_has(creds_trouble(t.chain), "larger than the 20000 bytes");
    assert_int_equal(unlink(in_home("token")), 0);
    assert_int_equal(mkfifo(in_home("token"), 0600), 0);
    pass_s(200);
    assert_has(creds_trouble(t.chain), "not a regular file");
    assert_has(in_hand(), "web-identity WEB"); /* all the while */
    assert_int_equal(t.calls, 1);
    assert_int_equal(unlink(in_home("token")), 0);
}

static void needs_role_and_token(void **state)
{
    set_env("AWS_WEB_IDENTITY_TOKEN_FILE", in_home("token"));
    assert_false(start_chain());
    assert_has(t.err, "AWS_ROLE_ARN is not");
}

static void reads_web_identity_from_a_profile(void **state)
{
    char text[512];
    put_file("token", "tok");
    snprintf(text, sizeof text, "[default]\nrole_arn = r\nweb_identity_token_file = %s\n",
             in_home("token"));
    put_file(".aws/config", text);
    script(web, web);
    assert_true(start_chain());
    assert_has(in_hand(), "web-identity WEB");
    assert_has(buf_cstr(&t.asked),
               "RoleArn=r&RoleSessionName=weir-1767323045&WebIdentityToken=tok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(assumes_a_role, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(assumes_a_role_through_another, chain_setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(takes_a_source_of_the_machine, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(needs_a_region, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(says_what_sts_says, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(makes_nothing_of_bad_answers, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(sends_the_token_unsigned, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(reads_the_token_anew, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(survives_bad_token_files, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(needs_role_and_token, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(reads_web_identity_from_a_profile, chain_setup,
                                        chain_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
