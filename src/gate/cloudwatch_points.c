/* SPDX-License-Identifier: Apache-2.0
 *
 * A point as data of PutMetricData: what was counted as values and how often each occurred, so that
 * sums, sample counts and percentiles come out of CloudWatch as they are in the book.
 */
#include "weir/gate/export_cloudwatch.h"

#include "weir/base/mem.h"

static void add_measure(struct cloudwatch_bodies *b, const struct cloudwatch_datum *like,
                        const struct point_values *v)
{
    struct buf text = {0};
    struct cloudwatch_value *values = mem_new(v->n * sizeof *values);
    size_t *ends = mem_new(v->n * sizeof *ends);
    for (size_t i = 0; i < v->n; i++) {
        point_add_number(&text, v->at[i].value, v->decimals);
        ends[i] = buf_len(&text);
    }
    for (size_t i = 0; i < v->n; i++) {
        size_t begin = i ? ends[i - 1] : 0;
        values[i] = (struct cloudwatch_value){str_sub(buf_str(&text), begin, ends[i] - begin),
                                              v->at[i].times};
    }
    struct cloudwatch_datum d = *like;
    d.values = values;
    d.n_values = v->n;
    cloudwatch_add(b, &d);
    mem_free(values);
    mem_free(ends);
    buf_fini(&text);
}

void export_cloudwatch_add(struct cloudwatch_bodies *b, const struct point *p, uint32_t minute)
{
    struct cloudwatch_dimension dimensions[3] = {{S("ModelId"), p->model}};
    size_t n = 1;
    if (p->client.ptr)
        dimensions[n++] = (struct cloudwatch_dimension){S("Client"), p->client};
    dimensions[n++] = (struct cloudwatch_dimension){S("Lane"), p->lane};
    struct point_values v = {0};
    for (size_t i = 0; i < MEASURES; i++) {
        const struct measure *m = measure_row((enum measure_id)i);
        const struct cloudwatch_datum d = {.name = m->name,
                                           .unit = m->unit,
                                           .dimensions = dimensions,
                                           .n_dimensions = n,
                                           .time_s = (int64_t)minute * 60};
        if (point_read(m, &p->sum, &v))
            add_measure(b, &d, &v);
    }
    point_values_fini(&v);
}
