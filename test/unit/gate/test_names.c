/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/names over a double of the control plane: one question for many looks, what is remembered
 * and for how long, who waits, and that a reload begins anew.
 */
#include "weir/aws/bedrock_control.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/gate/names.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARN "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/"

/* --- the double: questions wait here until the test answers them */

enum { MOST = 64 };

struct bedrock_control {
    char host[256];
};

static struct question {
    char arn[200];
    void (*done)(void *arg, const struct bedrock_control_answer *a);
    void *arg;
} questions[MOST];
static size_t n_questions, n_asked;
static int controls;
static char last_host[256];

struct bedrock_control *bedrock_control_new(struct loop *l, struct dns *dns,
                                            const struct bedrock_control_options *o)
{
    struct bedrock_control *c = mem_new(sizeof *c);
    snprintf(last_host, sizeof last_host, "%s", o->at.host);
    controls++;
    return c;
}

void bedrock_control_free(struct bedrock_control *c)
{
    if (!c)
        return;
    controls--;
    n_questions = 0;
    mem_free(c);
}

void bedrock_control_ask_profile(struct bedrock_control *c, struct creds *creds, struct str profile,
                                 void (*done)(void *arg, const struct bedrock_control_answer *a),
                                 void *arg)
{
    assert_non_null(creds);
    assert_true(n_questions < MOST);
    struct question *q = &questions[n_questions++];
    snprintf(q->arn, sizeof q->arn, "%.*s", STR_ARG(profile));
    q->done = done;
    q->arg = arg;
    n_asked++;
}

bool bedrock_control_model(struct str json, char out[BEDROCK_CONTROL_MODEL_MOST])
{
    return false;
}

/* To the oldest question. */
static void reply(enum bedrock_control_end end, const char *model)
{
    const struct bedrock_control_answer a = {end, 200, str_of(model), "the double says so"};
    assert_true(n_questions > 0);
    struct question q = questions[0];
    memmove(questions, questions + 1, --n_questions * sizeof *questions);
    q.done(q.arg, &a);
}

/* --- one daemon's worth */

static struct {
    struct loop *loop;
    struct dns *dns;
    struct setup *setups;
    struct names *names;
    int64_t mono_ms;
    char out[NAMES_MODEL_MOST];
} t;

static void nobody(void *arg)
{
}

static void advance(int64_t ms)
{
    t.mono_ms += ms;
    clock_fake(t.mono_ms * 1000000, 1767323045000 + t.mono_ms);
}

static void follow(const char *yaml)
{
    char err[300];
    struct buf faults = {0};
    struct config *c = config_parse(S("names.yaml"), str_of(yaml), &faults);
    assert_non_null(c);
    t.setups = setup_new(c, t.setups, t.loop, t.dns, nobody, NULL, err, sizeof err);
    assert_non_null(t.setups);
    loop_turn(t.loop, 0);
    names_follow(t.names, t.setups);
    setup_reap(&t.setups, false);
}

static void turn(void)
{
    for (int i = 0; i < 4; i++)
        loop_turn(t.loop, 0);
}

static int setup(void **state)
{
    t.mono_ms = 1000;
    advance(0);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    t.loop = loop_new();
    t.dns = dns_new(t.loop);
    t.names = names_new(t.loop, t.dns);
    n_questions = n_asked = 0;
    return 0;
}

static int teardown(void **state)
{
    names_free(t.names);
    setup_reap(&t.setups, true);
    assert_null(t.setups);
    assert_int_equal(controls, 0);
    turn();
    dns_free(t.dns);
    loop_free(t.loop);
    clock_real();
    return 0;
}

static const char *const here = "region: us-east-1\n";

static enum names_answer look(const char *arn)
{
    t.out[0] = 0;
    return names_look(t.names, str_of(arn), t.out);
}

/* --- tests */

static void asks_once_and_remembers(void **state)
{
    follow(here);
    for (int i = 0; i < 50; i++)
        assert_int_equal(look(ARN "a"), NAMES_ASKED);
    turn();
    assert_int_equal(n_asked, 1);
    assert_string_equal(questions[0].arn, ARN "a");
    assert_int_equal(look(ARN "a"), NAMES_ASKED);
    reply(BEDROCK_CONTROL_KNOWN, "us.anthropic.claude-opus-5");
    assert_int_equal(look(ARN "a"), NAMES_KNOWN);
    assert_string_equal(t.out, "us.anthropic.claude-opus-5");
    advance(30LL * 24 * 3600 * 1000);
    assert_int_equal(look(ARN "a"), NAMES_KNOWN);
    turn();
    assert_int_equal(n_asked, 1);
    assert_string_equal(last_host, "bedrock.us-east-1.amazonaws.com");
}

static void asks_only_for_application_profiles(void **state)
{
    char long_arn[700] = ARN;
    memset(long_arn + strlen(ARN), 'x', 600 - strlen(ARN));
    follow(here);
    assert_int_equal(look("anthropic.claude-opus-5"), NAMES_UNKNOWN);
    assert_int_equal(look("arn:aws:bedrock:us-east-1:1:inference-profile/us.a.b"), NAMES_UNKNOWN);
    assert_int_equal(look("arn:aws:bedrock:us-east-1:1:custom-model/a.b/c"), NAMES_UNKNOWN);
    assert_int_equal(look(long_arn), NAMES_UNKNOWN);
    turn();
    assert_int_equal(n_asked, 0);
}

static void asks_again_later(void **state)
{
    follow(here);
    look(ARN "a");
    look(ARN "never");
    turn();
    reply(BEDROCK_CONTROL_FAILED, "");
    reply(BEDROCK_CONTROL_NONE, "");
    assert_int_equal(look(ARN "a"), NAMES_UNKNOWN);
    advance(29 * 1000);
    assert_int_equal(look(ARN "a"), NAMES_UNKNOWN);
    advance(1000);
    assert_int_equal(look(ARN "a"), NAMES_ASKED);
    assert_int_equal(look(ARN "never"), NAMES_UNKNOWN);
    turn();
    assert_int_equal(n_asked, 3);
    advance(3600 * 1000);
    assert_int_equal(look(ARN "never"), NAMES_ASKED);
}

static void asks_a_few_at_once(void **state)
{
    char arn[200];
    follow(here);
    for (int i = 0; i < 20; i++) {
        snprintf(arn, sizeof arn, ARN "%d", i);
        assert_int_equal(look(arn), NAMES_ASKED);
    }
    turn();
    assert_int_equal(n_asked, 4);
    for (int i = 0; i < 20; i++)
        reply(BEDROCK_CONTROL_KNOWN, "a.b");
    assert_int_equal(n_asked, 20);
    assert_int_equal(look(arn), NAMES_KNOWN);
}

/* --- those who wait */

static struct {
    unsigned n;
    enum names_answer answer;
    char model[NAMES_MODEL_MOST];
} heard;

static void on_heard(void *arg, enum names_answer answer, struct str model)
{
    heard.n++;
    heard.answer = answer;
    snprintf(heard.model, sizeof heard.model, "%.*s", STR_ARG(model));
}

static void tells_those_who_wait(void **state)
{
    follow(here);
    heard.n = 0;
    names_wait(t.names, S(ARN "a"), 1000, on_heard, NULL);
    names_wait(t.names, S(ARN "a"), 1000, on_heard, NULL);
    turn();
    assert_int_equal(heard.n, 0);
    reply(BEDROCK_CONTROL_KNOWN, "a.b");
    assert_int_equal(heard.n, 2);
    assert_int_equal(heard.answer, NAMES_KNOWN);
    assert_string_equal(heard.model, "a.b");
    names_wait(t.names, S(ARN "a"), 1000, on_heard, NULL);
    assert_int_equal(heard.n, 2); /* never from inside */
    turn();
    assert_int_equal(heard.n, 3);
    assert_string_equal(heard.model, "a.b");
    names_wait(t.names, S("a.b"), 1000, on_heard, NULL);
    turn();
    assert_int_equal(heard.answer, NAMES_UNKNOWN);
    assert_int_equal(n_asked, 1);
}

static void does_not_wait_forever(void **state)
{
    follow(here);
    heard.n = 0;
    names_wait(t.names, S(ARN "a"), 1000, on_heard, NULL);
    turn();
    advance(1001);
    turn();
    assert_int_equal(heard.n, 1);
    assert_int_equal(heard.answer, NAMES_ASKED);
    reply(BEDROCK_CONTROL_FAILED, "");
    assert_int_equal(heard.n, 1);
    names_wait(t.names, S(ARN "a"), 1000, on_heard, NULL);
    names_wait(t.names, S(ARN "b"), 1000, on_heard, NULL);
    assert_int_equal(heard.n, 1);
    names_free(t.names); /* tells both what is known */
    assert_int_equal(heard.n, 3);
    assert_int_equal(heard.answer, NAMES_ASKED);
    t.names = NULL;
}

static void a_reload_begins_anew(void **state)
{
    look(ARN "early"); /* before there is anybody to ask */
    turn();
    follow(here);
    assert_int_equal(n_asked, 1);
    reply(BEDROCK_CONTROL_KNOWN, "a.b");
    look(ARN "none");
    turn();
    reply(BEDROCK_CONTROL_NONE, "");
    look(ARN "asked");
    turn();
    assert_int_equal(n_asked, 3);
    follow("region: us-east-1\nendpoints: {control: 'http://127.0.0.1:9'}\n");
    assert_int_equal(n_asked, 4); /* what was asked there is asked here */
    assert_string_equal(questions[0].arn, ARN "asked");
    assert_string_equal(last_host, "127.0.0.1");
    assert_int_equal(look(ARN "none"), NAMES_ASKED);
    assert_int_equal(look(ARN "early"), NAMES_KNOWN);
    turn();
    assert_int_equal(n_asked, 5);
}

static void is_bounded(void **state)
{
    char arn[200];
    follow(here);
    look(ARN "kept");
    look(ARN "dropped");
    turn();
    reply(BEDROCK_CONTROL_KNOWN, "a.b");
    reply(BEDROCK_CONTROL_KNOWN, "a.b");
    for (int i = 0; i < NAMES_MOST - 2; i++) {
        snprintf(arn, sizeof arn, ARN "%d", i);
        assert_int_equal(look(arn), NAMES_ASKED);
    }
    assert_int_equal(look(ARN "kept"), NAMES_KNOWN);
    assert_int_equal(look(ARN "one-more"), NAMES_ASKED); /* in place of the longest unseen */
    assert_int_equal(look(ARN "kept"), NAMES_KNOWN);
    assert_int_equal(look(ARN "dropped"), NAMES_ASKED); /* in place of the last that is known */
    assert_int_equal(look(ARN "no-room"), NAMES_UNKNOWN);
    assert_int_equal(look(ARN "kept"), NAMES_UNKNOWN);
}

static void *look_much(void *arg)
{
    char arn[200], out[NAMES_MODEL_MOST];
    for (int i = 0; i < 20000; i++) {
        snprintf(arn, sizeof arn, ARN "%d", i % 20);
        if (names_look(t.names, str_of(arn), out) == NAMES_KNOWN)
            assert_string_equal(out, "a.b");
    }
    return NULL;
}

static void any_thread_may_look(void **state)
{
    pthread_t threads[2];
    follow(here);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, look_much, NULL);
    for (int i = 0; i < 20;) {
        turn();
        for (; n_questions; i++)
            reply(BEDROCK_CONTROL_KNOWN, "a.b");
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n_asked, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asks_once_and_remembers, setup, teardown),
        cmocka_unit_test_setup_teardown(asks_only_for_application_profiles, setup, teardown),
        cmocka_unit_test_setup_teardown(asks_again_later, setup, teardown),
        cmocka_unit_test_setup_teardown(asks_a_few_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_those_who_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(does_not_wait_forever, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reload_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(any_thread_may_look, setup, teardown),
    };
    return cmocka_run_group_tests_name("gate/names", tests, NULL, NULL);
}
