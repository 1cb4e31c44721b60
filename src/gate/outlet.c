/* SPDX-License-Identifier: Apache-2.0
 *
 * A file or stdout is written in pieces that a pipe with any room at all takes whole, after asking
 * whether there is room: so the daemon's stdout keeps its flags, which it may share with others. A
 * file is opened anew when its name stands for another one (it was rotated). A connection is kept,
 * and made again when the agent closed it.
 */
#include "weir/gate/outlet.h"

#include "weir/aws/endpoint.h"
#include "weir/base/mem.h"
#include "weir/net/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    POLL_MS = 100,
    STALL_MS = 60 * 1000, /* without a byte taken */
    CONNECT_MS = 5000,
    DISCARD_BYTES = 4096
};

enum kind { TO_STDOUT, TO_FILE, TO_AGENT };

struct outlet {
    struct loop *loop;
    struct dns *dns;
    void (*done)(void *arg, enum outlet_fate fate, const char *why);
    void *arg;
    enum kind kind;
    char to[PATH_MAX];
    struct endpoint agent;
    int fd;           /* of a file; -1: not open */
    bool torn;        /* its last line has no end */
    struct str lines; /* what is being sent; ptr NULL: nothing */
    bool begun;
    size_t sent;         /* of it, taken */
    int64_t progress_ms; /* when something was taken last */
    struct timer timer;
    struct dns_query *query;
    struct conn *conn;
    bool open;
    uint64_t before; /* what the connection had written before this piece */
};

static void end(struct outlet *o, enum outlet_fate fate, const char *why)
{
    timer_stop(&o->timer);
    o->lines = (struct str){0};
    o->done(o->arg, fate, why);
}

static void fail(struct outlet *o, const char *why)
{
    end(o, o->sent ? OUTLET_TORN : OUTLET_REFUSED, why);
}

static bool is_stalled(const struct outlet *o)
{
    return loop_now_ms(o->loop) - o->progress_ms >= STALL_MS;
}

/* --- files */

static void close_file(struct outlet *o)
{
    if (o->kind == TO_FILE && o->fd >= 0)
        close(o->fd);
    if (o->kind == TO_FILE)
        o->fd = -1;
}

static bool was_rotated(const struct outlet *o)
{
    struct stat is, named;
    return fstat(o->fd, &is) != 0 || stat(o->to, &named) != 0 || is.st_ino != named.st_ino ||
           is.st_dev != named.st_dev;
}

/* A line that was cut when the process or the disk came to its end. */
static bool ends_torn(const char *path)
{
    struct stat st;
    char last = '\n';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        pread(fd, &last, 1, st.st_size - 1) != 1)
        last = '\n';
    close(fd);
    return last != '\n';
}

static bool open_file(struct outlet *o)
{
    if (o->kind == TO_STDOUT)
        return true;
    if (o->fd >= 0 && was_rotated(o))
        close_file(o);
    if (o->fd >= 0)
        return true;
    o->fd = open(o->to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
    o->torn = o->fd >= 0 && ends_torn(o->to);
    return o->fd >= 0;
}

static bool has_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1;
}

/* > 0, 0 for "not now", or -1 with errno. */
static ssize_t write_some(int fd, struct str bytes)
{
    if (!has_room(fd))
        return 0;
    ssize_t n = write(fd, bytes.ptr, bytes.len < PIPE_BUF ? bytes.len : PIPE_BUF);
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

static bool mend(struct outlet *o)
{
    if (o->torn && write_some(o->fd, S("\n")) == 1)
        o->torn = false;
    return !o->torn;
}

/* A disk that is full may have room again: a piece that was begun waits for it. */
static void write_failed(struct outlet *o)
{
    bool for_good = errno == EPIPE || errno == EBADF;
    o->torn = o->torn || o->sent;
    if (o->sent && !for_good && !is_stalled(o)) {
        timer_start(&o->timer, POLL_MS);
        return;
    }
    char why[PATH_MAX + 100];
    snprintf(why, sizeof why, "cannot write to %s: %s", o->to, strerror(errno));
    close_file(o);
    fail(o, why);
}

static void write_on(struct outlet *o)
{
    ssize_t n = 1;
    while (mend(o) && o->sent < o->lines.len && n > 0) {
        n = write_some(o->fd, str_from_offset(o->lines, o->sent));
        if (n < 0) {
            write_failed(o);
            return;
        }
        o->sent += (size_t)n;
        if (n)
            o->progress_ms = loop_now_ms(o->loop);
    }
    if (o->sent == o->lines.len) {
        end(o, OUTLET_TAKEN, "");
    } else if (is_stalled(o)) {
        o->torn = o->torn || o->sent;
        fail(o, "nobody has read for a minute");
    } else {
        timer_start(&o->timer, POLL_MS);
    }
}

static void begin_file(struct outlet *o)
{
    char why[PATH_MAX + 100];
    if (open_file(o)) {
        write_on(o);
        return;
    }
    snprintf(why, sizeof why, "cannot open %s: %s", o->to, strerror(errno));
    fail(o, why);
}

/* --- an agent */

static void hang_up(struct outlet *o)
{
    conn_close(o->conn);
    o->conn = NULL;
    o->open = false;
    if (o->query)
        dns_cancel(o->query);
    o->query = NULL;
}

static void lose_agent(struct outlet *o, const char *why)
{
    bool sending = o->lines.ptr != NULL;
    if (sending && o->open)
        o->sent = (size_t)(conn_written(o->conn) - o->before);
    char text[512];
    snprintf(text, sizeof text, "%.300s: %.200s", o->to, why);
    hang_up(o);
    if (sending)
        fail(o, text);
}

/* An agent says nothing; only its end is of interest. */
static void listen_to_agent(struct outlet *o)
{
    char nothing[DISCARD_BYTES];
    ssize_t n;
    while ((n = conn_read(o->conn, nothing, sizeof nothing)) > 0)
        ;
    if (n != ERR_AGAIN)
        lose_agent(o, n == ERR_EOF ? "the agent closed the connection" : "the connection broke");
}

static void say_to_agent(struct outlet *o)
{
    o->before = conn_written(o->conn);
    conn_write(o->conn, o->lines);
}

static void agent_drained(struct outlet *o)
{
    if (!o->lines.ptr || conn_unwritten(o->conn))
        return;
    o->sent = o->lines.len;
    end(o, OUTLET_TAKEN, "");
}

static void on_conn(void *arg, enum conn_event event)
{
    struct outlet *o = arg;
    switch (event) {
    case CONN_OPEN:
        o->open = true;
        if (o->lines.ptr)
            say_to_agent(o);
        break;
    case CONN_READABLE:
        listen_to_agent(o);
        break;
    case CONN_DRAINED:
        agent_drained(o);
        break;
    case CONN_BROKEN:
        lose_agent(o, conn_error_text(o->conn));
        break;
    }
}

static void on_address(void *arg, const struct dns_answer *a)
{
    struct outlet *o = arg;
    o->query = NULL;
    if (a->n == 0) {
        lose_agent(o, a->error);
        return;
    }
    const struct sockaddr_storage *to = &a->addr[0];
    socklen_t len =
        to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    o->conn = conn_connect(o->loop, (const struct sockaddr *)to, len, NULL, S(""), on_conn, o);
    conn_open_within(o->conn, CONNECT_MS);
}

static void begin_agent(struct outlet *o)
{
    timer_start(&o->timer, STALL_MS);
    if (o->open) {
        o->before = conn_written(o->conn);
        listen_to_agent(o); /* it may have hung up meanwhile */
        if (o->open)
            say_to_agent(o);
    } else if (!o->conn && !o->query) {
        o->query = dns_resolve(o->dns, str_of(o->agent.host), o->agent.port, on_address, o);
    }
}

/* --- the door */

static void on_time(void *arg)
{
    struct outlet *o = arg;
    bool first = !o->begun;
    o->begun = true;
    if (o->kind == TO_AGENT && first)
        begin_agent(o);
    else if (o->kind == TO_AGENT)
        lose_agent(o, "nothing was taken for a minute");
    else if (first)
        begin_file(o);
    else
        write_on(o);
}

struct outlet *outlet_new(struct loop *l, struct dns *dns, struct str to,
                          void (*done)(void *arg, enum outlet_fate fate, const char *why),
                          void *arg)
{
    char url[PATH_MAX + 16], why[200];
    struct str tcp = S("tcp://");
    struct outlet *o = mem_new(sizeof *o);
    o->loop = l;
    o->dns = dns;
    o->done = done;
    o->arg = arg;
    o->fd = -1;
    o->kind = TO_FILE;
    snprintf(o->to, sizeof o->to, "%.*s", STR_ARG(to));
    if (str_eq(to, S("stdout"))) {
        o->kind = TO_STDOUT;
        o->fd = STDOUT_FILENO;
    } else if (str_starts(to, tcp)) {
        o->kind = TO_AGENT;
        snprintf(url, sizeof url, "http://%s", o->to + tcp.len);
        if (!endpoint_parse(str_of(url), &o->agent, why, sizeof why))
            o->agent.host[0] = 0; /* the configuration has read it before: not to be */
    }
    timer_init(&o->timer, l, on_time, o);
    return o;
}

void outlet_free(struct outlet *o)
{
    if (!o)
        return;
    timer_stop(&o->timer);
    hang_up(o);
    close_file(o);
    mem_free(o);
}

struct str outlet_to(const struct outlet *o)
{
    return str_of(o->to);
}

void outlet_send(struct outlet *o, struct str lines)
{
    o->lines = lines;
    o->begun = false;
    o->sent = 0;
    o->progress_ms = loop_now_ms(o->loop);
    timer_start(&o->timer, 0); /* never from inside */
}
