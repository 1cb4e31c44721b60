/* SPDX-License-Identifier: Apache-2.0
 *
 * A list, looked through from its end: what comes belongs to what came just before.
 */
#include "metrics.h"

#include "weir/base/mem.h"

#include <string.h>

struct metric_sum {
    char *key;
    size_t key_len;
    uint64_t data; /* how many brought something to it */
    double samples, sum, least, most;
    char unit[24];
};

struct metric_sum *metrics_find(struct metrics *m, struct str key)
{
    for (size_t i = m->n; i-- > 0;)
        if (str_eq(str_from(m->sums[i].key, m->sums[i].key_len), key))
            return &m->sums[i];
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 64;
        m->sums = mem_grow(m->sums, m->cap * sizeof *m->sums);
    }
    struct metric_sum *s = &m->sums[m->n++];
    *s = (struct metric_sum){.key = mem_grow(NULL, key.len + 1), .key_len = key.len};
    memcpy(s->key, key.ptr, key.len);
    return s;
}

void metrics_add_value(struct metric_sum *s, double value, double times)
{
    s->least = s->samples == 0 || value < s->least ? value : s->least;
    s->most = s->samples == 0 || value > s->most ? value : s->most;
    s->samples += times;
    s->sum += value * times;
}

void metrics_add_datum(struct metric_sum *s, struct str unit)
{
    size_t n = unit.len < sizeof s->unit ? unit.len : sizeof s->unit - 1;
    s->data++;
    if (n)
        memcpy(s->unit, unit.ptr, n);
    s->unit[n] = 0;
}

void metrics_add_lines(const struct metrics *m, struct buf *out)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct metric_sum *s = &m->sums[i];
        buf_addf(out,
                 "{%.*s,\"unit\":\"%s\",\"data\":%llu,\"samples\":%.17g,\"sum\":%.17g,"
                 "\"least\":%.17g,\"most\":%.17g}\n",
                 (int)s->key_len, s->key, s->unit, (unsigned long long)s->data, s->samples, s->sum,
                 s->least, s->most);
    }
}

void metrics_reset(struct metrics *m)
{
    for (size_t i = 0; i < m->n; i++)
        mem_free(m->sums[i].key);
    mem_free(m->sums);
    *m = (struct metrics){0};
}
