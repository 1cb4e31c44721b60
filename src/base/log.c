/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines and the ring that they wait in. One mutex guards the ring; a worker holds it for one
 * memcpy of a finished line.
 */
#include "weir/base/log.h"

#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    STORE_BYTES = 16 * 1024 /* every field at its cap, escaped at its worst, fits */
};

/* The line being built: a thread builds one at a time. */
static _Thread_local char store[STORE_BYTES];

static const struct str level_names[] = {STR("debug"), STR("info"), STR("warn"), STR("error")};

/* Set by a reload while other threads log; a line keeps the format that it began in. */
static _Atomic(enum log_level) least_level = LOG_INFO;
static _Atomic(enum log_format) line_format = LOG_TEXT;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct buf ring; /* max is its size; 0 before log_ring */
static atomic_ullong dropped;

void log_setup(enum log_level least, enum log_format format)
{
    atomic_store_explicit(&least_level, least, memory_order_relaxed);
    atomic_store_explicit(&line_format, format, memory_order_relaxed);
}

bool log_level_of(struct str name, enum log_level *out)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (str_eq(level_names[i], name)) {
            *out = (enum log_level)i;
            return true;
        }
    return false;
}

static void add_key(struct log_line *l, const char *key)
{
    buf_add(&l->buf, l->json ? S(",\"") : S(" "));
    buf_add(&l->buf, str_of(key));
    buf_add(&l->buf, l->json ? S("\":") : S("="));
}

/* The second's text is made once: breaking a date up costs more than the rest of the line. */
static void add_time(struct buf *b)
{
    static _Thread_local int64_t second = -1;
    static _Thread_local char text[21];
    int64_t now_ms = clock_wall_ms();
    if (now_ms / 1000 != second) {
        second = now_ms / 1000;
        text_iso_time(second, text);
    }
    unsigned ms = (unsigned)(now_ms % 1000);
    const char rest[5] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
                          (char)('0' + ms % 10), 'Z'};
    buf_add(b, str_from(text, 19));
    buf_add(b, str_from(rest, 5));
}

void log_begin(struct log_line *l, enum log_level level, const char *event)
{
    l->wanted = level >= atomic_load_explicit(&least_level, memory_order_relaxed);
    if (!l->wanted)
        return;
    l->buf = (struct buf){.data = store, .cap = sizeof store, .max = sizeof store};
    bool json = atomic_load_explicit(&line_format, memory_order_relaxed) == LOG_JSON;
    l->json = json;
    if (json)
        buf_add(&l->buf, S("{\"time\":\""));
    add_time(&l->buf);
    buf_add(&l->buf, json ? S("\",\"level\":\"") : S(" "));
    buf_add(&l->buf, level_names[level]);
    buf_add(&l->buf, json ? S("\",\"event\":\"") : S(" "));
    buf_add(&l->buf, str_of(event));
    if (json)
        buf_add(&l->buf, S("\""));
}

void log_str(struct log_line *l, const char *key, struct str value)
{
    if (!l->wanted)
        return;
    add_key(l, key);
    if (!l->json) {
        text_add_logfmt(&l->buf, value, LOG_LINE_MAX / 4);
        return;
    }
    buf_add_char(&l->buf, '"');
    text_add_json(&l->buf, value, LOG_LINE_MAX / 4);
    buf_add_char(&l->buf, '"');
}

void log_u64(struct log_line *l, const char *key, uint64_t value)
{
    if (!l->wanted)
        return;
    add_key(l, key);
    buf_add_u64(&l->buf, value);
}

void log_ms(struct log_line *l, const char *key, int64_t us)
{
    if (!l->wanted)
        return;
    add_key(l, key);
    unsigned part = (unsigned)(us % 1000);
    const char rest[4] = {'.', (char)('0' + part / 100), (char)('0' + part / 10 % 10),
                          (char)('0' + part % 10)};
    buf_add_u64(&l->buf, (uint64_t)us / 1000);
    buf_add(&l->buf, str_from(rest, 4));
}

static void hand_over(struct str line)
{
    pthread_mutex_lock(&lock);
    bool direct = ring.max == 0;
    if (!direct) {
        if (buf_len(&ring) + line.len > ring.max)
            atomic_fetch_add(&dropped, 1);
        else
            buf_add(&ring, line);
    }
    pthread_mutex_unlock(&lock);
    if (direct && write(STDERR_FILENO, line.ptr, line.len) < 0)
        atomic_fetch_add(&dropped, 1);
}

void log_end(struct log_line *l)
{
    if (!l->wanted)
        return;
    buf_add(&l->buf, l->json ? S("}\n") : S("\n"));
    hand_over(buf_str(&l->buf));
}

void log_say(enum log_level level, const char *event, const char *format, ...)
{
    struct log_line l;
    log_begin(&l, level, event);
    if (!l.wanted)
        return;
    char sentence[LOG_LINE_MAX / 4];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    log_str(&l, "message", str_of(sentence));
    log_end(&l);
}

void log_ring(size_t size_bytes)
{
    pthread_mutex_lock(&lock);
    ring.max = size_bytes;
    pthread_mutex_unlock(&lock);
}

/* Not O_NONBLOCK: that would be set for everybody who shares the terminal or the pipe. A pipe that
 * is ready has room for PIPE_BUF bytes. */
static bool has_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int r;
    do
        r = poll(&p, 1, 0);
    while (r < 0 && errno == EINTR);
    return r != 0;
}

bool log_drain(int fd)
{
    for (;;) {
        char piece[PIPE_BUF];
        pthread_mutex_lock(&lock);
        struct str waiting = str_sub(buf_str(&ring), 0, sizeof piece);
        if (waiting.len)
            memcpy(piece, waiting.ptr, waiting.len);
        pthread_mutex_unlock(&lock);
        if (waiting.len == 0)
            return true;
        if (!has_room(fd))
            return false;
        ssize_t n = write(fd, piece, waiting.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        size_t gone = n < 0 ? waiting.len : (size_t)n; /* a broken sink must not fill the ring */
        pthread_mutex_lock(&lock);
        buf_consume(&ring, gone);
        pthread_mutex_unlock(&lock);
    }
}

uint64_t log_dropped(void)
{
    return atomic_load(&dropped);
}
