/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of header fields, looked through from the front: with at most 100 of them that is faster
 * than a map.
 */
#include "weir/wire/fields.h"

#include "http1_text.h"

bool fields_add(struct fields *f, struct str name, struct str value)
{
    if (f->n == FIELDS_MOST)
        return false;
    f->at[f->n++] = (struct field){name, value};
    return true;
}

struct str fields_get(const struct fields *f, struct str name)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->at[i].name, name))
            return f->at[i].value;
    return (struct str){NULL, 0};
}

size_t fields_count(const struct fields *f, struct str name)
{
    size_t count = 0;
    for (size_t i = 0; i < f->n; i++)
        count += str_eq(f->at[i].name, name);
    return count;
}

bool fields_name_ok(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!http1_token_lower[(unsigned char)name.ptr[i]])
            return false;
    return name.len > 0;
}

bool fields_value_ok(struct str value)
{
    return value.len == 0 ||
           http1_skip_text(value.ptr, value.ptr + value.len) == value.ptr + value.len;
}
