/* SPDX-License-Identifier: Apache-2.0
 *
 * The places in the order of who knows best. A name is letters, digits, dots and the like: a value
 * with an escape or another sign in it is none.
 */
#include "weir/wire/aws_error.h"

#include "weir/wire/json_pick.h"

enum { BODY_MOST = 64 * 1024, NAME_MOST = 128 };

static bool is_sign(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* Behind the last '#', before ':' and ';'. */
static struct str name_in(struct str told)
{
    struct str type = str_cut(&told, ':');
    type = str_trim(str_cut(&type, ';'));
    for (ptrdiff_t at = str_chr(type, '#'); at >= 0; at = str_chr(type, '#'))
        type = str_from_offset(type, (size_t)at + 1);
    for (size_t i = 0; i < type.len; i++)
        if (!is_sign(type.ptr[i]) || i == NAME_MOST)
            return S("");
    return type;
}

static struct str in_body(struct str body)
{
    struct json_member m[] = {
        {.name = STR("__type")}, {.name = STR("code")}, {.name = STR("Code")}};
    struct json_pick p;
    struct str type = S("");
    if (body.len == 0 || body.len > BODY_MOST)
        return type;
    json_pick_init(&p, body, m, sizeof m / sizeof *m);
    if (json_pick_step(&p) != JSON_END || !p.object)
        return type;
    for (size_t i = 0; i < sizeof m / sizeof *m && type.len == 0; i++)
        if (m[i].times == 1 && m[i].kind == JSON_STRING)
            type = name_in(str_sub(m[i].raw, 1, m[i].raw.len - 2));
    return type;
}

struct str aws_error_type(const struct fields *fields, struct str body)
{
    struct str type = name_in(fields_get(fields, S("x-amzn-errortype")));
    if (type.len == 0)
        type = name_in(fields_get(fields, S("x-amzn-query-error")));
    return type.len ? type : in_body(body);
}

static bool is_one_of(struct str type, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_starts(type, names[i]))
            return true;
    return false;
}

bool aws_error_stale(struct str type)
{
    static const struct str names[] = {STR("ExpiredToken"), STR("UnrecognizedClient"),
                                       STR("InvalidClientTokenId")};
    return is_one_of(type, names, sizeof names / sizeof *names);
}

bool aws_error_signature(struct str type)
{
    static const struct str names[] = {STR("InvalidSignature"), STR("SignatureDoesNotMatch"),
                                       STR("RequestExpired"), STR("RequestTimeTooSkewed")};
    return is_one_of(type, names, sizeof names / sizeof *names);
}
