/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a head that requests and responses share (http1_fields.c). Private to the http1
 * files.
 */
#ifndef WEIR_WIRE_HTTP1_PARTS_H
#define WEIR_WIRE_HTTP1_PARTS_H

#include "http1_text.h"
#include "weir/wire/http1.h"

/* The fields that decide something here, gathered while the lines are read. */
struct http1_known {
    struct str host, length, coding, expect; /* the last of each */
    unsigned hosts, lengths, codings, expects;
    bool close, keep_alive;
    bool strange_option; /* Connection names a field that is not hop-by-hop */
};

/* The first line of a whole head; *out_next is where the fields begin. */
int http1_read_first_line(char *head, size_t len, struct str *out_line, char **out_next,
                          struct http1_fault *fault);
int http1_read_version(struct str v, int *out_minor, struct http1_fault *fault);
/* From p, where the fields begin, to the end of a head that http1_read_first_line has accepted.
 * A request loses fields whose name has an underscore. */
int http1_read_fields(char *p, const char *end, bool response, struct fields *out,
                      struct http1_known *k, struct http1_fault *fault);
/* What the fields say of the body, and of the connection after it. */
int http1_read_coding(const struct http1_known *k, int minor, bool *out, struct http1_fault *fault);
int http1_read_length(const struct http1_known *k, int64_t *out, struct http1_fault *fault);
bool http1_keeps_alive(const struct http1_known *k, int minor);

#endif
