/* SPDX-License-Identifier: Apache-2.0
 *
 * net/origin: the pool of connections, addresses, and every way to end and to let go.
 */
#include "origin_side.h"
#include "stub_dns.h"

static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";

static void uses_a_connection_again(void **state)
{
    asked_by(&one, 0);
    assert_false(one.call.reused);
    answers(&one, &far.peer[0]);
    assert_int_equal(count().idle, 1);
    buf_clear(&far.peer[0].got);
    asked_by(&two, 0);
    assert_true(two.call.reused);
    assert_int_equal(count().idle, 0);
    answers(&two, &far.peer[0]);
    assert_int_equal(far.n, 1);
    assert_int_equal(count().reused, 1);
}

static void takes_the_newest_first(void **state)
{
    asked_by(&one, 0);
    asked_by(&two, 1);
    answers(&one, &far.peer[0]);
    answers(&two, &far.peer[1]);
    buf_clear(&far.peer[1].got);
    ask(&three, origin);
    UNTIL(heard(&far.peer[1], "1}"));
}

static void closes_idle_ones(void **state)
{
    asked_by(&one, 0);
    asked_by(&two, 1);
    answers(&one, &far.peer[0]);
    pass_ms(30000);
    answers(&two, &far.peer[1]);
    pass_ms(30000);
    UNTIL(far.peer[0].ended);
    assert_int_equal(count().connections, 1);
    pass_ms(30000);
    UNTIL(far.peer[1].ended);
    assert_int_equal(count().connections, 0);
}

/* The far side closed while nobody looked: not a byte is written there, nobody notices. */
static void passes_over_stale_ones(void **state)
{
    asked_by(&one, 0);
    answers(&one, &far.peer[0]);
    hang_up(&far.peer[0]);
    turns(1);
    ask(&two, origin);
    UNTIL(far.n == 2 && heard(&far.peer[1], "1}"));
    answers(&two, &far.peer[1]);
    assert_int_equal(two.ends, 1);
}

static void close_the_first(void)
{
    hang_up(&far.peer[0]);
}

static void ask_second(void)
{
    ask(&two, origin);
    assert_int_equal(count().idle, 0); /* it did take that connection */
}

/* The turn that takes the connection hears that it is closed. */
static void passes_over_one_that_closes_now(void **state)
{
    asked_by(&one, 0);
    answers(&one, &far.peer[0]);
    call_from_turn(close_the_first, ask_second);
    UNTIL(far.n == 2 && heard(&far.peer[1], "1}"));
    answers(&two, &far.peer[1]);
    assert_int_equal(two.ends, 1);
}

/* --- ways to end */

static void is_unreachable_without_a_listener(void **state)
{
    far_end(&far);
    ask(&one, origin);
    ask(&two, origin);
    UNTIL(one.ends && two.ends);
    assert_int_equal(one.end, ORIGIN_UNREACHABLE);
    assert_int_equal(two.end, ORIGIN_UNREACHABLE);
    assert_non_null(strstr(one.why, "refused"));
    assert_true(count().failed >= 1);
    assert_int_equal(count().ejected, 1);
}

static void is_unreachable_without_a_name(void **state)
{
    struct origin_options o = plain_options(far.port);
    o.host = S("");
    renew(o);
    ask(&one, origin);
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_UNREACHABLE);
}

static void is_gone_when_the_connection_breaks(void **state)
{
    asked_by(&one, 0);
    hang_up(&far.peer[0]);
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_GONE);
    assert_int_equal(one.heads, 0);
}

static void times_out_without_an_answer(void **state)
{
    asked_by(&one, 0);
    pass_ms(59000);
    assert_int_equal(one.ends, 0);
    pass_ms(1001);
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_TIMEOUT);
    assert_int_equal(count().connections, 0);
    UNTIL(far.peer[0].ended);
}

static void times_out_in_silence(void **state)
{
    asked_by(&one, 0);
    say(&far.peer[0], "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na");
    UNTIL(buf_len(&one.body) == 1);
    for (size_t i = 2; i < 6; i++) {
        pass_ms(29000);
        say(&far.peer[0], "b");
        UNTIL(buf_len(&one.body) == i);
    }
    assert_int_equal(one.ends, 0);
    pass_ms(29000);
    pass_ms(1001);
    UNTIL(one.ends);
    assert_int_equal(one.end, ORIGIN_TIMEOUT);
}

static void waits_for_a_free_connection(void **state)
{
    struct origin_options o = plain_options(far.port);
    o.most_connections = 1;
    renew(o);
    asked_by(&one, 0);
    ask(&two, origin);
    ask(&three, origin);
    turns(5);
    assert_int_equal(far.n, 1);
    assert_int_equal(count().waiting, 2);
    buf_clear(&far.peer[0].got);
    answers(&one, &far.peer[0]);
    UNTIL(heard(&far.peer[0], "1}"));
    answers(&two, &far.peer[0]);
    pass_ms(60001); /* the third one never gets its turn in time */
    UNTIL(three.ends);
    assert_int_equal(three.end, ORIGIN_TIMEOUT);
    assert_int_equal(count().calls, 0);
}

static void opens_one_each_for_many(void **state)
{
    static struct asked many[20];
    for (int i = 0; i < 20; i++)
        ask(&many[i], origin);
    turns(4);
    assert_int_equal(count().connections, 20); /* side by side, not one after the other */
    for (unsigned i = 0; i < 20; i++)
        UNTIL(far.n > i && heard(&far.peer[i], "1}"));
    for (unsigned i = 0; i < 20; i++)
        say(&far.peer[i], ok);
    for (int i = 0; i < 20; i++) {
        UNTIL(many[i].ends);
        forget(&many[i]);
    }
    assert_int_equal(count().idle, 20);
}

/* A connection that was made for a call that left, and that closes as it is taken. */
static void tells_what_was_not_sent(void **state)
{
    ask(&one, origin);
    origin_cancel(&one.call); /* its connection comes all the same */
    UNTIL(count().idle == 1 && far.n == 1);
    call_from_turn(close_the_first, ask_second);
    UNTIL(two.ends);
    assert_int_equal(two.end, ORIGIN_UNSENT);
    assert_int_equal(far.n, 1);
}

static void say_something(void)
{
    say(&far.peer[0], "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    conn_flush(far.peer[0].c);
}

/* Bytes that were there before the request answer something else. */
static void takes_no_answer_from_before(void **state)
{
    asked_by(&one, 0);
    answers(&one, &far.peer[0]);
    call_from_turn(say_something, ask_second);
    UNTIL(far.n == 2 && heard(&far.peer[1], "1}"));
    answers(&two, &far.peer[1]);
    assert_string_equal(buf_cstr(&two.body), "hi");
}

/* --- addresses */

/* Of two addresses one is not there, and comes back. */
static void readmits_an_address(void **state)
{
    struct stub_dns stub;
    stub_begin(&stub);
    stub.names[0] = (struct stub_name){"two.test", {"127.0.0.2", "127.0.0.1"}, 60};
    struct origin_options o = plain_options(far.port);
    o.host = S("two.test");
    renew(o);
    asked_by(&one, 0);
    assert_int_equal(count().addresses, 2);
    assert_int_equal(count().ejected, 1);
    struct far back;
    far_begin(&back, "127.0.0.2", far.port, NULL);
    pass_ms(1001);
    asked_by(&two, 1); /* goes to the good one; beside it one goes on trial */
    UNTIL(back.n == 1 && count().ejected == 0);
    assert_int_equal(buf_len(&back.peer[0].got), 0);
    ask(&three, origin); /* the trial's connection is as good as any */
    UNTIL(heard(&back.peer[0], "1}"));
    answers(&three, &back.peer[0]);
    origin_free(origin);
    origin = NULL;
    far_end(&back);
    stub_end(&stub);
}

/* A trial that fails is nobody's failure. */
static void a_failed_trial_hurts_nobody(void **state)
{
    struct stub_dns stub;
    stub_begin(&stub);
    stub.names[0] = (struct stub_name){"two.test", {"127.0.0.2", "127.0.0.1"}, 60};
    struct origin_options o = plain_options(far.port);
    o.host = S("two.test");
    renew(o);
    asked_by(&one, 0);
    pass_ms(1001);
    asked_by(&two, 1);
    UNTIL(count().failed == 1);
    assert_int_equal(count().ejected, 1);
    answers(&one, &far.peer[0]);
    answers(&two, &far.peer[1]);
    stub_end(&stub);
}

static void asks_for_addresses_when_they_are_old(void **state)
{
    struct stub_dns stub;
    stub_begin(&stub);
    stub.names[0] = (struct stub_name){"moves.test", {"127.0.0.1"}, 30};
    struct origin_options o = plain_options(far.port);
    o.host = S("moves.test");
    renew(o);
    asked_by(&one, 0);
    struct far other;
    far_begin(&other, "127.0.0.3", far.port, NULL);
    stub.names[0].addresses[0] = "127.0.0.3";
    pass_ms(30001);
    ask(&two, origin);
    UNTIL(other.n == 1 && heard(&other.peer[0], "1}"));
    origin_free(origin);
    origin = NULL;
    far_end(&other);
    stub_end(&stub);
}

static void goes_through_the_proxy(void **state)
{
    struct origin_options o = plain_options(8443);
    o.host = S("two.test");
    o.proxy_host = S("127.0.0.1");
    o.proxy_port = far.port;
    renew(o);
    ask(&one, origin);
    UNTIL(far.n == 1 && heard(&far.peer[0], "CONNECT two.test:8443 HTTP/1.1\r\n"));
    say(&far.peer[0], "HTTP/1.1 200 OK\r\n\r\n");
    UNTIL(heard(&far.peer[0], "POST /model/m/converse HTTP/1.1\r\n"));
    answers(&one, &far.peer[0]);
    ask(&two, origin);
    UNTIL(two.call.reused);
    hang_up(&far.peer[0]);
    ask(&three, origin);
    UNTIL(far.n == 2 && heard(&far.peer[1], "CONNECT"));
    say(&far.peer[1], "HTTP/1.1 407 No\r\n\r\n");
    UNTIL(three.ends);
    assert_int_equal(three.end, ORIGIN_UNREACHABLE);
    assert_non_null(strstr(three.why, "407"));
}

/* --- letting go */

static void cancels_at_every_stage(void **state)
{
    ask(&one, origin);
    origin_cancel(&one.call); /* waiting */
    turns(5);
    assert_int_equal(count().calls, 0);
    unsigned n = far.n;
    ask(&one, origin);
    UNTIL(count().waiting == 0);
    origin_cancel(&one.call); /* on its connection, maybe not written */
    turns(5);
    n = far.n;
    asked_by(&one, n);
    origin_cancel(&one.call); /* written */
    UNTIL(far.peer[n].ended);
    n = far.n;
    asked_by(&one, n);
    say(&far.peer[n], "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na");
    UNTIL(buf_len(&one.body) == 1);
    origin_cancel(&one.call); /* in the body */
    UNTIL(far.peer[n].ended);
    assert_int_equal(one.ends, 0);
    assert_int_equal(count().calls, 0);
    assert_int_equal(count().connections, 0);
}

static void cancel_it(struct asked *a)
{
    origin_cancel(&a->call);
    memset(&a->call, 0x55, sizeof a->call);
}

static void cancels_in_its_callbacks(void **state)
{
    one.in_head = cancel_it;
    asked_by(&one, 0);
    say(&far.peer[0], ok);
    UNTIL(one.heads);
    turns(3);
    two.in_bytes = cancel_it;
    asked_by(&two, 1);
    say(&far.peer[1], chunked);
    UNTIL(buf_len(&two.body));
    turns(3);
    assert_int_equal(one.ends + two.ends, 0);
    assert_int_equal(buf_len(&one.body), 0);
    assert_string_equal(buf_cstr(&two.body), "abc");
    assert_int_equal(count().connections, 0);
}

static void free_it(struct asked *a)
{
    origin_free(origin);
    origin = NULL;
}

static void is_freed_in_a_callback(void **state)
{
    one.in_bytes = free_it;
    asked_by(&one, 0);
    asked_by(&two, 1);
    ask(&three, origin);
    say(&far.peer[0], chunked);
    UNTIL(one.ends && two.ends && three.ends);
    assert_int_equal(one.end, ORIGIN_GONE);
    assert_int_equal(two.end, ORIGIN_GONE);
    assert_int_equal(three.end, ORIGIN_GONE);
    assert_int_equal(one.ends + two.ends + three.ends, 3);
}

static void ask_again(struct asked *a)
{
    if (a->ends == 1)
        ask(a, origin);
}

static void starts_in_on_end(void **state)
{
    one.in_end = ask_again;
    asked_by(&one, 0);
    buf_clear(&far.peer[0].got);
    say(&far.peer[0], ok);
    UNTIL(heard(&far.peer[0], "1}"));
    say(&far.peer[0], ok);
    UNTIL(one.ends == 2);
    assert_int_equal(one.end, ORIGIN_DONE);
    assert_int_equal(far.n, 1);
}

static void retires_when_the_last_call_ends(void **state)
{
    asked_by(&one, 0);
    answers(&one, &far.peer[0]);
    asked_by(&two, 0);
    asked_by(&three, 1);
    origin_retire(origin);
    origin = NULL; /* it frees itself */
    say(&far.peer[0], ok);
    UNTIL(two.ends);
    assert_int_equal(two.end, ORIGIN_DONE);
    UNTIL(far.peer[0].ended);
    say(&far.peer[1], ok);
    UNTIL(three.ends);
    assert_int_equal(three.end, ORIGIN_DONE);
    UNTIL(far.peer[1].ended);
}

static void retires_at_once_when_idle(void **state)
{
    asked_by(&one, 0);
    answers(&one, &far.peer[0]);
    origin_retire(origin);
    origin = NULL;
    UNTIL(far.peer[0].ended);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(uses_a_connection_again),
        T(takes_the_newest_first),
        T(closes_idle_ones),
        T(passes_over_stale_ones),
        T(passes_over_one_that_closes_now),
        T(is_unreachable_without_a_listener),
        T(is_unreachable_without_a_name),
        T(is_gone_when_the_connection_breaks),
        T(times_out_without_an_answer),
        T(times_out_in_silence),
        T(waits_for_a_free_connection),
        T(opens_one_each_for_many),
        T(tells_what_was_not_sent),
        T(takes_no_answer_from_before),
        T(readmits_an_address),
        T(a_failed_trial_hurts_nobody),
        T(asks_for_addresses_when_they_are_old),
        T(goes_through_the_proxy),
        T(cancels_at_every_stage),
        T(cancels_in_its_callbacks),
        T(is_freed_in_a_callback),
        T(starts_in_on_end),
        T(retires_when_the_last_call_ends),
        T(retires_at_once_when_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
