/* SPDX-License-Identifier: Apache-2.0
 *
 * What batch_show wrote as JSON, for people. It is read back, so that a command shows the same
 * whether a daemon told it or the spool's file did.
 */
#include "weir/gate/batch_show.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

struct column {
    const char *title, *member;
    bool number;
};

static const struct column pool_columns[] = {
    {"POOL", "name", false},     {"CLIENT", "client", false},    {"MODEL", "model", false},
    {"KIND", "kind", false},     {"RECORDS", "records", true},   {"HELD", "held", true},
    {"OLDEST", "oldest", false}, {"DEADLINE", "deadline", false}};
static const struct column job_columns[] = {
    {"JOB", "name", false},         {"POOL", "pool", false},        {"CLIENT", "client", false},
    {"MODEL", "model", false},      {"STATE", "state", false},      {"STATUS", "status", false},
    {"RECORDS", "records", true},   {"ANSWERED", "answered", true}, {"WAITING", "waiting", true},
    {"DEADLINE", "deadline", false}};
enum { CELL_MOST = 96 };

/* Names come from clients. */
static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 127;
}

static void hide_controls(char *text)
{
    for (char *p = text; *p; p++)
        *p = is_control(*p) ? '?' : *p;
}

/* A time without its milliseconds; "-" for what is empty or null. */
static void cell(const cJSON *row, const struct column *c, char out[CELL_MOST])
{
    const cJSON *v = cJSON_GetObjectItem(row, c->member);
    if (cJSON_IsNumber(v))
        snprintf(out, CELL_MOST, "%.0f", v->valuedouble);
    else
        snprintf(out, CELL_MOST, "%s", cJSON_IsString(v) && *v->valuestring ? v->valuestring : "-");
    size_t n = strlen(out);
    if (n == 24 && out[19] == '.' && out[23] == 'Z')
        memcpy(out + 19, "Z", 2);
    hide_controls(out);
}

static void add_cell(const struct column *c, const char *text, size_t width, bool last,
                     struct buf *out)
{
    if (last)
        buf_addf(out, "%s\n", text);
    else
        buf_addf(out, c->number ? "%*s  " : "%-*s  ", (int)width, text);
}

static void add_table(const cJSON *rows, const struct column *columns, size_t n, struct buf *out)
{
    size_t widths[16];
    char text[CELL_MOST];
    const cJSON *row;
    if (cJSON_GetArraySize(rows) == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        widths[i] = strlen(columns[i].title);
        cJSON_ArrayForEach(row, rows)
        {
            cell(row, &columns[i], text);
            widths[i] = strlen(text) > widths[i] ? strlen(text) : widths[i];
        }
    }
    for (size_t i = 0; i < n; i++)
        add_cell(&columns[i], columns[i].title, widths[i], i == n - 1, out);
    cJSON_ArrayForEach(row, rows) for (size_t i = 0; i < n; i++)
    {
        cell(row, &columns[i], text);
        add_cell(&columns[i], text, widths[i], i == n - 1, out);
    }
    buf_add_char(out, '\n');
}

static double number(const cJSON *o, const char *member)
{
    const cJSON *v = cJSON_GetObjectItem(o, member);
    return cJSON_IsNumber(v) ? v->valuedouble : 0;
}

static void add_counts(const cJSON *top, struct buf *out)
{
    const cJSON *r = cJSON_GetObjectItem(top, "records");
    const cJSON *done = cJSON_GetObjectItem(top, "answered");
    buf_addf(out, "waiting: %.0f in pools, %.0f in jobs, %.0f go on demand; kept answers: %.0f",
             number(r, "pooled"), number(r, "in-job"), number(r, "direct"), number(r, "done"));
    if (number(top, "unclaimed") > 0)
        buf_addf(out, ", of which %.0f were never fetched ($%.6f)", number(top, "unclaimed"),
                 number(top, "unclaimed_usd"));
    buf_add_char(out, '\n');
    if (cJSON_IsObject(done))
        buf_addf(out,
                 "since the daemon began: %.0f answered by jobs, %.0f on demand, %.0f with an "
                 "error; saved $%.6f\n",
                 number(done, "batch"), number(done, "direct"), number(done, "error"),
                 number(done, "saved_usd"));
}

static const char *text_of(const cJSON *o, const char *member)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(o, member));
    return text ? text : "";
}

static void add_plain(const char *text, struct buf *out)
{
    for (; *text; text++)
        buf_add_char(out, is_control(*text) ? '?' : *text);
}

/* A line for each that is in trouble: "p7, since 2026-11-20T02:10:04Z: no job can be made ..." */
static void add_whys(const cJSON *rows, const char *name, struct buf *out)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        const char *why = text_of(row, "why"), *since = text_of(row, "since");
        if (!*why)
            continue;
        add_plain(text_of(row, name), out);
        if (*since)
            buf_addf(out, ", since %.19sZ", since);
        buf_add(out, S(": "));
        add_plain(why, out);
        if (*text_of(row, "next"))
            buf_addf(out, "; tried again at %.19sZ", text_of(row, "next"));
        buf_add_char(out, '\n');
    }
}

bool batch_show_table(struct str json, struct buf *out)
{
    cJSON *top = cJSON_ParseWithLength(json.ptr, json.len);
    const cJSON *pools = cJSON_GetObjectItem(top, "pools");
    const cJSON *jobs = cJSON_GetObjectItem(top, "jobs");
    bool good = cJSON_IsArray(pools) && cJSON_IsArray(jobs);
    if (good) {
        add_table(pools, pool_columns, sizeof pool_columns / sizeof *pool_columns, out);
        add_table(jobs, job_columns, sizeof job_columns / sizeof *job_columns, out);
        if (cJSON_IsTrue(cJSON_GetObjectItem(top, "more")))
            buf_add(out, S("and more, which are not shown\n"));
        add_counts(top, out);
        add_whys(jobs, "name", out);
        add_whys(cJSON_GetObjectItem(top, "troubles"), "about", out);
    }
    cJSON_Delete(top);
    return good;
}

static void add_field(const cJSON *v, struct buf *out)
{
    char text[300];
    if (cJSON_IsString(v))
        snprintf(text, sizeof text, "%s", v->valuestring);
    else if (cJSON_IsBool(v))
        snprintf(text, sizeof text, "%s", cJSON_IsTrue(v) ? "yes" : "no");
    else if (cJSON_IsNumber(v))
        snprintf(text, sizeof text, "%.10g", v->valuedouble);
    else
        return;
    hide_controls(text);
    if (*text)
        buf_addf(out, "%-14s %s\n", v->string, text);
}

bool batch_show_fields(struct str json, struct buf *out)
{
    cJSON *top = cJSON_ParseWithLength(json.ptr, json.len);
    bool good = cJSON_IsString(cJSON_GetObjectItem(top, "name"));
    const cJSON *v = good ? top->child : NULL;
    for (; v; v = v->next)
        add_field(v, out);
    cJSON_Delete(top);
    return good;
}
