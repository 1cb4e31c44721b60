/* SPDX-License-Identifier: Apache-2.0
 *
 * Cells by number, and their bytes:
 *
 *     number:  0 .. 255 one for each value | 128 for [256, 512) | 128 for [512, 1024) | ...
 *     bytes:   cells | least most sum | run: gap, length, counts | run | ...
 *
 * A run is cells without a hole between them, so that a full histogram takes its counts and
 * nothing else. It cannot grow without end: there are CELLS of them (what lies beyond the last one
 * counts in it), and a count is written as at most COUNT_MOST, five bytes. So one histogram is at
 * most HISTOGRAM_BYTES_MOST.
 */
#include "weir/base/histogram.h"

#include "weir/base/mem.h"
#include "weir/base/varint.h"

#include <string.h>

enum { EXACT = 256, EXACT_BITS = 8, STEPS = 128, CELLS = HISTOGRAM_CELLS, CELLS_FIRST = 8 };
static const uint64_t COUNT_MOST = ((uint64_t)1 << 35) - 1;

__extension__ typedef unsigned __int128 wide;

static uint32_t index_of(uint64_t value)
{
    if (value < EXACT)
        return (uint32_t)value;
    unsigned doublings = 63 - (unsigned)__builtin_clzll(value) - EXACT_BITS;
    uint64_t index = EXACT + doublings * STEPS + (value >> (doublings + 1)) - STEPS;
    return index < CELLS ? (uint32_t)index : CELLS - 1;
}

uint64_t histogram_value(uint32_t index)
{
    if (index < EXACT)
        return index;
    uint32_t doublings = (index - EXACT) / STEPS;
    uint64_t first = (uint64_t)(STEPS + (index - EXACT) % STEPS) << (doublings + 1);
    return first + ((uint64_t)1 << doublings);
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t product_of(uint64_t a, uint64_t b)
{
    wide n = (wide)a * b;
    return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}

void histogram_fini(struct histogram *h)
{
    mem_free(h->cells);
    *h = (struct histogram){0};
}

static void make_room(struct histogram *h, size_t n)
{
    if (n <= h->cap)
        return;
    size_t cap = h->cap ? h->cap : CELLS_FIRST;
    while (cap < n)
        cap *= 2;
    h->cells = mem_grow(h->cells, cap * sizeof *h->cells);
    h->cap = cap;
}

/* The first cell at or above `index`, from `low` on; n when there is none. Between two cells are at
 * most as many others as numbers, and in a full histogram just as many: there it looks once. */
static size_t cell_at(const struct histogram *h, size_t low, uint32_t index)
{
    if (low == h->n || h->cells[low].index >= index)
        return low;
    size_t high = low + (index - h->cells[low].index);
    if (high < h->n && h->cells[high].index == index)
        return high;
    high = high < h->n ? high : h->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (h->cells[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void widen(struct histogram *h, uint64_t least, uint64_t most)
{
    if (h->count == 0 || least < h->least)
        h->least = least;
    if (h->count == 0 || most > h->most)
        h->most = most;
}

void histogram_add(struct histogram *h, uint64_t value, uint64_t times)
{
    if (times == 0)
        return;
    uint32_t index = index_of(value);
    size_t at = cell_at(h, 0, index);
    if (at == h->n || h->cells[at].index != index) {
        make_room(h, h->n + 1);
        memmove(h->cells + at + 1, h->cells + at, (h->n - at) * sizeof *h->cells);
        h->cells[at] = (struct histogram_cell){.index = index};
        h->n++;
    }
    h->cells[at].count = sum_of(h->cells[at].count, times);
    widen(h, value, value);
    h->count = sum_of(h->count, times);
    h->sum = sum_of(h->sum, product_of(value, times));
}

/* Counts into the cells that are there; returns how many are not. */
static size_t add_to_cells(struct histogram *h, const struct histogram *other)
{
    size_t missing = 0, at = 0;
    for (size_t i = 0; i < other->n; i++) {
        at = cell_at(h, at, other->cells[i].index);
        if (at < h->n && h->cells[at].index == other->cells[i].index)
            h->cells[at].count = sum_of(h->cells[at].count, other->cells[i].count);
        else
            missing++;
    }
    return missing;
}

/* From the last cell to the first, each at its new place, so that nothing is overwritten. */
static void add_cells(struct histogram *h, const struct histogram *other, size_t missing)
{
    make_room(h, h->n + missing);
    struct histogram_cell *from = h->cells + h->n, *to = from + missing;
    h->n += missing;
    for (size_t i = other->n; to > from; i--) {
        const struct histogram_cell *cell = &other->cells[i - 1];
        while (from > h->cells && from[-1].index > cell->index)
            *--to = *--from;
        if (from == h->cells || from[-1].index != cell->index)
            *--to = *cell;
    }
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
    if (other->count == 0)
        return;
    size_t missing = add_to_cells(h, other);
    if (missing)
        add_cells(h, other, missing);
    widen(h, other->least, other->most);
    h->count = sum_of(h->count, other->count);
    h->sum = sum_of(h->sum, other->sum);
}

uint64_t histogram_at(const struct histogram *h, unsigned permille)
{
    if (permille == 0 || h->count == 0)
        return h->least;
    if (permille >= 1000)
        return h->most;
    uint64_t rank = (uint64_t)(((wide)h->count * permille + 999) / 1000), seen = 0;
    size_t i = 0;
    while (i + 1 < h->n && (seen += h->cells[i].count) < rank)
        i++;
    uint64_t value = histogram_value(h->cells[i].index);
    if (value < h->least)
        return h->least;
    return value > h->most ? h->most : value;
}

uint64_t histogram_below(const struct histogram *h, uint64_t value)
{
    uint64_t n = 0;
    uint32_t index = index_of(value);
    for (size_t i = 0; i < h->n && h->cells[i].index <= index; i++)
        n = sum_of(n, h->cells[i].count);
    return n;
}

static char *write_run(char *at, const struct histogram_cell *cells, size_t n, uint32_t behind)
{
    at = varint_put(at, cells->index - behind);
    at = varint_put(at, n);
    for (size_t i = 0; i < n; i++)
        at = varint_put(at, cells[i].count < COUNT_MOST ? cells[i].count : COUNT_MOST);
    return at;
}

void histogram_write(const struct histogram *h, struct buf *out)
{
    char *begin = buf_reserve(out, (4 * VARINT_MOST) + h->n * 8);
    if (!begin)
        return;
    char *at = varint_put(begin, h->n);
    if (h->n) {
        at = varint_put(at, h->least);
        at = varint_put(at, h->most);
        at = varint_put(at, h->sum);
    }
    uint32_t behind = 0;
    for (size_t i = 0, n; i < h->n; i += n) {
        for (n = 1; i + n < h->n && h->cells[i + n].index == h->cells[i].index + n;)
            n++;
        at = write_run(at, h->cells + i, n, behind);
        behind = h->cells[i + n - 1].index + 1;
    }
    buf_commit(out, (size_t)(at - begin));
}

/* The cells of one run, up to `index`, the first one that no cell may have yet. */
static bool read_run(struct histogram *h, struct str *in, size_t cells, uint32_t *index)
{
    uint64_t gap, length, count;
    if (!varint_take(in, &gap) || !varint_take(in, &length) || gap >= CELLS || length == 0 ||
        length > cells - h->n || *index + gap + length > CELLS || (h->n && gap == 0))
        return false;
    *index += (uint32_t)gap;
    for (uint64_t i = 0; i < length; i++) {
        if (!varint_take(in, &count) || count == 0 || count > COUNT_MOST)
            return false;
        h->cells[h->n++] = (struct histogram_cell){(*index)++, count};
        h->count += count;
    }
    return true;
}

static bool read_all(struct histogram *h, struct str *in)
{
    uint64_t cells;
    uint32_t index = 0;
    if (!varint_take(in, &cells) || cells > CELLS)
        return false;
    if (cells == 0)
        return true;
    if (!varint_take(in, &h->least) || !varint_take(in, &h->most) || !varint_take(in, &h->sum))
        return false;
    make_room(h, cells);
    while (h->n < cells)
        if (!read_run(h, in, cells, &index))
            return false;
    return h->least <= h->most && index_of(h->least) == h->cells[0].index &&
           index_of(h->most) == h->cells[h->n - 1].index;
}

int histogram_read(struct histogram *h, struct str *in)
{
    struct str rest = *in;
    if (read_all(h, &rest)) {
        *in = rest;
        return ERR_OK;
    }
    histogram_fini(h);
    return ERR_BAD;
}
