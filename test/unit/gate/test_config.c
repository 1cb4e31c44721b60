/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/config: what is read, what is refused and with which words, and that the effective
 * configuration can be read again.
 */
#include "weir/gate/config.h"
#include "weir/wire/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct config *parse(const char *text, struct buf *faults)
{
    return config_parse(S("weir.yaml"), str_of(text), faults);
}

static void assert_fault(const char *text, const char *fault)
{
    struct buf faults = {0};
    struct config *c = parse(text, &faults);
    if (c || str_find(buf_str(&faults), str_of(fault)) < 0)
        fail_msg("wanted \"%s\", got \"%s\"", fault, buf_cstr(&faults));
    buf_fini(&faults);
}

static void has_defaults(void **state)
{
    struct buf faults = {0};
    struct config *c = parse("region: eu-west-1\n", &faults);
    assert_non_null(c);
    assert_int_equal(c->n_listen, 1);
    assert_true(str_eq(c->listen[0].address, S("127.0.0.1:8080")));
    assert_int_equal(c->answer_ms, 3600000);
    assert_int_equal(c->bodies_bytes, 1u << 30);
    assert_int_equal(c->workers, 0);
    assert_false(c->other_operations);
    config_free(c);
}

static void reads_every_shape(void **state)
{
    struct buf faults = {0};
    struct config *c = parse("region: us-east-1\n"
                             "listen:\n"
                             "  - address: 127.0.0.1:0\n"
                             "    prefix: /bedrock\n"
                             "  - {address: '0.0.0.0:8443', proxy_protocol: true,\n"
                             "     tls: {cert: a, key: b, client_ca: c}}\n"
                             "workers: 3\n"
                             "timeouts: {connect: 250ms}\n"
                             "operations: {other: allow}\n"
                             "log: {format: json, level: warn}\n"
                             "endpoints: {egress_proxy: 'http://user:secret@proxy:3128'}\n",
                             &faults);
    assert_non_null(c);
    assert_int_equal(c->n_listen, 2);
    assert_true(str_eq(c->listen[0].prefix, S("/bedrock")));
    assert_true(c->listen[1].proxy_protocol && !c->listen[0].proxy_protocol);
    assert_true(str_eq(c->listen[1].client_ca, S("c")));
    assert_int_equal(c->workers, 3);
    assert_int_equal(c->connect_ms, 250);
    assert_true(c->other_operations);
    assert_int_equal(c->log_format, LOG_JSON);

    struct buf printed = {0};
    config_print(c, &printed);
    assert_true(str_find(buf_str(&printed), S("secret")) < 0);
    config_free(c);
    buf_fini(&printed);
}

static void reads_what_it_prints(void **state)
{
    struct buf faults = {0}, first = {0}, second = {0};
    struct config *c = parse("region: us-east-1\nlisten: [{address: '127.0.0.1:1'}, "
                             "{address: '127.0.0.1:2', prefix: /x}]\n",
                             &faults);
    assert_non_null(c);
    config_print(c, &first);
    struct config *again = parse(buf_cstr(&first), &faults);
    if (!again)
        fail_msg("%s\n%s", buf_cstr(&faults), buf_cstr(&first));
    config_print(again, &second);
    assert_true(str_eq(buf_str(&first), buf_str(&second)));
    config_free(c);
    config_free(again);
    buf_fini(&first);
    buf_fini(&second);
}

static void keeps_a_tree(void **state)
{
    struct buf faults = {0}, printed = {0};
    struct config *c = parse("region: us-east-1\n"
                             "prices:\n"
                             "  overrides:\n"
                             "    a.b*: {input: 2.4, output: '3', x: [1, ~]}\n",
                             &faults);
    assert_non_null(c);
    assert_int_equal(c->overrides->first->line, 4);
    config_print(c, &printed);
    assert_true(str_find(buf_str(&printed), S("  overrides: {\"a.b*\": {\"input\": 2.4, "
                                              "\"output\": \"3\", \"x\": [1, null]}}\n")) > 0);
    config_free(c);
    buf_fini(&printed);
    assert_fault("region: us-east-1\nprices: {overrides: 3}\n",
                 "weir.yaml:2:21: prices.overrides wants a section");
}

static void takes_the_environment(void **state)
{
    struct buf faults = {0};
    setenv("WEIR_TEST_REGION", "ap-south-1", 1);
    struct config *c = parse("region: ${WEIR_TEST_REGION}\n", &faults);
    assert_non_null(c);
    assert_true(str_eq(c->region, S("ap-south-1")));
    config_free(c);
    assert_fault("region: ${WEIR_TEST_NOT_THERE}\n", "weir.yaml:1:9: the environment has no");
    assert_fault("region: ${WEIR_TEST\n", "${ without }");
    assert_fault("region: ${file:/nonexistent/file}\n", "/nonexistent/file");
}

static void names_what_is_wrong(void **state)
{
    assert_fault("region: us-east-1\nlissten: []\n",
                 "weir.yaml:2:1: unknown key \"lissten\"; did you mean \"listen\"?");
    assert_fault("region: us-east-1\nlog:\n  levle: info\n",
                 "weir.yaml:3:3: unknown key \"levle\"; did you mean \"level\"?");
    assert_fault("region: us-east-1\nzzzzzzzzz: 1\n", "unknown key \"zzzzzzzzz\"\n");
    assert_fault("region: us-east-1\nworkers: 0\n", "workers wants auto or a number");
    assert_fault("region: us-east-1\ntimeouts: {connect: 3}\n", "wants a time");
    assert_fault("region: us-east-1\nlisten: 8080\n", "wants a list");
    assert_fault("region: us-east-1\nlisten: []\n", "nobody could connect");
    assert_fault("region: us-east-1\nregion: us-east-1\n", "weir.yaml:2:");
    assert_fault("region: nowhere\n", "of no AWS partition");
    assert_fault("region: us-east-1\nlisten: [{address: '10.0.0.5:8080'}]\n", "beyond loopback");
    assert_fault("region: us-east-1\nlisten: [{address: '0.0.0.0:1', tls: {cert: a, key: b}}]\n",
                 "beyond loopback");
    assert_fault("region: us-east-1\nadmin: {address: '0.0.0.0:8081'}\n", "loopback only");
    assert_fault("region: us-east-1\nlisten: [{address: '127.0.0.1:1', tls: {cert: a}}]\n",
                 "both cert and key");
    assert_fault("region: us-east-1\ncredentials: {profile: a, bearer_file: b}\n", "not both");
    assert_fault("region: us-east-1\nendpoints: {runtime: 'ftp://x'}\n", "endpoints.runtime");
    assert_fault("region: us-east-1\nlisten: [{address: '127.0.0.1:1'}, {address: "
                 "'127.0.0.1:1'}]\n",
                 "stands there twice");
    assert_fault("region: us-east-1\nlisten: [{address: '127.0.0.1:1', prefix: 'x/'}]\n",
                 "begins with a slash");
    assert_fault("region: us-east-1\nlisten: [{address: '127.0.0.1:1', prefix: '/x?y'}]\n",
                 "wants a path");
    assert_fault("region: us-east-1\nlog.level: info\n", "weir.yaml:2:1: unknown key");
    assert_fault("region: us-east-1\n'listen[].prefix': /x\n", "weir.yaml:2:1: unknown key");
    assert_fault("region: us-east-1\nmemory: {bodies: 0}\n", "wants a size");
    assert_fault("region: us-east-1\nmemory: {connections: 18446744073709551615}\n",
                 "wants a number");
    assert_fault("region: us-east-1\ntimeouts: {answer: 9223372036854775807ms}\n", "wants a time");
}

/* What is wrong only together has a place, too. */
static void says_where(void **state)
{
    assert_fault("workers: 1\nregion: nowhere\n", "weir.yaml:2:9: region \"nowhere\"");
    assert_fault("workers: 1\nregion: Us/East\nendpoints: {runtime: 'http://127.0.0.1'}\n",
                 "weir.yaml:2:9: region \"Us/East\" is not a name");
    assert_fault("region: us-east-1\nadmin: {address: '0.0.0.0:8081'}\n",
                 "weir.yaml:2:18: admin.address");
    assert_fault("region: us-east-1\nlisten:\n- address: 127.0.0.1:1\n- address: 10.0.0.5:8080\n",
                 "weir.yaml:4:3: listen 10.0.0.5:8080: beyond loopback");
    assert_fault("region: us-east-1\nlisten:\n- address: 127.0.0.1:1\n- address: 127.0.0.1:1\n",
                 "weir.yaml:4:3: listen 127.0.0.1:1 stands there twice");
    assert_fault("region: us-east-1\ncredentials: {profile: a, bearer_file: b}\n",
                 "weir.yaml:2:40: credentials wants");
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    assert_fault("workers: 1\n", "weir.yaml:1:1: region is not set");
}

/* A name that begins like an address is none; nor is one that cannot be bound. */
static void takes_only_addresses(void **state)
{
    static const char *const bad[] = {"127.evil.example:80", "localhost:80", "127.0.0.1",
                                      "127.0.0.1:",          ":80",          "::1:80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[128];
        assert_false(config_is_loopback(str_of(bad[i])));
        snprintf(text, sizeof text, "region: us-east-1\nlisten: [{address: '%s'}]\n", bad[i]);
        assert_fault(text, "weir.yaml:2:20: listen[].address wants an address and a port");
    }
    assert_true(config_is_loopback(S("127.9.9.9:0")) && config_is_loopback(S("[::1]:80")));
    assert_false(config_is_loopback(S("0.0.0.0:80")) || config_is_loopback(S("[::]:80")));
}

/* Faults go to the log and to whoever asks for a reload. */
static void keeps_secrets_out_of_faults(void **state)
{
    static const char *const texts[] = {
        "region: us-east-1\nendpoints: {egress_proxy: '${WEIR_TEST_SECRET}'}\n",
        "region: us-east-1\nendpoints: {runtime: '${WEIR_TEST_SECRET}'}\n",
        "region: us-east-1\nworkers: '${WEIR_TEST_SECRET}'\n",
        "region: us-east-1\nendpoints: {egress_proxy: 'http//u:hunter2@proxy'}\n",
        "region: us-east-1\nendpoints: {runtime: 'https://u:hunter2@h'}\n",
        "region: us-east-1\nendpoints: {egress_proxy: 'http://u:hunter2@x@proxy'}\n"};
    setenv("WEIR_TEST_SECRET", "http://u:hunter2@x y", 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf faults = {0};
        assert_null(parse(texts[i], &faults));
        assert_true(str_starts(buf_str(&faults), S("weir.yaml:2:")));
        if (str_find(buf_str(&faults), S("hunter2")) >= 0)
            fail_msg("%s", buf_cstr(&faults));
        buf_fini(&faults);
    }
}

static void looks_at_the_whole(void **state)
{
    assert_fault("region: us-east-1\nlisten: [{prefix: /w}]\n", "beginning of Weir's own paths");
    assert_fault("region: us-east-1\nlisten: [{prefix: /openai}]\n", "Weir's own paths");
    assert_fault("region: us-east-1\nlisten: [{address: '127.0.0.1:8081'}]\n",
                 "weir.yaml:2:10: listen 127.0.0.1:8081 is admin.address");
    assert_fault("region: us-east-1\nmemory: {bodies: 1KiB}\n", "weir.yaml:2:18: memory.bodies");
    assert_fault("region: us-east-1\nstate: weir\n", "weir.yaml:2:8: state wants an absolute");
}

static void wants_a_region(void **state)
{
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    assert_fault("", "region is not set");
    setenv("AWS_REGION", "us-west-2", 1);
    struct buf faults = {0};
    struct config *c = parse("", &faults);
    assert_non_null(c);
    assert_true(str_eq(c->region, S("us-west-2")));
    config_free(c);
    c = config_load(NULL, &faults); /* without a file at all */
    assert_non_null(c);
    config_free(c);
    unsetenv("AWS_REGION");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(keeps_a_tree),
        cmocka_unit_test(reads_every_shape),
        cmocka_unit_test(reads_what_it_prints),
        cmocka_unit_test(takes_the_environment),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(looks_at_the_whole),
        cmocka_unit_test(wants_a_region),
        cmocka_unit_test(says_where),
        cmocka_unit_test(takes_only_addresses),
        cmocka_unit_test(keeps_secrets_out_of_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
