/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection full of requests: read alike however cut, and what a head was understood as, written
 * out again, is understood the same.
 */
#include "http1_differ.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool is_same(const struct http1_request *a, const struct http1_request *b)
{
    bool same = str_eq(a->method, b->method) && str_eq(a->target, b->target) &&
                a->chunked == b->chunked && a->content_length == b->content_length &&
                a->fields.n == b->fields.n;
    for (size_t i = 0; same && i < a->fields.n; i++)
        same = str_eq(a->fields.at[i].name, b->fields.at[i].name) &&
               str_eq(a->fields.at[i].value, b->fields.at[i].value);
    return same;
}

/* Host is among the fields, so none is written for itself. HTTP/1.0 becomes 1.1 on the way out and
 * may then lack its Host; that is not this function's affair. */
static void write_again(const struct http1_request *r)
{
    static struct http1_request again;
    struct http1_fault fault;
    struct buf b = {0};
    if (r->minor == 1) {
        http1_add_request_head(&b, r->method, r->target, S(""), r->fields.at, r->fields.n);
        http1_add_blank(&b);
        int err = http1_parse_request(b.data + b.head, buf_len(&b), &again, &fault);
        assert(err == 0 && is_same(r, &again));
    }
    buf_fini(&b);
}

static void parse_alone(struct str bytes)
{
    static struct http1_request r;
    struct http1_fault fault = {0};
    char *head = mem_try(bytes.len ? bytes.len : 1);
    if (bytes.len)
        memcpy(head, bytes.ptr, bytes.len);
    int err = http1_parse_request(head, bytes.len, &r, &fault);
    assert(err == 0 || (err == ERR_BAD && fault.status >= 400 && fault.sentence));
    if (err == 0)
        assert(r.target.ptr[0] == '/' && !(r.chunked && r.content_length >= 0));
    if (err == 0 && bytes.len <= FIELDS_BYTES / 2)
        write_again(&r);
    mem_free(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str s = {(const char *)bytes, n};
    struct drive d = differ((struct drive){0}, s);
    drive_fini(&d);
    parse_alone(s);
    return 0;
}
