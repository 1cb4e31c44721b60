/* SPDX-License-Identifier: Apache-2.0
 *
 * From a tree to rows. Each mapping of the file has a table of the keys that it may have; a key
 * that is in none is a fault with the nearest name. Everything that is wrong is told, not only the
 * first.
 */
#include "catalogue_read.h"

#include "weir/base/text.h"

#include <stdarg.h>
#include <stdio.h>

/* More than that is a slip of the finger; so is a multiplier above a thousand. */
static const uint64_t most_count = 1000000000000;
enum { MOST_TIMES = 1000, MOST_NAME = 2048, MOST_FAULTS = 100, FAR = 4 };

struct reader {
    struct catalogue *c;
    struct str file;
    struct buf *faults;
    unsigned n_faults;
    const struct yaml_node *groups;
    struct catalogue_row *group_rows; /* in the order of `groups` */
};

struct key {
    struct str name;
    void (*read)(struct reader *r, const struct yaml_node *value, void *into, size_t at);
    size_t at; /* what the reading function makes of it: an index or an offset */
};

__attribute__((format(printf, 3, 4))) static void
faultf(struct reader *r, const struct yaml_node *at, const char *format, ...)
{
    struct yaml_fault f = {.line = at->line, .column = at->column};
    va_list args;
    if (r->n_faults++ >= MOST_FAULTS)
        return;
    va_start(args, format);
    vsnprintf(f.sentence, sizeof f.sentence, format, args);
    va_end(args);
    for (char *c = f.sentence; *c; c++) /* one line for each fault, whatever it quotes */
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    yaml_add_fault(r->faults, r->file, &f);
    buf_add_char(r->faults, '\n');
}

static struct str shown(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR ? str_sub(node->text, 0, 60) : S("a list or a section");
}

static bool is_map(struct reader *r, const struct yaml_node *node, const char *what)
{
    if (node->kind == YAML_MAPPING)
        return true;
    if (!yaml_is_null(node))
        faultf(r, node, "%s wants \"key: value\" here", what);
    return false;
}

static void unknown_key(struct reader *r, const struct yaml_node *key, const struct key *keys,
                        size_t n)
{
    struct str best = {NULL, 0}, name = str_sub(key->text, 0, 60);
    unsigned best_distance = FAR;
    for (size_t i = 0; i < n; i++) {
        unsigned distance = text_distance(keys[i].name, name);
        if (distance < best_distance) {
            best = keys[i].name;
            best_distance = distance;
        }
    }
    if (best.ptr)
        faultf(r, key, "unknown key \"%.*s\"; did you mean \"%.*s\"?", STR_ARG(name),
               STR_ARG(best));
    else
        faultf(r, key, "unknown key \"%.*s\"", STR_ARG(name));
}

static void read_map(struct reader *r, const struct yaml_node *map, const char *what,
                     const struct key *keys, size_t n, void *into)
{
    if (!is_map(r, map, what))
        return;
    for (const struct yaml_node *node = map->first; node; node = node->next) {
        size_t i = 0;
        while (i < n && !str_eq(keys[i].name, node->key->text))
            i++;
        if (i == n)
            unknown_key(r, node->key, keys, n);
        else if (keys[i].read)
            keys[i].read(r, node, into, keys[i].at);
    }
}

/* --- single values */

static struct str key_of(const struct yaml_node *value)
{
    return str_sub(value->key->text, 0, 60);
}

static bool is_scalar(struct reader *r, const struct yaml_node *value)
{
    if (value->kind == YAML_SCALAR)
        return true;
    faultf(r, value, "%.*s wants one value, not a list or a section", STR_ARG(key_of(value)));
    return false;
}

static void read_price(struct reader *r, const struct yaml_node *value, void *into, size_t kind)
{
    struct price_terms *t = into;
    if (!is_scalar(r, value))
        return;
    if (price_read_usd(value->text, &t->given.nanousd_per_mtok[kind]))
        t->has |= 1U << kind;
    else
        faultf(r, value, "%.*s wants dollars per million tokens, like 3 or 0.035; it is \"%.*s\"",
               STR_ARG(key_of(value)), STR_ARG(shown(value)));
}

static bool read_parts(struct reader *r, const struct yaml_node *value, uint32_t *out)
{
    uint64_t nano;
    if (!is_scalar(r, value))
        return false;
    if (price_read_usd(value->text, &nano) && nano % 1000 == 0 &&
        nano / 1000 <= (uint64_t)MOST_TIMES * PRICE_ONE) {
        *out = (uint32_t)(nano / 1000);
        return true;
    }
    faultf(r, value,
           "%.*s wants a multiplier, like 0.5 or 1.1, with at most six decimals; it is "
           "\"%.*s\"",
           STR_ARG(key_of(value)), STR_ARG(shown(value)));
    return false;
}

static void read_part_at(struct reader *r, const struct yaml_node *value, void *into, size_t at)
{
    (void)read_parts(r, value, (uint32_t *)into + at);
}

static bool read_count(struct reader *r, const struct yaml_node *value, uint64_t most,
                       uint64_t *out)
{
    if (!is_scalar(r, value))
        return false;
    if (text_u64(value->text, out) && *out <= most)
        return true;
    faultf(r, value, "%.*s wants a whole number up to %llu; it is \"%.*s\"", STR_ARG(key_of(value)),
           (unsigned long long)most, STR_ARG(shown(value)));
    return false;
}

static void read_u32(struct reader *r, const struct yaml_node *value, void *into, size_t offset)
{
    uint64_t n;
    if (read_count(r, value, UINT32_MAX, &n))
        *(uint32_t *)(void *)((char *)into + offset) = (uint32_t)n;
}

static void read_u64(struct reader *r, const struct yaml_node *value, void *into, size_t offset)
{
    uint64_t n;
    if (read_count(r, value, most_count, &n))
        *(uint64_t *)(void *)((char *)into + offset) = n;
}

static void read_bool(struct reader *r, const struct yaml_node *value, void *into, size_t offset)
{
    bool yes = value->kind == YAML_SCALAR && str_eq(value->text, S("true"));
    bool no = value->kind == YAML_SCALAR && str_eq(value->text, S("false"));
    if (yes || no)
        *((bool *)into + offset) = yes;
    else
        faultf(r, value, "%.*s wants true or false", STR_ARG(key_of(value)));
}

/* --- lists of words, as bits */

struct word {
    struct str word;
    unsigned bit;
};

static bool read_bits(struct reader *r, const struct yaml_node *list, const struct word *words,
                      size_t n, unsigned *out)
{
    unsigned bits = 0;
    if (list->kind != YAML_SEQUENCE) {
        faultf(r, list, "%.*s wants a list, like [%.*s]", STR_ARG(key_of(list)),
               STR_ARG(words[0].word));
        return false;
    }
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        size_t i = 0;
        while (i < n && !(item->kind == YAML_SCALAR && str_eq(item->text, words[i].word)))
            i++;
        if (i == n)
            faultf(r, item, "%.*s knows no \"%.*s\"", STR_ARG(key_of(list)), STR_ARG(shown(item)));
        else
            bits |= words[i].bit;
    }
    *out = bits;
    return true;
}

static void read_fields(struct reader *r, const struct yaml_node *value, void *into, size_t at)
{
    static const struct word words[] = {{STR("tools"), FIELD_TOOLS},
                                        {STR("system"), FIELD_SYSTEM},
                                        {STR("messages"), FIELD_MESSAGES}};
    (void)read_bits(r, value, words, 3, &((struct catalogue_model *)into)->fields);
}

static void read_ttls(struct reader *r, const struct yaml_node *value, void *into, size_t at)
{
    static const struct word words[] = {
        {STR("5m"), TTL_5M}, {STR("1h"), TTL_1H}, {STR("30m"), TTL_30M}};
    (void)read_bits(r, value, words, 3, &((struct catalogue_model *)into)->ttls);
}

/* --- the sections of a model */

static void read_shares(struct reader *r, const struct yaml_node *value, void *into, size_t at)
{
    static const struct key keys[] = {
        {STR("read"), read_part_at, TOKEN_CACHE_READ},
        {STR("write_5m"), read_part_at, TOKEN_CACHE_WRITE_5M},
        {STR("write_1h"), read_part_at, TOKEN_CACHE_WRITE_1H},
        {STR("write_30m"), read_part_at, TOKEN_CACHE_WRITE_30M},
    };
    struct catalogue_row *row = into;
    read_map(r, value, "of_input", keys, 4, row->terms.shares);
}

static void read_lanes(struct reader *r, const struct yaml_node *value, void *into, size_t at)
{
    static const struct key keys[] = {
        {STR("flex"), read_part_at, LANE_FLEX},
        {STR("priority"), read_part_at, LANE_PRIORITY},
        {STR("reserved"), read_part_at, LANE_RESERVED},
        {STR("batch"), read_part_at, LANE_BATCH},
    };
    struct catalogue_row *row = into;
    read_map(r, value, "lanes", keys, 4, row->model.lane_parts);
}

#define AT(field) offsetof(struct catalogue_model, field)

static void read_cache(struct reader *r, const struct yaml_node *value, void *into, size_t at)
{
    static const struct key keys[] = {
        {STR("min_tokens"), read_u32, AT(least_tokens)},
        {STR("max_tokens"), read_u32, AT(most_tokens)},
        {STR("max_markers"), read_u32, AT(most_markers)},
        {STR("fields"), read_fields, 0},
        {STR("ttls"), read_ttls, 0},
        {STR("implicit"), read_bool, AT(implicit)},
        {STR("after_tool_result"), read_bool, AT(after_tool_result)},
    };
    struct catalogue_row *row = into;
    read_map(r, value, "cache", keys, sizeof keys / sizeof *keys, &row->model);
}

static void read_batch(struct reader *r, const struct yaml_node *value, void *into, size_t at)
{
    static const struct key keys[] = {
        {STR("min_records"), read_u32, AT(batch_least_records)},
        {STR("max_records"), read_u32, AT(batch_most_records)},
        {STR("max_jobs"), read_u32, AT(batch_most_jobs)},
        {STR("max_file"), read_u64, AT(batch_most_file_bytes)},
        {STR("max_job"), read_u64, AT(batch_most_job_bytes)},
    };
    struct catalogue_row *row = into;
    read_map(r, value, "batch", keys, sizeof keys / sizeof *keys, &row->model);
}

#undef AT

static void read_geo(struct reader *r, const struct yaml_node *map, void *into, size_t at)
{
    struct catalogue_row *row = into;
    struct key keys[CATALOGUE_GEOS_MOST];
    for (size_t i = 0; i < r->c->n_geos; i++)
        keys[i] = (struct key){r->c->geos[i], read_part_at, i};
    read_map(r, map, "geo", keys, r->c->n_geos, row->geo_parts);
}

static void read_row_price(struct reader *r, const struct yaml_node *value, void *into, size_t kind)
{
    struct catalogue_row *row = into;
    read_price(r, value, &row->terms, kind);
}

#define PRICE_KEYS(read)                                                                      \
    {STR("input"), read, TOKEN_INPUT}, {STR("output"), read, TOKEN_OUTPUT},                   \
        {STR("read"), read, TOKEN_CACHE_READ}, {STR("write_5m"), read, TOKEN_CACHE_WRITE_5M}, \
        {STR("write_1h"), read, TOKEN_CACHE_WRITE_1H},                                        \
    {                                                                                         \
        STR("write_30m"), read, TOKEN_CACHE_WRITE_30M                                         \
    }

/* A group has no `like`, which stands last. */
static const struct key row_keys[] = {
    PRICE_KEYS(read_row_price),
    {STR("of_input"), read_shares, 0},
    {STR("lanes"), read_lanes, 0},
    {STR("geo"), read_geo, 0},
    {STR("cache"), read_cache, 0},
    {STR("batch"), read_batch, 0},
    {STR("unpriced"), read_bool, offsetof(struct catalogue_model, unpriced)},
    {STR("like"), NULL, 0},
};
enum { ROW_KEYS = sizeof row_keys / sizeof *row_keys };

static void read_like(struct reader *r, const struct yaml_node *map, struct catalogue_row *row)
{
    const struct yaml_node *like = yaml_get(map, S("like"));
    size_t i = 0;
    if (!like || !is_scalar(r, like))
        return;
    for (const struct yaml_node *g = r->groups ? r->groups->first : NULL; g; g = g->next, i++)
        if (str_eq(g->key->text, like->text)) {
            *row = r->group_rows[i];
            return;
        }
    faultf(r, like, "there is no group \"%.*s\"", STR_ARG(shown(like)));
}

/* A star is the last letter or none, and something stands before it: "*" alone would price what
 * nobody has looked at. */
static bool is_name(struct reader *r, const struct yaml_node *key)
{
    struct str s = key->text;
    ptrdiff_t star = str_chr(s, '*');
    bool good = s.len <= MOST_NAME && str_chr(s, '.') > 0;
    if (str_starts(s, S("arn:")))
        good = s.len > 4 && s.len <= MOST_NAME;
    for (size_t i = 0; i < s.len; i++)
        good = good && s.ptr[i] > ' ' && s.ptr[i] < 0x7f;
    if (!good || (star >= 0 && (size_t)star + 1 < s.len)) {
        faultf(r, key,
               "\"%.*s\" is no name of a model, like anthropic.claude-opus-5 or "
               "anthropic.claude-opus-*",
               STR_ARG(shown(key)));
        return false;
    }
    return true;
}

/* The name that `key` says, or NULL after a fault. */
static struct catalogue_name *new_name(struct reader *r, struct catalogue_index *x,
                                       const struct yaml_node *key)
{
    struct str start = arena_dup(&r->c->arena, key->text);
    if (!is_name(r, key) || !start.ptr)
        return NULL;
    struct catalogue_name *name = &x->at[x->n++];
    name->family = str_ends(start, S("*"));
    name->start = str_sub(start, 0, start.len - name->family);
    return name;
}

static bool make_index(struct catalogue *c, struct catalogue_index *x, size_t n)
{
    *x = (struct catalogue_index){arena_new(&c->arena, (n + 1) * sizeof *x->at), 0};
    return x->at;
}

bool price_terms_settle(const struct price_terms *t, struct price *out)
{
    struct price p = t->given;
    if (!(t->has & 1U << TOKEN_INPUT) || !(t->has & 1U << TOKEN_OUTPUT))
        return false;
    for (size_t kind = TOKEN_CACHE_READ; kind < TOKENS; kind++) {
        if (t->has & 1U << kind)
            continue;
        struct price one = {{p.nanousd_per_mtok[TOKEN_INPUT]}};
        if (t->shares[kind])
            price_scale(&one, t->shares[kind]);
        p.nanousd_per_mtok[kind] = one.nanousd_per_mtok[0];
    }
    *out = p;
    return true;
}

/* Also where one comes from the group. 0: there is none. */
static void want_order(struct reader *r, const struct yaml_node *model, const char *key,
                       uint64_t least, uint64_t most)
{
    if (most && least > most)
        faultf(r, model, "\"%.*s\": %s is greater than its max", STR_ARG(shown(model)), key);
}

static void read_model(struct reader *r, const struct yaml_node *node)
{
    struct catalogue_row *row = arena_new(&r->c->arena, sizeof *row);
    struct catalogue_name *name = row ? new_name(r, &r->c->rows, node->key) : NULL;
    if (!name)
        return;
    read_like(r, node, row);
    read_map(r, node, "a model", row_keys, ROW_KEYS, row);
    const unsigned both = 1U << TOKEN_INPUT | 1U << TOKEN_OUTPUT;
    if (row->terms.has && (row->terms.has & both) != both)
        faultf(r, node->key, "\"%.*s\" wants a price for input and for output, or none at all",
               STR_ARG(shown(node->key)));
    if (row->terms.has && row->model.unpriced)
        faultf(r, node->key, "\"%.*s\" has a price and says that it is unpriced",
               STR_ARG(shown(node->key)));
    const struct catalogue_model *m = &row->model;
    want_order(r, node->key, "cache.min_tokens", m->least_tokens, m->most_tokens);
    want_order(r, node->key, "batch.min_records", m->batch_least_records, m->batch_most_records);
    row->model.name = str_from(name->start.ptr, name->start.len + name->family); /* with its star */
    row->model.provisional = name->family;
    row->model.lane_parts[LANE_ONDEMAND] = PRICE_ONE;
    row->model.priced = price_terms_settle(&row->terms, &row->model.price);
    name->what = row;
}

/* --- the whole */

static bool is_geo(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '-' && (s.ptr[i] < 'a' || s.ptr[i] > 'z'))
            return false;
    return s.len > 0 && s.len < 16;
}

static void read_geos(struct reader *r, const struct yaml_node *list, void *into, size_t at)
{
    struct catalogue *c = r->c;
    if (list->kind != YAML_SEQUENCE)
        faultf(r, list, "geos wants a list, like [us, eu]");
    for (const struct yaml_node *item = list->first; item && list->kind == YAML_SEQUENCE;
         item = item->next) {
        if (c->n_geos == CATALOGUE_GEOS_MOST || item->kind != YAML_SCALAR || !is_geo(item->text)) {
            faultf(r, item, "geos wants at most %d words of small letters, like us-gov",
                   CATALOGUE_GEOS_MOST);
            return;
        }
        c->geos[c->n_geos++] = arena_dup(&c->arena, item->text);
    }
}

static void read_date(struct reader *r, const struct yaml_node *value, void *into, size_t at)
{
    char time[32];
    int64_t ignored;
    if (!is_scalar(r, value))
        return;
    snprintf(time, sizeof time, "%.*sT00:00:00Z", STR_ARG(str_sub(value->text, 0, 20)));
    if (value->text.len == 10 && text_parse_iso_time(str_of(time), &ignored))
        r->c->date = arena_dup(&r->c->arena, value->text);
    else
        faultf(r, value, "date wants a day, like \"2026-11-20\"");
}

static void read_groups(struct reader *r)
{
    struct catalogue_row *row;
    if (!r->groups || !is_map(r, r->groups, "groups"))
        return;
    row = r->group_rows = arena_new(&r->c->arena, (r->groups->n + 1) * sizeof *row);
    for (const struct yaml_node *g = r->groups->first; g && row; g = g->next, row++)
        read_map(r, g, "a group", row_keys, ROW_KEYS - 1, row);
}

/* The family's dollars, and of its multiples what the row does not tell itself. */
static void take_price(struct catalogue_row *row, const struct catalogue_row *family)
{
    row->terms.given = family->terms.given;
    row->terms.has = family->terms.has;
    for (size_t kind = 0; kind < TOKENS; kind++)
        if (row->terms.shares[kind])
            row->terms.has &= ~(1U << kind);
        else
            row->terms.shares[kind] = family->terms.shares[kind];
    for (size_t geo = 0; geo < CATALOGUE_GEOS_MOST; geo++)
        if (!row->geo_parts[geo])
            row->geo_parts[geo] = family->geo_parts[geo];
    row->model.priced = price_terms_settle(&row->terms, &row->model.price);
    row->model.provisional = true;
}

/* A model that the file lists without a price fares as one that it does not list at all: it costs
 * what its nearest family with a price does. A family that says it is unpriced ends the search. */
static void price_as_family(const struct catalogue_name *name)
{
    struct catalogue_row *row = name->what;
    if (row->model.priced || row->model.unpriced)
        return;
    for (const struct catalogue_name *up = name->up; up; up = up->up) {
        const struct catalogue_row *family = up->what;
        if (up->family && family->model.priced)
            take_price(row, family);
        if (up->family && (family->model.priced || family->model.unpriced))
            return;
    }
}

static void read_models(struct reader *r, const struct yaml_node *root)
{
    const struct yaml_node *models = yaml_get(root, S("models"));
    if (!models || !is_map(r, models, "models")) {
        faultf(r, models ? models : root, "there are no models");
        return;
    }
    if (!make_index(r->c, &r->c->rows, models->n))
        return;
    for (const struct yaml_node *node = models->first; node; node = node->next)
        read_model(r, node);
}

bool catalogue_read(struct catalogue *c, struct str file, const struct yaml_node *root,
                    struct buf *faults)
{
    static const struct key keys[] = {{STR("date"), read_date, 0},
                                      {STR("geos"), read_geos, 0},
                                      {STR("groups"), NULL, 0},
                                      {STR("models"), NULL, 0}};
    struct reader r = {.c = c, .file = file, .faults = faults};
    read_map(&r, root, "a catalogue", keys, 4, NULL);
    r.groups = yaml_get(root, S("groups"));
    read_groups(&r);
    read_models(&r, root);
    if (r.n_faults == 0 && c->date.len == 0)
        faultf(&r, root, "there is no date, like date: \"2026-11-20\"");
    if (r.n_faults == 0 && c->arena.full)
        faultf(&r, root, "the file holds too much");
    if (r.n_faults)
        return false;
    catalogue_index_sort(&c->rows);
    for (size_t i = 0; i < c->rows.n; i++)
        price_as_family(&c->rows.at[i]);
    return true;
}

/* Does it price anything by itself, or change a row? A misspelt one does neither. */
static bool changes_something(const struct catalogue *c, const struct catalogue_name *name,
                              const struct price_terms *t)
{
    struct price ignored;
    if (price_terms_settle(t, &ignored) || catalogue_find(c, name->start))
        return true;
    for (size_t i = 0; name->family && i < c->rows.n; i++)
        if (str_starts(c->rows.at[i].start, name->start))
            return true;
    return false;
}

bool catalogue_read_overrides(struct catalogue *c, struct str file, const struct yaml_node *map,
                              struct buf *faults)
{
    static const struct key keys[] = {PRICE_KEYS(read_price)};
    struct reader r = {.c = c, .file = file, .faults = faults};
    if (!map || !is_map(&r, map, "prices.overrides") || !make_index(c, &c->overrides, map->n))
        return r.n_faults == 0;
    for (const struct yaml_node *node = map->first; node; node = node->next) {
        struct price_terms *t = arena_new(&c->arena, sizeof *t);
        struct catalogue_name *name = t ? new_name(&r, &c->overrides, node->key) : NULL;
        if (!name)
            continue;
        unsigned before = r.n_faults;
        name->what = t;
        read_map(&r, node, "an override", keys, sizeof keys / sizeof *keys, t);
        if (r.n_faults == before && node->n == 0)
            faultf(&r, node->key, "the override of \"%.*s\" is empty: it wants a price",
                   STR_ARG(shown(node->key)));
        else if (r.n_faults == before && !changes_something(c, name, t))
            faultf(&r, node->key,
                   "the catalogue has no price for \"%.*s\": its override wants input and output",
                   STR_ARG(shown(node->key)));
    }
    catalogue_index_sort(&c->overrides);
    return r.n_faults == 0 && !c->arena.full;
}
