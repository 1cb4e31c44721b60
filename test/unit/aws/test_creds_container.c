/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/creds_container: where is asked and with what token, and where is never asked.
 */
#include "chain.h"

#include "weir/base/random.h"

static struct reply next = {.status = 200,
                            .body =
                                STR("{\"AccessKeyId\":\"C\",\"SecretAccessKey\":\"c\",\"Token\":"
                                    "\"tok\",\"Expiration\":\"2026-01-02T04:04:05Z\"}")};

static void serve_next(const struct heard *h, struct reply *out)
{
    write_down(h);
    *out = next;
}

static int setup(void **state)
{
    serve = serve_next;
    return chain_setup(state);
}

static void asks_the_relative_address(void **state)
{
    set_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/abc?x=1");
    t.o.proxy_host = S("proxy"); /* never for this */
    assert_true(start_chain());
    assert_string_equal(in_hand(), "container C/c/tok +3600");
    assert_string_equal(buf_cstr(&t.asked), "GET http://169.254.170.2/v2/credentials/abc?x=1\n");
}

static void asks_full_addresses(void **state)
{
    static const char *const good[] = {"http://169.254.170.23/v1/credentials",
                                       "http://[fd00:ec2::23]/v1/credentials",
                                       "http://127.0.0.1:8080/x?role=a",
                                       "http://127.255.0.9/x",
                                       "http://localhost:81/x",
                                       "http://[::1]:81/x",
                                       "https://agent.example/x",
                                       "https://agent.example:8443/x"};
    set_env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char want[256];
        creds_free(t.chain);
        buf_clear(&t.asked);
        t.n_env = 3;
        set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", good[i]);
        assert_true(start_chain());
        snprintf(want, sizeof want, "GET %s [authorization: Basic abc]\n", good[i]);
        assert_string_equal(buf_cstr(&t.asked), want);
        assert_has(in_hand(), "container C");
    }
}

static void refuses_other_addresses(void **state)
{
    static const char *const bad[] = {
        "http://169.254.169.254/x", "http://192.168.0.1/x", "http://agent.example/x",
        "http://127.0.0.1.evil/x",  "http://127.1/x",       "http://0.0.0.0/x",
        "http://127.-0.0.1/x",      "http://128.0.0.1/x",   "http://169.254.170.2.x/",
        "http://[fd00:ec2::254]/x", "http://127.0.0.300/",  "http://127.300.0.1/",
        "http://127.0.300.1/",      "ftp://127.0.0.1/",     "127.0.0.1/x",
        "http://127.0.0.1/a b",     "http://u@127.0.0.1/",  "http://127.0.0.1/x#y"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        t.n_env = 2;
        set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i]);
        if (start_chain())
            fail_msg("asked %s", bad[i]);
        assert_has(t.err, "AWS_CONTAINER_CREDENTIALS_FULL_URI: ");
    }
    t.n_env = 2;
    set_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "no-slash");
    assert_false(start_chain());
    assert_int_equal(t.calls, 0);
}

static void reads_the_token_file_each_time(void **state)
{
    put_file("token", "one\n");
    set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1");
    set_env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not this");
    set_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", in_home("token"));
    assert_true(start_chain());
    assert_has(buf_cstr(&t.asked), "[authorization: one]\n");
    put_file("token", "two");
    pass_s(2761);
    assert_has(buf_cstr(&t.asked), "[authorization: two]\n");
    unsigned calls = t.calls;
    put_file("token", "one\r\nx-evil: 1");
    t.wall_ms += 600 * 1000;
    pass_s(61);
    assert_has(creds_trouble(t.chain), "control bytes");
    assert_int_equal(unlink(in_home("token")), 0);
    pass_s(240);
    assert_has(creds_trouble(t.chain), "No such file");
    assert_int_equal(t.calls, calls);
}

static void makes_nothing_of_bad_answers(void **state)
{
    static const struct {
        struct reply reply;
        const char *says;
        unsigned calls;
    } bad[] = {
        {{.status = 404, .body = STR("{}")}, "169.254.170.2: status 404", 1},
        {{.status = 500, .body = STR("{}")}, "status 500", 3},
        {{.status = 429}, "status 429", 3},
        {{.end = ORIGIN_UNREACHABLE}, "169.254.170.2: the double says so", 3},
        {{.silent = true}, "no whole answer in time", 3},
        {{.status = 200, .body = STR("{\"AccessKeyId\":")}, "not a JSON object", 1},
        {{.status = 200, .body = STR("[]")}, "not a JSON object", 1},
        {{.status = 200}, "not a JSON object", 1},
        {{.status = 200, .body = STR("{\"AccessKeyId\":7}")}, "access key id is missing", 1},
        {{.status = 200,
          .body = STR("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":"
                      "\"a\\r\\nb\"}")},
         "session token is malformed",
         1},
        {{.status = 200,
          .body = STR("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\","
                      "\"Expiration\":\"soon\"}")},
         "Expiration is not a time",
         1},
        {{.status = 200,
          .body = STR("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\","
                      "\"Expiration\":\"2025-01-02T04:04:05Z\"}")},
         "expired already",
         1},
    };
    struct reply good = next;
    set_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        creds_free(t.chain);
        t.calls = 0;
        next = bad[i].reply;
        random_seed(1); /* waits of a known length */
        assert_true(start_chain());
        for (int n = 0; n < 80 && !*creds_trouble(t.chain); n++)
            pass_ms(100);
        assert_has(creds_trouble(t.chain), bad[i].says);
        assert_int_equal(t.calls, bad[i].calls);
        assert_string_equal(in_hand(), "none");
    }
    random_seed(0);
    next = good;
}

static void gives_up_on_an_endless_answer(void **state)
{
    static char endless[100 * 1024];
    memset(endless, ' ', sizeof endless);
    struct reply good = next;
    next = (struct reply){.status = 200, .body = str_from(endless, sizeof endless)};
    set_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "larger than expected");
    assert_int_equal(t.calls, 1);
    next = good;
}

static void says_when_tls_is_not_to_be_had(void **state)
{
    tls_fault = "/etc/ca.pem: no certificate";
    set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://agent.example/x");
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "/etc/ca.pem: no certificate");
    tls_fault = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asks_the_relative_address, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(asks_full_addresses, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(refuses_other_addresses, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(reads_the_token_file_each_time, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(makes_nothing_of_bad_answers, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(gives_up_on_an_endless_answer, setup, chain_teardown),
        cmocka_unit_test_setup_teardown(says_when_tls_is_not_to_be_had, setup, chain_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
