/* SPDX-License-Identifier: Apache-2.0
 *
 * Server-sent events that pass by, read as wire/sse.h reads them, but an event's data is shown
 * piece by piece as it comes, so that an event of any length costs no memory.
 */
#ifndef WEIR_WIRE_SSE_WATCH_H
#define WEIR_WIRE_SSE_WATCH_H

#include "weir/base/str.h"

enum { SSE_WATCH_NAME_MOST = 64 }; /* a longer name is cut there */

enum sse_watch_found {
    SSE_WATCH_NOTHING, /* all was taken */
    SSE_WATCH_DATA,    /* a piece of the data of the event under way; LF between lines */
    SSE_WATCH_END,     /* the event ended */
};

/* Zero-initialise. There is nothing to free. */
struct sse_watch {
    char name[SSE_WATCH_NAME_MOST];
    char field[12]; /* of the line under way, as far as it matters */
    unsigned char name_len, field_len, part;
    bool field_over, had_line, has_data, pending, after_cr, ended;
};

/* Takes bytes from the front of *in (which moves on); call again until NOTHING. *piece is borrowed
 * from `in`, and set with DATA only. */
enum sse_watch_found sse_watch_next(struct sse_watch *w, struct str *in, struct str *piece);

/* The name of the event under way, or of the one that just ended, as far as it was told; borrowed
 * until the next call. */
struct str sse_watch_name(const struct sse_watch *w);

/* Whether a new event may begin here. */
bool sse_watch_between(const struct sse_watch *w);

#endif
