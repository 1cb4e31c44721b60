/* SPDX-License-Identifier: Apache-2.0
 *
 * Collecting an HTTP/2 head. The buffer moves while it grows, so the pointers are made at the end.
 */
#include "h2_head.h"

#include "weir/base/text.h"

void h2_head_begin(struct h2_head *h)
{
    h->fields.n = 0;
    h->status = 0;
    buf_fini(&h->bytes); /* an idle connection is small */
    h->bytes.max = FIELDS_BYTES;
}

void h2_head_fini(struct h2_head *h)
{
    buf_fini(&h->bytes);
}

static bool take_pseudo(struct h2_head *h, struct str name, struct str value)
{
    uint64_t status;
    if (str_eq(name, S(":status")) && text_u64(value, &status) && status <= 999)
        h->status = (int)status;
    return true;
}

bool h2_head_add(struct h2_head *h, struct str name, struct str value)
{
    if (name.len && name.ptr[0] == ':')
        return take_pseudo(h, name, value);
    buf_add(&h->bytes, name);
    buf_add(&h->bytes, value);
    struct field lengths = {{NULL, name.len}, {NULL, value.len}};
    return !h->bytes.overflow && fields_add(&h->fields, lengths.name, lengths.value);
}

struct fields *h2_head_fields(struct h2_head *h)
{
    const char *at = h->bytes.data ? h->bytes.data + h->bytes.head : "";
    for (size_t i = 0; i < h->fields.n; i++) {
        struct field *f = &h->fields.at[i];
        f->name.ptr = at;
        f->value.ptr = at + f->name.len;
        at = f->value.ptr + f->value.len;
    }
    return &h->fields;
}
