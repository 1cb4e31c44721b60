/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's own writer of application/vnd.amazon.eventstream messages:
 *
 *     | total 4 | headers 4 | prelude crc 4 | headers ... | payload ... | message crc 4 |
 *
 * All headers here are strings (type 7); all numbers are big-endian; both CRCs are CRC-32 (IEEE).
 */
#ifndef SIM_FRAME_H
#define SIM_FRAME_H

#include "weir/base/buf.h"
#include "weir/wire/fields.h"

/* Names are at most 255 bytes, values at most 65,535. */
void frame_add(struct buf *out, const struct field *headers, size_t n_headers, struct str payload);

/* :event-type, :content-type application/json, :message-type event. */
void frame_add_event(struct buf *out, struct str type, struct str payload);
/* :exception-type ..., :message-type exception. */
void frame_add_exception(struct buf *out, struct str type, struct str payload);
/* :error-code, :error-message, :message-type error; no payload. */
void frame_add_error(struct buf *out, struct str code, struct str message);

#endif
