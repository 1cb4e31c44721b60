/* SPDX-License-Identifier: Apache-2.0
 *
 * A learner as bytes: form, checksum, the weights that differ from new ones, then the numbers that
 * fade. Labels are not kept: what was being waited for is asked again at the next visit. Rows are
 * of one machine; whoever changes what a place means gives the next form.
 */
#include "cache_learn.h"
#include "weir/base/digest.h"

#include <math.h>
#include <string.h>

static const uint16_t form = 0x4c01;

struct row_weight {
    uint16_t at, spare;
    float weight, heat;
};

struct row_rest {
    struct ledger ledger;
    struct chance second;
    float seconds, ends[ENDS_MOST];
};

enum { HEAD = sizeof form + sizeof(uint32_t) };

static struct str bytes_of(const void *p, size_t len)
{
    return str_from(p, len);
}

void cache_learner_write(const struct cache_learner *l, struct buf *out)
{
    struct row_rest rest = {.ledger = l->ledger, .second = l->second, .seconds = l->seconds};
    memcpy(rest.ends, l->ends, sizeof rest.ends);
    rest.ledger.in_flight = 0;
    rest.ledger.first_out = 0;
    uint32_t crc = crc32_add(0, bytes_of(&rest, sizeof rest));
    for (size_t i = 0; i < CHANCE_PLACES; i++) {
        struct row_weight w = {(uint16_t)i, 0, l->weights.weight[i], l->weights.heat[i]};
        if (w.weight != 0)
            crc = crc32_add(crc, bytes_of(&w, sizeof w));
    }
    buf_add(out, bytes_of(&form, sizeof form));
    buf_add(out, bytes_of(&crc, sizeof crc));
    buf_add(out, bytes_of(&rest, sizeof rest));
    for (size_t i = 0; i < CHANCE_PLACES; i++) {
        struct row_weight w = {(uint16_t)i, 0, l->weights.weight[i], l->weights.heat[i]};
        if (w.weight != 0)
            buf_add(out, bytes_of(&w, sizeof w));
    }
}

static bool is_good(const struct row_weight *w)
{
    return w->at < CHANCE_PLACES && isfinite(w->weight) && isfinite(w->heat) && w->heat > 0;
}

static int read_rest(struct cache_learner *l, struct str bytes)
{
    struct row_rest rest;
    memcpy(&rest, bytes.ptr, sizeof rest);
    l->ledger = rest.ledger;
    l->second = rest.second;
    l->seconds = rest.seconds;
    memcpy(l->ends, rest.ends, sizeof rest.ends);
    const struct ledger *g = &l->ledger;
    const float numbers[] = {g->mean,          g->balance,        g->in_flight,    g->due,
                             g->repaid,        g->first_due,      g->first_repaid, g->expected[0],
                             g->expected[1],   g->had[0],         g->had[1],       g->first_out,
                             g->first_usual,   g->firsts_now,     g->firsts,       g->when[0],
                             g->when[1],       g->when[2],        g->when[3],      rest.second.soon,
                             rest.second.half, rest.second.later, rest.seconds};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!isfinite(numbers[i]))
            return ERR_BAD;
    for (size_t i = 0; i < ENDS_MOST; i++)
        if (!isfinite(l->ends[i]) || l->ends[i] < 0)
            return ERR_BAD;
    return 0;
}

static int read_row(struct cache_learner *l, struct str bytes)
{
    uint32_t crc;
    if (bytes.len < HEAD + sizeof(struct row_rest) || memcmp(bytes.ptr, &form, sizeof form) != 0)
        return ERR_BAD;
    memcpy(&crc, bytes.ptr + sizeof form, sizeof crc);
    bytes = str_from_offset(bytes, HEAD);
    if (crc32_add(0, bytes) != crc || read_rest(l, bytes))
        return ERR_BAD;
    bytes = str_from_offset(bytes, sizeof(struct row_rest));
    for (; bytes.len >= sizeof(struct row_weight);
         bytes = str_from_offset(bytes, sizeof(struct row_weight))) {
        struct row_weight w;
        memcpy(&w, bytes.ptr, sizeof w);
        if (!is_good(&w))
            return ERR_BAD;
        l->weights.weight[w.at] = w.weight;
        l->weights.heat[w.at] = w.heat;
    }
    return bytes.len ? ERR_BAD : 0;
}

int cache_learner_read(struct cache_learner *l, struct str bytes)
{
    int err = read_row(l, bytes);
    if (err)
        cache_learner_init(l);
    return err;
}
