/* SPDX-License-Identifier: Apache-2.0
 *
 * Text side by side in a terminal. Widths are those of its cells, not of bytes: letters of East
 * Asia take two, marks that stand on others none. A name that finds no room keeps its two ends.
 */
#include "report_grid.h"

#include "weir/base/mem.h"

enum { GAP = 2, NAME_GOOD = 32, NAME_LEAST = 12 };

void grid_fini(struct grid *g)
{
    mem_free(g->cells);
    buf_fini(&g->text);
    *g = (struct grid){0};
}

/* It is what was added to text since the last one. */
void grid_end_cell(struct grid *g)
{
    size_t at = g->n ? g->cells[g->n - 1].at + g->cells[g->n - 1].len : 0;
    if (g->n == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 256;
        g->cells = mem_grow(g->cells, g->cap * sizeof *g->cells);
    }
    g->cells[g->n++] = (struct grid_cell){at, buf_len(&g->text) - at};
}

/* --- widths */

/* Unicode 15, EastAsianWidth.txt: W and F, neighbours in one row; and its marks of width 0. */
static const struct {
    uint32_t from, until;
    unsigned width;
} odd[] = {
    {0x300, 0x36f, 0},     {0x1100, 0x115f, 2},   {0x1ab0, 0x1aff, 0},   {0x1dc0, 0x1dff, 0},
    {0x20d0, 0x20ff, 0},   {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},   {0xa960, 0xa97f, 2},
    {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},
    {0xfe30, 0xfe6f, 2},   {0xff01, 0xff60, 2},   {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2},
    {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2},
};

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The letter at the beginning, which is UTF-8 for certain; its bytes. */
static size_t letter(struct str s, size_t *out_width)
{
    size_t n = 1;
    unsigned char first = (unsigned char)s.ptr[0];
    uint32_t code = first < 0x80   ? first
                    : first < 0xe0 ? first & 0x1fu
                    : first < 0xf0 ? first & 0xfu
                                   : first & 7u;
    for (; n < s.len && continues(s.ptr[n]); n++)
        code = code << 6 | ((unsigned char)s.ptr[n] & 0x3fu);
    *out_width = 1;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (code >= odd[i].from && code <= odd[i].until)
            *out_width = odd[i].width;
    return n;
}

/* Of the letters at the beginning that take up to `most` cells; their bytes. */
static size_t take(struct str s, size_t most, size_t *out_width)
{
    size_t at = 0, width = 0, one;
    while (at < s.len) {
        size_t n = letter(str_from_offset(s, at), &one);
        if (width + one > most)
            break;
        width += one;
        at += n;
    }
    *out_width = width;
    return at;
}

static size_t width_of(struct str s)
{
    size_t width;
    (void)take(s, SIZE_MAX, &width);
    return width;
}

static struct str cell_text(const struct grid *g, size_t row, size_t column)
{
    const struct grid_cell *c = &g->cells[row * g->n_columns + column];
    return str_sub(buf_str(&g->text), c->at, c->len);
}

/* As much of its end as takes up to `most`. */
static struct str tail_of(struct str s, size_t most)
{
    struct str tail = s;
    for (size_t one; width_of(tail) > most;)
        tail = str_from_offset(tail, letter(tail, &one));
    return tail;
}

/* --- lines */

struct layout {
    size_t widths[GRID_COLUMNS_MOST]; /* 0: left out */
    bool some_left_out;
};

static size_t all_of(const struct grid *g, const struct layout *l)
{
    size_t all = 0;
    for (size_t i = 0; i < g->n_columns; i++)
        all += l->widths[i] ? l->widths[i] + (all ? GAP : 0) : 0;
    return all;
}

static void measure(const struct grid *g, struct layout *l)
{
    *l = (struct layout){0};
    for (size_t i = 0; i < g->n; i++) {
        size_t *most = &l->widths[i % g->n_columns];
        size_t wide = width_of(cell_text(g, i / g->n_columns, i % g->n_columns));
        *most = wide > *most ? wide : *most;
    }
}

static void add_spaces(struct buf *out, size_t n)
{
    while (n--)
        buf_add_char(out, ' ');
}

/* Its width. */
static size_t add_cut(struct buf *out, struct str s, size_t most)
{
    size_t width = width_of(s);
    if (width <= most) {
        buf_add(out, s);
        return width;
    }
    buf_add(out, str_sub(s, 0, take(s, most * 4 / 5, &width)));
    buf_add(out, S("\xe2\x80\xa6"));
    struct str tail = tail_of(s, most - 1 - width);
    buf_add(out, tail);
    return width + 1 + width_of(tail);
}

static void print_line(const struct grid *g, const struct layout *l, size_t row, struct buf *out)
{
    size_t owed = 0; /* spaces, so that no line ends in any */
    for (size_t i = 0; i < g->n_columns; i++) {
        if (!l->widths[i])
            continue;
        struct str text = cell_text(g, row, i);
        if (i >= g->n_names)
            owed += l->widths[i] - width_of(text);
        add_spaces(out, owed);
        size_t width = add_cut(out, text, l->widths[i]);
        owed = GAP + (i < g->n_names ? l->widths[i] - width : 0);
    }
    buf_add_char(out, '\n');
}

static void print_lines(const struct grid *g, const struct layout *l, struct buf *out)
{
    for (size_t row = 0; row < g->n / g->n_columns; row++)
        print_line(g, l, row, out);
}

bool grid_print(const struct grid *g, size_t width, struct buf *out)
{
    struct layout l;
    measure(g, &l);
    if (width && all_of(g, &l) > width)
        return false;
    print_lines(g, &l, out);
    return true;
}

/* --- squeezing */

/* The widest name gets one less. */
static bool cut_a_name(const struct grid *g, struct layout *l, size_t least)
{
    size_t widest = 0;
    for (size_t i = 1; i < g->n_names; i++)
        widest = l->widths[i] > l->widths[widest] ? i : widest;
    if (g->n_names == 0 || l->widths[widest] <= least)
        return false;
    l->widths[widest]--;
    return true;
}

static bool leave_one_out(const struct grid *g, struct layout *l)
{
    size_t first = 0;
    for (size_t i = g->n_names; i < g->n_columns; i++)
        if (l->widths[i] && g->rank[i] && (!first || g->rank[i] > g->rank[first]))
            first = i;
    if (!first)
        return false;
    l->widths[first] = 0;
    l->some_left_out = true;
    return true;
}

bool grid_squeeze(const struct grid *g, size_t width, struct buf *out)
{
    struct layout whole, l;
    measure(g, &whole);
    for (l = whole; all_of(g, &l) > width;)
        if (!cut_a_name(g, &l, NAME_GOOD) && !leave_one_out(g, &l) &&
            !cut_a_name(g, &l, NAME_LEAST))
            return false;
    for (size_t i = 0; i < g->n_names; i++) /* what columns gave up is the names' again */
        l.widths[i] = whole.widths[i];
    while (all_of(g, &l) > width && cut_a_name(g, &l, NAME_LEAST)) {
    }
    print_lines(g, &l, out);
    if (l.some_left_out)
        buf_add(out, S("\nSome columns have no room here. A wider terminal and --format json have "
                       "all.\n"));
    return true;
}

/* --- blocks */

void grid_print_blocks(const struct grid *g, struct buf *out)
{
    size_t head_width = 0;
    for (size_t i = g->n_names; i < g->n_columns; i++) {
        size_t wide = width_of(cell_text(g, 0, i));
        head_width = wide > head_width ? wide : head_width;
    }
    for (size_t row = 1; row < g->n / g->n_columns; row++) {
        if (row > 1)
            buf_add_char(out, '\n');
        for (size_t i = 0; i < g->n_names; i++) {
            buf_add(out, i ? S("  ") : S(""));
            buf_add(out, cell_text(g, row, i));
        }
        if (g->n_names)
            buf_add_char(out, '\n');
        for (size_t i = g->n_names; i < g->n_columns; i++) {
            struct str head = cell_text(g, 0, i);
            buf_add(out, S("  "));
            buf_add(out, head);
            add_spaces(out, head_width - width_of(head) + 2);
            buf_add(out, cell_text(g, row, i));
            buf_add_char(out, '\n');
        }
    }
}
