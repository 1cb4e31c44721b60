/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms, pair by pair. Nothing is allocated: every decoded byte takes the place of at least one,
 * the NUL behind a name that of '=' or '&', the one behind a value that of '&' or the body's end.
 */
#include "weir/wire/form.h"

void form_init(struct form *f, struct str body, char *room)
{
    f->rest = body;
    f->room = room;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static int escaped(struct str s)
{
    int high = s.len < 3 ? -1 : hex_digit(s.ptr[1]);
    int low = s.len < 3 ? -1 : hex_digit(s.ptr[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool decode(struct form *f, struct str raw, struct str *out)
{
    char *begin = f->room;
    while (raw.len) {
        int c = raw.ptr[0] == '+' ? ' ' : raw.ptr[0] == '%' ? escaped(raw) : (int)raw.ptr[0];
        if (c < 0 && raw.ptr[0] == '%')
            return false;
        *f->room++ = (char)c;
        raw = str_from_offset(raw, raw.ptr[0] == '%' ? 3 : 1);
    }
    *out = str_from(begin, (size_t)(f->room - begin));
    *f->room++ = '\0';
    return true;
}

int form_next(struct form *f, struct str *out_name, struct str *out_value)
{
    struct str pair = {NULL, 0}, name, value = S("");
    while (f->rest.ptr && !pair.len)
        pair = str_cut(&f->rest, '&');
    if (!pair.len)
        return 0;
    struct str raw_name = str_cut(&pair, '=');
    if (!decode(f, raw_name, &name) || (pair.ptr && !decode(f, pair, &value)))
        return ERR_BAD;
    *out_name = name;
    *out_value = value;
    return 1;
}
