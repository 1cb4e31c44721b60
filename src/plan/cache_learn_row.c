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

/* Far beyond what comes of learning, far below what a float holds. */
static bool is_sane(float f)
{
    return isfinite(f) && fabsf(f) < 1e12F;
}

static bool is_good(const struct row_weight *w)
{
    return w->at < CHANCE_PLACES && is_sane(w->weight) && fabsf(w->weight) < 1e3F &&
           is_sane(w->heat) && w->heat > 1e-6F;
}

static bool is_chance(float f)
{
    return f >= 0 && f <= 1;
}

static bool all_sane(const float *f, size_t n, float least)
{
    for (size_t i = 0; i < n; i++)
        if (!is_sane(f[i]) || f[i] < least)
            return false;
    return true;
}

static int read_rest(struct cache_learner *l, struct str bytes)
{
    struct row_rest r;
    memcpy(&r, bytes.ptr, sizeof r);
    const struct ledger *g = &r.ledger;
    const float numbers[] = {g->mean,      g->in_flight,    g->due,         g->repaid,
                             g->first_due, g->first_repaid, g->first_out,   g->first_usual,
                             g->firsts,    g->firsts_now,   g->expected[0], g->expected[1],
                             g->had[0],    g->had[1]};
    if (!all_sane(numbers, sizeof numbers / sizeof *numbers, 0) || !is_sane(g->balance) ||
        !all_sane(g->when, CHANCE_SOON, 0) || !all_sane(r.ends, ENDS_MOST, 0) ||
        !is_chance(r.second.soon) || !is_chance(r.second.half) || !is_chance(r.second.later) ||
        !(r.seconds >= 0 && r.seconds < 1e3F))
        return ERR_BAD;
    l->ledger = r.ledger;
    l->second = r.second;
    l->seconds = r.seconds;
    memcpy(l->ends, r.ends, sizeof r.ends);
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
