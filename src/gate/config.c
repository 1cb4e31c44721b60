/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration, driven by one table (directives.def). A key's path is looked up in the table;
 * a path that only begins other paths is a section; anything else is a fault with the nearest name.
 * The same table prints the effective configuration, so the two cannot disagree.
 */
#include "weir/gate/config.h"

#include "config_value.h"
#include "weir/aws/endpoint.h"
#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/gate/operation.h"
#include "weir/gate/points.h"
#include "weir/wire/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_CONFIG_BYTES = 256 * 1024, ARENA_BYTES = 16 * 1024 * 1024 };

/* With less, larger bodies would wait in vain. */
enum { LEAST_BODIES_BYTES = 1024 * 1024 };

struct directive {
    struct str path;
    enum config_kind kind;
    bool in_listen;
    size_t offset;
    struct str fallback;
};

static const struct directive directives[] = {
#define DIRECTIVE(path_, kind_, owner_, field_, default_, doc_)                         \
    {STR(path_), CONFIG_##kind_, sizeof(struct owner_) == sizeof(struct config_listen), \
     offsetof(struct owner_, field_), STR(default_)},
#include "weir/gate/directives.def"
#undef DIRECTIVE
};
enum { DIRECTIVES = sizeof directives / sizeof *directives };

struct reader {
    struct config *config;
    struct config_listen *listen; /* the item being read */
    struct str name;
    struct buf *faults;
    bool bad;
    /* Where things stand in the file, for what one key alone cannot tell. NULL: nowhere. */
    const struct yaml_node *root, *keys[DIRECTIVES], *items[CONFIG_MOST_LISTENERS];
};

static void fault(struct reader *r, const struct yaml_node *at, struct str sentence)
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

__attribute__((format(printf, 3, 4))) static void
faultf(struct reader *r, const struct yaml_node *at, const char *format, ...)
{
    char sentence[512];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    fault(r, at, str_of(sentence));
}

/* --- ${NAME} and ${file:/path} */

/* What comes out of a file may be a secret. */
static void wipe(struct buf *b)
{
    if (b->data)
        secret_wipe(b->data, b->cap);
    buf_fini(b);
}

static bool add_file(struct reader *r, const struct yaml_node *at, const char *path,
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
        faultf(r, at, "%s", why);
    wipe(&text);
    return good;
}

static bool add_reference(struct reader *r, const struct yaml_node *at, struct str name,
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
        faultf(r, at, "the environment has no %s", word);
    return value;
}

static bool expand(struct reader *r, const struct yaml_node *at, struct str *value)
{
    struct buf out = {0};
    struct str rest = at->text;
    bool good = true;
    for (ptrdiff_t open; good && (open = str_find(rest, S("${"))) >= 0;) {
        buf_add(&out, str_sub(rest, 0, (size_t)open));
        rest = str_from_offset(rest, (size_t)open + 2);
        ptrdiff_t close = str_chr(rest, '}');
        if (close < 0) {
            fault(r, at, S("${ without }"));
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

static void *field_of(struct reader *r, const struct directive *d)
{
    return (char *)(d->in_listen ? (void *)r->listen : (void *)r->config) + d->offset;
}

/* For a fault: as it stands in the file, and not what it stands for, which may be a secret. */
static struct str written(const struct directive *d, const struct yaml_node *node)
{
    bool url = d->kind == CONFIG_URL || d->kind == CONFIG_PROXY;
    return url && str_chr(node->text, '@') >= 0 ? S("(hidden)") : str_sub(node->text, 0, 80);
}

/* What it says is for those who use it to judge. */
static void read_tree(struct reader *r, const struct directive *d, const struct yaml_node *node)
{
    if (node->kind == YAML_MAPPING)
        *(const struct yaml_node **)field_of(r, d) = node;
    else if (!yaml_is_null(node))
        faultf(r, node, "%.*s wants a section", STR_ARG(d->path));
}

static void read_directive(struct reader *r, const struct directive *d,
                           const struct yaml_node *node)
{
    struct str value;
    if (!d->in_listen)
        r->keys[d - directives] = node;
    if (d->kind == CONFIG_TREE) {
        read_tree(r, d, node);
        return;
    }
    if (node->kind != YAML_SCALAR) {
        faultf(r, node, "%.*s wants one value, not a list or a section", STR_ARG(d->path));
        return;
    }
    if (!expand(r, node, &value))
        return;
    const char *why = config_read_value(d->kind, value, field_of(r, d));
    if (why)
        faultf(r, node, "%.*s %s; it is \"%.*s\"", STR_ARG(d->path), why,
               STR_ARG(written(d, node)));
}

/* How a path stands to the table: a directive, the beginning of some ("log" of "log.level"), or a
 * list of sections ("listen" of "listen[].address"). */
enum standing { STANDS_NOWHERE, STANDS_DIRECTIVE, STANDS_SECTION, STANDS_LIST };

static enum standing standing_of(struct str path, const struct directive **out)
{
    for (size_t i = 0; i < DIRECTIVES; i++) {
        struct str rest = str_from_offset(directives[i].path, path.len);
        if (!str_starts(directives[i].path, path))
            continue;
        *out = &directives[i];
        if (rest.len == 0)
            return STANDS_DIRECTIVE;
        if (rest.ptr[0] == '.')
            return STANDS_SECTION;
        if (rest.ptr[0] == '[')
            return STANDS_LIST;
    }
    return STANDS_NOWHERE;
}

static void unknown_key(struct reader *r, const struct yaml_node *key, struct str section)
{
    struct str best = {NULL, 0};
    unsigned best_distance = 4; /* further away it is no longer a slip of the finger */
    for (size_t i = 0; i < DIRECTIVES; i++) {
        if (!str_starts(directives[i].path, section))
            continue;
        struct str rest = str_from_offset(directives[i].path, section.len);
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
        faultf(r, key, "unknown key \"%.*s\"; did you mean \"%.*s\"?",
               STR_ARG(str_sub(key->text, 0, 60)), STR_ARG(best));
    else
        faultf(r, key, "unknown key \"%.*s\"", STR_ARG(str_sub(key->text, 0, 60)));
}

static void read_section(struct reader *r, const struct yaml_node *map, struct str section);

static void read_list(struct reader *r, const struct yaml_node *list, struct str path)
{
    if (list->kind != YAML_SEQUENCE) {
        faultf(r, list, "%.*s wants a list", STR_ARG(path));
        return;
    }
    struct str section = arena_printf(&r->config->arena, "%.*s[].", STR_ARG(path));
    r->config->n_listen = 0;
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        if (r->config->n_listen == CONFIG_MOST_LISTENERS) {
            faultf(r, item, "more than %d listeners", CONFIG_MOST_LISTENERS);
            return;
        }
        r->items[r->config->n_listen] = item;
        r->listen = &r->config->listen[r->config->n_listen++];
        read_section(r, item, section);
    }
}

static void read_section(struct reader *r, const struct yaml_node *map, struct str section)
{
    if (yaml_is_null(map))
        return;
    if (map->kind != YAML_MAPPING) {
        fault(r, map, S("wants \"key: value\" here"));
        return;
    }
    for (const struct yaml_node *node = map->first; node; node = node->next) {
        const struct directive *d = NULL;
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
            read_list(r, node, path);
            break;
        case STANDS_NOWHERE:
            unknown_key(r, node->key, section);
            break;
        }
    }
}

static void set_defaults(struct reader *r)
{
    for (size_t i = 0; i < DIRECTIVES; i++) {
        const struct directive *d = &directives[i];
        size_t n = d->in_listen ? CONFIG_MOST_LISTENERS : 1;
        for (size_t item = 0; item < n; item++) {
            r->listen = &r->config->listen[item];
            (void)config_read_value(d->kind, d->fallback, field_of(r, d));
        }
    }
    r->config->n_listen = 1;
}

/* --- what one key alone cannot tell */

/* Where a key stands; the beginning of the file when it does not. */
static const struct yaml_node *place_of(const struct reader *r, const char *path)
{
    for (size_t i = 0; i < DIRECTIVES; i++)
        if (r->keys[i] && str_eq(directives[i].path, str_of(path)))
            return r->keys[i];
    return r->root;
}

static const struct yaml_node *place_of_listener(const struct reader *r, size_t i)
{
    return r->items[i] ? r->items[i] : r->root;
}

/* A prefix must not look like the beginning of a path of ours. */
static bool hides_an_operation(struct str prefix)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        struct str path = operation_row((enum operation_id)i)->path;
        if (str_starts(path, prefix) && str_starts(str_from_offset(path, prefix.len), S("/")))
            return true;
    }
    return str_eq(prefix, S("/w"));
}

static void check_listener(struct reader *r, size_t i)
{
    const struct config_listen *l = &r->config->listen[i];
    const struct yaml_node *at = place_of_listener(r, i);
    if ((l->cert.len == 0) != (l->key.len == 0))
        faultf(r, at, "listen %.*s: tls wants both cert and key", STR_ARG(l->address));
    if (l->client_ca.len && l->cert.len == 0)
        faultf(r, at, "listen %.*s: tls.client_ca wants tls.cert and tls.key", STR_ARG(l->address));
    if (l->client_ca.len == 0 && !config_is_loopback(l->address))
        faultf(r, at,
               "listen %.*s: beyond loopback Weir would sign for anyone who reaches it. Set "
               "tls.client_ca so that only certificates of yours get in, or listen on 127.0.0.1",
               STR_ARG(l->address));
    if (l->prefix.len && hides_an_operation(l->prefix))
        faultf(r, at, "listen %.*s: prefix %.*s is the beginning of Weir's own paths; take another",
               STR_ARG(l->address), STR_ARG(l->prefix));
    if (str_eq(l->address, r->config->admin_address) && !str_ends(l->address, S(":0")))
        faultf(r, at, "listen %.*s is admin.address, too", STR_ARG(l->address));
}

/* A DNS label: it stands in host names and signatures. */
static bool is_region(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
              s.ptr[i] == '-'))
            return false;
    return s.len > 0 && s.len <= 63;
}

/* The Region's own address, so that the effective configuration says who is called. */
static void fill_endpoint(struct config *c, const char *service, struct str *url)
{
    struct endpoint e;
    if (url->len == 0 && endpoint_of(str_of(service), c->region, &e))
        *url = arena_printf(&c->arena, "https://%s", e.authority);
}

static void check_region(struct reader *r)
{
    static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    struct config *c = r->config;
    for (size_t i = 0; i < 2 && c->region.len == 0; i++)
        if (getenv(names[i]))
            c->region = arena_dup(&c->arena, str_of(getenv(names[i])));
    fill_endpoint(c, "bedrock-runtime", &c->runtime_url);
    fill_endpoint(c, "bedrock", &c->control_url);
    fill_endpoint(c, "monitoring", &c->cloudwatch_url);
    fill_endpoint(c, "sts", &c->sts_url);
    const struct yaml_node *at = place_of(r, "region");
    if (c->region.len == 0)
        fault(r, at,
              S("region is not set, and the environment has neither AWS_REGION nor "
                "AWS_DEFAULT_REGION"));
    else if (!is_region(c->region))
        faultf(r, at, "region \"%.*s\" is not a name like us-east-1",
               STR_ARG(str_sub(c->region, 0, 80)));
    else if (c->runtime_url.len == 0)
        faultf(r, at,
               "region \"%.*s\" is of no AWS partition that Weir knows; set "
               "endpoints.runtime",
               STR_ARG(c->region));
}

static void check_listeners(struct reader *r)
{
    const struct config *c = r->config;
    if (c->n_listen == 0)
        fault(r, r->root, S("listen is empty: nobody could connect"));
    for (size_t i = 0; i < c->n_listen; i++)
        check_listener(r, i);
    for (size_t i = 0; i < c->n_listen; i++)
        for (size_t j = i + 1; j < c->n_listen; j++)
            if (str_eq(c->listen[i].address, c->listen[j].address) &&
                !str_ends(c->listen[i].address, S(":0")))
                faultf(r, place_of_listener(r, j), "listen %.*s stands there twice",
                       STR_ARG(c->listen[i].address));
}

static void check_exporters(struct reader *r)
{
    const struct config *c = r->config;
    const struct yaml_node *at = place_of(r, "metrics.cloudwatch.namespace");
    if (c->cloudwatch_series < POINTS_METRICS_LEAST)
        faultf(r, place_of(r, "metrics.cloudwatch.max_series"),
               "metrics.cloudwatch.max_series wants at least %d: so many has what counts as other",
               (int)POINTS_METRICS_LEAST);
    if (c->cloudwatch_namespace.len && c->cloudwatch_url.len == 0)
        fault(r, at,
              S("metrics.cloudwatch: region is of no AWS partition that Weir knows; set "
                "endpoints.cloudwatch"));
    if (str_starts(c->cloudwatch_namespace, S("AWS/")))
        fault(r, at,
              S("metrics.cloudwatch.namespace: names that begin with AWS/ are AWS's own; take "
                "another"));
}

static void check_whole(struct reader *r)
{
    const struct config *c = r->config;
    check_region(r);
    check_listeners(r);
    if (!config_is_loopback(c->admin_address))
        faultf(r, place_of(r, "admin.address"),
               "admin.address %.*s: the admin API serves loopback only", STR_ARG(c->admin_address));
    if (c->profile.len && c->bearer_file.len)
        fault(r, place_of(r, "credentials.bearer_file"),
              S("credentials wants profile or bearer_file, not both"));
    if (c->state.len == 0 || c->state.ptr[0] != '/')
        fault(r, place_of(r, "state"), S("state wants an absolute path"));
    check_exporters(r);
    if (c->bodies_bytes < LEAST_BODIES_BYTES)
        fault(r, place_of(r, "memory.bodies"), S("memory.bodies wants at least 1MiB"));
}

struct config *config_parse(struct str name, struct str text, struct buf *faults)
{
    struct config *c = mem_new(sizeof *c);
    arena_init(&c->arena, ARENA_BYTES);
    struct reader r = {.config = c, .name = name, .faults = faults};
    c->name = arena_dup(&c->arena, name);
    set_defaults(&r);

    struct yaml_fault yf;
    const struct yaml_node *root = NULL;
    if (yaml_parse(&c->arena, text, &root, &yf) < 0) {
        const struct yaml_node at = {.line = yf.line, .column = yf.column};
        fault(&r, &at, str_of(yf.sentence));
    } else {
        r.root = text.len ? root : NULL;
        read_section(&r, root, S(""));
    }
    if (!r.bad && !c->arena.full)
        check_whole(&r);
    if (c->arena.full)
        fault(&r, r.root, S("the file is too large"));
    if (!r.bad)
        return c;
    config_free(c);
    return NULL;
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

/* --- printing: the table's order, sections opened where a path's head changes. */

/* "metrics.emf." of "metrics.emf.to": how much of the path is sections. */
static size_t sections_of(struct str path)
{
    size_t n = path.len;
    while (n && path.ptr[n - 1] != '.')
        n--;
    return n;
}

/* Opens what is not open from the path before, and says what stands last. */
static void print_path(struct str path, struct str *last, size_t indent, struct buf *out)
{
    struct str old = str_sub(*last, 0, sections_of(*last));
    size_t head = sections_of(path), at = 0;
    bool same = true;
    *last = path;
    while (at < head) {
        struct str rest = str_from_offset(path, at);
        struct str section = str_sub(rest, 0, (size_t)str_chr(rest, '.'));
        same = same && str_starts(str_from_offset(old, at), str_sub(rest, 0, section.len + 1));
        if (!same)
            buf_addf(out, "%*s%.*s:\n", (int)indent, "", STR_ARG(section));
        at += section.len + 1;
        indent += 2;
    }
    buf_addf(out, "%*s%.*s: ", (int)indent, "", STR_ARG(str_from_offset(path, at)));
}

static void print_listener(const struct config_listen *l, struct buf *out)
{
    struct str last = {NULL, 0};
    size_t head = sizeof "listen[]." - 1, before = buf_len(out);
    for (size_t i = 0; i < DIRECTIVES; i++) {
        const struct directive *d = &directives[i];
        const void *field = (const char *)l + d->offset;
        if (!d->in_listen || config_is_unset(d->kind, field))
            continue;
        print_path(str_from_offset(d->path, head), &last, 4, out);
        config_print_value(d->kind, field, out);
        buf_add_char(out, '\n');
    }
    out->data[out->head + before + 2] =
        '-'; /* the first of its four spaces of indent begins the item */
}

void config_print(const struct config *c, struct buf *out)
{
    struct str last = {NULL, 0};
    buf_add(out, S("listen:\n"));
    for (size_t i = 0; i < c->n_listen; i++)
        print_listener(&c->listen[i], out);
    for (size_t i = 0; i < DIRECTIVES; i++) {
        const struct directive *d = &directives[i];
        if (d->in_listen || config_is_unset(d->kind, (const char *)c + d->offset))
            continue;
        print_path(d->path, &last, 0, out);
        config_print_value(d->kind, (const char *)c + d->offset, out);
        buf_add_char(out, '\n');
    }
}
