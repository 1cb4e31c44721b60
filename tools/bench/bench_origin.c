/* SPDX-License-Identifier: Apache-2.0
 *
 * The origin behind the proxies of tools/bench: always the same answer, as fast as one thread can.
 * Only its usage is of the request: what Weir believes of a prompt's tokens and of its cache must
 * not be refuted, or it would plan nothing. All of it is said to be read from the cache, four bytes
 * a token.
 *
 *     weir-bench-origin [PORT]       on 127.0.0.1; without PORT any free one; prints it
 *
 * A request's body is read to its end, and thrown away, before the answer goes out: an early answer
 * makes proxies close connections, and the figures would be of that. A path that ends in
 * converse-stream gets an event stream in chunks, paced by the model's name:
 *
 *     /model/bench.FIRST.EVERY.EVENTS/converse-stream
 *
 * the first event FIRST ms after the request, then EVENTS more, EVERY ms apart, then the end. Many
 * thousands of them may be open at a time. It reads HTTP/1.1 with Content-Length and nothing else:
 * it is no example of a server, and nobody but the benchmark may call it.
 */
#include "weir/base/buf.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/wire/event_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MOST = 64 << 10, GULP = 1 << 20, BACKLOG = 4096 };
static const int64_t MS = 1000000;

struct conn {
    int fd;
    bool asks_stream; /* the request under way */
    bool began;       /* the stream's first event went out */
    bool writing;     /* out is not empty: waiting for room, nothing is read */
    uint64_t body_left, body_bytes;
    struct buf in;            /* a head that arrived in part */
    struct buf out;           /* what the socket did not take */
    int64_t due_ns, every_ns; /* of the stream under way */
    unsigned events_left;
    size_t heap_at; /* 1-based; 0: in no heap */
};

static int epoll_fd;
static char scratch[HEAD_MOST];

/* --- the answers, made once */

enum { DIGITS = 8 };
static char *answer_tokens; /* so many digits in `answer` */
static struct buf answer, stream_head, stream_open, first_event, next_event, last_events;

static void make_answer(void)
{
    struct str body = S("{\"metrics\":{\"latencyMs\":1},\"output\":{\"message\":{\"content\":[{"
                        "\"text\":\"A weir holds.\"}],\"role\":\"assistant\"}},"
                        "\"stopReason\":\"end_turn\",\"usage\":{\"inputTokens\":9,"
                        "\"outputTokens\":8,\"totalTokens\":17,\"cacheReadInputTokens\":"
                        "        }}");
    buf_addf(&answer,
             "HTTP/1.1 200 OK\r\ndate: Mon, 02 Nov 2026 08:00:00 GMT\r\n"
             "content-type: application/json\r\ncontent-length: %zu\r\n"
             "x-amzn-requestid: 0f0f0f0f-0000-4000-8000-0123456789ab\r\n\r\n",
             body.len);
    buf_add(&answer, body);
    answer_tokens = answer.data + answer.head + buf_len(&answer) - 2 - DIGITS;
}

static void add_event(struct buf *b, struct str type, struct str payload)
{
    struct event_header headers[] = {
        {.name = S(":event-type"), .type = EVENT_STRING, .bytes = type},
        {.name = S(":content-type"), .type = EVENT_STRING, .bytes = S("application/json")},
        {.name = S(":message-type"), .type = EVENT_STRING, .bytes = S("event")},
    };
    if (event_stream_add(b, headers, 3, payload) != 0)
        abort();
}

static void add_chunk(struct buf *b, struct buf *frames)
{
    buf_addf(b, "%zx\r\n", buf_len(frames));
    buf_add(b, buf_str(frames));
    buf_add(b, S("\r\n"));
    buf_clear(frames);
}

static void make_stream(void)
{
    struct buf frames = {0};
    buf_add(&stream_head, S("HTTP/1.1 200 OK\r\ndate: Mon, 02 Nov 2026 08:00:00 GMT\r\n"
                            "content-type: application/vnd.amazon.eventstream\r\n"
                            "transfer-encoding: chunked\r\n"
                            "x-amzn-requestid: 0f0f0f0f-0000-4000-8000-0123456789ab\r\n\r\n"));
    add_event(&frames, S("messageStart"), S("{\"p\":\"abcdefgh\",\"role\":\"assistant\"}"));
    add_chunk(&first_event, &frames);
    buf_add(&stream_open, buf_str(&stream_head));
    buf_add(&stream_open, buf_str(&first_event));
    add_event(&frames, S("contentBlockDelta"),
              S("{\"contentBlockIndex\":0,\"delta\":{\"text\":\" and the water\"},"
                "\"p\":\"abcdefghijklmnopqrstuvwxyz\"}"));
    add_chunk(&next_event, &frames);
    add_event(&frames, S("contentBlockStop"), S("{\"contentBlockIndex\":0,\"p\":\"abcd\"}"));
    add_event(&frames, S("messageStop"), S("{\"p\":\"abcdef\",\"stopReason\":\"end_turn\"}"));
    add_event(&frames, S("metadata"),
              S("{\"metrics\":{\"latencyMs\":1},\"p\":\"abc\",\"usage\":{\"inputTokens\":9,"
                "\"outputTokens\":8,\"totalTokens\":17}}"));
    add_chunk(&last_events, &frames);
    buf_add(&last_events, S("0\r\n\r\n"));
    buf_fini(&frames);
}

/* --- which stream is due next: a binary heap */

static struct conn **heap;
static size_t heap_n, heap_cap;

static void heap_put(size_t at, struct conn *c)
{
    heap[at] = c;
    c->heap_at = at;
}

static void heap_up(size_t at)
{
    struct conn *c = heap[at];
    for (; at > 1 && heap[at / 2]->due_ns > c->due_ns; at /= 2)
        heap_put(at, heap[at / 2]);
    heap_put(at, c);
}

static void heap_down(size_t at)
{
    struct conn *c = heap[at];
    for (size_t child; (child = 2 * at) <= heap_n; at = child) {
        if (child < heap_n && heap[child + 1]->due_ns < heap[child]->due_ns)
            child++;
        if (heap[child]->due_ns >= c->due_ns)
            break;
        heap_put(at, heap[child]);
    }
    heap_put(at, c);
}

static void heap_add(struct conn *c)
{
    if (heap_n + 2 > heap_cap) {
        heap_cap = heap_cap ? 2 * heap_cap : 1024;
        heap = mem_grow(heap, heap_cap * sizeof *heap);
    }
    heap[++heap_n] = c;
    heap_up(heap_n);
}

static void heap_drop(struct conn *c)
{
    size_t at = c->heap_at;
    if (at == 0)
        return;
    c->heap_at = 0;
    struct conn *last = heap[heap_n--];
    if (last == c)
        return;
    heap_put(at, last);
    heap_up(at);
    heap_down(last->heap_at);
}

/* --- a connection */

static void watch(struct conn *c, int how, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll_fd, how, c->fd, &e) != 0)
        abort();
}

static void conn_close(struct conn *c)
{
    heap_drop(c);
    close(c->fd);
    buf_fini(&c->in);
    buf_fini(&c->out);
    mem_free(c);
}

/* What the socket does not take waits in c->out, and nothing is read until it went. */
static void conn_send(struct conn *c, struct str bytes)
{
    ssize_t n = c->writing ? 0 : send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    if (n == (ssize_t)bytes.len)
        return;
    buf_add(&c->out, str_from_offset(bytes, n > 0 ? (size_t)n : 0));
    if (!c->writing)
        watch(c, EPOLL_CTL_MOD, EPOLLOUT);
    c->writing = true;
}

static bool conn_flush(struct conn *c)
{
    ssize_t n = send(c->fd, buf_str(&c->out).ptr, buf_len(&c->out), MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN;
    buf_consume(&c->out, (size_t)n);
    if (buf_len(&c->out) > 0)
        return true;
    c->writing = false;
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
    return true;
}

/* Head and first event go in one write when nothing lies between them. */
static void stream_start(struct conn *c)
{
    c->began = c->due_ns <= clock_mono_ns();
    conn_send(c, buf_str(c->began ? &stream_open : &stream_head));
    c->due_ns += c->began ? c->every_ns : 0;
    heap_add(c);
}

/* The event that is due. */
static void stream_step(struct conn *c)
{
    if (c->began && c->events_left == 0) {
        heap_drop(c);
        conn_send(c, buf_str(&last_events));
        return;
    }
    conn_send(c, buf_str(c->began ? &next_event : &first_event));
    c->events_left -= c->began;
    c->began = true;
    c->due_ns += c->every_ns;
    heap_down(c->heap_at);
}

static void answer_request(struct conn *c)
{
    char tokens[DIGITS + 1];
    if (c->asks_stream) {
        stream_start(c);
        return;
    }
    snprintf(tokens, sizeof tokens, "%*u", DIGITS, (unsigned)(c->body_bytes / 4) % 100000000);
    memcpy(answer_tokens, tokens, DIGITS);
    conn_send(c, buf_str(&answer));
}

/* --- reading requests */

static void stream_pace(struct conn *c, const char *target)
{
    unsigned first = 0, every = 20, events = 10;
    const char *name = strstr(target, "/bench.");
    if (name)
        (void)sscanf(name, "/bench.%u.%u.%u", &first, &every, &events);
    c->due_ns = clock_mono_ns() + first * MS;
    c->every_ns = every * MS;
    c->events_left = events;
}

/* `head` ends with its blank line and a NUL. False: not what a proxy would send. */
static bool read_head(struct conn *c, char *head)
{
    char *line_end = strstr(head, "\r\n"), *target = strchr(head, ' ');
    char *length = strcasestr(head, "\r\ncontent-length:");
    if (!target || target > line_end || strcasestr(head, "\r\ntransfer-encoding:"))
        return false;
    c->body_left = c->body_bytes = length ? strtoull(length + 17, NULL, 10) : 0;
    *line_end = '\0';
    c->asks_stream = strstr(target, "/converse-stream") != NULL;
    if (c->asks_stream)
        stream_pace(c, target);
    return true;
}

/* Takes heads and bodies off the front of `bytes` (writable, a NUL may be put behind a head).
 * False: the connection is to be closed. */
static bool conn_bytes(struct conn *c, char *bytes, size_t n)
{
    while (n > 0) {
        char *blank = memmem(bytes, n, "\r\n\r\n", 4);
        if (!blank) {
            buf_add(&c->in, str_from(bytes, n));
            return buf_len(&c->in) < HEAD_MOST;
        }
        blank[3] = '\0';
        if (!read_head(c, bytes))
            return false;
        n -= (size_t)(blank + 4 - bytes);
        bytes = blank + 4;
        size_t body = c->body_left < n ? (size_t)c->body_left : n;
        c->body_left -= body;
        bytes += body;
        n -= body;
        if (c->body_left == 0)
            answer_request(c);
    }
    return true;
}

static bool conn_read_head(struct conn *c)
{
    ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    if (buf_len(&c->in) == 0)
        return conn_bytes(c, scratch, (size_t)n);
    struct buf whole = c->in;
    c->in = (struct buf){0};
    buf_add(&whole, str_from(scratch, (size_t)n));
    bool ok = conn_bytes(c, whole.data + whole.head, buf_len(&whole));
    buf_fini(&whole);
    return ok;
}

static bool conn_read_body(struct conn *c)
{
    size_t most = c->body_left < GULP ? (size_t)c->body_left : GULP;
    ssize_t n = recv(c->fd, NULL, most, MSG_TRUNC); /* dropped by the kernel, never copied */
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    c->body_left -= (uint64_t)n;
    if (c->body_left == 0)
        answer_request(c);
    return true;
}

static void conn_ready(struct conn *c, uint32_t events)
{
    bool ok = true;
    if (events & EPOLLOUT)
        ok = conn_flush(c);
    else if (c->body_left > 0)
        ok = conn_read_body(c);
    else
        ok = conn_read_head(c);
    if (!ok)
        conn_close(c);
}

static void accept_all(int listen_fd)
{
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct conn *c = mem_new(sizeof *c);
        c->fd = fd;
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

/* --- the loop */

static int listen_on(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof a;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        perror("weir-bench-origin: cannot listen");
        exit(1);
    }
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

/* Sends what is due; returns how long until the next, NULL for ever. */
static struct timespec *run_due(struct timespec *wait)
{
    int64_t now = clock_mono_ns();
    while (heap_n > 0 && heap[1]->due_ns <= now)
        stream_step(heap[1]);
    if (heap_n == 0)
        return NULL;
    *wait = (struct timespec){(heap[1]->due_ns - now) / (1000 * MS),
                              (heap[1]->due_ns - now) % (1000 * MS)};
    return wait;
}

int main(int argc, char **argv)
{
    struct epoll_event ready[512], e = {.events = EPOLLIN};
    prctl(PR_SET_TIMERSLACK, 1);
    make_answer();
    make_stream();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listen_fd = listen_on((uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 0));
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &e);
    for (;;) {
        struct timespec wait;
        int n = epoll_pwait2(epoll_fd, ready, 512, run_due(&wait), NULL);
        for (int i = 0; i < n; i++)
            if (ready[i].data.ptr)
                conn_ready(ready[i].data.ptr, ready[i].events);
            else
                accept_all(listen_fd);
    }
}
