/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever is sent to the query endpoint, as JSON or as a form: it is refused with a sentence, or
 * what comes out of it can be run over a book of one row and is told as one JSON value or as XML
 * whose tags fit. The first byte chooses protocol and operation.
 */
#include "../../src/gate/query.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { REPORTS_MOST = 200, NOW = 29878560 };

static struct report_row make_row(uint32_t minute)
{
    struct report_row row = {.minute = minute, .series = {STR("c"), STR("w"), STR("m"), LANE_FLEX}};
    row.sum.counts[ROLLUP_INVOCATIONS] = 2;
    row.sum.usage.tokens[TOKEN_INPUT] = 3;
    return row;
}

static void run(const struct query *q, struct query_run *r)
{
    struct report_query rq;
    for (int i = 0; i < REPORTS_MOST && query_run_next(r, &rq); i++) {
        assert(rq.from < rq.until && rq.until <= q->until);
        assert(!rq.period || rq.from % rq.period == 0);
        struct report_row row = make_row(rq.period ? rq.from : 0);
        query_run_span(r, rq.from, rq.until);
        query_run_row(r, &row);
        query_run_taken(r, 1);
    }
}

static void list(struct query_list *l)
{
    struct report_query rq;
    for (int i = 0; i < REPORTS_MOST && query_list_next(l, &rq); i++) {
        struct report_row row = make_row(0);
        assert(rq.from < rq.until);
        query_list_row(l, &row);
    }
    query_list_close(l);
}

/* Every tag is closed by its own name. */
static void check_xml(struct str xml)
{
    struct str open[16];
    size_t depth = 0;
    for (ptrdiff_t at; (at = str_chr(xml, '<')) >= 0;) {
        xml = str_from_offset(xml, (size_t)at + 1);
        struct str tag = str_sub(xml, 0, (size_t)str_chr(xml, '>'));
        bool closes = str_starts(tag, S("/"));
        struct str name = closes ? str_from_offset(tag, 1) : str_cut(&tag, ' ');
        if (closes)
            assert(depth > 0 && str_eq(open[--depth], name));
        else
            open[depth++] = name;
        assert(depth < 16);
    }
    assert(depth == 0);
}

static void check_json(struct str json)
{
    cJSON *tree = cJSON_ParseWithLength(json.ptr, json.len);
    assert(cJSON_IsObject(tree));
    cJSON_Delete(tree);
}

static void check(const struct query *q, struct str text)
{
    if (q->protocol == QUERY_XML)
        check_xml(text);
    else
        check_json(text);
}

static void answer(const struct query *q)
{
    struct buf b = {0};
    struct query_writer w = {.query = q, .request_id = STR("id")};
    struct query_run *r = q->action == QUERY_LIST_METRICS ? NULL : query_run_new(q);
    struct query_list *l = r ? NULL : query_list_new(q);
    if (r)
        run(q, r);
    else
        list(l);
    w.run = r;
    w.list = l;
    query_write_begin(&w, &b);
    for (size_t about = 100; query_write(&w, about); about += 100)
        ;
    check(q, buf_str(&b));
    query_write_fini(&w);
    query_run_free(r);
    query_list_free(l);
    buf_fini(&b);
}

static void refuse(const struct query *q, const struct query_fault *f)
{
    struct buf b = {0};
    struct str code;
    assert(f->error && f->sentence[0]);
    assert(query_write_fault(f, q->protocol, S("id"), &b, &code) >= 400 && code.len);
    check(q, buf_str(&b));
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct query_env env = {.now_ms = (int64_t)NOW * 60000, .namespace = STR("Mine")};
    struct query q = {.protocol = n && bytes[0] & 1 ? QUERY_XML : QUERY_JSON};
    struct query_fault f = {0};
    struct str body = str_from_offset(str_from((const char *)bytes, n), 1);
    cJSON *tree = q.protocol == QUERY_XML ? query_tree_form(body, &f) : query_tree_json(body, &f);
    enum query_action action = (enum query_action)(n ? (bytes[0] >> 1) % QUERY_ACTIONS : 0);
    if (tree && query_read(&q, action, tree, &env, &f))
        answer(&q);
    else
        refuse(&q, &f);
    cJSON_Delete(tree);
    query_fini(&q);
    return 0;
}
