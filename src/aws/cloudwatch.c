/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies are written as text at once: a datum is written, and when it does not fit any more it
 * begins the next body. The wire form is what botocore picks (service model of 2010-08-01:
 * awsJson 1.0, with x-amzn-query-mode so that errors have their old names).
 */
#include "weir/aws/cloudwatch.h"

#include "weir/base/mem.h"
#include "weir/wire/aws_error.h"
#include "weir/wire/gzip.h"
#include "weir/wire/json_out.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_MOST_BYTES = 64 * 1024 };

/* --- bodies */

static void write_dimensions(struct json_out *o, const struct cloudwatch_datum *d)
{
    json_out_key(o, S("Dimensions"));
    json_out_array(o);
    for (size_t i = 0; i < d->n_dimensions; i++) {
        json_out_object(o);
        json_out_key(o, S("Name"));
        json_out_string(o, d->dimensions[i].name);
        json_out_key(o, S("Value"));
        json_out_string(o, d->dimensions[i].value);
        json_out_end(o);
    }
    json_out_end(o);
}

static void write_values(struct json_out *o, const struct cloudwatch_value *v, size_t n)
{
    json_out_key(o, S("Values"));
    json_out_array(o);
    for (size_t i = 0; i < n; i++)
        json_out_raw(o, v[i].number);
    json_out_end(o);
    json_out_key(o, S("Counts"));
    json_out_array(o);
    for (size_t i = 0; i < n; i++)
        json_out_u64(o, v[i].times);
    json_out_end(o);
}

static void write_datum(const struct cloudwatch_datum *d, const struct cloudwatch_value *v,
                        size_t n, struct buf *out)
{
    struct json_out o = {.buf = out};
    json_out_object(&o);
    json_out_key(&o, S("MetricName"));
    json_out_string(&o, d->name);
    write_dimensions(&o, d);
    json_out_key(&o, S("Timestamp"));
    json_out_i64(&o, d->time_s);
    if (n == 1 && v->times == 1) {
        json_out_key(&o, S("Value"));
        json_out_raw(&o, v->number);
    } else {
        write_values(&o, v, n);
    }
    json_out_key(&o, S("Unit"));
    json_out_string(&o, d->unit);
    json_out_end(&o);
}

static size_t begin_of_open(const struct cloudwatch_bodies *b)
{
    return b->n ? b->ends[b->n - 1] : 0;
}

static void add_text(struct cloudwatch_bodies *b, struct str datum)
{
    size_t len = buf_len(&b->text) - begin_of_open(b);
    if (b->data == CLOUDWATCH_DATA_MOST || (b->data && len + datum.len + 3 > CLOUDWATCH_BODY_MOST))
        cloudwatch_end(b);
    if (b->data == 0) {
        struct json_out o = {.buf = &b->text};
        buf_add(&b->text, S("{\"Namespace\":"));
        json_out_string(&o, b->name_space);
        buf_add(&b->text, S(",\"MetricData\":["));
    } else {
        buf_add_char(&b->text, ',');
    }
    buf_add(&b->text, datum);
    b->data++;
}

void cloudwatch_add(struct cloudwatch_bodies *b, const struct cloudwatch_datum *d)
{
    struct buf datum = {0};
    for (size_t i = 0; i < d->n_values; i += CLOUDWATCH_VALUES_MOST) {
        size_t left = d->n_values - i;
        buf_clear(&datum);
        write_datum(d, d->values + i, left < CLOUDWATCH_VALUES_MOST ? left : CLOUDWATCH_VALUES_MOST,
                    &datum);
        add_text(b, buf_str(&datum));
    }
    buf_fini(&datum);
}

void cloudwatch_end(struct cloudwatch_bodies *b)
{
    if (b->data == 0)
        return;
    buf_add(&b->text, S("]}"));
    if (b->n == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 4;
        b->ends = mem_grow(b->ends, b->cap * sizeof *b->ends);
    }
    b->ends[b->n++] = buf_len(&b->text);
    b->data = 0;
}

struct str cloudwatch_body(const struct cloudwatch_bodies *b, size_t i)
{
    size_t begin = i ? b->ends[i - 1] : 0;
    return str_sub(buf_str(&b->text), begin, b->ends[i] - begin);
}

void cloudwatch_fini(struct cloudwatch_bodies *b)
{
    buf_fini(&b->text);
    mem_free(b->ends);
    *b = (struct cloudwatch_bodies){0};
}

/* --- the answer */

/* What is wrong with the data, and not with the moment or with who asks. */
static bool is_hopeless(int status, struct str code)
{
    static const struct str words[] = {
        STR("InvalidParameter"), STR("MissingParameter"), STR("MissingRequiredParameter"),
        STR("Validation"),       STR("InvalidFormat"),    STR("Serialization"),
        STR("Malformed")};
    if (status == 413)
        return true;
    for (size_t i = 0; status == 400 && i < sizeof words / sizeof *words; i++)
        if (str_starts(code, words[i]))
            return true;
    return false;
}

enum cloudwatch_fate cloudwatch_judge(const struct fetch_answer *a, char *why, size_t why_size)
{
    if (a->status >= 200 && a->status < 300)
        return CLOUDWATCH_TAKEN;
    if (a->status == 0) {
        bool unsent = a->end == ORIGIN_UNSENT || a->end == ORIGIN_UNREACHABLE;
        snprintf(why, why_size, "%s", a->why);
        return unsent ? CLOUDWATCH_REFUSED : CLOUDWATCH_UNKNOWN;
    }
    struct str code = aws_error_type(a->fields, a->body);
    snprintf(why, why_size, "status %d%s%.*s", a->status, code.len ? " " : "", STR_ARG(code));
    return is_hopeless(a->status, code) ? CLOUDWATCH_HOPELESS : CLOUDWATCH_REFUSED;
}

/* --- the call */

struct cloudwatch_call {
    struct buf packed;
    struct str body;
    struct fetch *fetch;
    void (*done)(void *arg, const struct fetch_answer *a);
    void *arg;
};

static void release(struct cloudwatch_call *c)
{
    buf_fini(&c->packed);
    mem_free(c);
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct cloudwatch_call *c = arg;
    c->done(c->arg, a);
    release(c);
}

struct cloudwatch_call *cloudwatch_put(struct loop *l, struct aws_signer *s,
                                       const struct aws_target *t, struct creds *creds,
                                       struct str body, int64_t whole_ms,
                                       void (*done)(void *arg, const struct fetch_answer *a),
                                       void *arg)
{
    static const struct field fields[] = {
        {STR("content-type"), STR("application/x-amz-json-1.0")},
        {STR("content-encoding"), STR("gzip")},
        {STR("x-amz-target"), STR("GraniteServiceVersion20100801.PutMetricData")},
        {STR("x-amzn-query-mode"), STR("true")}};
    const struct fetch_limits limits = {ANSWER_MOST_BYTES, whole_ms};
    struct cloudwatch_call *c = mem_new(sizeof *c);
    gzip_add(&c->packed, body);
    c->body = buf_str(&c->packed);
    c->done = done;
    c->arg = arg;
    const struct aws_request r = {.method = S("POST"),
                                  .target = S("/"),
                                  .fields = fields,
                                  .n_fields = sizeof fields / sizeof *fields,
                                  .body = &c->body,
                                  .n_body = 1};
    c->fetch = fetch_start(l, s, t, creds, &r, &limits, on_answer, c);
    return c;
}

void cloudwatch_drop(struct cloudwatch_call *c)
{
    if (!c)
        return;
    fetch_drop(c->fetch);
    release(c);
}
