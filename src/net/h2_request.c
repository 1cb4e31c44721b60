/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of HTTP/2 requests. nghttp2 has seen to the grammar of names and values, the order and
 * number of pseudo-headers, and the fields that HTTP/2 forbids; here are the caps, and the rules
 * that HTTP/1 requests meet as well, so that both protocols let the same requests through.
 */
#include "h2_request.h"

#include "weir/base/text.h"
#include "weir/wire/http1.h"

#include <string.h>

enum { FIELD_OVERHEAD = 32, FIRST_BYTES = 1024 };
enum { METHOD, PATH, AUTHORITY };

static void add_pseudo(struct h2_request *r, struct str name, struct str value)
{
    struct h2_pseudo *p = &r->pseudo;
    struct str *slot;
    unsigned char which;
    if (str_eq(name, S(":method")))
        slot = &p->method, which = METHOD;
    else if (str_eq(name, S(":path")))
        slot = &p->path, which = PATH;
    else if (str_eq(name, S(":authority")))
        slot = &p->authority, which = AUTHORITY;
    else
        return; /* :scheme says nothing that the connection does not */
    if (slot->len || p->n == 3)
        return;
    slot->len = value.len;
    p->order[p->n++] = which;
    buf_add(&r->bytes, value);
}

void h2_request_add(struct h2_request *r, struct front_request *q, struct str name,
                    struct str value)
{
    r->weight += name.len + value.len + FIELD_OVERHEAD;
    if (r->weight > FIELDS_BYTES)
        r->too_big = true;
    if (r->too_big)
        return;
    if (!r->bytes.data)
        buf_reserve(&r->bytes, FIRST_BYTES);
    if (name.len && name.ptr[0] == ':') {
        add_pseudo(r, name, value);
        return;
    }
    if (memchr(name.ptr, '_', name.len))
        return; /* dropped, as in HTTP/1: some read it as '-' */
    buf_add(&r->bytes, name);
    buf_add(&r->bytes, value);
    r->too_big =
        !fields_add(&q->fields, (struct str){NULL, name.len}, (struct str){NULL, value.len});
}

/* The bytes do not move any more: lengths become strings. */
static void point(struct h2_request *r, struct front_request *q)
{
    const char *at = r->bytes.data ? r->bytes.data + r->bytes.head : "";
    struct str *const slots[] = {&r->pseudo.method, &r->pseudo.path, &r->pseudo.authority};
    for (unsigned i = 0; i < r->pseudo.n; i++) {
        slots[r->pseudo.order[i]]->ptr = at;
        at += slots[r->pseudo.order[i]]->len;
    }
    for (size_t i = 0; i < q->fields.n; i++) {
        struct field *f = &q->fields.at[i];
        f->name.ptr = at;
        f->value.ptr = at + f->name.len;
        at = f->value.ptr + f->value.len;
    }
}

static struct h2_fault check_authority(struct front_request *q)
{
    struct str host = fields_get(&q->fields, S("host"));
    if (fields_count(&q->fields, S("host")) > 1)
        return (struct h2_fault){400, "There is more than one Host."};
    if (q->authority.len == 0)
        q->authority = host;
    else if (host.ptr && !str_ieq(host, q->authority))
        return (struct h2_fault){400, "Host and :authority differ."};
    if (!http1_is_authority(q->authority))
        return (struct h2_fault){400, ":authority is not a name and a port."};
    return (struct h2_fault){0};
}

static struct h2_fault check_method(struct str method)
{
    for (size_t i = 0; i < method.len; i++)
        if (method.ptr[i] >= 'a' && method.ptr[i] <= 'z')
            return (struct h2_fault){405, "Methods are written in upper case."};
    if (str_eq(method, S("CONNECT")))
        return (struct h2_fault){405, "Tunnels are not offered."};
    return (struct h2_fault){0};
}

static struct h2_fault check_path(struct str path)
{
    if (str_eq(path, S("*")))
        return (struct h2_fault){405, "The target * is not served."};
    if (!http1_is_path(path))
        return (struct h2_fault){400, ":path is not a path, or has a byte that must be escaped."};
    return (struct h2_fault){0};
}

static struct h2_fault check_fields(struct h2_request *r, struct front_request *q)
{
    struct str expect = fields_get(&q->fields, S("expect"));
    r->expects_continue = str_ieq(expect, S("100-continue"));
    if (expect.ptr && !r->expects_continue)
        return (struct h2_fault){417, "Only Expect: 100-continue is understood."};
    for (size_t i = 0; i < q->fields.n; i++)
        if (!fields_value_ok(q->fields.at[i].value))
            return (struct h2_fault){400, "A field value has a control byte."};
    return (struct h2_fault){0};
}

struct h2_fault h2_request_end(struct h2_request *r, struct front_request *q)
{
    if (r->too_big)
        return (struct h2_fault){431, "The request has more than 100 fields or 64 KiB of them."};
    point(r, q);
    q->method = r->pseudo.method;
    q->target = r->pseudo.path;
    q->authority = r->pseudo.authority;
    uint64_t length;
    bool counted = text_u64(fields_get(&q->fields, S("content-length")), &length);
    q->content_length = counted && length <= INT64_MAX ? (int64_t)length : -1;
    struct h2_fault fault = check_method(q->method);
    if (!fault.status)
        fault = check_path(q->target);
    if (!fault.status)
        fault = check_authority(q);
    return fault.status ? fault : check_fields(r, q);
}

void h2_request_fini(struct h2_request *r)
{
    buf_fini(&r->bytes);
}
