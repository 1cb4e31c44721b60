/* SPDX-License-Identifier: Apache-2.0
 *
 * net/addrs: order, leaving out, trials. Pure: addresses and times are made up.
 */
#include "../../../src/net/addrs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct addrs book;
static struct sockaddr_storage out[DNS_MOST];

static struct sockaddr_storage four(const char *text)
{
    struct sockaddr_storage a = {.ss_family = AF_INET};
    inet_pton(AF_INET, text, &((struct sockaddr_in *)(void *)&a)->sin_addr);
    return a;
}

static struct sockaddr_storage six(const char *text)
{
    struct sockaddr_storage a = {.ss_family = AF_INET6};
    inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)(void *)&a)->sin6_addr);
    return a;
}

static const char *text_of(const struct sockaddr_storage *a)
{
    static char text[64];
    const void *bytes =
        a->ss_family == AF_INET6
            ? (const void *)&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)a)->sin_addr;
    inet_ntop(a->ss_family, bytes, text, sizeof text);
    return text;
}

static const char *order(void)
{
    static char text[512];
    size_t n = addrs_order(&book, out), len = 0;
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s ", text_of(&out[i]));
    text[len] = 0;
    return text;
}

static int setup(void **state)
{
    book = (struct addrs){0};
    struct dns_answer a = {
        .n = 4, .addr = {four("1.1.1.1"), four("2.2.2.2"), four("3.3.3.3"), four("1.1.1.1")}};
    addrs_update(&book, &a);
    return 0;
}

static void takes_turns(void **state)
{
    assert_string_equal(order(), "1.1.1.1 2.2.2.2 3.3.3.3 ");
    assert_string_equal(order(), "2.2.2.2 3.3.3.3 1.1.1.1 ");
    assert_string_equal(order(), "3.3.3.3 1.1.1.1 2.2.2.2 ");
}

static void keeps_the_family_that_is_first(void **state)
{
    struct dns_answer a = {.n = 4,
                           .addr = {six("::1"), four("1.1.1.1"), six("::2"), four("2.2.2.2")}};
    addrs_update(&book, &a);
    assert_string_equal(order(), "::1 1.1.1.1 ::2 2.2.2.2 ");
    assert_string_equal(order(), "::2 2.2.2.2 ::1 1.1.1.1 ");
}

static void failed_ones_come_last(void **state)
{
    struct sockaddr_storage one = four("1.1.1.1"), two = four("2.2.2.2");
    addrs_failed(&book, &one, 0);
    assert_string_equal(order(), "2.2.2.2 3.3.3.3 1.1.1.1 ");
    assert_int_equal(addrs_out(&book), 1);
    addrs_failed(&book, &two, 0);
    assert_string_equal(order(), "3.3.3.3 2.2.2.2 1.1.1.1 ");
    addrs_worked(&book, &one);
    assert_int_equal(addrs_out(&book), 1);
}

static void trials_come_later_and_later(void **state)
{
    static const int64_t out_ms[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct sockaddr_storage one = four("1.1.1.1"), got;
    int64_t t = 5000;
    for (size_t i = 0; i < sizeof out_ms / sizeof *out_ms; i++) {
        addrs_failed(&book, &one, t);
        addrs_failed(&book, &one, t + 1); /* at the same time: counts once */
        assert_false(addrs_trial(&book, t + out_ms[i] - 1, &got));
        assert_true(addrs_trial(&book, t + out_ms[i], &got));
        assert_string_equal(text_of(&got), "1.1.1.1");
        assert_false(addrs_trial(&book, t + out_ms[i], &got)); /* one at a time */
        t += out_ms[i];
    }
    addrs_trial_over(&book, &one);
    assert_true(addrs_trial(&book, t, &got));
    addrs_worked(&book, &one);
    assert_false(addrs_trial(&book, t, &got));
}

static void no_trial_when_all_are_out(void **state)
{
    struct sockaddr_storage got;
    size_t n = addrs_order(&book, out);
    struct sockaddr_storage all[DNS_MOST];
    memcpy(all, out, sizeof all);
    for (size_t i = 0; i < n; i++)
        addrs_failed(&book, &all[i], 0);
    assert_int_equal(addrs_order(&book, out), 3);
    assert_false(addrs_trial(&book, 100000, &got));
}

static void an_update_keeps_what_is_known(void **state)
{
    struct sockaddr_storage one = four("1.1.1.1");
    addrs_failed(&book, &one, 0);
    struct dns_answer a = {.n = 2, .addr = {four("1.1.1.1"), four("4.4.4.4")}};
    addrs_update(&book, &a);
    assert_int_equal(book.n, 2);
    assert_int_equal(addrs_out(&book), 1);
    addrs_update(&book, &(struct dns_answer){.n = 1, .addr = {four("4.4.4.4")}});
    assert_int_equal(addrs_out(&book), 0);
    addrs_failed(&book, &one, 0); /* unknown by now */
    assert_int_equal(addrs_out(&book), 0);
    book.n = 0;
    assert_int_equal(addrs_order(&book, out), 0);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(takes_turns),
        T(keeps_the_family_that_is_first),
        T(failed_ones_come_last),
        T(trials_come_later_and_later),
        T(no_trial_when_all_are_out),
        T(an_update_keeps_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
