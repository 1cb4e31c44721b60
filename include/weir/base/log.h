/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines: one line per event, key=value or JSON, never a prompt, an answer, a key or a
 * signature. A line is built in the thread's own memory and handed to a bounded ring; log_drain
 * writes the ring out (in the daemon the office thread does that, so that a blocked pipe cannot
 * block a worker; lines that do not fit are dropped and counted). Before log_ring is called lines
 * go straight to stderr.
 *
 *     struct log_line l;
 *     log_begin(&l, LOG_INFO, "exchange");
 *     log_str(&l, "op", op);
 *     log_u64(&l, "status", 200);
 *     log_end(&l);
 */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include "weir/base/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };
enum { LOG_LINE_MAX = 4096 };

struct log_line {
    struct buf buf;
    bool wanted, json;
};

void log_setup(enum log_level least, enum log_format format);
bool log_level_of(struct str name, enum log_level *out);

void log_begin(struct log_line *l, enum log_level level, const char *event);
void log_str(struct log_line *l, const char *key, struct str value);
void log_u64(struct log_line *l, const char *key, uint64_t value);
/* Microseconds (0 or more) as a decimal of milliseconds: 12.345. */
void log_ms(struct log_line *l, const char *key, int64_t us);
void log_end(struct log_line *l);

/* One event with a sentence for a person. */
void log_say(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* From now on lines wait in a ring of this size for log_drain. */
void log_ring(size_t size_bytes);
/* Writes what waits to `fd` without blocking; true when the ring is empty. */
bool log_drain(int fd);
/* Lines dropped because the ring was full. */
uint64_t log_dropped(void);

#endif
