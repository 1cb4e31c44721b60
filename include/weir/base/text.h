/* SPDX-License-Identifier: Apache-2.0
 *
 * Small readings and writings that several rooms need: numbers, durations, sizes, times, escapes,
 * and the nearest word for an error message. Parsers take the whole str or fail.
 */
#ifndef WEIR_BASE_TEXT_H
#define WEIR_BASE_TEXT_H

#include "weir/base/buf.h"
#include "weir/base/str.h"

/* Decimal digits only: no sign, no space, no overflow. */
bool text_u64(struct str s, uint64_t *out);
/* "250ms", "3s", "15m", "8h", "7d", or "0"; whole numbers only. */
bool text_duration_ms(struct str s, int64_t *out_ms);
/* "64KiB", "20MiB", "1GiB", "100B" or plain bytes. */
bool text_size_bytes(struct str s, uint64_t *out_bytes);
/* The shortest of those forms that says it exactly. */
void text_add_duration(struct buf *b, int64_t ms);
void text_add_size(struct buf *b, uint64_t bytes);

/* UTC. `out` gets 17 bytes "20260102T030405Z" and a NUL; 21 bytes "2026-01-02T03:04:05Z"
 * and a NUL; 25 with milliseconds. */
void text_basic_time(int64_t epoch_s, char out[17]);
void text_iso_time(int64_t epoch_s, char out[21]);
void text_iso_time_ms(int64_t epoch_ms, char out[25]);
/* "2026-01-02T03:04:05Z", with optional fraction, "Z", "UTC" or "+hh:mm". */
bool text_parse_iso_time(struct str s, int64_t *out_epoch_s);
/* IMF-fixdate for the Date header: 29 bytes and a NUL. */
void text_http_date(int64_t epoch_s, char out[30]);
/* IMF-fixdate only; the name of the day is not compared with the date. */
bool text_parse_http_date(struct str s, int64_t *out_epoch_s);

/* As the inside of a JSON string: quotes, backslash and controls (those of C1, of lines and of
 * direction, too) escaped; bytes that are not UTF-8 become U+FFFD. At most `max` bytes of `s` are
 * taken. */
void text_add_json(struct buf *b, struct str s, size_t max);
/* UTF-8 without any of those controls: it can be shown as it is. */
bool text_is_plain(struct str s);
/* As text between XML's tags or in quotes: markup escaped; controls and bytes that are not UTF-8
 * become U+FFFD. */
void text_add_xml(struct buf *b, struct str s);
/* As a logfmt value: bare when it is plain, else quoted and escaped like JSON. */
void text_add_logfmt(struct buf *b, struct str s, size_t max);

/* `*` stands for any run of bytes, also for none; every other byte for itself. */
bool text_matches(struct str pattern, struct str s);

/* How many single-letter edits lie between two short words; for "did you mean". */
unsigned text_distance(struct str a, struct str b);

/* Standard base64 with padding. */
void text_add_base64(struct buf *b, struct str s);
void text_add_hex(struct buf *b, const unsigned char *bytes, size_t n);

#endif
