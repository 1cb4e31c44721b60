/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a response, as strict as that of a request: the bytes come from Bedrock, or from
 * whoever stands between. HTTP/1.0 and bodies that end with the connection are legal here.
 */
#include "http1_parts.h"
#include "weir/base/text.h"

/* "HTTP/1.1 200 OK"; the reason may be missing with its space. */
static int read_status_line(struct str line, struct http1_response *out, struct http1_fault *fault)
{
    struct str rest = line;
    int err = http1_read_version(str_cut(&rest, ' '), &out->minor, fault);
    if (err)
        return err;
    struct str digits = rest.ptr ? str_cut(&rest, ' ') : rest;
    uint64_t status;
    if (digits.len != 3 || !text_u64(digits, &status) || status < 100 || status > 599)
        return http1_refuse(fault, 400, "The status line has no status.");
    if (status == 101)
        return http1_refuse(fault, 400, "The answer switches protocols, which nobody asked for.");
    out->status = (int)status;
    return 0;
}

/* RFC 9112 6.3: no body whatever the fields say; there, a length would be a trap. */
static bool is_bodiless(int status)
{
    return status < 200 || status == 204;
}

int http1_parse_response(char *head, size_t len, struct http1_response *out,
                         struct http1_fault *fault)
{
    struct http1_known k = {0};
    struct str line;
    char *next;
    int err = http1_read_first_line(head, len, &line, &next, fault);
    if (!err)
        err = read_status_line(line, out, fault);
    if (!err)
        err = http1_read_fields(next, head + len, true, &out->fields, &k, fault);
    if (!err)
        err = http1_read_coding(&k, out->minor, &out->chunked, fault);
    if (!err)
        err = http1_read_length(&k, &out->content_length, fault);
    if (!err && is_bodiless(out->status) && (out->chunked || out->content_length > 0))
        err = http1_refuse(fault, 400, "An answer that has no body declares one.");
    out->keep_alive = http1_keeps_alive(&k, out->minor);
    return err;
}

enum http1_body http1_response_body(const struct http1_response *r, struct str request_method)
{
    bool tunnel = str_eq(request_method, S("CONNECT")) && r->status / 100 == 2;
    if (is_bodiless(r->status) || r->status == 304 || tunnel || str_eq(request_method, S("HEAD")))
        return HTTP1_BODY_NONE;
    if (r->chunked)
        return HTTP1_BODY_CHUNKED;
    return r->content_length >= 0 ? HTTP1_BODY_LENGTH : HTTP1_BODY_UNTIL_CLOSE;
}
