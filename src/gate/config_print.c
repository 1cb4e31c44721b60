/* SPDX-License-Identifier: Apache-2.0
 *
 * The effective configuration as YAML, in the order of directives.def: a section is opened where a
 * path's head changes, a list stands whole where its first key does. What was not given and has no
 * default is left out.
 */
#include "config_table.h"
#include "weir/gate/config.h"

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

static void print_item(const void *item, enum config_owner owner, struct buf *out)
{
    struct str last = {NULL, 0};
    size_t head = config_lists[owner].name.len + sizeof "[]." - 1, before = buf_len(out);
    for (size_t i = 0; i < config_n_directives; i++) {
        const struct config_directive *d = &config_directives[i];
        const void *field = (const char *)item + d->offset;
        if (d->owner != owner || config_is_unset(d->kind, field))
            continue;
        print_path(str_from_offset(d->path, head), &last, 4, out);
        config_print_value(d->kind, field, out);
        buf_add_char(out, '\n');
    }
    out->data[out->head + before + 2] =
        '-'; /* the first of its four spaces of indent begins the item */
}

static void print_list(const struct config *c, enum config_owner owner, struct buf *out)
{
    const struct config_list *list = &config_lists[owner];
    size_t n = *(const size_t *)(const void *)((const char *)c + list->n_offset);
    if (n)
        buf_addf(out, "%.*s:\n", STR_ARG(list->name));
    for (size_t i = 0; i < n; i++)
        print_item((const char *)c + list->offset + i * list->item_size, owner, out);
}

void config_print(const struct config *c, struct buf *out)
{
    struct str last = {NULL, 0};
    enum config_owner open = OF_config;
    for (size_t i = 0; i < config_n_directives; i++) {
        const struct config_directive *d = &config_directives[i];
        bool begins = d->owner != OF_config && d->owner != open;
        open = d->owner;
        if (begins)
            print_list(c, d->owner, out);
        if (d->owner != OF_config || config_is_unset(d->kind, (const char *)c + d->offset))
            continue;
        print_path(d->path, &last, 0, out);
        config_print_value(d->kind, (const char *)c + d->offset, out);
        buf_add_char(out, '\n');
    }
}
