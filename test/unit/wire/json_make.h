/* SPDX-License-Identifier: Apache-2.0
 *
 * Random JSON for property tests, from base/random (seed it first, and print the seed): strict
 * texts of every kind of value, with white space, escapes, UTF-8 and long plain strings.
 */
#ifndef WEIR_TEST_WIRE_JSON_MAKE_H
#define WEIR_TEST_WIRE_JSON_MAKE_H

#include "weir/base/buf.h"
#include "weir/base/random.h"

static inline struct str json_make_one_of(const struct str *from, size_t n)
{
    return from[random_below(n)];
}

#define JSON_MAKE_ONE_OF(table) json_make_one_of(table, sizeof(table) / sizeof *(table))

static inline void json_make_space(struct buf *b)
{
    static const struct str spaces[] = {
        STR(""), STR(""), STR(""), STR(" "), STR("\n"), STR("\t\r\n "), STR("                   ")};
    buf_add(b, JSON_MAKE_ONE_OF(spaces));
}

static inline void json_make_string(struct buf *b)
{
    static const struct str units[] = {
        STR("a"),
        STR("text "),
        STR("\\n"),
        STR("\\\""),
        STR("\\\\"),
        STR("\\u00e9"),
        STR("\\/"),
        STR("\xc3\xa9"),
        STR("\xe6\xb0\xb4"),
        STR("\xf0\x9f\x8c\x8a"),
        STR("\\ud83c\\udf0a"),
        STR("a long run of plain text without anything in it, longer than a block of bytes "),
    };
    buf_add_char(b, '"');
    for (uint64_t n = random_below(8); n > 0; n--)
        buf_add(b, JSON_MAKE_ONE_OF(units));
    buf_add_char(b, '"');
}

static inline void json_make_scalar(struct buf *b)
{
    static const struct str scalars[] = {
        STR("0"),    STR("-1"),       STR("12345678901234567890"),
        STR("1.50"), STR("-0.0e+17"), STR("1E400"),
        STR("true"), STR("false"),    STR("null"),
    };
    if (random_below(2))
        json_make_string(b);
    else
        buf_add(b, JSON_MAKE_ONE_OF(scalars));
}

static inline void json_make_value(struct buf *b, unsigned depth)
{
    uint64_t kind = depth ? random_below(3) : 0;
    json_make_space(b);
    if (kind == 0) {
        json_make_scalar(b);
    } else {
        buf_add_char(b, kind == 1 ? '{' : '[');
        json_make_space(b);
        for (uint64_t i = 0, n = random_below(5); i < n; i++) {
            if (i)
                buf_add_char(b, ',');
            json_make_space(b);
            if (kind == 1) {
                json_make_string(b);
                json_make_space(b);
                buf_add_char(b, ':');
            }
            json_make_value(b, depth - 1);
        }
        buf_add_char(b, kind == 1 ? '}' : ']');
    }
    json_make_space(b);
}

#endif
