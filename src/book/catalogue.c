/* SPDX-License-Identifier: Apache-2.0
 *
 * A catalogue, loaded once and never changed, so that any thread may look into it without a lock.
 * A price is made when it is asked for: the row's terms, the owner's override over them, then three
 * multiplications. There is no table of all combinations to keep right.
 *
 *     "eu.anthropic.claude-opus-5"  as a whole: a name that tells the profile's own price
 *      eu  +  anthropic.claude-opus-5: the model's price, times what eu costs in its row
 */
#include "weir/book/catalogue.h"

#include "catalogue_read.h"
#include "weir/base/file.h"
#include "weir/base/mem.h"

/* The tree of the largest file that YAML reads, and what is kept of it. */
enum { TREE_BYTES = 64 * 1024 * 1024, KEPT_BYTES = 16 * 1024 * 1024 };

/* conf/catalogue.yaml, made by embed.py. */
extern const char catalogue_text[];
extern const size_t catalogue_text_size;

/* --- loading */

static bool parse(struct catalogue *c, struct str file, struct str text, struct buf *faults)
{
    struct arena tree;
    struct yaml_fault fault;
    const struct yaml_node *root;
    arena_init(&tree, TREE_BYTES);
    bool good = yaml_parse(&tree, text, &root, &fault) == 0;
    if (!good) {
        yaml_add_fault(faults, file, &fault);
        buf_add_char(faults, '\n');
    }
    good = good && catalogue_read(c, file, root, faults);
    arena_fini(&tree);
    return good;
}

static bool read_file(struct catalogue *c, const char *path, struct buf *faults)
{
    struct buf text = {0};
    char why[512];
    bool good = file_read(path, YAML_TEXT_MOST, &text, why, sizeof why) == 0;
    if (good)
        good = parse(c, str_of(path), buf_str(&text), faults);
    else
        buf_addf(faults, "%s\n", why);
    buf_fini(&text);
    return good;
}

struct catalogue *catalogue_load(const char *path, const struct catalogue_terms *terms,
                                 struct buf *faults)
{
    struct catalogue *c = mem_new(sizeof *c);
    arena_init(&c->arena, KEPT_BYTES);
    c->discount_parts = terms->discount_parts;
    bool good = path ? read_file(c, path, faults)
                     : parse(c, S("built-in catalogue"),
                             str_from(catalogue_text, catalogue_text_size), faults);
    if (good && catalogue_read_overrides(c, terms->overrides_name, terms->overrides, faults))
        return c;
    catalogue_free(c);
    return NULL;
}

void catalogue_free(struct catalogue *c)
{
    if (!c)
        return;
    arena_fini(&c->arena);
    mem_free(c);
}

struct str catalogue_date(const struct catalogue *c)
{
    return c->date;
}

/* --- finding */

enum { NO_GEO = -1, UNKNOWN_GEO = -2 };

struct asked {
    struct str whole; /* the id, or an ARN that does not say one */
    struct str model; /* without geo prefix; the same as whole when there is none */
    int geo;          /* its place in c->geos */
};

static bool looks_like_geo(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '-' && (s.ptr[i] < 'a' || s.ptr[i] > 'z'))
            return false;
    return s.len >= 2 && s.len <= 8;
}

static int geo_of(const struct catalogue *c, struct str head)
{
    for (size_t i = 0; i < c->n_geos; i++)
        if (str_eq(c->geos[i], head))
            return (int)i;
    return NO_GEO;
}

/* "openai.gpt-5.5" has two dots and no geo: a prefix that is not listed is believed only when
 * nothing is known of the whole. */
static struct asked take_apart(const struct catalogue *c, struct str model)
{
    struct asked a = {.geo = NO_GEO};
    bool plain = model_form(model, &a.whole) == MODEL_PLAIN;
    ptrdiff_t dot = plain ? str_chr(a.whole, '.') : -1;
    a.model = a.whole;
    if (dot <= 0)
        return a;
    struct str head = str_sub(a.whole, 0, (size_t)dot);
    struct str rest = str_from_offset(a.whole, (size_t)dot + 1);
    a.geo = geo_of(c, head);
    if (a.geo == NO_GEO && str_chr(rest, '.') > 0 && looks_like_geo(head) &&
        !catalogue_index_find(&c->rows, a.whole))
        a.geo = UNKNOWN_GEO;
    if (a.geo != NO_GEO)
        a.model = rest;
    return a;
}

/* *out_own_geo: the name tells the price of that geo profile itself. */
static void *find(const struct catalogue_index *x, const struct asked *a, bool *out_own_geo)
{
    const struct catalogue_name *name = x->n ? catalogue_index_find(x, a->whole) : NULL;
    *out_own_geo = name && a->geo != NO_GEO;
    if (!name && x->n && a->geo != NO_GEO)
        name = catalogue_index_find(x, a->model);
    return name ? name->what : NULL;
}

const struct catalogue_model *catalogue_find(const struct catalogue *c, struct str model)
{
    struct asked a = take_apart(c, model);
    bool own_geo;
    const struct catalogue_row *row = find(&c->rows, &a, &own_geo);
    return row ? &row->model : NULL;
}

static bool meets(const struct catalogue *c, struct str head, struct str pattern)
{
    return catalogue_index_meets(&c->rows, head, pattern) ||
           catalogue_index_meets(&c->overrides, head, pattern);
}

bool catalogue_meets(const struct catalogue *c, struct str pattern)
{
    bool met = meets(c, S(""), pattern);
    for (size_t i = 0; i < c->n_geos && !met; i++) {
        struct buf head = {0};
        buf_addf(&head, "%.*s.", STR_ARG(c->geos[i]));
        met = meets(c, buf_str(&head), pattern);
        buf_fini(&head);
    }
    return met;
}

/* --- prices */

static void put_over(struct price_terms *t, const struct price_terms *own)
{
    for (size_t kind = 0; kind < TOKENS; kind++)
        if (own->has & 1U << kind)
            t->given.nanousd_per_mtok[kind] = own->given.nanousd_per_mtok[kind];
    t->has |= own->has;
}

static uint32_t geo_parts(const struct catalogue_row *row, int geo)
{
    uint32_t parts = row && geo >= 0 ? row->geo_parts[geo] : 0;
    return parts ? parts : PRICE_ONE;
}

static void scale(struct price *p, uint32_t parts)
{
    if (parts != PRICE_ONE)
        price_scale(p, parts);
}

/* The owner knows: only what he left to the row can be provisional. */
static bool is_provisional(const struct catalogue_row *row, const struct price_terms *own, int geo)
{
    const unsigned both = 1U << TOKEN_INPUT | 1U << TOKEN_OUTPUT;
    if (own && (own->has & both) == both)
        return false;
    return geo == UNKNOWN_GEO || row->model.provisional;
}

enum catalogue_priced catalogue_price(const struct catalogue *c, struct str model, enum lane lane,
                                      struct price *out)
{
    struct asked a = take_apart(c, model);
    bool row_own_geo, own_geo;
    const struct catalogue_row *row = find(&c->rows, &a, &row_own_geo);
    const struct price_terms *own = find(&c->overrides, &a, &own_geo);
    struct price_terms t = row ? row->terms : (struct price_terms){0};
    uint32_t geo = row_own_geo ? PRICE_ONE : geo_parts(row, a.geo);
    if (own && own_geo)
        scale(&t.given, geo); /* what the override leaves is still the row's, times its geo */
    if (own)
        put_over(&t, own);
    if (!(own && own_geo))
        scale(&t.given, geo);
    struct price p;
    if (!price_terms_settle(&t, &p))
        return UNPRICED;
    uint32_t lane_parts = row ? row->model.lane_parts[lane] : 0;
    scale(&p, lane_parts ? lane_parts : PRICE_ONE);
    scale(&p, PRICE_ONE - c->discount_parts);
    *out = p;
    bool guessed = (lane != LANE_ONDEMAND && !lane_parts) || is_provisional(row, own, a.geo);
    return guessed ? PRICED_PROVISIONAL : PRICED;
}
