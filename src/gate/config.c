/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration, driven by one table (directives.def). A key's path is looked up in the table;
 * a path that only begins other paths is a section or a list of them; anything else is a fault with
 * the nearest name. The same table prints the effective configuration (config_print.c), so the two
 * cannot disagree. What only the whole can tell is config_check.c's and config_clients.c's.
 */
#include "weir/gate/config.h"

#include "config_table.h"
#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/gate/accepted.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_CONFIG_BYTES = 256 * 1024, ARENA_BYTES = 16 * 1024 * 1024 };

const struct config_directive config_directives[] = {
#define DIRECTIVE(path_, kind_, owner_, field_, default_, doc_) \
    {STR(path_), CONFIG_##kind_, OF_##owner_, offsetof(struct owner_, field_), STR(default_)},
#include "weir/gate/directives.def"
#undef DIRECTIVE
};
enum { DIRECTIVES = sizeof config_directives / sizeof *config_directives };
const size_t config_n_directives = DIRECTIVES;

#define LIST(name_, owner_, items_, n_, most_)                                           \
    [OF_##owner_] = {STR(name_), sizeof(struct owner_), offsetof(struct config, items_), \
                     offsetof(struct config, n_), most_}
const struct config_list config_lists[CONFIG_OWNERS] = {
    LIST("listen", config_listen, listen, n_listen, CONFIG_MOST_LISTENERS),
    LIST("clients", config_client, clients, n_clients, CONFIG_MOST_CLIENTS),
    LIST("rules", config_rule, rules, n_rules, CONFIG_MOST_RULES),
};
#undef LIST

static size_t *list_n(struct config *c, const struct config_list *list)
{
    return (size_t *)(void *)((char *)c + list->n_offset);
}

static void *list_item(struct config *c, const struct config_list *list, size_t i)
{
    return (char *)c + list->offset + i * list->item_size;
}

/* --- faults */

void config_fault(struct config_reader *r, const struct yaml_node *at, struct str sentence)
{
    r->bad = true;
    buf_add(r->faults, r->name);
    if (at)
        buf_addf(r->faults, ":%u:%u", at->line, at->column);
    buf_add(r->faults, S(": "));
    for (size_t i = 0; i < sentence.len; i++) /* one line for each fault, whatever it quotes */
        buf_add_char(r->faults, (unsigned char)sentence.ptr[i] < ' ' ? ' ' : sentence.ptr[i]);
    buf_add_char(r->faults, '\n');
}

void config_faultf(struct config_reader *r, const struct yaml_node *at, const char *format, ...)
{
    char sentence[512];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    config_fault(r, at, str_of(sentence));
}

const struct yaml_node *config_place(const struct yaml_node *from, const char *path)
{
    struct str rest = str_of(path);
    while (from && rest.len) {
        const struct yaml_node *next = yaml_get(from, str_cut(&rest, '.'));
        if (!next)
            break;
        from = next;
    }
    return from;
}

/* --- ${NAME} and ${file:/path} */

/* What comes out of a file may be a secret. */
static void wipe(struct buf *b)
{
    if (b->data)
        secret_wipe(b->data, b->cap);
    buf_fini(b);
}

static bool add_file(struct config_reader *r, const struct yaml_node *at, const char *path,
                     struct buf *out)
{
    char why[256];
    struct buf text = {0};
    bool good = file_read(path, MOST_CONFIG_BYTES, &text, why, sizeof why) == 0;
    struct str value = buf_str(&text);
    while (value.len && (value.ptr[value.len - 1] == '\n' || value.ptr[value.len - 1] == '\r'))
        value.len--;
    if (good)
        buf_add(out, value);
    else
        config_faultf(r, at, "%s", why);
    wipe(&text);
    return good;
}

static bool add_reference(struct config_reader *r, const struct yaml_node *at, struct str name,
                          struct buf *out)
{
    const char *word = arena_dup(&r->config->arena, name).ptr;
    if (!word)
        return false; /* the arena is full: config_parse says so */
    if (str_starts(name, S("file:")))
        return add_file(r, at, word + 5, out);
    const char *value = getenv(word);
    if (value)
        buf_add(out, str_of(value));
    else
        config_faultf(r, at, "the environment has no %s", word);
    return value;
}

static bool expand(struct config_reader *r, const struct yaml_node *at, struct str *value)
{
    struct buf out = {0};
    struct str rest = at->text;
    bool good = true;
    for (ptrdiff_t open; good && (open = str_find(rest, S("${"))) >= 0;) {
        buf_add(&out, str_sub(rest, 0, (size_t)open));
        rest = str_from_offset(rest, (size_t)open + 2);
        ptrdiff_t close = str_chr(rest, '}');
        if (close < 0) {
            config_fault(r, at, S("${ without }"));
            good = false;
            break;
        }
        good = add_reference(r, at, str_sub(rest, 0, (size_t)close), &out);
        rest = str_from_offset(rest, (size_t)close + 1);
    }
    buf_add(&out, rest);
    *value = arena_dup(&r->config->arena, buf_str(&out));
    wipe(&out);
    return good && value->ptr;
}

/* --- the walk */

/* In the item that is being read, or in the configuration itself. */
static void *field_of(struct config_reader *r, const struct config_directive *d)
{
    return (char *)(d->owner == OF_config ? (void *)r->config : r->item) + d->offset;
}

/* For a fault: as it stands in the file, and not what it stands for, which may be a secret. */
static struct str written(const struct config_directive *d, const struct yaml_node *node)
{
    bool url = d->kind == CONFIG_URL || d->kind == CONFIG_PROXY;
    return url && str_chr(node->text, '@') >= 0 ? S("(hidden)") : str_sub(node->text, 0, 80);
}

static bool are_values(const struct yaml_node *node)
{
    for (const struct yaml_node *child = node->first; child; child = child->next)
        if (child->kind != YAML_SCALAR || yaml_is_null(child) || child->text.len == 0)
            return false;
    return true;
}

/* What a tree says is for those who use it to judge; that it is a list of values, or names with a
 * value each, is said here. */
static void read_tree(struct config_reader *r, const struct config_directive *d,
                      const struct yaml_node *node)
{
    enum yaml_kind wanted = d->kind == CONFIG_WORDS ? YAML_SEQUENCE : YAML_MAPPING;
    if (node->kind == wanted && (d->kind == CONFIG_TREE || are_values(node)))
        *(const struct yaml_node **)field_of(r, d) = node;
    else if (!yaml_is_null(node))
        config_faultf(r, node, "%.*s wants %s", STR_ARG(d->path),
                      d->kind == CONFIG_TREE    ? "a section"
                      : d->kind == CONFIG_WORDS ? "a list of values, like [a, \"b*\"]"
                                                : "names with one value each, like {a: b}");
}

static void read_directive(struct config_reader *r, const struct config_directive *d,
                           const struct yaml_node *node)
{
    struct str value;
    if (config_is_tree(d->kind)) {
        read_tree(r, d, node);
        return;
    }
    if (node->kind != YAML_SCALAR) {
        config_faultf(r, node, "%.*s wants one value, not a list or a section", STR_ARG(d->path));
        return;
    }
    if (!expand(r, node, &value))
        return;
    const char *why = config_read_value(d->kind, value, field_of(r, d));
    if (why)
        config_faultf(r, node, "%.*s %s; it is \"%.*s\"", STR_ARG(d->path), why,
                      STR_ARG(written(d, node)));
}

/* How a path stands to the table: a directive, the beginning of some ("log" of "log.level"), or a
 * list of sections ("listen" of "listen[].address"). */
enum standing { STANDS_NOWHERE, STANDS_DIRECTIVE, STANDS_SECTION, STANDS_LIST };

static enum standing standing_of(struct str path, const struct config_directive **out)
{
    for (size_t i = 0; i < DIRECTIVES; i++) {
        struct str rest = str_from_offset(config_directives[i].path, path.len);
        if (!str_starts(config_directives[i].path, path))
            continue;
        *out = &config_directives[i];
        if (rest.len == 0)
            return STANDS_DIRECTIVE;
        if (rest.ptr[0] == '.')
            return STANDS_SECTION;
        if (rest.ptr[0] == '[')
            return STANDS_LIST;
    }
    return STANDS_NOWHERE;
}

static void unknown_key(struct config_reader *r, const struct yaml_node *key, struct str section)
{
    struct str best = {NULL, 0};
    unsigned best_distance = 4; /* further away it is no longer a slip of the finger */
    for (size_t i = 0; i < DIRECTIVES; i++) {
        if (!str_starts(config_directives[i].path, section))
            continue;
        struct str rest = str_from_offset(config_directives[i].path, section.len);
        size_t end = 0;
        while (end < rest.len && rest.ptr[end] != '.' && rest.ptr[end] != '[')
            end++;
        struct str name = str_sub(rest, 0, end);
        unsigned distance = text_distance(name, key->text);
        if (distance < best_distance) {
            best = name;
            best_distance = distance;
        }
    }
    if (best.ptr)
        config_faultf(r, key, "unknown key \"%.*s\"; did you mean \"%.*s\"?",
                      STR_ARG(str_sub(key->text, 0, 60)), STR_ARG(best));
    else
        config_faultf(r, key, "unknown key \"%.*s\"", STR_ARG(str_sub(key->text, 0, 60)));
}

static void read_section(struct config_reader *r, const struct yaml_node *map, struct str section);

static void set_item_defaults(struct config_reader *r, const struct config_list *list)
{
    for (size_t i = 0; i < DIRECTIVES; i++) {
        const struct config_directive *d = &config_directives[i];
        if (&config_lists[d->owner] == list)
            (void)config_read_value(d->kind, d->fallback, field_of(r, d));
    }
}

/* One more item. False: the list has no room. */
static bool read_item(struct config_reader *r, const struct yaml_node *node,
                      const struct config_list *list)
{
    struct str section = arena_printf(&r->config->arena, "%.*s[].", STR_ARG(list->name));
    size_t *n = list_n(r->config, list);
    if (*n == list->most) {
        config_faultf(r, node, "%.*s has more than %zu items", STR_ARG(list->name), list->most);
        return false;
    }
    r->items[list - config_lists][*n] = node;
    r->item = list_item(r->config, list, (*n)++);
    set_item_defaults(r, list);
    read_section(r, node, section);
    return true;
}

static void read_list(struct config_reader *r, const struct yaml_node *nodes,
                      const struct config_list *list)
{
    if (nodes->kind != YAML_SEQUENCE) {
        config_faultf(r, nodes, "%.*s wants a list", STR_ARG(list->name));
        return;
    }
    *list_n(r->config, list) = 0;
    for (const struct yaml_node *node = nodes->first; node; node = node->next)
        if (!read_item(r, node, list))
            return;
}

static void read_section(struct config_reader *r, const struct yaml_node *map, struct str section)
{
    if (yaml_is_null(map))
        return;
    if (map->kind != YAML_MAPPING) {
        config_fault(r, map, S("wants \"key: value\" here"));
        return;
    }
    for (const struct yaml_node *node = map->first; node; node = node->next) {
        const struct config_directive *d = NULL;
        struct str key = node->key->text;
        struct str path =
            arena_printf(&r->config->arena, "%.*s%.*s", STR_ARG(section), STR_ARG(key));
        /* "log.level" is how we write it, not how the file does. */
        bool is_path = str_chr(key, '.') >= 0 || str_chr(key, '[') >= 0;
        switch (is_path ? STANDS_NOWHERE : standing_of(path, &d)) {
        case STANDS_DIRECTIVE:
            read_directive(r, d, node);
            break;
        case STANDS_SECTION:
            read_section(r, node, arena_printf(&r->config->arena, "%.*s.", STR_ARG(path)));
            break;
        case STANDS_LIST:
            read_list(r, node, &config_lists[d->owner]);
            break;
        case STANDS_NOWHERE:
            unknown_key(r, node->key, section);
            break;
        }
    }
}

static void set_defaults(struct config_reader *r)
{
    r->item = r->config->listen; /* one, unless the file lists others */
    r->config->n_listen = 1;
    set_item_defaults(r, &config_lists[OF_config_listen]);
    set_item_defaults(r, &config_lists[OF_config]);
}

struct config *config_parse(struct str name, struct str text, struct buf *faults)
{
    struct config *c = mem_new(sizeof *c);
    arena_init(&c->arena, ARENA_BYTES);
    struct config_reader r = {.config = c, .name = name, .faults = faults};
    c->name = arena_dup(&c->arena, name);
    set_defaults(&r);

    struct yaml_fault yf;
    const struct yaml_node *root = NULL;
    if (yaml_parse(&c->arena, text, &root, &yf) < 0) {
        const struct yaml_node at = {.line = yf.line, .column = yf.column};
        config_fault(&r, &at, str_of(yf.sentence));
    } else {
        c->root = r.root = text.len ? root : NULL;
        read_section(&r, root, S(""));
    }
    if (!r.bad && !c->arena.full)
        config_check(&r);
    if (c->arena.full)
        config_fault(&r, r.root, S("the file is too large"));
    if (!r.bad)
        return c;
    config_free(c);
    return NULL;
}

/* --- rules of another file */

static void add_rule(struct config_reader *r, const struct yaml_node *node)
{
    struct config *c = r->config;
    size_t n = c->n_rules;
    r->bad = false;
    if (!read_item(r, node, &config_lists[OF_config_rule]))
        return;
    c->rules[n].accepted = true;
    if (!r->bad)
        config_check_rule(r, n);
    if (r->bad || c->arena.full)
        c->n_rules = n;
}

void config_add_rules(struct config *c, struct str name, struct str text, struct buf *faults)
{
    struct config_reader r = {.config = c, .name = arena_dup(&c->arena, name), .faults = faults};
    const struct yaml_node *root = NULL;
    struct yaml_fault yf;
    if (yaml_parse(&c->arena, text, &root, &yf) < 0) {
        const struct yaml_node at = {.line = yf.line, .column = yf.column};
        config_fault(&r, &at, str_of(yf.sentence));
        return;
    }
    const struct yaml_node *rules = text.len ? yaml_get(root, S("rules")) : NULL;
    if (!rules || rules->kind != YAML_SEQUENCE || root->n != 1) {
        config_fault(&r, root, S("wants rules, a list, and nothing else"));
        return;
    }
    r.root = root;
    for (const struct yaml_node *node = rules->first; node; node = node->next)
        add_rule(&r, node);
}

struct config *config_load(const char *path, struct buf *faults)
{
    struct buf text = {0};
    char why[256];
    if (path && file_read(path, MOST_CONFIG_BYTES, &text, why, sizeof why) < 0) {
        buf_addf(faults, "%s\n", why);
        buf_fini(&text);
        return NULL;
    }
    struct config *c =
        config_parse(path ? str_of(path) : S("built-in defaults"), buf_str(&text), faults);
    if (c)
        accepted_load(c);
    buf_fini(&text);
    return c;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    arena_wipe(&c->arena); /* a proxy's password */
    arena_fini(&c->arena);
    mem_free(c);
}

const struct config_client *config_find_client(const struct config *c, struct str name)
{
    for (size_t i = 0; i < c->n_clients; i++)
        if (str_eq(c->clients[i].name, name))
            return &c->clients[i];
    return NULL;
}
