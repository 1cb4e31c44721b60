/* SPDX-License-Identifier: Apache-2.0
 *
 * net/sock: the calls on loopback with ports that the kernel chooses, and address texts.
 */
#include "weir/net/sock.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int listen_somewhere(bool shared, struct sockaddr_storage *addr, socklen_t *len)
{
    int fd = -1;
    assert_true(sock_addr_parse(S("127.0.0.1:0"), addr, len));
    assert_int_equal(sock_listen((struct sockaddr *)addr, *len, shared, &fd), 0);
    *len = sizeof *addr;
    assert_int_equal(getsockname(fd, (struct sockaddr *)addr, len), 0);
    return fd;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    assert_int_equal(poll(&p, 1, 5000), 1);
}

static void assert_options(int fd)
{
    assert_true(option(fd, IPPROTO_TCP, TCP_NODELAY));
    assert_true(option(fd, SOL_SOCKET, SO_KEEPALIVE));
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 45);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void a_conversation(void **state)
{
    struct sockaddr_storage addr, peer;
    socklen_t len, peer_len;
    int listening = listen_somewhere(false, &addr, &len);
    assert_int_equal(sock_accept(listening, &peer, &peer_len), ERR_AGAIN);

    int client = -1;
    int r = sock_connect((struct sockaddr *)&addr, len, &client);
    assert_true(r == 0 || r == ERR_AGAIN);
    wait_for(client, POLLOUT);
    assert_int_equal(sock_take_error(client), 0);
    wait_for(listening, POLLIN);
    int server = sock_accept(listening, &peer, &peer_len);
    assert_true(server >= 0);
    assert_options(client);
    assert_options(server); /* inherited from the listening socket */

    char got[8];
    assert_int_equal(sock_read(server, got, sizeof got), ERR_AGAIN);
    struct iovec two[] = {{"ab", 2}, {"cd", 2}};
    assert_int_equal(sock_write(client, two, 2), 4);
    wait_for(server, POLLIN);
    assert_int_equal(sock_peek(server, got, 2), 2);
    assert_int_equal(sock_read(server, got, sizeof got), 4);
    assert_memory_equal(got, "abcd", 4);
    sock_end_writing(client);
    wait_for(server, POLLIN);
    assert_int_equal(sock_read(server, got, sizeof got), ERR_EOF);
    sock_close(client);
    assert_true(sock_write(server, two, 2) >= 0); /* the kernel has not heard yet */
    wait_for(server, POLLERR | POLLHUP);
    assert_int_equal(sock_write(server, two, 2), ERR_IO); /* and no SIGPIPE */
    assert_non_null(strstr(sock_reason(), "pipe"));
    sock_close(server);
    sock_close(listening);
}

static void one_address_one_owner(void **state)
{
    struct sockaddr_storage addr;
    socklen_t len;
    int first = listen_somewhere(false, &addr, &len), second = -1;
    assert_int_equal(sock_listen((struct sockaddr *)&addr, len, false, &second), ERR_BUSY);
    assert_int_equal(sock_listen((struct sockaddr *)&addr, len, true, &second), ERR_BUSY);
    sock_close(first);
    first = listen_somewhere(true, &addr, &len);
    assert_int_equal(sock_listen((struct sockaddr *)&addr, len, true, &second), 0);
    sock_close(second);
    sock_close(first);
}

static void a_refused_connection(void **state)
{
    struct sockaddr_storage addr;
    socklen_t len;
    sock_close(listen_somewhere(false, &addr, &len));
    int fd = -1;
    int r = sock_connect((struct sockaddr *)&addr, len, &fd);
    if (r == ERR_AGAIN) {
        wait_for(fd, POLLOUT);
        r = sock_take_error(fd);
        sock_close(fd);
    }
    assert_int_equal(r, ERR_REFUSED);
    assert_string_equal(sock_reason(), "Connection refused");
}

static void address_texts(void **state)
{
    static const struct str good[] = {STR("127.0.0.1:8080"), STR("0.0.0.0:0"), STR("[::1]:65535"),
                                      STR("[::]:443")};
    static const struct str bad[] = {STR("127.0.0.1"), STR(":8080"),        STR("::1:80"),
                                     STR("[::1:80"),   STR("1.2.3.4:x"),    STR("1.2.3.4:65536"),
                                     STR("host:80"),   STR("[1.2.3.4]:80"), STR("1.2.3.4:"),
                                     STR("")};
    struct sockaddr_storage addr;
    socklen_t len;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[SOCK_ADDR_TEXT];
        assert_true(sock_addr_parse(good[i], &addr, &len));
        sock_addr_text((struct sockaddr *)&addr, text);
        assert_true(str_eq(str_of(text), good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(sock_addr_parse(bad[i], &addr, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation),
        cmocka_unit_test(one_address_one_owner),
        cmocka_unit_test(a_refused_connection),
        cmocka_unit_test(address_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
