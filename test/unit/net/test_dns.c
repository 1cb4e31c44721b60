/* SPDX-License-Identifier: Apache-2.0
 *
 * net/dns against a name server on loopback: literals, order, the cache and its times, failures.
 */
#include "stub_dns.h"

static struct stub_dns stub;

struct found {
    unsigned times;
    struct dns_answer answer;
    char text[DNS_MOST * SOCK_ADDR_TEXT];
};

static struct found got, other;

static void on_found(void *arg, const struct dns_answer *a)
{
    struct found *f = arg;
    f->times++;
    f->answer = *a;
    f->text[0] = 0;
    for (size_t i = 0; i < a->n; i++) {
        size_t len = strlen(f->text);
        sock_addr_text((const struct sockaddr *)&a->addr[i], f->text + len);
        strncat(f->text, " ", sizeof f->text - strlen(f->text) - 1);
    }
}

static int setup(void **state)
{
    begin_world();
    stub_begin(&stub);
    stub.names[0] = (struct stub_name){
        "both.test", {"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"}, 30};
    stub.names[1] = (struct stub_name){"four.test", {"10.0.0.9"}, 3600};
    stub.names[2] = (struct stub_name){"brief.test", {"10.0.0.7"}, 0};
    got = other = (struct found){0};
    return 0;
}

static int teardown(void **state)
{
    dns_free(dns);
    dns = NULL;
    stub_end(&stub);
    end_world();
    return 0;
}

static struct found *resolve(const char *host)
{
    unsigned times = got.times;
    dns_resolve(dns, str_of(host), 443, on_found, &got);
    assert_int_equal(got.times, times); /* never from inside */
    UNTIL(got.times > times);
    return &got;
}

static void knows_literals(void **state)
{
    assert_string_equal(resolve("127.0.0.1")->text, "127.0.0.1:443 ");
    assert_string_equal(resolve("::1")->text, "[::1]:443 ");
    assert_string_equal(resolve("LocalHost")->text, "[::1]:443 127.0.0.1:443 ");
    assert_int_equal(stub.asked, 0);
}

static void families_alternate(void **state)
{
    assert_string_equal(resolve("both.test")->text, "[fd00::1]:443 10.0.0.1:443 [fd00::2]:443 "
                                                    "10.0.0.2:443 10.0.0.3:443 ");
    assert_string_equal(resolve("four.test")->text, "10.0.0.9:443 ");
}

static void keeps_an_answer_for_its_ttl(void **state)
{
    resolve("both.test");
    pass_ms(29000);
    resolve("BOTH.test");
    assert_int_equal(stub.asked, 1);
    stub.names[0].addresses[0] = "10.0.0.77";
    pass_ms(1001);
    assert_non_null(strstr(resolve("both.test")->text, "10.0.0.77"));
    assert_int_equal(stub.asked, 2);
}

static void bounds_the_ttl(void **state)
{
    resolve("four.test"); /* an hour */
    pass_ms(60001);
    resolve("four.test");
    assert_int_equal(stub.asked, 2);
    resolve("brief.test"); /* none */
    resolve("brief.test");
    assert_int_equal(stub.asked, 3);
    pass_ms(1001);
    resolve("brief.test");
    assert_int_equal(stub.asked, 4);
}

static void asks_once_for_many(void **state)
{
    dns_resolve(dns, S("both.test"), 1, on_found, &got);
    dns_resolve(dns, S("both.test"), 2, on_found, &other);
    UNTIL(got.times && other.times);
    assert_int_equal(stub.asked, 1);
    assert_non_null(strstr(got.text, "10.0.0.1:1 "));
    assert_non_null(strstr(other.text, "10.0.0.1:2 "));
}

static void says_what_is_wrong(void **state)
{
    resolve("none.test");
    assert_int_equal(got.answer.n, 0);
    assert_true(strlen(got.answer.error) > 5);
    unsigned asked = stub.asked;
    resolve("none.test"); /* remembered for a second */
    assert_int_equal(stub.asked, asked);
    stub.names[3] = (struct stub_name){"none.test", {"10.0.0.4"}, 30};
    pass_ms(1001);
    assert_string_equal(resolve("none.test")->text, "10.0.0.4:443 ");
    assert_int_equal(resolve("")->answer.n, 0);
    char long_name[400];
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    assert_int_equal(resolve(long_name)->answer.n, 0);
}

static void serves_the_last_good_one_through_a_failure(void **state)
{
    resolve("four.test");
    stub.failing = true;
    pass_ms(61000);
    assert_string_equal(resolve("four.test")->text, "10.0.0.9:443 ");
    assert_int_equal(stub.asked > 1, true);
    pass_ms(4 * 60000);
    assert_string_equal(resolve("four.test")->text, "10.0.0.9:443 ");
    pass_ms(60000);
    assert_int_equal(resolve("four.test")->answer.n, 0);
    stub.failing = false;
    pass_ms(1001);
    assert_string_equal(resolve("four.test")->text, "10.0.0.9:443 ");
}

static void does_not_wait_long_with_a_stale_one(void **state)
{
    resolve("four.test");
    stub.silent = true;
    pass_ms(61000);
    dns_resolve(dns, S("four.test"), 443, on_found, &other);
    turns(3);
    assert_int_equal(other.times, 0);
    pass_ms(201);
    UNTIL(other.times);
    assert_string_equal(other.text, "10.0.0.9:443 ");
    assert_string_equal(resolve("four.test")->text, "10.0.0.9:443 "); /* now at once */
}

/* A server that does not answer one kind of question at all. */
static void does_not_wait_long_for_the_other_family(void **state)
{
    stub.silent_six = true;
    dns_resolve(dns, S("both.test"), 443, on_found, &other);
    UNTIL(stub.asked == 1);
    turns(5);
    assert_int_equal(other.times, 0);
    pass_ms(51);
    assert_int_equal(other.times, 1);
    assert_string_equal(other.text, "10.0.0.1:443 10.0.0.2:443 10.0.0.3:443 ");
    assert_string_equal(resolve("both.test")->text, other.text); /* from the cache */
    assert_int_equal(stub.asked, 1);
    pass_ms(30001); /* the old question still waits for its other half */
    dns_resolve(dns, S("both.test"), 443, on_found, &other);
    turns(3);
    pass_ms(201);
    assert_int_equal(other.times, 2);
}

/* A machine's file may name nothing but localhost, or not be there: that one is known without it.
 */
static void reads_etc_hosts(void **state)
{
    char line[512], name[256] = "", address[64] = "";
    FILE *f = fopen("/etc/hosts", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%63[0-9.] %255s", address, name) == 2 && strcmp(name, "localhost") != 0)
            break;
    if (f)
        fclose(f);
    if (!name[0] || strcmp(name, "localhost") == 0) {
        strcpy(name, "localhost");
        strcpy(address, "127.0.0.1");
    }
    assert_non_null(strstr(resolve(name)->text, address));
    assert_int_equal(stub.asked, 0);
}

static void forgets_who_cancelled(void **state)
{
    struct dns_query *q = dns_resolve(dns, S("both.test"), 443, on_found, &got);
    dns_resolve(dns, S("both.test"), 443, on_found, &other);
    dns_cancel(q);
    UNTIL(other.times);
    q = dns_resolve(dns, S("both.test"), 443, on_found, &got);
    dns_cancel(q);
    turns(3);
    assert_int_equal(got.times, 0);
}

static void is_freed_while_asking(void **state)
{
    stub.silent = true;
    dns_resolve(dns, S("both.test"), 443, on_found, &got);
    turns(3);
    dns_free(dns);
    dns = NULL;
    turns(3);
    assert_int_equal(got.times, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(knows_literals),
        T(families_alternate),
        T(keeps_an_answer_for_its_ttl),
        T(bounds_the_ttl),
        T(asks_once_for_many),
        T(says_what_is_wrong),
        T(serves_the_last_good_one_through_a_failure),
        T(does_not_wait_long_with_a_stale_one),
        T(does_not_wait_long_for_the_other_family),
        T(reads_etc_hosts),
        T(forgets_who_cancelled),
        T(is_freed_while_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
