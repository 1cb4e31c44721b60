/* SPDX-License-Identifier: Apache-2.0
 *
 * One way to write an answer, two protocols. What is a member in JSON is an element in XML; what is
 * an element of a list is `member` there; a map's entry has `key` and `value`. Times are seconds
 * since 1970 in JSON, ISO 8601 in XML.
 */
#include "query.h"

#include "weir/base/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void query_out_begin(struct query_out *o, enum query_protocol protocol, struct buf *buf)
{
    *o = (struct query_out){.buf = buf, .protocol = protocol, .json = {.buf = buf}};
}

static struct str tag(struct str name)
{
    return name.len ? name : S("member");
}

static void open_tag(struct query_out *o, struct str name)
{
    buf_add_char(o->buf, '<');
    buf_add(o->buf, tag(name));
    buf_add_char(o->buf, '>');
}

static void close_tag(struct query_out *o, struct str name)
{
    buf_add(o->buf, S("</"));
    buf_add(o->buf, tag(name));
    buf_add_char(o->buf, '>');
}

static void open_element(struct query_out *o, struct str name)
{
    assert(o->depth < sizeof o->open / sizeof *o->open);
    o->open[o->depth++] = name;
    open_tag(o, name);
}

static void leaf(struct query_out *o, struct str name, struct str text)
{
    open_tag(o, name);
    text_add_xml(o->buf, text);
    close_tag(o, name);
}

static void key(struct query_out *o, struct str name)
{
    if (name.len)
        json_out_key(&o->json, name);
}

void query_out_struct(struct query_out *o, struct str name)
{
    if (o->protocol == QUERY_XML) {
        open_element(o, name);
        return;
    }
    key(o, name);
    json_out_object(&o->json);
}

void query_out_list(struct query_out *o, struct str name)
{
    if (o->protocol == QUERY_XML) {
        open_element(o, name);
        return;
    }
    key(o, name);
    json_out_array(&o->json);
}

void query_out_close(struct query_out *o)
{
    if (o->protocol == QUERY_XML)
        close_tag(o, o->open[--o->depth]);
    else
        json_out_end(&o->json);
}

void query_out_text(struct query_out *o, struct str name, struct str value)
{
    if (o->protocol == QUERY_XML) {
        leaf(o, name, value);
        return;
    }
    key(o, name);
    json_out_string(&o->json, value);
}

/* The shortest that reads as the same number. */
static struct str number(double value, char out[40])
{
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(out, 40, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return str_from(out, (size_t)n);
}

void query_out_number(struct query_out *o, struct str name, double value)
{
    char text[40];
    struct str digits = number(value, text);
    if (o->protocol == QUERY_XML) {
        leaf(o, name, digits);
        return;
    }
    key(o, name);
    json_out_raw(&o->json, digits);
}

void query_out_minute(struct query_out *o, struct str name, uint32_t minute)
{
    char iso[21];
    if (o->protocol == QUERY_XML) {
        text_iso_time((int64_t)minute * 60, iso);
        leaf(o, name, str_of(iso));
        return;
    }
    key(o, name);
    json_out_u64(&o->json, (uint64_t)minute * 60);
}

void query_out_entry(struct query_out *o, struct str name, double value)
{
    if (o->protocol == QUERY_JSON) {
        query_out_number(o, name, value);
        return;
    }
    open_tag(o, S("entry"));
    leaf(o, S("key"), name);
    query_out_number(o, S("value"), value);
    close_tag(o, S("entry"));
}
