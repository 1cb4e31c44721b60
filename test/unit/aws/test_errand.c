/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/errand over a real origin: a chain whose container source asks a server on loopback, tries
 * again when that breaks, and is freed in the middle.
 */
#include "weir/aws/creds.h"
#include "weir/base/clock.h"
#include "weir/net/dns.h"

#include "loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct {
    struct loop *loop;
    struct dns *dns;
    struct creds_chain *chain;
    char uri[128], err[512];
    int64_t mono_ms;
} t;

static const char *fake_getenv(const char *name)
{
    return strcmp(name, "AWS_CONTAINER_CREDENTIALS_FULL_URI") == 0 ? t.uri : NULL;
}

static void advance(int64_t ms)
{
    t.mono_ms += ms;
    clock_fake(t.mono_ms * 1000000, 1767323045000 + t.mono_ms);
}

static void begin(void)
{
    struct creds_options o = {.getenv = fake_getenv};
    snprintf(t.uri, sizeof t.uri, "http://127.0.0.1:%u/v1/credentials?x", server.port);
    t.chain = creds_new(t.loop, t.dns, &o, NULL, NULL, t.err, sizeof t.err);
    assert_non_null(t.chain);
}

static int setup(void **state)
{
    t.mono_ms = 1000;
    advance(0);
    t.loop = loop_new();
    t.dns = dns_new(t.loop);
    server_open(t.loop);
    return 0;
}

static int teardown(void **state)
{
    creds_free(t.chain);
    server_close();
    loop_turn(t.loop, 0);
    dns_free(t.dns);
    loop_free(t.loop);
    clock_real();
    return 0;
}

static void wait_for_word(void)
{
    for (int i = 0; i < 1000 && !creds_version(t.chain) && !*creds_trouble(t.chain); i++) {
        loop_turn(t.loop, 5);
        advance(5);
    }
}

static void loads_from_a_server(void **state)
{
    server.says = S("HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n"
                    "{\"AccessKeyId\":\"L\",\"SecretAccessKey\":\"local\"}");
    begin();
    wait_for_word();
    struct creds *set = creds_get(t.chain);
    assert_non_null(set);
    assert_true(str_eq(set->secret_key, S("local")));
    creds_unref(set);
    assert_ptr_equal(strstr(buf_cstr(&server.heard), "GET /v1/credentials?x HTTP/1.1\r\n"),
                     server.heard.data + server.heard.head);
}

static void tries_again_when_it_breaks(void **state)
{
    server.says = S("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{");
    server.then_closes = true;
    begin();
    wait_for_word();
    assert_int_equal(creds_version(t.chain), 0);
    assert_non_null(strstr(creds_trouble(t.chain), "container: 127.0.0.1:"));
}

static void gives_up_on_silence(void **state)
{
    begin();
    for (int i = 0; i < 1000 && !buf_len(&server.heard); i++)
        loop_turn(t.loop, 5);
    for (int i = 0; i < 10 && !*creds_trouble(t.chain); i++) {
        advance(1000);
        for (int n = 0; n < 20; n++)
            loop_turn(t.loop, 0);
    }
    assert_non_null(strstr(creds_trouble(t.chain), "in time"));
}

static void is_freed_in_the_middle(void **state)
{
    begin();
    for (int i = 0; i < 1000 && !buf_len(&server.heard); i++)
        loop_turn(t.loop, 5);
    creds_free(t.chain);
    t.chain = NULL;
    begin(); /* and before its first turn */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loads_from_a_server, setup, teardown),
        cmocka_unit_test_setup_teardown(tries_again_when_it_breaks, setup, teardown),
        cmocka_unit_test_setup_teardown(gives_up_on_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(is_freed_in_the_middle, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
