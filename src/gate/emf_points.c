/* SPDX-License-Identifier: Apache-2.0
 *
 * A point as a line of embedded metric format. Sums stand as one number, so that CloudWatch's Sum
 * of them is the book's. Latencies are lists of at most 100, which is all that the format takes in
 * a line.
 */
#include "weir/gate/export_emf.h"

#include "weir/wire/json_out.h"

static void write_dimensions(struct json_out *o, const struct point *p)
{
    json_out_key(o, S("Dimensions"));
    json_out_array(o);
    json_out_array(o);
    json_out_string(o, S("ModelId"));
    if (p->client.ptr)
        json_out_string(o, S("Client"));
    json_out_string(o, S("Lane"));
    json_out_end(o);
    json_out_end(o);
}

static void write_metric(struct json_out *o, const struct measure *m)
{
    json_out_object(o);
    json_out_key(o, S("Name"));
    json_out_string(o, m->name);
    json_out_key(o, S("Unit"));
    json_out_string(o, m->unit);
    json_out_end(o);
}

static void write_directive(struct json_out *o, const struct point *p, struct str name_space,
                            const bool told[MEASURES])
{
    json_out_array(o);
    json_out_object(o);
    json_out_key(o, S("Namespace"));
    json_out_string(o, name_space);
    write_dimensions(o, p);
    json_out_key(o, S("Metrics"));
    json_out_array(o);
    for (size_t i = 0; i < MEASURES; i++)
        if (told[i])
            write_metric(o, measure_row((enum measure_id)i));
    json_out_end(o);
    json_out_end(o);
    json_out_end(o);
}

static void write_number(struct json_out *o, int64_t value, unsigned decimals)
{
    struct buf number = {0};
    point_add_number(&number, value, decimals);
    json_out_raw(o, buf_str(&number));
    buf_fini(&number);
}

/* The value that `rank` of them lie below. */
static int64_t value_at(const struct point_values *v, uint64_t rank)
{
    size_t i = 0;
    for (uint64_t below = v->at[0].times; below <= rank && i + 1 < v->n; below += v->at[i].times)
        i++;
    return v->at[i].value;
}

/* Evenly from the first to the last: when there are 100 or fewer that is each of them. */
static void write_list(struct json_out *o, const struct point_values *v, uint64_t times)
{
    uint64_t n = times < EMF_VALUES_MOST ? times : EMF_VALUES_MOST;
    json_out_array(o);
    for (uint64_t i = 0; i < n; i++)
        write_number(o, value_at(v, n > 1 ? i * (times - 1) / (n - 1) : 0), v->decimals);
    json_out_end(o);
}

static void write_values(struct json_out *o, const struct measure *m, const struct point_values *v)
{
    uint64_t times = 0;
    for (size_t i = 0; i < v->n; i++)
        times += v->at[i].times;
    json_out_key(o, m->name);
    if (m->kind == MEASURE_TIMES || m->kind == MEASURE_QUEUE)
        write_list(o, v, times);
    else
        write_number(o, point_sum(v), v->decimals);
}

static void write_members(struct json_out *o, const struct point *p, const bool told[MEASURES])
{
    struct point_values v = {0};
    json_out_key(o, S("ModelId"));
    json_out_string(o, p->model);
    if (p->client.ptr) {
        json_out_key(o, S("Client"));
        json_out_string(o, p->client);
    }
    json_out_key(o, S("Lane"));
    json_out_string(o, p->lane);
    for (size_t i = 0; i < MEASURES; i++)
        if (told[i] && point_read(measure_row((enum measure_id)i), &p->sum, &v))
            write_values(o, measure_row((enum measure_id)i), &v);
    point_values_fini(&v);
}

static bool find_told(const struct point *p, bool told[MEASURES])
{
    struct point_values v = {0};
    bool any = false;
    for (size_t i = 0; i < MEASURES; i++) {
        told[i] = point_read(measure_row((enum measure_id)i), &p->sum, &v);
        any = any || told[i];
    }
    point_values_fini(&v);
    return any;
}

void export_emf_line(const struct point *p, struct str name_space, uint32_t minute, struct buf *out)
{
    bool told[MEASURES];
    struct json_out o = {.buf = out};
    if (!find_told(p, told))
        return;
    json_out_object(&o);
    json_out_key(&o, S("_aws"));
    json_out_object(&o);
    json_out_key(&o, S("Timestamp"));
    json_out_u64(&o, (uint64_t)minute * 60000);
    json_out_key(&o, S("CloudWatchMetrics"));
    write_directive(&o, p, name_space, told);
    json_out_end(&o);
    write_members(&o, p, told);
    json_out_end(&o);
    buf_add_char(out, '\n');
}
