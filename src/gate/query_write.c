/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers, piece by piece: a page of points is megabytes, and neither the loop nor the buffer shall
 * hold all of it at once. A stage is a place in the answer to which query_write comes back.
 */
#include "query.h"

#include "weir/base/mem.h"

#define XMLNS "http://monitoring.amazonaws.com/doc/2010-08-01/"

/* Errors of the service's model (CloudWatch, November 2026) and of its protocols. */
static const struct {
    struct str code, shape; /* in the query protocol; in JSON */
    int status;
} errors[QUERY_ERRORS] = {
    [QUERY_GOOD] = {STR(""), STR(""), 200},
    [QUERY_MISSING] = {STR("MissingParameter"), STR("MissingRequiredParameterException"), 400},
    [QUERY_BAD_VALUE] = {STR("InvalidParameterValue"), STR("InvalidParameterValueException"), 400},
    [QUERY_BAD_COMBINATION] = {STR("InvalidParameterCombination"),
                               STR("InvalidParameterCombinationException"), 400},
    [QUERY_BAD_TOKEN] = {STR("InvalidNextToken"), STR("InvalidNextToken"), 400},
    [QUERY_BAD_ACTION] = {STR("InvalidAction"), STR("UnknownOperationException"), 400},
    [QUERY_BAD_BODY] = {STR("MalformedInput"), STR("SerializationException"), 400},
    [QUERY_DENIED] = {STR("InvalidClientTokenId"), STR("UnrecognizedClientException"), 403},
    [QUERY_EXPIRED] = {STR("SignatureDoesNotMatch"), STR("InvalidSignatureException"), 403},
    [QUERY_BUSY] = {STR("Throttling"), STR("ThrottlingException"), 400},
    [QUERY_BROKEN] = {STR("InternalServiceError"), STR("InternalServiceFault"), 500},
};

struct str query_content_type(enum query_protocol protocol)
{
    return protocol == QUERY_XML ? S("text/xml") : S("application/x-amz-json-1.0");
}

int query_write_fault(const struct query_fault *f, enum query_protocol protocol,
                      struct str request_id, struct buf *out, struct str *out_code)
{
    struct query_out o;
    query_out_begin(&o, protocol, out);
    *out_code = errors[f->error].code;
    if (protocol == QUERY_XML) {
        buf_add(out, S("<ErrorResponse xmlns=\"" XMLNS "\">"));
        query_out_struct(&o, S("Error"));
        query_out_text(&o, S("Type"), errors[f->error].status < 500 ? S("Sender") : S("Receiver"));
        query_out_text(&o, S("Code"), errors[f->error].code);
        query_out_text(&o, S("Message"), str_of(f->sentence));
        query_out_close(&o);
        query_out_text(&o, S("RequestId"), request_id);
        buf_add(out, S("</ErrorResponse>\n"));
    } else {
        query_out_struct(&o, S(""));
        query_out_text(&o, S("__type"), errors[f->error].shape);
        query_out_text(&o, S("message"), str_of(f->sentence));
        query_out_close(&o);
        buf_add_char(out, '\n');
    }
    return errors[f->error].status;
}

/* --- the frame around an answer */

static void open_answer(struct query_writer *w)
{
    struct query_out *o = &w->out;
    struct str word = query_action_word(w->query->action);
    if (o->protocol == QUERY_JSON) {
        query_out_struct(o, S(""));
        return;
    }
    buf_addf(o->buf, "<%.*sResponse xmlns=\"" XMLNS "\"><%.*sResult>", STR_ARG(word),
             STR_ARG(word));
}

static void close_answer(struct query_writer *w)
{
    struct query_out *o = &w->out;
    struct str word = query_action_word(w->query->action);
    if (o->protocol == QUERY_JSON) {
        query_out_close(o);
        buf_add_char(o->buf, '\n');
        return;
    }
    buf_addf(o->buf, "</%.*sResult>", STR_ARG(word));
    query_out_struct(o, S("ResponseMetadata"));
    query_out_text(o, S("RequestId"), w->request_id);
    query_out_close(o);
    buf_addf(o->buf, "</%.*sResponse>\n", STR_ARG(word));
}

static bool full(const struct query_writer *w, size_t about)
{
    return buf_len(w->out.buf) >= about;
}

/* --- GetMetricData: an item after the other; the stages of one are its parts */

enum { ITEM_HEAD, ITEM_MINUTES, ITEM_VALUES, ITEM_END };

static const struct query_result *result_of(const struct query_writer *w)
{
    return query_run_result(w->run, w->item);
}

static void item_head(struct query_writer *w)
{
    const struct query_item *it = &w->query->items[w->item];
    query_out_struct(&w->out, S(""));
    query_out_text(&w->out, S("Id"), it->id);
    query_out_text(&w->out, S("Label"), it->label.len ? it->label : it->metric);
    query_out_list(&w->out, S("Timestamps"));
}

static void item_end(struct query_writer *w, bool more)
{
    query_out_close(&w->out);
    query_out_text(&w->out, S("StatusCode"), more ? S("PartialData") : S("Complete"));
    query_out_list(&w->out, S("Messages"));
    if (result_of(w)->unsaid) {
        query_out_struct(&w->out, S(""));
        query_out_text(&w->out, S("Code"), S("StatisticNotKept"));
        query_out_text(&w->out, S("Value"),
                       S("Weir keeps no range of this metric over several calls: ask for Sum, "
                         "Average or SampleCount."));
        query_out_close(&w->out);
    }
    query_out_close(&w->out);
    query_out_close(&w->out);
}

/* True: the points of this stage are all out. */
static bool item_points(struct query_writer *w, size_t about)
{
    const struct query_result *res = result_of(w);
    for (; w->point < res->n && !full(w, about); w->point++)
        if (w->stage == ITEM_MINUTES)
            query_out_minute(&w->out, S(""), res->minutes[w->point]);
        else
            query_out_number(&w->out, S(""), res->values[w->point]);
    if (w->point < res->n)
        return false;
    w->point = 0;
    return true;
}

static void item_step(struct query_writer *w, size_t about, bool more)
{
    switch (w->stage) {
    case ITEM_HEAD:
        item_head(w);
        break;
    case ITEM_MINUTES:
        if (!item_points(w, about))
            return;
        query_out_close(&w->out);
        query_out_list(&w->out, S("Values"));
        break;
    case ITEM_VALUES:
        if (!item_points(w, about))
            return;
        break;
    default:
        item_end(w, more);
        w->item++;
        w->stage = ITEM_HEAD;
        return;
    }
    w->stage++;
}

static bool write_data(struct query_writer *w, size_t about)
{
    struct buf token = {0};
    bool more = query_run_token(w->run, &token);
    while (w->item < w->query->n_items && !full(w, about)) {
        if (w->query->items[w->item].hidden)
            w->item++;
        else
            item_step(w, about, more);
    }
    bool done = w->item == w->query->n_items;
    if (done) {
        query_out_close(&w->out);
        if (more)
            query_out_text(&w->out, S("NextToken"), buf_str(&token));
        query_out_list(&w->out, S("Messages"));
        query_out_close(&w->out);
    }
    buf_fini(&token);
    return !done;
}

/* --- GetMetricStatistics: the items' points of a minute are one */

static bool next_minute(const struct query_writer *w, uint32_t *out)
{
    bool any = false;
    for (size_t i = 0; i < w->query->n_items; i++) {
        const struct query_result *res = query_run_result(w->run, i);
        if (w->cursors[i] < res->n && (!any || res->minutes[w->cursors[i]] < *out)) {
            *out = res->minutes[w->cursors[i]];
            any = true;
        }
    }
    return any;
}

static void write_statistics_of(struct query_writer *w, uint32_t minute, bool extended)
{
    for (size_t i = 0; i < w->query->n_items; i++) {
        const struct query_item *it = &w->query->items[i];
        const struct query_result *res = query_run_result(w->run, i);
        if ((it->stat.kind == QUERY_PERCENTILE) != extended || w->cursors[i] >= res->n ||
            res->minutes[w->cursors[i]] != minute)
            continue;
        double value = res->values[w->cursors[i]++];
        if (extended)
            query_out_entry(&w->out, it->stat.word, value);
        else
            query_out_number(&w->out, it->stat.word, value);
    }
}

static void write_datapoint(struct query_writer *w, uint32_t minute)
{
    const struct query_item *first = &w->query->items[0];
    query_out_struct(&w->out, S(""));
    query_out_minute(&w->out, S("Timestamp"), minute);
    write_statistics_of(w, minute, false);
    query_out_text(&w->out, S("Unit"), first->measure->unit);
    if (first->stat.kind == QUERY_PERCENTILE) {
        query_out_struct(&w->out, S("ExtendedStatistics"));
        write_statistics_of(w, minute, true);
        query_out_close(&w->out);
    }
    query_out_close(&w->out);
}

static bool write_statistics(struct query_writer *w, size_t about)
{
    uint32_t minute = 0;
    while (!full(w, about)) {
        if (!next_minute(w, &minute)) {
            query_out_close(&w->out);
            return false;
        }
        write_datapoint(w, minute);
    }
    return true;
}

/* --- ListMetrics */

static void write_metric(struct query_writer *w, const struct query_listed *m)
{
    const struct query *q = w->query;
    query_out_struct(&w->out, S(""));
    query_out_text(&w->out, S("Namespace"), q->namespace);
    query_out_text(&w->out, S("MetricName"), q->measure ? q->metric : m->measure->name);
    query_out_list(&w->out, S("Dimensions"));
    for (unsigned bit = 1; bit < QUERY_SUBSETS; bit <<= 1) {
        if (!(m->name->by & bit))
            continue;
        query_out_struct(&w->out, S(""));
        query_out_text(&w->out, S("Name"), query_dimension_name(bit));
        query_out_text(&w->out, S("Value"), query_dimension_value(&m->name->series, bit));
        query_out_close(&w->out);
    }
    query_out_close(&w->out);
    query_out_close(&w->out);
}

static void write_list_end(struct query_writer *w)
{
    struct buf token = {0};
    query_out_close(&w->out);
    if (query_list_token(w->list, &token))
        query_out_text(&w->out, S("NextToken"), buf_str(&token));
    buf_fini(&token);
    if (!w->query->accounts)
        return;
    query_out_list(&w->out, S("OwningAccounts"));
    for (size_t i = 0; i < w->item; i++)
        query_out_text(&w->out, S(""), S("000000000000"));
    query_out_close(&w->out);
}

static bool write_list(struct query_writer *w, size_t about)
{
    struct query_listed m;
    for (; !full(w, about); w->item++) {
        if (!query_list_at(w->list, w->item, &m)) {
            write_list_end(w);
            return false;
        }
        write_metric(w, &m);
    }
    return true;
}

/* --- all of it */

void query_write_begin(struct query_writer *w, struct buf *buf)
{
    query_out_begin(&w->out, w->query->protocol, buf);
    w->cursors = mem_new((w->query->n_items + 1) * sizeof *w->cursors);
    open_answer(w);
    switch (w->query->action) {
    case QUERY_METRIC_DATA:
        query_out_list(&w->out, S("MetricDataResults"));
        break;
    case QUERY_METRIC_STATISTICS:
        query_out_text(&w->out, S("Label"), w->query->items[0].metric);
        query_out_list(&w->out, S("Datapoints"));
        break;
    case QUERY_LIST_METRICS:
        query_out_list(&w->out, S("Metrics"));
        break;
    case QUERY_ACTIONS:
        break;
    }
}

bool query_write(struct query_writer *w, size_t about)
{
    bool more = w->query->action == QUERY_METRIC_DATA         ? write_data(w, about)
                : w->query->action == QUERY_METRIC_STATISTICS ? write_statistics(w, about)
                                                              : write_list(w, about);
    if (!more)
        close_answer(w);
    return more;
}

void query_write_fini(struct query_writer *w)
{
    mem_free(w->cursors);
    w->cursors = NULL;
}
