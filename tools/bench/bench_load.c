/* SPDX-License-Identifier: Apache-2.0
 *
 * The load that no packaged tool makes: calls at a fixed rate whose waiting is counted, event
 * streams until their first token, thousands of them held open, and a connection per request over
 * HTTP/2 as the AWS SDK for JavaScript does it. h2load does the rest of tools/bench.
 *
 *     weir-bench-load [OPTION...] PORT PATH       to 127.0.0.1; prints one line of JSON
 *
 *     --body FILE     posted with each call; without: {}
 *     --h2            HTTP/2 with prior knowledge; without: HTTP/1.1
 *     --keep          keeps connections (HTTP/1.1 only); without: a connection per call
 *     --slots N       calls at a time, at most (32)
 *     --count N       calls altogether (1000)
 *     --skip N        so many of the first are not measured (0)
 *     --rate N        begins so many calls a second, whatever becomes of them; 0: as soon as a
 *                     slot is free (0)
 *     --hold SECONDS  once each of the calls has its first token, prints `open N`, keeps them
 *                     for so long, and ends without their end
 *     --doubles N     (HTTP/2) so many of the connections carry two calls
 *     --shed          (HTTP/1.1) another answer than 200 is no failure; counted and timed as
 * `refused`
 *     --token WORD    (HTTP/1.1) a bearer key
 *     --number N      (behind --body) each ######## in the body is a number, another one for each
 *                     call, from N on
 *
 * At a fixed rate, a call's time counts from when it should have begun, not from when a slot or
 * this program had time for it. `first` is when the answer's first body byte is here.
 */
#include "load.h"
#include "weir/base/clock.h"
#include "weir/base/file.h"
#include "weir/base/mem.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STUCK_S = 20 };
static const int64_t SECOND = 1000000000;

struct load_options want = {.slots = 32, .count = 1000, .body = STR("{}")};

static int epoll_fd;
static char scratch[GULP];
static struct conn **idle;
static size_t n_idle, n_begun, n_first, n_ended, n_failed;
static int64_t start_ns, progress_ns;

/* --- what was measured, in ns */

struct samples {
    int64_t *at;
    size_t n;
};
static struct samples first_ns, whole_ns, late_ns, refused_ns;

static void sample_add(struct samples *s, int64_t ns)
{
    s->at[s->n++] = ns;
}

static int compare_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print_samples(const char *name, struct samples *s)
{
    static const double shares[] = {0.5, 0.9, 0.99, 1};
    static const char *const names[] = {"p50", "p90", "p99", "max"};
    qsort(s->at, s->n, sizeof *s->at, compare_ns);
    printf(", \"%s_us\": {", name);
    for (int i = 0; i < 4 && s->n > 0; i++) {
        size_t at = (size_t)(shares[i] * (double)(s->n - 1));
        printf("%s\"%s\": %.1f", i ? ", " : "", names[i], (double)s->at[at] / 1e3);
    }
    printf("}");
}

static void print_result(void)
{
    double seconds = (double)(clock_mono_ns() - start_ns) / (double)SECOND;
    printf("{\"calls\": %zu, \"failed\": %zu, \"seconds\": %.3f, \"per_second\": %.1f", n_begun,
           n_failed, seconds, (double)n_begun / seconds);
    print_samples("first", &first_ns);
    print_samples("whole", &whole_ns);
    print_samples("late", &late_ns);
    if (want.shed) {
        printf(", \"refused\": %zu", refused_ns.n);
        print_samples("refused", &refused_ns);
    }
    printf("}\n");
}

/* --- a call's three moments */

static void call_begin(struct conn *c, unsigned i, int64_t begin_ns)
{
    c->call[i] = (struct call){.conn = c, .open = true, .begin_ns = begin_ns};
    c->open_calls++;
    n_begun++;
}

void call_first(struct call *k)
{
    if (k->first_ns)
        return;
    k->first_ns = clock_mono_ns();
    n_first++;
}

void call_end(struct call *k, bool good, const char *why)
{
    static unsigned told;
    if (!k->open)
        return;
    progress_ns = clock_mono_ns();
    if (!good && told++ < 5)
        fprintf(stderr, "weir-bench-load: a call failed: %s\n", why);
    k->open = false;
    k->conn->open_calls--;
    n_failed += !good;
    if (++n_ended <= want.skip || !good)
        return;
    if (k->refused) {
        sample_add(&refused_ns, progress_ns - k->begin_ns);
        return;
    }
    sample_add(&first_ns, (k->first_ns ? k->first_ns : progress_ns) - k->begin_ns);
    sample_add(&whole_ns, progress_ns - k->begin_ns);
}

/* --- connections */

/* A connection per call runs out of ports soon: each has another of our own addresses. */
static void bind_somewhere(int fd)
{
    int on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET};
    a.sin_addr.s_addr = htonl((uint32_t)(0x7f000101 + n_begun % 250));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
        perror("weir-bench-load: bind");
}

static bool conn_open(struct conn *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(want.port)};
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    int on = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return false;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!want.keep)
        bind_somewhere(c->fd);
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0 && errno != EINPROGRESS)
        return false;
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) == 0;
}

static void conn_close(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    nghttp2_session_del(c->h2);
    c->h2 = NULL;
    buf_fini(&c->in);
    buf_fini(&c->out);
}

static bool conn_write(struct conn *c)
{
    return want.h2 ? h2_write(c) : h1_write(c);
}

/* Until the socket is empty: the loop hears of it once. */
static bool conn_read(struct conn *c)
{
    for (;;) {
        ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == ENOTCONN);
        struct str bytes = str_from(scratch, (size_t)n);
        if (!(want.h2 ? h2_bytes(c, bytes) : h1_bytes(c, bytes)))
            return false;
        if (c->open_calls == 0 || bytes.len < sizeof scratch)
            return true;
    }
}

/* Behind every step: a connection that broke fails its calls, one without calls is free again. */
static void conn_settle(struct conn *c, unsigned had_calls, bool good)
{
    for (unsigned i = 0; i < CALLS_PER_CONN && !good; i++)
        call_end(&c->call[i], false, "the connection broke");
    if (c->open_calls == 0 && (!good || !want.keep || !c->alive))
        conn_close(c);
    if (c->open_calls == 0 && had_calls > 0)
        idle[n_idle++] = c;
}

static void conn_ready(struct conn *c)
{
    unsigned had_calls = c->open_calls;
    bool good = c->fd >= 0 && conn_read(c) && (c->open_calls == 0 || conn_write(c));
    conn_settle(c, had_calls, good);
}

/* --- numbers in the body */

enum { NUMBERS_MOST = 4096, DIGITS = 8 };
static struct buf body;
static size_t number_at[NUMBERS_MOST], n_numbers, first_number;

static void find_numbers(size_t first)
{
    first_number = first;
    const char *text = buf_cstr(&body), *at = text;
    for (; n_numbers < NUMBERS_MOST && (at = strstr(at, "########")); at += DIGITS)
        number_at[n_numbers++] = (size_t)(at - text);
}

/* Also for calls whose body is still on its way: any number will do. */
static void number_body(void)
{
    char digits[DIGITS + 1];
    snprintf(digits, sizeof digits, "%08u", (unsigned)((first_number + n_begun) % 100000000));
    for (size_t i = 0; i < n_numbers; i++)
        memcpy(body.data + body.head + number_at[i], digits, DIGITS);
}

/* Takes a free slot. */
static void begin_one(int64_t begin_ns)
{
    struct conn *c = idle[--n_idle];
    unsigned calls = want.doubles > 0 ? 2 : 1;
    want.doubles -= want.doubles > 0;
    sample_add(&late_ns, clock_mono_ns() - begin_ns);
    bool good = c->fd >= 0 || conn_open(c);
    number_body();
    c->alive = false;
    for (unsigned i = 0; i < calls; i++)
        call_begin(c, i, begin_ns);
    if (!good) {
        conn_settle(c, calls, false);
        return;
    }
    if (want.h2)
        h2_begin(c);
    else
        h1_begin(c);
    conn_settle(c, calls, conn_write(c));
}

/* --- pace */

/* When the next call is to begin. */
static int64_t next_ns(int64_t now)
{
    return want.rate ? start_ns + (int64_t)n_begun * SECOND / (int64_t)want.rate : now;
}

/* Begins what is due; returns how long the loop may sleep. */
static int64_t begin_due(void)
{
    for (;;) {
        int64_t now = clock_mono_ns(), at = next_ns(now);
        if (n_begun >= want.count || n_idle == 0)
            return SECOND;
        if (at > now)
            return at - now;
        begin_one(at);
    }
}

static void wait_and_serve(int64_t wait_ns)
{
    struct epoll_event ready[512];
    struct timespec wait = {wait_ns / SECOND, wait_ns % SECOND};
    int n = epoll_pwait2(epoll_fd, ready, 512, &wait, NULL);
    for (int i = 0; i < n; i++)
        conn_ready(ready[i].data.ptr);
}

static void run(void)
{
    int64_t close_ns = 0;
    bool told = want.hold_s == 0;
    start_ns = progress_ns = clock_mono_ns();
    while (n_ended < n_begun || n_begun < want.count) {
        wait_and_serve(begin_due());
        int64_t now = clock_mono_ns();
        if (!told && n_first + n_failed >= want.count) {
            printf("open %zu\n", n_first);
            fflush(stdout);
            told = true;
            close_ns = now + (int64_t)want.hold_s * SECOND;
        }
        if ((close_ns && now > close_ns) || (!close_ns && now > progress_ns + STUCK_S * SECOND))
            return;
    }
}

/* --- the command line */

static size_t number(const char *word)
{
    char *end;
    size_t n = strtoull(word, &end, 10);
    if (*word && !*end)
        return n;
    fprintf(stderr, "weir-bench-load: %s is not a number\n", word);
    exit(2);
}

static void read_body(const char *path)
{
    char err[256];
    buf_clear(&body); /* the last one counts */
    if (file_read(path, 32 << 20, &body, err, sizeof err) != 0) {
        fprintf(stderr, "weir-bench-load: %s\n", err);
        exit(2);
    }
    want.body = buf_str(&body);
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"body", 1, NULL, 'b'},  {"h2", 0, NULL, '2'},    {"keep", 0, NULL, 'k'},
        {"slots", 1, NULL, 's'}, {"count", 1, NULL, 'n'}, {"skip", 1, NULL, 'i'},
        {"rate", 1, NULL, 'r'},  {"hold", 1, NULL, 'o'},  {"doubles", 1, NULL, 'd'},
        {"shed", 0, NULL, 'x'},  {"token", 1, NULL, 't'}, {"number", 1, NULL, '#'},
        {NULL, 0, NULL, 0},
    };
    size_t *numbers[] = {['s'] = &want.slots, ['n'] = &want.count,  ['i'] = &want.skip,
                         ['r'] = &want.rate,  ['o'] = &want.hold_s, ['d'] = &want.doubles};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'b')
            read_body(optarg);
        else if (c == '2')
            want.h2 = true;
        else if (c == 'k')
            want.keep = true;
        else if (c == 't')
            want.token = str_of(optarg);
        else if (c == 'x')
            want.shed = true;
        else if (c == '#')
            find_numbers(number(optarg));
        else if (c != '?')
            *numbers[c] = number(optarg);
        else
            exit(2);
    }
    if (argc - optind != 2 || (want.h2 && want.keep) || (want.doubles && !want.h2) ||
        ((want.shed || want.token.len) && want.h2)) {
        fprintf(stderr, "usage: weir-bench-load [OPTION...] PORT PATH\n");
        exit(2);
    }
    want.port = (uint16_t)number(argv[optind]);
    want.path = str_of(argv[optind + 1]);
}

static void make_slots(void)
{
    struct conn *all = mem_new(want.slots * sizeof *all);
    struct samples *every[] = {&first_ns, &whole_ns, &late_ns, &refused_ns};
    idle = mem_new(want.slots * sizeof(struct conn *));
    for (; n_idle < want.slots; n_idle++) {
        all[n_idle].fd = -1;
        idle[n_idle] = &all[n_idle];
    }
    for (size_t i = 0; i < sizeof every / sizeof *every; i++)
        every[i]->at = mem_new((want.count + CALLS_PER_CONN) * sizeof(int64_t));
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1);
    read_options(argc, argv);
    h1_prepare();
    h2_prepare();
    make_slots();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    run();
    print_result();
    return n_failed > 0 || n_first < want.count;
}
