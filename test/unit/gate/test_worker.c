/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/worker and gate/setup: the budget of resends, what a reload changes and what it leaves
 * alone, and that nothing of an old setup stays.
 */
#include "sides.h"

#include "weir/base/log.h"

static const int keep[CONFIG_MOST_LISTENERS] = {-1, -1, -1, -1};

static size_t setups(void)
{
    size_t n = 0;
    for (const struct setup *s = daemon_.setups; s; s = s->next)
        n++;
    return n;
}

static struct setup *reload(const char *yaml, const int *fds)
{
    struct setup *s = make_setup(yaml);
    worker_switch(&worker, s, fds);
    return s;
}

static struct port *port_of(const struct setup *s, size_t at)
{
    for (struct port *p = worker.ports; p; p = p->next)
        if (p->setup == s && p->at == at)
            return p;
    return NULL;
}

static void earns_a_tenth_for_each_call(void **state)
{
    assert_true(worker_may_resend(&worker)); /* the first one is given */
    for (int round = 0; round < 3; round++) {
        assert_false(worker_may_resend(&worker));
        for (int i = 0; i < 10; i++)
            worker_called(&worker);
        assert_true(worker_may_resend(&worker));
    }
    for (int i = 0; i < 1000; i++)
        worker_called(&worker);
    for (int i = 0; i < 10; i++)
        assert_true(worker_may_resend(&worker)); /* no more is kept */
    assert_false(worker_may_resend(&worker));
    assert_int_equal(worker.metrics.simple[METRIC_UPSTREAM_CALLS], 1030);
}

static void forgets_old_setups(void **state)
{
    for (int i = 0; i < 5; i++)
        reload(i % 2 ? ONE_ORIGIN "log: {level: warn}\n" : ONE_ORIGIN, keep);
    assert_int_equal(setups(), 6);
    setup_reap(&daemon_.setups, false);
    assert_int_equal(setups(), 1);
    begin();
    reload(ONE_ORIGIN, keep);
    setup_reap(&daemon_.setups, false);
    assert_int_equal(setups(), 2); /* a request is under way */
    gone(FRONT_LEFT);
    setup_reap(&daemon_.setups, false);
    assert_int_equal(setups(), 1);
}

static void the_office_follows(void **state)
{
    struct worker *admin = mem_new(sizeof *admin);
    struct setup *first = daemon_.setups;
    worker_init(admin, &daemon_, NULL);
    admin->setup = setup_ref(first);
    worker_open(admin, -1, first, 0, REALM_ADMIN);
    struct setup *second = reload(ONE_ORIGIN "memory: {connections: 7}\n", keep);
    worker_follow(admin, second);
    assert_ptr_equal(admin->ports->setup, second);
    assert_int_equal(admin->ports->listener->o.most_connections, 7);
    assert_false(admin->ports->listener->drained);
    setup_reap(&daemon_.setups, false);
    assert_int_equal(setups(), 1);
    worker_close(admin);
    worker_fini(admin);
    mem_free(admin);
}

static void keeps_ports_by_address(void **state)
{
    static const int fds[CONFIG_MOST_LISTENERS] = {-1, 77};
    struct setup *s = reload(ONE_ORIGIN "listen:\n- address: 127.0.0.1:8080\n  prefix: /x\n"
                                        "- address: 127.0.0.1:8090\n",
                             fds);
    assert_int_equal(listeners_open, 2);
    assert_int_equal(port_of(s, 0)->listener->fd, -1);
    assert_int_equal(port_of(s, 1)->listener->fd, 77);
    begin_at(port_of(s, 0), "POST", "/x/model/m/converse", false); /* kept, with its new prefix */
    assert_true(has(&far.head, " /model/m/converse\n"));
    gone(FRONT_LEFT);
    s = reload(ONE_ORIGIN "listen: [{address: '127.0.0.1:8090'}]\n", keep);
    assert_int_equal(port_of(s, 0)->listener->fd, 77);
    struct port *leaving = port_of(s, 0) == worker.ports ? worker.ports->next : worker.ports;
    assert_true(leaving->retiring && leaving->listener->drained);
    leaving->listener->busy = 1;
    pass_ms(1000);
    turn();
    assert_int_equal(listeners_open, 2);
    leaving->listener->busy = 0;
    pass_ms(1000);
    turn();
    assert_int_equal(listeners_open, 1);
}

/* 127.0.0.1:0 may stand there twice: each stays what it was. */
static void keeps_equal_addresses_apart(void **state)
{
#define TWICE \
    "listen: [{address: '127.0.0.1:0', prefix: /a}, {address: '127.0.0.1:0', prefix: /b}]\n"
    static const int fds[CONFIG_MOST_LISTENERS] = {71, 72};
    struct setup *s = reload(ONE_ORIGIN TWICE, fds);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(port_of(s, 0)->listener->fd, 71);
        assert_int_equal(port_of(s, 1)->listener->fd, 72);
        s = reload(ONE_ORIGIN TWICE, keep);
    }
    assert_int_equal(port_of(s, 1)->listener->fd, 72);
}

static void credentials_are_shared_while_nothing_changes(void **state)
{
    struct creds_chain *chain = daemon_.setups->creds;
    assert_ptr_equal(reload(ONE_ORIGIN "log: {level: warn}\n", keep)->creds, chain);
    setup_reap(&daemon_.setups, false); /* the one that made them goes, they stay */
    assert_non_null(worker_creds(&worker));
    struct setup *s = reload("region: eu-west-1\n", keep);
    assert_ptr_not_equal(s->creds, chain);
    setup_reap(&daemon_.setups, false);
    turn();
    assert_non_null(worker_creds(&worker));
}

/* Nobody is refused because a reload is just looking for other credentials. */
static void credentials_in_hand_serve_until_others_are_known(void **state)
{
    setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER", 1);
    struct setup *s = reload("region: eu-west-1\n", keep);
    assert_false(creds_settled(s->creds));
    assert_true(str_eq(worker_creds(&worker)->access_key, S("AKIDTEST")));
    turn();
    assert_true(creds_settled(s->creds));
    assert_true(str_eq(worker_creds(&worker)->access_key, S("AKIDOTHER")));
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    reload("region: eu-west-2\n", keep);
    assert_non_null(worker_creds(&worker));
    turn();
    assert_null(worker_creds(&worker)); /* known: there are none */
}

static void counts_go_on_over_a_new_origin(void **state)
{
    far.counts = (struct origin_counts){.opened = 3, .reused = 40, .failed = 2, .connections = 1};
    reload("region: eu-west-1\n", keep);
    assert_int_equal(far.origins, 1);
    far.counts = (struct origin_counts){.opened = 1, .connections = 1};
    pass_ms(1000);
    turn();
    assert_int_equal(worker.metrics.simple[METRIC_UPSTREAM_OPENED], 4);
    assert_int_equal(worker.metrics.simple[METRIC_UPSTREAM_REUSED], 40);
    assert_int_equal(worker.metrics.simple[METRIC_UPSTREAM_FAILED], 2);
    assert_int_equal(worker.metrics.simple[METRIC_UPSTREAM_CONNECTIONS], 1);
}

/* A file of roots may hold others than before, under the same name. */
static void looks_at_roots_again(void **state)
{
    struct setup *a = make_setup(ONE_ORIGIN), *b = make_setup(ONE_ORIGIN);
    assert_true(setup_same_origin(a, b));
    a = make_setup("region: us-east-1\nendpoints: {runtime: 'http://127.0.0.1:1', ca_file: /x}\n");
    b = make_setup("region: us-east-1\nendpoints: {runtime: 'http://127.0.0.1:1', ca_file: /x}\n");
    assert_false(setup_same_origin(a, b));
}

static void a_setup_that_cannot_be_made_leaves_nothing(void **state)
{
    static const char *const bad[] = {
        ONE_ORIGIN "listen: [{address: '127.0.0.1:1', tls: {cert: /nowhere, key: /nowhere}}]\n",
        "region: us-east-1\nendpoints: {ca_file: /nowhere}\n",
        ONE_ORIGIN "credentials: {profile: nobody}\n",
        ONE_ORIGIN "credentials: {bearer_file: /nowhere}\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf faults = {0};
        char err[512] = "";
        struct config *c = config_parse(S("t.yaml"), str_of(bad[i]), &faults);
        assert_non_null(c);
        assert_null(
            setup_new(c, daemon_.setups, office, office_dns, on_changed, NULL, err, sizeof err));
        assert_non_null(strstr(err, i == 2 ? "nobody" : "/nowhere"));
    }
    assert_int_equal(setups(), 1);
}

int main(void)
{
    log_setup(LOG_ERROR, LOG_TEXT);
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORY(earns_a_tenth_for_each_call),
        STORY(forgets_old_setups),
        STORY(the_office_follows),
        STORY(keeps_ports_by_address),
        STORY(keeps_equal_addresses_apart),
        STORY(credentials_are_shared_while_nothing_changes),
        STORY(credentials_in_hand_serve_until_others_are_known),
        STORY(counts_go_on_over_a_new_origin),
        STORY(looks_at_roots_again),
        STORY(a_setup_that_cannot_be_made_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
