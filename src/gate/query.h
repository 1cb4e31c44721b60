/* SPDX-License-Identifier: Apache-2.0
 *
 * Weir's book, asked for as one asks CloudWatch. A request comes in one of two protocols and goes
 * through these hands, none of which knows a socket:
 *
 *     body > query_tree (JSON or form, one shape) > query_read (checked: struct query)
 *          > query_run or query_list (which reports to make; their rows to points or names)
 *          > query_write (the answer, piece by piece, in the protocol it was asked in)
 *
 * back_query moves it from one to the next in slices of the office's time.
 */
#ifndef WEIR_SRC_GATE_QUERY_H
#define WEIR_SRC_GATE_QUERY_H

#include "weir/base/arena.h"
#include "weir/book/measure.h"
#include "weir/book/report.h"
#include "weir/wire/json_out.h"

#include <cjson/cJSON.h>

enum {
    QUERY_BODY_MOST = 1024 * 1024,
    /* CloudWatch's own, as its pages said in November 2026. */
    QUERY_ITEMS_MOST = 500,
    QUERY_POINTS_MOST = 100800,
    QUERY_STATISTICS_MOST = 1440,
    QUERY_DIMENSIONS_MOST = 30,
    QUERY_FILTERS_MOST = 10,
    QUERY_PAGE_METRICS = 500,
    /* The book keeps 13 months; nothing is looked for long before. */
    QUERY_REACH_MINUTES = 455 * 24 * 60
};

enum query_protocol { QUERY_JSON, QUERY_XML };
enum query_action { QUERY_METRIC_DATA, QUERY_METRIC_STATISTICS, QUERY_LIST_METRICS, QUERY_ACTIONS };
/* "GetMetricData", ... */
struct str query_action_word(enum query_action action);

enum query_error {
    QUERY_GOOD,
    QUERY_MISSING,         /* MissingParameter */
    QUERY_BAD_VALUE,       /* InvalidParameterValue */
    QUERY_BAD_COMBINATION, /* InvalidParameterCombination */
    QUERY_BAD_TOKEN,       /* InvalidNextToken */
    QUERY_BAD_ACTION,      /* InvalidAction */
    QUERY_BAD_BODY,        /* MalformedQueryString, or SerializationException */
    QUERY_DENIED,          /* InvalidClientTokenId */
    QUERY_EXPIRED,         /* SignatureDoesNotMatch: SDKs correct their clocks */
    QUERY_BUSY,            /* Throttling */
    QUERY_BROKEN,          /* InternalServiceError */
    QUERY_ERRORS
};
struct query_fault {
    enum query_error error;
    char sentence[512];
};
/* Notes the first fault only. */
void query_fail(struct query_fault *f, enum query_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- query_tree.c: the body as a tree. NULL with a fault. A form's names are cut at the dots, so
 * that a list of it is an object `member` with its elements in order. */
cJSON *query_tree_json(struct str body, struct query_fault *f);
cJSON *query_tree_form(struct str body, struct query_fault *f);

/* --- query_read.c */
enum query_stat_kind {
    QUERY_SAMPLES,
    QUERY_AVERAGE,
    QUERY_SUM,
    QUERY_LEAST,
    QUERY_MOST,
    QUERY_PERCENTILE
};
struct query_stat {
    enum query_stat_kind kind;
    unsigned permille;
    struct str word; /* as asked: "Sum", "p99.9" */
};

/* One metric with one statistic. */
struct query_item {
    struct str id, label; /* label empty: none was asked for */
    struct str namespace, metric;
    const struct measure *measure; /* NULL: there is no such metric, so no data */
    bool nothing;         /* no data for another reason: namespace, unit or dimension is not ours */
    unsigned by;          /* enum report_by: the dimensions asked for */
    struct series series; /* ... and their values */
    uint32_t period;      /* minutes */
    struct query_stat stat;
    bool hidden; /* ReturnData: false */
};

/* A dimension that a listed metric must have; with value.ptr NULL, whatever its value. */
struct query_filter {
    unsigned by;
    struct str value;
};

struct query {
    struct arena arena; /* owns every str */
    enum query_protocol protocol;
    enum query_action action;

    /* GetMetricData; GetMetricStatistics is an item for each statistic. */
    struct query_item *items;
    size_t n_items;
    uint32_t from, until;    /* minutes since 1970, until not included */
    uint32_t oldest, newest; /* the book has nothing before the one, nor from the other on */
    bool ascending;
    uint32_t most_points;
    bool resumes; /* behind NextToken: at this point */
    uint32_t resume_minute;
    unsigned resume_item;

    /* ListMetrics, which has from and until, too. */
    struct str namespace; /* that the metrics are listed under */
    const struct measure *measure;
    struct str metric; /* the name by which it was asked for, when there is a measure */
    struct query_filter filters[QUERY_FILTERS_MOST];
    size_t n_filters;
    bool nothing;
    bool accounts; /* IncludeLinkedAccounts */
    uint32_t skip; /* behind NextToken: so many metrics */
};

struct query_env {
    int64_t now_ms;
    struct str namespace; /* the configured one, or empty */
};

/* False with a fault. `q` is zero before, and needs query_fini in any case. */
bool query_read(struct query *q, enum query_action action, const cJSON *tree,
                const struct query_env *env, struct query_fault *f);
bool query_action_of(struct str word, enum query_action *out);
void query_fini(struct query *q);

/* The dimensions: a name for each bit of enum report_by, "" for none. */
struct str query_dimension_name(unsigned by);
/* The value of that dimension in a series. */
struct str query_dimension_value(const struct series *s, unsigned by);
enum { QUERY_DIMENSIONS = 4, QUERY_SUBSETS = 1 << QUERY_DIMENSIONS };

/* --- query_run.c: points. The machine says which report it wants, is given its rows, and so on
 * until it wants no more. */
struct query_result {
    uint32_t *minutes;
    double *values;
    size_t n, cap;
    bool unsaid; /* there was data, but the statistic cannot be told of it */
};
struct query_run;
struct query_run *query_run_new(const struct query *q);
void query_run_free(struct query_run *r);
bool query_run_next(struct query_run *r, struct report_query *out);
/* First the span that the report is of, which may be longer than what was asked for; then its rows.
 */
void query_run_span(struct query_run *r, uint32_t from, uint32_t until);
void query_run_row(struct query_run *r, const struct report_row *row);
/* That was the whole report. */
void query_run_taken(struct query_run *r, size_t n_rows);
/* The report had too many rows. False: less cannot be asked for. */
bool query_run_shrink(struct query_run *r);
const struct query_result *query_run_result(const struct query_run *r, size_t item);
/* There is more, behind this token. */
bool query_run_token(const struct query_run *r, struct buf *out);

/* --- query_list.c: names, in the same way. */
struct query_name {
    struct series series; /* in the list's own arena */
    unsigned by;
    unsigned measures; /* bit of each measure that has a sample */
};
struct query_list;
struct query_list *query_list_new(const struct query *q);
void query_list_free(struct query_list *l);
bool query_list_next(struct query_list *l, struct report_query *out);
void query_list_row(struct query_list *l, const struct report_row *row);
/* The i-th name of the page and which measure of it; false behind the last. */
struct query_listed {
    const struct query_name *name;
    const struct measure *measure;
};
void query_list_close(struct query_list *l); /* no more rows: makes the page */
bool query_list_at(const struct query_list *l, size_t i, struct query_listed *out);
bool query_list_token(const struct query_list *l, struct buf *out);

/* --- query_out.c: one way to write both protocols. */
struct query_out {
    struct buf *buf; /* borrowed */
    enum query_protocol protocol;
    struct json_out json;
    struct str open[12]; /* XML: the names of what is open */
    unsigned depth;
};
void query_out_begin(struct query_out *o, enum query_protocol protocol, struct buf *buf);
/* An empty name stands for an element of a list. */
void query_out_struct(struct query_out *o, struct str name);
void query_out_list(struct query_out *o, struct str name);
void query_out_close(struct query_out *o);
void query_out_text(struct query_out *o, struct str name, struct str value);
void query_out_number(struct query_out *o, struct str name, double value);
void query_out_minute(struct query_out *o, struct str name, uint32_t minute);
/* An entry of a map from text to number; the map itself is a struct. */
void query_out_entry(struct query_out *o, struct str key, double value);

/* --- query_write.c */
struct query_writer {
    struct query_out out;
    const struct query *query;
    const struct query_run *run;
    const struct query_list *list;
    struct str request_id; /* borrowed */
    unsigned stage;
    size_t item, point;
    size_t *cursors; /* GetMetricStatistics: in each item */
};
void query_write_begin(struct query_writer *w, struct buf *buf);
/* Appends some pieces, until the buf holds about `about` bytes. False: that was the last. */
bool query_write(struct query_writer *w, size_t about);
void query_write_fini(struct query_writer *w);

/* The whole answer to a fault; its status. `out_code` is what goes into x-amzn-query-error. */
int query_write_fault(const struct query_fault *f, enum query_protocol protocol,
                      struct str request_id, struct buf *out, struct str *out_code);
struct str query_content_type(enum query_protocol protocol);

#endif
