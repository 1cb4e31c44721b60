/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/config: what is read, what is refused and with which words, and that the effective
 * configuration can be read again.
 */
#include "weir/gate/config.h"
#include "weir/plan/window.h"
#include "weir/wire/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
                             "  - {address: '0.0.0.0:8080', plaintext: allow}\n"
                             "clients: [{name: search, cn: search.internal}]\n"
                             "workers: 3\n"
                             "timeouts: {connect: 250ms}\n"
                             "operations: {other: allow}\n"
                             "log: {format: json, level: warn}\n"
                             "endpoints: {egress_proxy: 'http://user:secret@proxy:3128'}\n",
                             &faults);
    assert_non_null(c);
    assert_int_equal(c->n_listen, 3);
    assert_true(c->listen[2].plaintext && !c->listen[1].plaintext);
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

static void reads_caching(void **state)
{
    struct buf faults = {0}, printed = {0};
    struct config *c = parse("region: us-east-1\n", &faults);
    assert_non_null(c);
    assert_true(c->levers == LEVERS_ON && c->cache_mode == CACHE_AUTO);
    assert_true(c->cache_ttl == CACHE_TTL_AUTO && !c->cache_share_all && !c->cache_retime);
    assert_int_equal(c->holdout_parts, 20000);
    assert_int_equal(c->explore_parts, 4000);
    assert_int_equal(c->cache_bytes, 64 << 20);
    config_free(c);
    c = parse("region: us-east-1\n"
              "levers: observe\n"
              "cache: {mode: always, ttl: 1h, share: all, holdout: 50%, explore: 0.0101%,\n"
              "        client_markers: retime, memory: 1MiB}\n"
              "rules: [{name: a, set: {cache: off}}, {name: b, set: {metadata: {x: y}}}]\n",
              &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    assert_true(c->levers == LEVERS_OBSERVE && c->cache_mode == CACHE_ALWAYS);
    assert_true(c->cache_ttl == CACHE_TTL_1H && c->cache_share_all && c->cache_retime);
    assert_int_equal(c->holdout_parts, 500000);
    assert_int_equal(c->explore_parts, 101);
    assert_int_equal(c->cache_bytes, 1 << 20);
    assert_int_equal(c->rules[0].set_cache, CACHE_OFF);
    assert_int_equal(c->rules[1].set_cache, CONFIG_NOT_SET);
    config_print(c, &printed);
    static const char *const lines[] = {
        ("levers: observe\ncache:\n  mode: always\n  ttl: 1h\n  share: all\n  holdout: 50%\n"
         "  explore: 0.0101%\n  client_markers: retime\n  memory: 1MiB\n"),
        "  - name: \"a\"\n    set:\n      cache: off\n",
        "  - name: \"b\"\n    set:\n      metadata: "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (str_find(buf_str(&printed), str_of(lines[i])) < 0)
            fail_msg("%s is not in\n%s", lines[i], buf_cstr(&printed));
    config_free(c);
    buf_fini(&printed);
}

static void wants_sense_in_caching(void **state)
{
    assert_fault("region: us-east-1\nlevers: maybe\n", "levers wants on, observe or off");
    assert_fault("region: us-east-1\ncache: {mode: on}\n", "cache.mode wants auto, always or off");
    assert_fault("region: us-east-1\ncache: {ttl: 2h}\n", "cache.ttl wants auto, 5m or 1h");
    assert_fault("region: us-east-1\ncache: {share: none}\n", "cache.share wants all or client");
    assert_fault("region: us-east-1\ncache: {client_markers: x}\n", "wants retime or keep");
    static const char *const shares[] = {"2", "0.02", "51%", "50.0001%", "-1%",
                                         "%", "a%",   "",    "0.00001%", "1 %"};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        char text[128];
        snprintf(text, sizeof text, "region: us-east-1\ncache: {holdout: \"%s\"}\n", shares[i]);
        assert_fault(text, "weir.yaml:2:18: cache.holdout wants a share of at most 50%");
    }
    assert_fault("region: us-east-1\ncache: {memory: 1023KiB}\n",
                 "weir.yaml:2:17: cache.memory wants at least 1MiB");
    assert_fault("region: us-east-1\ncache: {memory: 65GiB}\n", "at most 64GiB");
    assert_fault("region: us-east-1\nrules: [{name: a, set: {cache: on}}]\n",
                 "rules[].set.cache wants auto, always or off");
    assert_fault("region: us-east-1\nrules: [{name: a, set: {metadata: {}}}]\n", "sets nothing");
    struct buf faults = {0};
    struct config *c =
        parse("region: us-east-1\ncache: {mode: off, holdout: 0, explore: 0%}\n", &faults);
    assert_non_null(c);
    assert_int_equal(c->holdout_parts + c->explore_parts, 0);
    config_free(c);
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
    assert_fault("region: us-east-1\nadmin: {address: '0.0.0.0:8081'}\n", "Set admin.token_file");
    assert_fault("region: us-east-1\nlisten: [{address: '127.0.0.1:1', tls: {cert: a}}]\n",
                 "both cert and key");
    assert_fault("region: us-east-1\ncredentials: {profile: a, bearer_file: b}\n", "not both");
    assert_fault("region: us-east-1\ncredentials: {profile: a, none: true}\n",
                 "neither profile nor");
    assert_fault("region: us-east-1\ncredentials: {none: true}\n", "nobody could call Bedrock");
    assert_fault("region: us-east-1\ncredentials: {none: true}\nclients: [{name: a}]\n",
                 "client a: there is nothing to call Bedrock with");
    assert_fault("region: us-east-1\ncredentials: {none: true}\nmetrics: {cloudwatch: {namespace: "
                 "W}}\nclients: [{name: a, passthrough: bearer}]\n",
                 "metrics.cloudwatch wants credentials");
    assert_fault("region: us-east-1\ncredentials: {bearer_file: b}\nclients: [{name: a, role_arn: "
                 "'arn:aws:iam::123456789012:role/a'}]\n",
                 "a role is assumed with AWS keys");
    assert_fault("region: moon-1\nendpoints: {runtime: 'http://127.0.0.1:1'}\nclients: [{name: a, "
                 "role_arn: 'arn:aws:iam::123456789012:role/a'}]\n",
                 "set endpoints.sts");
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
    assert_fault("region: us-east-1\nbook: {size: 1023KiB}\n", "weir.yaml:2:14: book.size wants");
    assert_fault("region: us-east-1\nbook: {size: 99999TiB}\n", "at most 16TiB");
    assert_fault("region: us-east-1\nsettle: {drain: 0s}\n", "wants a time above 0");
    assert_fault("region: us-east-1\nmetrics: {otlp: {endpoint: \"http://c:4318/v1/metrics\"}}\n",
                 "weir.yaml:2:28: metrics.otlp.endpoint wants no /v1/metrics");
    assert_fault("region: us-east-1\nmetrics: {emf: {to: \"tcp://127.0.0.1\"}}\n", "wants a port");
    assert_fault("region: us-east-1\nmetrics: {emf: {to: \"tcp://[::1]\"}}\n", "wants a port");
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

static const char many[] =
    "region: us-east-1\n"
    "listen: [{address: '127.0.0.1:0', tls: {cert: /c, key: /k, client_ca: /ca}}]\n"
    "clients:\n"
    "  - name: search\n"
    "    sigv4: {access_key_id: WEIRSEARCH, secret_file: /etc/weir/search.secret}\n"
    "    bearer_file: /etc/weir/search.token\n"
    "    cn: search.internal\n"
    "    role_arn: arn:aws:iam::123456789012:role/search\n"
    "    limits: {requests_per_minute: 600, tokens_per_minute: 400000, concurrent: 64, "
    "body_bytes: 20MiB}\n"
    "    budget: {usd_per_day: 50, usd_per_month: 1000.5, then: warn}\n"
    "    models: [anthropic.*, us.amazon.nova-*]\n"
    "    data: {persist: spool}\n"
    "  - {name: agents, passthrough: bearer}\n"
    "  - {name: here, loopback: true}\n"
    "rules:\n"
    "  - name: nightly\n"
    "    match: {client: sea*, workload: nightly, model: 'anthropic.*', op: converse,\n"
    "            header: {x-app: r*}, metadata: {workload: n}, user_agent: '*',\n"
    "            hours: 'Mon-Fri 22:00-06:00'}\n"
    "    set: {metadata: {team: search}}\n"
    "limits: {requests_per_minute: 6000, body_bytes: 20MiB}\n"
    "keys: {seal_file: /etc/weir/seal.key}\n"
    "admin: {token_file: /etc/weir/admin.token}\n";

static void reads_clients(void **state)
{
    struct buf faults = {0};
    struct config *c = parse(many, &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    const struct config_client *a = &c->clients[0];
    assert_int_equal(c->n_clients, 3);
    assert_true(str_eq(a->name, S("search")) && str_eq(a->access_key_id, S("WEIRSEARCH")));
    assert_true(str_eq(a->secret_file, S("/etc/weir/search.secret")));
    assert_true(str_eq(a->bearer_file, S("/etc/weir/search.token")));
    assert_true(str_eq(a->cn, S("search.internal")) && !a->loopback && !a->passthrough);
    assert_true(str_eq(a->role_arn, S("arn:aws:iam::123456789012:role/search")));
    assert_true(a->limits.requests_per_minute == 600 && a->limits.tokens_per_minute == 400000 &&
                a->limits.concurrent == 64 && a->limits.body_bytes == 20u << 20);
    assert_true(a->day_nanousd == 50000000000 && a->month_nanousd == 1000500000000);
    assert_int_equal(a->then, THEN_WARN);
    assert_true(a->models->n == 2 && str_eq(a->models->first->text, S("anthropic.*")));
    assert_true(a->persist && !c->clients[1].persist);
    assert_true(c->clients[1].passthrough && c->clients[1].then == THEN_REJECT);
    assert_true(c->clients[1].limits.concurrent == 0 && c->clients[1].day_nanousd == 0);
    assert_true(!c->clients[1].models && c->clients[2].loopback);
    assert_true(c->limits.requests_per_minute == 6000 && c->limits.tokens_per_minute == 0);
    assert_true(str_eq(c->admin_token_file, S("/etc/weir/admin.token")));
    assert_true(str_eq(c->seal_file, S("/etc/weir/seal.key")));
    config_free(c);
}

static void reads_rules(void **state)
{
    struct buf faults = {0};
    struct config *c = parse(many, &faults);
    assert_non_null(c);
    const struct config_rule *r = &c->rules[0];
    assert_true(c->n_rules == 1 && str_eq(r->name, S("nightly")) && str_eq(r->client, S("sea*")));
    assert_true(str_eq(r->workload, S("nightly")) && str_eq(r->model, S("anthropic.*")));
    assert_true(str_eq(r->operation, S("converse")) && str_eq(r->user_agent, S("*")));
    assert_true(str_eq(yaml_get(r->header, S("x-app"))->text, S("r*")));
    assert_true(str_eq(yaml_get(r->metadata, S("workload"))->text, S("n")));
    assert_true(str_eq(yaml_get(r->set_metadata, S("team"))->text, S("search")));
    assert_true(window_holds(r->window, 23 * 3600) && !window_holds(r->window, 12 * 3600));
    config_free(c);
}

static void reads_a_zone(void **state)
{
    struct buf faults = {0};
    if (access("/usr/share/zoneinfo/Asia/Kolkata", R_OK)) {
        print_message("# skipped: no tzdata\n");
        skip();
    }
    struct config *c = parse("region: us-east-1\n"
                             "rules: [{name: r, match: {hours: '00:00-01:00 Asia/Kolkata'}, "
                             "set: {cache: off}}]\n",
                             &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    assert_true(window_holds(c->rules[0].window, 18 * 3600 + 1800)); /* 00:00 at +5:30 */
    assert_false(window_holds(c->rules[0].window, 18 * 3600 + 1799));
    config_free(c);
}

static void reads_clients_that_it_prints(void **state)
{
    struct buf faults = {0}, first = {0}, second = {0};
    struct config *c = parse(many, &faults);
    assert_non_null(c);
    config_print(c, &first);
    struct config *again = parse(buf_cstr(&first), &faults);
    if (!again)
        fail_msg("%s\n%s", buf_cstr(&faults), buf_cstr(&first));
    config_print(again, &second);
    assert_true(str_eq(buf_str(&first), buf_str(&second)));
    assert_true(str_find(buf_str(&first), S("clients:\n  - name: \"search\"\n    sigv4:\n"
                                            "      access_key_id: \"WEIRSEARCH\"\n")) > 0);
    assert_true(str_find(buf_str(&first), S("    models: [\"anthropic.*\", ")) > 0);
    assert_true(str_find(buf_str(&first), S("      usd_per_day: 50.000000000\n")) > 0);
    assert_true(str_find(buf_str(&first), S("    passthrough: bearer\n")) > 0);
    config_free(c);
    config_free(again);
    buf_fini(&first);
    buf_fini(&second);
}

/* One client `a`, with more of its keys. */
static void assert_client_fault(const char *keys, const char *fault)
{
    char text[1000];
    snprintf(text, sizeof text, "region: us-east-1\nclients:\n- {name: a, %s}\n", keys);
    assert_fault(text, fault);
}

static void names_what_is_wrong_with_clients(void **state)
{
    assert_client_fault("sigv4: {access_key_id: K}", "weir.yaml:3:20: client a: sigv4 wants both");
    assert_client_fault("sigv4: {secret_file: /f}", "sigv4 wants both");
    assert_client_fault("sigv4: {access_key_id: 'K/2', secret_file: /f}", "letters, digits and _");
    assert_client_fault("role_arn: search", "weir.yaml:3:23: client a: role_arn wants a role's");
    assert_client_fault("role_arn: 'arn:aws:iam::12345678901:role/x'", "wants a role's ARN");
    assert_client_fault("role_arn: 'arn:aws:iam::123456789012:user/x'", "wants a role's ARN");
    assert_client_fault("bearer_file: /f, cn: x",
                        "weir.yaml:3:34: client a: nobody can be known by a cn, since no listener "
                        "asks for a certificate: set tls.client_ca in listen");
    assert_client_fault("passthrough: sigv4", "clients[].passthrough wants bearer");
    assert_client_fault("models: anthropic.*", "clients[].models wants a list of values");
    assert_client_fault("models: []", "models is empty");
    assert_client_fault("models: ['']", "wants a list of values");
    assert_client_fault("models: ['a b']", "wants names of models");
    assert_client_fault("models: [[a]]", "wants a list of values");
    assert_client_fault("limits: {concurrent: 0}", "clients[].limits.concurrent wants a number");
    assert_client_fault("limits: {body_bytes: 0}", "wants a size");
    assert_client_fault("limits: {body_bytes: 1GiB}",
                        "weir.yaml:3:34: limits.body_bytes can never");
    assert_client_fault("limits: {concurrrent: 1}", "did you mean \"concurrent\"?");
    assert_client_fault("budget: {usd_per_day: 0}", "clients[].budget.usd_per_day wants dollars");
    assert_client_fault("budget: {usd_per_day: -1}", "wants dollars");
    assert_client_fault("budget: {usd_per_day: 9, then: nothing}", "wants reject, flex or warn");
    assert_client_fault("budget: {usd_per_day: 9, usd_per_month: 8}", "usd_per_day can never");
    assert_client_fault("data: {persist: yes}", "wants spool or never");
    assert_client_fault("hours: 22", "unknown key \"hours\"");
    assert_fault("region: us-east-1\nclients: [{cn: x}]\n",
                 "weir.yaml:2:11: a client wants a name");
    assert_fault("region: us-east-1\nclients: [{name: a b}]\n", "weir.yaml:2:18: client \"a b\"");
    assert_fault("region: us-east-1\nclients: [{name: other}]\n", "cannot be called other");
    assert_fault("region: us-east-1\nclients: [{name: anonymous}]\n", "cannot be called anonymous");
    assert_fault("region: us-east-1\nclients: {name: a}\n", "clients wants a list");
    static const char *const metered[] = {"limits: {tokens_per_minute: 9}",
                                          "budget: {usd_per_day: 9}", "budget: {usd_per_month: 9}"};
    for (size_t i = 0; i < 3; i++) {
        char text[200];
        snprintf(text, sizeof text, "region: us-east-1\nmetering: off\nclients: [{name: a, %s}]\n",
                 metered[i]);
        assert_fault(text, "weir.yaml:3:11: client a: a budget and limits.tokens_per_minute want");
    }
    assert_fault("region: us-east-1\nlimits: {concurrent: 2}\n"
                 "clients: [{name: a, limits: {concurrent: 3}}]\n",
                 "weir.yaml:3:42: client a: limits.concurrent can never be reached");
    assert_fault("region: us-east-1\nmemory: {bodies: 1MiB}\nlimits: {body_bytes: 2MiB}\n",
                 "weir.yaml:3:22: limits.body_bytes can never be reached: memory.bodies");
}

/* Who comes must have one answer. */
static void refuses_what_two_clients_share(void **state)
{
    static const char *const shared[][2] = {
        {"cn: x", "weir.yaml:4:17: clients a and b have the same cn"},
        {"bearer_file: /f", "the same bearer_file"},
        {"sigv4: {access_key_id: K, secret_file: /f}", "the same sigv4.access_key_id"},
        {"sigv4: {access_key_id: K, secret_file: /f}", "the same sigv4.secret_file"},
        {"loopback: true", "the same loopback"},
        {"passthrough: bearer", "the same passthrough"}};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "region: us-east-1\nclients:\n- {name: a, %s}\n- {name: b, %s}\n", shared[i][0],
                 shared[i][0]);
        assert_fault(text, shared[i][1]);
    }
    assert_fault("region: us-east-1\nclients: [{name: a}, {name: a}]\n",
                 "weir.yaml:2:29: client a stands there twice");
}

static void names_what_is_wrong_with_rules(void **state)
{
    static const char *const rules[][2] = {
        {"{set: {metadata: {a: b}}}", "weir.yaml:3:9: a rule wants a name"},
        {"{name: r}", "rule r sets nothing"},
        {"{name: r, set: {metadata: {}}}", "rule r sets nothing"},
        {"{name: r, match: {hour: x}}", "unknown key \"hour\""},
        {"{name: r, match: {hours: '22-6'}, set: {cache: off}}",
         "weir.yaml:3:34: rule r: hours are like \"22:00-06:00\""},
        {"{name: r, match: {hours: '22:00-06:00 ../../../etc/passwd'}, set: {cache: off}}",
         "weir.yaml:3:34: rule r: a time zone is a name of the tz database"},
        {"{name: r, match: {hours: '22:00-06:00 Europe/Berln'}, set: {cache: off}}",
         "weir.yaml:3:34: rule r: /usr/share/zoneinfo/Europe/Berln is not there. Is the zone's"},
        {"{name: r, match: {hours: '22:00-06:00 Europe'}, set: {cache: off}}",
         "/usr/share/zoneinfo/Europe "},
        {"{name: r, match: {client: b}, set: {metadata: {a: b}}}",
         "weir.yaml:3:35: rule r: no client is called b"},
        {"{name: r, match: {op: fly}, set: {metadata: {a: b}}}", "match.op wants converse"},
        {"{name: r, match: {header: x}, set: {metadata: {a: b}}}", "wants names with one value"},
        {"{name: r, match: {header: {x: [y]}}, set: {metadata: {a: b}}}", "wants names with one"},
        {"{name: r, set: {metadata: {a: 'b\"c'}}}", "names and values of requestMetadata"},
        {"{name: r, set: {metadata: {a: b}}}, {name: r, set: {metadata: {a: b}}}",
         "rule r stands there twice"}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char text[400];
        snprintf(text, sizeof text, "region: us-east-1\nclients: [{name: a}]\nrules: [%s]\n",
                 rules[i][0]);
        assert_fault(text, rules[i][1]);
    }
}

/* Clients must be known, and what they say must not be readable on the way. */
static void listens_beyond_loopback(void **state)
{
    assert_fault("region: us-east-1\nlisten: [{address: '0.0.0.0:1', plaintext: allow}]\n",
                 "Say in clients who may come in");
    assert_fault("region: us-east-1\nclients: [{name: a}]\nlisten: [{address: '0.0.0.0:1'}]\n",
                 "would be readable on the way");
    assert_fault("region: us-east-1\nlisten: [{address: '127.0.0.1:1', plaintext: yes}]\n",
                 "wants allow or refuse");
    struct buf faults = {0};
    struct config *c = parse("region: us-east-1\nclients: [{name: a}]\n"
                             "listen: [{address: '0.0.0.0:1', tls: {cert: a, key: b}}, "
                             "{address: '0.0.0.0:2', plaintext: allow}]\n",
                             &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(reads_caching),
        cmocka_unit_test(wants_sense_in_caching),
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
        cmocka_unit_test(reads_clients),
        cmocka_unit_test(reads_rules),
        cmocka_unit_test(reads_a_zone),
        cmocka_unit_test(reads_clients_that_it_prints),
        cmocka_unit_test(names_what_is_wrong_with_clients),
        cmocka_unit_test(refuses_what_two_clients_share),
        cmocka_unit_test(names_what_is_wrong_with_rules),
        cmocka_unit_test(listens_beyond_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
