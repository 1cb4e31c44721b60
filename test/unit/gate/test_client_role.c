/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/client_role, and what a worker and an exchange make of it: whose keys a call is signed with,
 * who waits for them and how long, and what a reload leaves in hand. STS is the far side, too.
 */
#include "sides.h"

#include "weir/base/log.h"

#include <stdio.h>

#define AT \
    "region: us-east-1\nendpoints: {runtime: 'http://127.0.0.1:1', sts: 'http://127.0.0.1:2'}\n"
#define A      "{name: a, loopback: true, role_arn: 'arn:aws:iam::123456789012:role/a'}"
#define B      "{name: b, role_arn: 'arn:aws:iam::123456789012:role/b'}"
#define NEW_A  "{name: a, loopback: true, role_arn: 'arn:aws:iam::123456789012:role/new'}"
#define BARE_A "{name: a, loopback: true}"
#define C      "{name: c}"

static const int keep[CONFIG_MOST_LISTENERS] = {-1, -1, -1, -1};

static int set_up_role(void **state)
{
    if (set_up_with(AT "clients: [" A "]\n"))
        return -1;
    daemon_.limits = limits_new();
    (void)limits_follow(daemon_.limits, daemon_.setups->config, NULL, clock_wall_ms());
    return 0;
}

static struct setup *reload(const char *yaml)
{
    struct setup *s = make_setup(yaml);
    worker_switch(&worker, s, keep);
    return s;
}

static void sts_gives(const char *key)
{
    char xml[512];
    snprintf(xml, sizeof xml,
             "<R><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
             "<SessionToken>T</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration>"
             "</Credentials></R>",
             key);
    assert_true(has(&far.head, "127.0.0.1:2 POST "));
    head(200, "text/xml", -1);
    bytes(str_of(xml));
    end(ORIGIN_DONE);
    turn();
}

static void sts_denies(void)
{
    assert_true(has(&far.head, "127.0.0.1:2 POST "));
    head(403, "text/xml", -1);
    bytes(S("<E><Code>AccessDenied</Code><Message>role/a</Message></E>"));
    end(ORIGIN_DONE);
    turn();
}

static int tear_down_role(void **state)
{
    if (far.call) /* STS is still asked, and nobody waits for it */
        sts_denies();
    int rc = tear_down(state);
    limits_free(daemon_.limits);
    return rc;
}

static void later(int64_t ms)
{
    pass_ms(ms);
    turn();
}

static void ask(void)
{
    begin();
    give_whole(S("{}"));
    turn();
}

static void answered_well(void)
{
    head(200, "application/json", 2);
    bytes(S("{}"));
    end(ORIGIN_DONE);
    assert_int_equal(client.status, 200);
    gone(FRONT_LEFT);
}

static bool hand_has(size_t place, const char *key)
{
    struct creds *set = worker_creds_for(&worker, &worker.setup->config->clients[place]);
    return key ? set && str_eq(set->access_key, str_of(key)) : !set;
}

static void waits_for_the_first_answer(void **state)
{
    assert_int_equal(far.started, 1);
    ask();
    later(20);
    later(20);
    assert_int_equal(far.started, 1);
    assert_false(client.answered);
    sts_gives("RA");
    later(20);
    assert_int_equal(far.started, 2);
    assert_true(has(&far.head, "127.0.0.1:1 POST "));
    assert_true(has(&far.head, "x-amz-security-token: T"));
    assert_true(has(&far.head, "Credential=RA/"));
    answered_well();
    ask(); /* the next does not wait */
    assert_int_equal(far.started, 3);
    answered_well();
}

static void says_that_it_is_denied(void **state)
{
    ask();
    sts_denies();
    later(20);
    assert_int_equal(client.status, 503);
    assert_true(has(&client.body, "cannot act as this client's role"));
    assert_false(has(&client.body, "role/a"));
    assert_int_equal(far.started, 1); /* and not by Weir's own keys */
    gone(FRONT_DONE);
    assert_int_equal(ended_as(OP_CONVERSE, OUTCOME_NO_CREDENTIALS), 1);
}

static void waits_ten_seconds_at_most(void **state)
{
    ask();
    for (int i = 0; i < 99; i++)
        later(100);
    assert_false(client.answered);
    for (int i = 0; i < 3; i++)
        later(100);
    assert_int_equal(client.status, 503);
    gone(FRONT_DONE);
}

static void leaves_or_is_cut_while_it_waits(void **state)
{
    ask();
    gone(FRONT_LEFT);
    later(20);
    ask();
    exchange_cut(client.ex);
    assert_int_equal(client.status, 503);
    later(20);
    gone(FRONT_DONE);
}

static void goes_the_new_way(void **state)
{
    ask();
    reload(AT "clients: [" C ", " BARE_A "]\n");
    sts_gives("RA"); /* that is too late */
    later(20);
    setup_reap(&daemon_.setups, false); /* the setup that it began with is no more */
    const struct exchange *ex = client.ex;
    later(20);
    assert_true(has(&far.head, "Credential=AKIDTEST/"));
    assert_true(str_eq(ex->client_name, S("a")));
    assert_ptr_equal(ex->client, clients_named(worker.setup->clients, S("a")));
    answered_well();
}

static void is_refused_when_it_was_taken_out(void **state)
{
    ask();
    reload(AT "clients: [" C "]\n");
    later(20);
    setup_reap(&daemon_.setups, false);
    later(20);
    assert_int_equal(client.status, 503);
    assert_true(has(&client.body, "was taken out"));
    gone(FRONT_DONE);
}

/* In its place of the table, and while nobody knows what the new role gives. */
static void never_has_anothers_keys(void **state)
{
    sts_gives("RA");
    assert_true(hand_has(0, "RA"));
    reload(AT "clients: [" B "]\n");
    turn();
    assert_false(creds_settled(worker.setup->roles[0]->chain));
    assert_true(hand_has(0, NULL));
    sts_gives("RB");
    assert_true(hand_has(0, "RB"));
    reload(AT "clients: [" C ", " B "]\n");
    assert_true(hand_has(0, "AKIDTEST"));
    assert_true(hand_has(1, "RB"));
}

static void a_new_role_has_nothing_of_the_old(void **state)
{
    sts_gives("RA");
    assert_true(hand_has(0, "RA"));
    reload(AT "clients: [" NEW_A "]\n");
    assert_true(hand_has(0, NULL));
    turn();
    sts_gives("RN");
    assert_true(hand_has(0, "RN"));
}

static void is_shared_while_nothing_changes(void **state)
{
    sts_gives("RA");
    const struct client_role *role = daemon_.setups->roles[0];
    struct setup *s = reload(AT "log: {level: warn}\nclients: [" C ", " A "]\n");
    assert_ptr_equal(s->roles[1], role);
    setup_reap(&daemon_.setups, false);
    assert_int_equal(role->setups, 1);
    assert_true(hand_has(1, "RA"));
    assert_int_equal(far.started, 1);
    make_setup(AT "clients: [" A "]\n");
    setup_withdraw(&daemon_.setups); /* a reload that failed late */
    assert_int_equal(role->setups, 1);
    assert_true(hand_has(1, "RA"));
    s = reload("region: eu-west-1\nendpoints: {runtime: 'http://127.0.0.1:1', sts: "
               "'http://127.0.0.1:2'}\nclients: [" A "]\n");
    assert_ptr_not_equal(s->roles[0], role); /* it hangs on other credentials */
    assert_true(hand_has(0, NULL));
    turn();
    sts_gives("RE");
    assert_true(hand_has(0, "RE"));
}

static void a_refusal_is_the_roles(void **state)
{
    sts_gives("RA");
    const struct config_client *c = worker.setup->config->clients;
    struct creds *set = worker_creds_for(&worker, c);
    uint64_t own = worker_creds(&worker)->version;
    worker_creds_refused(&worker, c, own);
    turn();
    assert_int_equal(far.started, 1);
    worker_creds_refused(&worker, c, set->version);
    turn();
    assert_int_equal(far.started, 2);
    assert_true(hand_has(0, "RA")); /* until there is something newer */
    sts_gives("R2");
    assert_true(hand_has(0, "R2"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_role, tear_down_role)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(waits_for_the_first_answer),
        TEST(says_that_it_is_denied),
        TEST(waits_ten_seconds_at_most),
        TEST(leaves_or_is_cut_while_it_waits),
        TEST(goes_the_new_way),
        TEST(is_refused_when_it_was_taken_out),
        TEST(never_has_anothers_keys),
        TEST(a_new_role_has_nothing_of_the_old),
        TEST(is_shared_while_nothing_changes),
        TEST(a_refusal_is_the_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
