/* SPDX-License-Identifier: Apache-2.0
 *
 * The door of fronts and servers: each call goes to the protocol behind it. Here is also what both
 * protocols say by themselves: the date, and the answer to a request that never reached the sink.
 */
#include "front_private.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"

#include <stdio.h>
#include <string.h>

void front_take_body(struct front *f, uint64_t max_bytes)
{
    f->kind->take_body(f, max_bytes);
}

void front_resume(struct front *f)
{
    f->kind->resume(f);
}

void front_answer(struct front *f, int status, const struct field *fields, size_t n_fields,
                  bool end)
{
    f->kind->answer(f, status, fields, n_fields, end);
}

void front_send(struct front *f, struct str bytes, bool end)
{
    f->kind->send(f, bytes, end);
}

bool front_half_closed(const struct front *f)
{
    return f->kind->half_closed(f);
}

size_t front_unsent(const struct front *f)
{
    return f->kind->unsent(f);
}

void front_abort(struct front *f)
{
    f->kind->abort(f);
}

void front_hold(struct front *f, bool on)
{
    f->kind->hold(f, on);
}

void front_refuse(struct front *f)
{
    f->kind->refuse(f);
}

void server_drain(struct server *s)
{
    s->kind->drain(s);
}

void server_free(struct server *s)
{
    if (s)
        s->kind->free(s);
}

bool front_bodyless(const struct front_request *r, int status)
{
    return status == 204 || status == 304 || str_eq(r->method, S("HEAD"));
}

struct str front_date(void)
{
    static _Thread_local int64_t second = -1;
    static _Thread_local char text[30];
    int64_t now = clock_wall_ms() / 1000;
    if (now != second) {
        text_http_date(now, text);
        second = now;
    }
    return (struct str){text, 29};
}

/* The names that the services of AWS use for these (Bedrock runtime's model, 2026-11). */
static struct str error_type(int status)
{
    if (status == 408)
        return S("RequestTimeoutException"); /* the client's, not the model's */
    if (status == 405 || status == 501)
        return S("UnknownOperationException");
    return S("ValidationException");
}

void front_fault_make(struct front_fault *f, int status, const char *sentence)
{
    struct buf quoted = {0};
    text_add_json(&quoted, str_of(sentence), 200);
    int n = snprintf(f->body, sizeof f->body, "{\"message\":\"%s\"}", buf_cstr(&quoted));
    buf_fini(&quoted);
    f->body_len = n < (int)sizeof f->body ? (size_t)n : sizeof f->body - 1;
    n = snprintf(f->length, sizeof f->length, "%zu", f->body_len);
    f->fields[0] = (struct field){S("content-type"), S("application/json")};
    f->fields[1] = (struct field){S("x-amzn-errortype"), error_type(status)};
    f->fields[2] = (struct field){S("content-length"), {f->length, (size_t)n}};
}
