/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/creds: the order of the sources, publication, and when a set is refreshed, served on and
 * withdrawn, on a clock that the test moves. The source is a container whose answers are scripted.
 */
#include "chain.h"

#include <pthread.h>
#include <time.h>

static struct reply next; /* what the double answers */
static char body[512];

static void serve_next(const struct heard *h, struct reply *out)
{
    write_down(h);
    *out = next;
}

static void answer_expiring(const char *id, int64_t in_s)
{
    char end[32];
    time_t at = (time_t)(t.wall_ms / 1000 + in_s);
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(end, sizeof end, "%Y-%m-%dT%H:%M:%SZ", &tm);
    int n = snprintf(body, sizeof body,
                     "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
                     "\"Expiration\":\"%s\"}",
                     id, end);
    next = (struct reply){.status = 200, .body = str_from(body, (size_t)n)};
}

static void use_container(void)
{
    serve = serve_next;
    set_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds");
}

static void takes_the_environment_first(void **state)
{
    use_container();
    set_env("AWS_ACCESS_KEY_ID", "AKID");
    set_env("AWS_SECRET_ACCESS_KEY", "secret");
    put_file(".aws/credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=f\n");
    assert_true(start_chain());
    assert_string_equal(in_hand(), "env AKID/secret/");
    assert_string_equal(creds_trouble(t.chain), "");
    assert_int_equal(t.calls, 0);
    assert_int_equal(t.changes, 1);
}

static void bearer_beats_keys(void **state)
{
    set_env("AWS_ACCESS_KEY_ID", "AKID");
    set_env("AWS_SECRET_ACCESS_KEY", "secret");
    set_env("AWS_BEARER_TOKEN_BEDROCK", "ABSKx");
    assert_true(start_chain());
    assert_string_equal(in_hand(), "bearer ABSKx");
}

static void a_named_profile_beats_the_environment(void **state)
{
    set_env("AWS_ACCESS_KEY_ID", "AKID");
    set_env("AWS_SECRET_ACCESS_KEY", "secret");
    set_env("AWS_BEARER_TOKEN_BEDROCK", "ABSKx");
    put_file(".aws/credentials", "[p]\naws_access_key_id=F\naws_secret_access_key=f\n");
    t.o.profile = S("p");
    assert_true(start_chain());
    assert_string_equal(in_hand(), "profile F/f/");
}

static void half_an_environment_is_an_error(void **state)
{
    set_env("AWS_ACCESS_KEY_ID", "AKID");
    use_container();
    assert_false(start_chain());
    assert_has(t.err, "AWS_SECRET_ACCESS_KEY");
}

static void says_when_there_is_nothing(void **state)
{
    assert_true(start_chain());
    assert_string_equal(in_hand(), "none");
    assert_int_equal(creds_version(t.chain), 0);
    assert_has(creds_trouble(t.chain), "no credentials");
    put_file(".aws/credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=f\n");
    pass_s(20);
    assert_string_equal(in_hand(), "profile F/f/");
    assert_string_equal(creds_trouble(t.chain), "");
}

static void takes_a_rotated_bearer_file_up(void **state)
{
    char path[256];
    snprintf(path, sizeof path, "%s", in_home("token"));
    t.o.bearer_file = str_of(path);
    assert_false(start_chain());
    assert_has(t.err, path);
    put_file("token", "  one\r\n");
    assert_true(start_chain());
    assert_string_equal(in_hand(), "bearer one");
    uint64_t version = creds_version(t.chain);
    pass_s(15);
    assert_int_equal(creds_version(t.chain), version); /* the same again is no news */
    assert_int_equal(t.changes, 1);
    put_file("token", "two\n");
    pass_s(15);
    assert_string_equal(in_hand(), "bearer two");
    assert_true(creds_version(t.chain) > version);
    put_file("token", "a b\n");
    pass_s(15);
    assert_string_equal(in_hand(), "bearer two");
    assert_has(creds_trouble(t.chain), "malformed");
    assert_true(t.changes >= 3);
}

static void refreshes_ahead_of_expiry(void **state)
{
    use_container();
    answer_expiring("A", 3600);
    assert_true(start_chain());
    assert_string_equal(in_hand(), "container A/s/t +3600");
    pass_s(3600 - 901);
    assert_int_equal(t.calls, 1);
    answer_expiring("B", 3600);
    pass_s(61);
    assert_int_equal(t.calls, 2);
    assert_has(in_hand(), "container B/s/t");
}

static void refreshes_short_lives_at_half(void **state)
{
    use_container();
    answer_expiring("A", 600);
    assert_true(start_chain());
    pass_s(299);
    assert_int_equal(t.calls, 1);
    answer_expiring("B", 600);
    pass_s(62);
    assert_int_equal(t.calls, 2);
}

static void serves_what_is_valid_through_an_outage(void **state)
{
    use_container();
    answer_expiring("A", 3600);
    assert_true(start_chain());
    next = (struct reply){.end = ORIGIN_UNREACHABLE};
    pass_s(3599);
    assert_string_equal(in_hand(), "container A/s/t +1");
    assert_has(creds_trouble(t.chain), "container: 169.254.170.2: ");
    assert_true(t.calls > 40 && t.calls < 250); /* tried on, not in a storm */
    pass_s(1);
    assert_string_equal(in_hand(), "none");
    assert_int_equal(creds_version(t.chain), 0);
    answer_expiring("B", 3600);
    pass_s(16);
    assert_has(in_hand(), "container B/s/t");
    assert_string_equal(creds_trouble(t.chain), "");
}

static void refuses_what_has_expired(void **state)
{
    use_container();
    answer_expiring("A", 0);
    assert_true(start_chain());
    assert_string_equal(in_hand(), "none");
    assert_has(creds_trouble(t.chain), "expired");
    answer_expiring("A", 60);
    pass_s(2);
    assert_has(in_hand(), "container A");
}

static void notices_a_jump_of_the_clock(void **state)
{
    use_container();
    answer_expiring("A", 7200);
    assert_true(start_chain());
    t.wall_ms += 6600 * 1000; /* suspended: the monotonic clock stood still */
    set_clock();
    answer_expiring("B", 7200);
    pass_s(61);
    assert_has(in_hand(), "container B");
}

static void flies_one_load_at_a_time(void **state)
{
    use_container();
    next = (struct reply){.silent = true};
    assert_true(start_chain());
    assert_int_equal(t.calls, 1);
    pass_s(1);
    assert_int_equal(t.calls, 1);
    pass_s(30); /* three tries of 2 s, then again after a wait */
    assert_int_equal(calls_open, 1);
    assert_has(creds_trouble(t.chain), "in time");
}

static void refreshes_once_when_refused(void **state)
{
    use_container();
    answer_expiring("A", 36000);
    assert_true(start_chain());
    uint64_t version = creds_version(t.chain);
    answer_expiring("B", 36000);
    for (int i = 0; i < 5; i++)
        creds_refused(t.chain, version);
    settle();
    assert_int_equal(t.calls, 2);
    assert_has(in_hand(), "container B");
    creds_refused(t.chain, version); /* an older one: somebody was slow */
    settle();
    assert_int_equal(t.calls, 2);
    creds_refused(t.chain, creds_version(t.chain)); /* too soon */
    settle();
    assert_int_equal(t.calls, 2);
    pass_s(10);
    creds_refused(t.chain, creds_version(t.chain));
    settle();
    assert_int_equal(t.calls, 3);
}

static void may_go_while_a_refusal_is_under_way(void **state)
{
    use_container();
    answer_expiring("A", 36000);
    assert_true(start_chain());
    creds_refused(t.chain, creds_version(t.chain));
    next = (struct reply){.silent = true};
    creds_free(t.chain);
    t.chain = NULL;
    settle();
    assert_int_equal(t.calls, 1);
}

static void keeps_a_set_for_its_users(void **state)
{
    use_container();
    answer_expiring("A", 3600);
    assert_true(start_chain());
    struct creds *mine = creds_get(t.chain);
    creds_free(t.chain);
    t.chain = NULL;
    assert_str(mine->access_key, "A");
    creds_unref(mine);
}

/* --- from other threads */

static atomic_bool done;

static void *look(void *arg)
{
    while (!done) {
        uint64_t version = creds_version(t.chain);
        struct creds *set = creds_get(t.chain);
        /* one consistent triple: the container gives the id as the secret too */
        if (set && !str_eq(set->access_key, set->secret_key))
            abort();
        creds_refused(t.chain, version);
        creds_unref(set);
    }
    return NULL;
}

static void is_read_by_other_threads(void **state)
{
    pthread_t threads[3];
    use_container();
    snprintf(body, sizeof body, "{\"AccessKeyId\":\"K0\",\"SecretAccessKey\":\"K0\"}");
    next = (struct reply){.status = 200, .body = str_of(body)};
    assert_true(start_chain());
    done = false;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look, NULL), 0);
    for (int i = 1; i <= 200; i++) {
        char text[512];
        snprintf(text, sizeof text, "{\"AccessKeyId\":\"K%d\",\"SecretAccessKey\":\"K%d\"}", i, i);
        snprintf(body, sizeof body, "%s", text);
        next.body = str_of(body);
        creds_refused(t.chain, creds_version(t.chain));
        pass_ms(11000);
    }
    done = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    settle();
    /* A word about the set before may stand in the way of one about the newest: then the next one
     * is heard. How often that happens is up to the scheduler. */
    assert_true(t.calls > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_the_environment_first, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(bearer_beats_keys, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(a_named_profile_beats_the_environment, chain_setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(half_an_environment_is_an_error, chain_setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(says_when_there_is_nothing, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(takes_a_rotated_bearer_file_up, chain_setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(refreshes_ahead_of_expiry, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(refreshes_short_lives_at_half, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(serves_what_is_valid_through_an_outage, chain_setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(refuses_what_has_expired, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(notices_a_jump_of_the_clock, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(flies_one_load_at_a_time, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(refreshes_once_when_refused, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(may_go_while_a_refusal_is_under_way, chain_setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(keeps_a_set_for_its_users, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(is_read_by_other_threads, chain_setup, chain_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
