/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /api/v1/clients and the families of limits on /metrics: the same numbers, and no secret.
 */
#include "sides.h"

#include "../../../src/gate/back.h"
#include "weir/base/log.h"
#include "weir/gate/export_prom.h"
#include "weir/gate/keyring.h"

#include <stdio.h>

static struct config config;
static struct setup setup_ = {.config = &config};
static const int64_t noon_ms = 1795176000000; /* 20 November 2026 */

static int set_up_clients(void **state)
{
    set_up(state);
    config = (struct config){.n_clients = 2, .limits.concurrent = 100};
    config.clients[0] = (struct config_client){.name = S("agents"),
                                               .bearer_file = S("/run/secret"),
                                               .passthrough = true,
                                               .limits = {10, 0, 4, 0},
                                               .day_nanousd = 2500000000,
                                               .then = THEN_WARN};
    config.clients[1] = (struct config_client){
        .name = S("reports"), .access_key_id = S("WEIRAAAAAAAAAAAAAAAA"), .loopback = true};
    clock_fake(0, noon_ms);
    daemon_.limits = limits_new();
    assert_true(limits_follow(daemon_.limits, &config, NULL, noon_ms));
    return 0;
}

static int tear_down_clients(void **state)
{
    limits_free(daemon_.limits);
    return tear_down(state);
}

static void some_requests(void)
{
    struct limits_held held = {0}, stays;
    const struct limits_ask ask = {1000, 1500000000};
    (void)limits_admit(daemon_.limits, S("agents"), &ask, noon_ms, &held);
    limits_settle(daemon_.limits, &held, 70, 1000000001, noon_ms);
    (void)limits_admit(daemon_.limits, S("agents"), &ask, noon_ms, &stays);
    config.clients[0].limits.requests_per_minute = 1;
    assert_true(limits_follow(daemon_.limits, &config, NULL, noon_ms));
    for (int i = 0; i < 2; i++) {
        struct limits_verdict v = limits_admit(daemon_.limits, S("agents"), &ask, noon_ms, &held);
        limits_refused(daemon_.limits, S("agents"), &v);
    }
    limits_wait(daemon_.limits, S("agents"), 250000000);
}

static void the_page(void **state)
{
    struct buf b = {0};
    struct setup *before = daemon_.setups;
    some_requests();
    daemon_.setups = &setup_;
    back_clients_add_json(&daemon_, NULL, noon_ms, &b);
    daemon_.setups = before;
    assert_string_equal(
        buf_cstr(&b),
        "{\"all\":{\"running\":1,\"limits\":{\"concurrent\":{\"most\":100,\"left\":99}},"
        "\"limited\":{}},\"clients\":["
        "{\"name\":\"agents\",\"methods\":[\"bearer\",\"passthrough\"],\"issued_keys\":0,"
        "\"running\":1,\"limits\":{\"requests_per_minute\":{\"most\":1,\"left\":0},"
        "\"concurrent\":{\"most\":4,\"left\":3}},\"limited\":{\"requests_per_minute\":2},"
        "\"budget\":{\"then\":\"warn\",\"day\":{\"usd\":2.500000000,\"left_usd\":0.000000000,"
        "\"spent_usd\":1.000000001,\"reserved_usd\":1.500000000,\"waiting_usd\":0.250000000,"
        "\"resets\":\"2026-11-21T00:00:00Z\"},\"month\":{\"spent_usd\":1.000000001,"
        "\"reserved_usd\":1.500000000,\"waiting_usd\":0.250000000,\"resets\":\"2026-12-01T00:00:"
        "00Z\"}}},"
        "{\"name\":\"reports\",\"methods\":[\"sigv4\",\"loopback\"],\"issued_keys\":0,"
        "\"running\":0,\"limits\":{},\"limited\":{},\"budget\":{\"day\":{"
        "\"spent_usd\":0.000000000,\"reserved_usd\":0.000000000,\"waiting_usd\":0.000000000,"
        "\"resets\":\"2026-11-21T00:00:00Z\"},\"month\":{\"spent_usd\":0.000000000,"
        "\"reserved_usd\":0.000000000,\"waiting_usd\":0.000000000,\"resets\":\"2026-12-01T00:00:"
        "00Z\"}}}]}\n");
    buf_fini(&b);
}

static void the_metrics(void **state)
{
    struct buf b = {0};
    struct worker *workers[] = {&worker};
    daemon_.workers = workers;
    daemon_.n_workers = 1;
    some_requests();
    export_prom(&daemon_, &b);
    assert_true(
        has(&b, "\nweir_limited_total{client=\"agents\",what=\"requests_per_minute\"} 2\n"));
    assert_true(has(&b, "\nweir_budget_usd{client=\"agents\",period=\"day\"} 2.500000000\n"));
    assert_true(has(&b, "\nweir_budget_spent_usd{client=\"agents\",period=\"day\"} 1.000000001\n"));
    assert_true(
        has(&b, "\nweir_budget_reserved_usd{client=\"agents\",period=\"day\"} 1.500000000\n"));
    assert_true(
        has(&b, "\nweir_budget_waiting_usd{client=\"agents\",period=\"day\"} 0.250000000\n"));
    assert_false(has(&b, "period=\"month\""));
    assert_false(has(&b, "client=\"reports\""));
    buf_fini(&b);
}

static void keys_that_were_issued(void **state)
{
    char dir[] = "/tmp/weir-clients-XXXXXX", why[256], command[64];
    struct buf id = {0}, secret = {0}, b = {0};
    struct setup *before = daemon_.setups;
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 3; i++) {
        buf_clear(&id);
        assert_int_equal(keyring_add(str_of(dir), S(""), i < 2 ? S("reports") : S("agents"), false,
                                     KEY_BEARER, &id, &secret, why, sizeof why),
                         0);
        if (i == 0)
            assert_int_equal(keyring_revoke(str_of(dir), buf_str(&id), why, sizeof why), 0);
    }
    struct keyring *ring = keyring_list(str_of(dir), why, sizeof why);
    assert_non_null(ring);
    config.clients[0].name = S("nobody");
    daemon_.setups = &setup_;
    assert_true(limits_follow(daemon_.limits, &config, NULL, noon_ms));
    back_clients_add_json(&daemon_, ring, noon_ms, &b);
    daemon_.setups = before;
    assert_true(has(&b, "\"nobody\",\"methods\":[\"bearer\",\"passthrough\"],\"issued_keys\":0,"));
    assert_true(has(&b, "\"reports\",\"methods\":[\"sigv4\",\"loopback\"],\"issued_keys\":1,"));
    assert_true(str_find(buf_str(&b), buf_str(&id)) < 0 &&
                str_find(buf_str(&b), buf_str(&secret)) < 0);
    keyring_unref(ring);
    buf_fini(&id);
    buf_fini(&secret);
    buf_fini(&b);
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    log_setup(LOG_ERROR, LOG_TEXT);
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up_clients, tear_down_clients)
    const struct CMUnitTest tests[] = {STORY(the_page), STORY(the_metrics),
                                       STORY(keys_that_were_issued)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
