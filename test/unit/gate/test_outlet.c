/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/outlet: files that grow, are rotated or end in a torn line; a pipe that nobody reads; an
 * agent on loopback that takes, hangs up, is away.
 */
#include "weir/base/clock.h"
#include "weir/base/file.h"
#include "weir/gate/outlet.h"
#include "weir/net/sock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct loop *loop;
static struct dns *dns;
static char dir[] = "/tmp/weir-outlet-XXXXXX", path[64], other[64];
static struct outlet *outlet;
static int ends;
static enum outlet_fate fate;

static void on_done(void *arg, enum outlet_fate how, const char *why)
{
    ends++;
    fate = how;
    assert_true(how == OUTLET_TAKEN || *why);
}

static void turns_until(const int *what, int wanted)
{
    for (int i = 0; i < 500 && *what != wanted; i++)
        loop_turn(loop, 20);
    assert_int_equal(*what, wanted);
}

static enum outlet_fate send_lines(const char *lines)
{
    ends = 0;
    outlet_send(outlet, str_of(lines));
    assert_int_equal(ends, 0);
    turns_until(&ends, 1);
    return fate;
}

static void assert_file(const char *name, const char *wanted)
{
    struct buf b = {0};
    char err[200];
    assert_int_equal(file_read(name, 1 << 20, &b, err, sizeof err), 0);
    assert_string_equal(buf_cstr(&b), wanted);
    buf_fini(&b);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    fputs(text, f);
    fclose(f);
}

static void open_outlet(const char *to)
{
    outlet = outlet_new(loop, dns, str_of(to), on_done, NULL);
    assert_string_equal(outlet_to(outlet).ptr, to);
}

static int begin(void **state)
{
    loop = loop_new();
    dns = dns_new(loop);
    snprintf(path, sizeof path, "%s/lines", dir);
    snprintf(other, sizeof other, "%s/lines.1", dir);
    unlink(path);
    unlink(other);
    return 0;
}

static int finish(void **state)
{
    outlet_free(outlet);
    outlet = NULL;
    clock_real();
    dns_free(dns);
    loop_free(loop);
    unlink(path);
    unlink(other);
    return 0;
}

static void a_file_grows(void **state)
{
    write_file(path, "old\n");
    open_outlet(path);
    assert_int_equal(send_lines("one\n"), OUTLET_TAKEN);
    assert_int_equal(send_lines("two\nthree\n"), OUTLET_TAKEN);
    assert_file(path, "old\none\ntwo\nthree\n");
}

static void a_rotated_file_is_opened_anew(void **state)
{
    open_outlet(path);
    assert_int_equal(send_lines("one\n"), OUTLET_TAKEN);
    assert_int_equal(rename(path, other), 0);
    write_file(path, ""); /* as logrotate's "create" does */
    assert_int_equal(send_lines("two\n"), OUTLET_TAKEN);
    assert_file(other, "one\n");
    assert_file(path, "two\n");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(send_lines("three\n"), OUTLET_TAKEN);
    assert_file(path, "three\n");
}

static void a_torn_line_gets_its_end(void **state)
{
    write_file(path, "{\"_aws\":");
    open_outlet(path);
    assert_int_equal(send_lines("{}\n"), OUTLET_TAKEN);
    assert_file(path, "{\"_aws\":\n{}\n");
}

static void no_folder_is_a_refusal(void **state)
{
    open_outlet("/nonexistent/folder/lines");
    assert_int_equal(send_lines("one\n"), OUTLET_REFUSED);
    assert_int_equal(send_lines("one\n"), OUTLET_REFUSED);
}

static void wait_a_minute(void)
{
    for (int i = 0; i < 400 && ends == 0; i++) {
        clock_fake(clock_mono_ns() + 1000000000, clock_wall_ms() + 1000);
        loop_turn(loop, 0);
    }
    assert_int_equal(ends, 1);
}

/* The piece is larger than the pipe: some of it is taken. */
static void a_pipe_that_nobody_reads(void **state)
{
    static char much[200000];
    memset(much, 'x', sizeof much - 1);
    assert_int_equal(mkfifo(path, 0600), 0);
    open_outlet(path);
    assert_int_equal(send_lines("one\n"), OUTLET_REFUSED); /* no reader at all */
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    clock_fake(1000000000, 1000000);
    ends = 0;
    outlet_send(outlet, str_of(much));
    wait_a_minute();
    assert_int_equal(fate, OUTLET_TORN);
    ends = 0;
    outlet_send(outlet, str_of("two\n"));
    wait_a_minute();
    assert_int_equal(fate, OUTLET_REFUSED); /* still full */
    close(fd);
}

/* --- an agent */

static int listen_somewhere(char to[128])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd;
    char addr[SOCK_ADDR_TEXT];
    assert_int_equal(sock_listen((struct sockaddr *)&a, sizeof a, false, &fd), 0);
    sock_own_addr(fd, addr);
    snprintf(to, 128, "tcp://%s", addr);
    return fd;
}

static int accept_one(int fd)
{
    int peer = accept(fd, NULL, NULL);
    assert_true(peer >= 0);
    return peer;
}

static void assert_heard(int peer, const char *wanted)
{
    char heard[256] = "";
    size_t n = 0;
    for (int i = 0; i < 100 && n < strlen(wanted); i++) {
        ssize_t got = recv(peer, heard + n, sizeof heard - 1 - n, MSG_DONTWAIT);
        n += got > 0 ? (size_t)got : 0;
        loop_turn(loop, 5);
    }
    assert_string_equal(heard, wanted);
}

static void an_agent_takes(void **state)
{
    char to[128];
    int fd = listen_somewhere(to);
    open_outlet(to);
    assert_int_equal(send_lines("one\n"), OUTLET_TAKEN);
    int peer = accept_one(fd);
    assert_int_equal(send_lines("two\n"), OUTLET_TAKEN); /* on the same connection */
    assert_heard(peer, "one\ntwo\n");
    close(peer);
    for (int i = 0; i < 10; i++)
        loop_turn(loop, 5);
    assert_int_equal(send_lines("three\n"), OUTLET_TAKEN); /* on a new one */
    peer = accept_one(fd);
    assert_heard(peer, "three\n");
    close(peer);
    close(fd);
    outlet_free(outlet);
    open_outlet(to);
    assert_int_equal(send_lines("four\n"), OUTLET_REFUSED); /* nobody listens */
}

static void an_agent_that_does_not_read(void **state)
{
    static char much[32 << 20];
    char to[128];
    int fd = listen_somewhere(to);
    memset(much, 'x', sizeof much - 1);
    open_outlet(to);
    clock_fake(1000000000, 1000000);
    ends = 0;
    outlet_send(outlet, str_of(much));
    wait_a_minute();
    assert_int_equal(fate, OUTLET_TORN);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_grows, begin, finish),
        cmocka_unit_test_setup_teardown(a_rotated_file_is_opened_anew, begin, finish),
        cmocka_unit_test_setup_teardown(a_torn_line_gets_its_end, begin, finish),
        cmocka_unit_test_setup_teardown(no_folder_is_a_refusal, begin, finish),
        cmocka_unit_test_setup_teardown(a_pipe_that_nobody_reads, begin, finish),
        cmocka_unit_test_setup_teardown(an_agent_takes, begin, finish),
        cmocka_unit_test_setup_teardown(an_agent_that_does_not_read, begin, finish),
    };
    if (!mkdtemp(dir))
        return 1;
    signal(SIGPIPE, SIG_IGN);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
