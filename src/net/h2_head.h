/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP/2 head as it is collected field by field: names and values behind each other in one
 * buffer, at most 100 fields and 64 KiB. Head blocks of one connection never interleave, so one of
 * these per connection is enough.
 */
#ifndef WEIR_SRC_NET_H2_HEAD_H
#define WEIR_SRC_NET_H2_HEAD_H

#include "weir/base/buf.h"
#include "weir/wire/fields.h"

struct h2_head {
    struct fields fields; /* only lengths, until h2_head_fields */
    struct buf bytes;
    int status; /* of ":status"; 0: none */
};

void h2_head_begin(struct h2_head *h);
void h2_head_fini(struct h2_head *h);
/* False when it becomes too large. A pseudo-header other than :status is dropped. */
bool h2_head_add(struct h2_head *h, struct str name, struct str value);
static inline int h2_head_status(const struct h2_head *h)
{
    return h->status;
}
/* Borrowed until the next h2_head_begin; once per head. */
struct fields *h2_head_fields(struct h2_head *h);

#endif
