/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings unit by unit: a unit is one escape, a pair of surrogate escapes, or one byte. The
 * scanner has checked them, so that nothing here looks behind the closing quote.
 */
#include "weir/wire/json_string.h"

#include <assert.h>
#include <string.h>

struct unit {
    char bytes[4];
    unsigned char len;  /* 0: a lone surrogate */
    unsigned char used; /* of the raw text */
};

static struct str inside(struct str raw)
{
    assert(raw.len >= 2 && raw.ptr[0] == '"' && raw.ptr[raw.len - 1] == '"');
    return (struct str){raw.ptr + 1, raw.len - 2};
}

static unsigned hex4(const char *p)
{
    unsigned n = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];
        n = n << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return n;
}

static struct unit utf8(unsigned code, unsigned char used)
{
    struct unit u = {.used = used};
    u.len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (unsigned i = u.len - 1u; i > 0; i--, code >>= 6)
        u.bytes[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    u.bytes[0] = (char)(lead[u.len] | code);
    return u;
}

/* At \u. A high surrogate wants a low one behind it. */
static struct unit u_escape(struct str s)
{
    unsigned high = hex4(s.ptr + 2);
    if (high < 0xd800 || high > 0xdfff)
        return utf8(high, 6);
    if (high > 0xdbff || s.len < 12 || s.ptr[6] != '\\' || s.ptr[7] != 'u')
        return (struct unit){.used = 6};
    unsigned low = hex4(s.ptr + 8);
    if (low < 0xdc00 || low > 0xdfff)
        return (struct unit){.used = 6};
    return utf8(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12);
}

static struct unit unit(struct str s)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (s.ptr[0] != '\\')
        return (struct unit){{s.ptr[0]}, 1, 1};
    if (s.ptr[1] == 'u')
        return u_escape(s);
    const char *which = memchr(escapes, s.ptr[1], sizeof escapes - 1);
    assert(which);
    return (struct unit){{meant[which - escapes]}, 1, 2};
}

/* An escape is longer than what it means: without one the lengths are equal, with one never. */
bool json_string_is(struct str raw, struct str text)
{
    struct str s = inside(raw);
    if (s.len <= text.len)
        return s.len == text.len && memcmp(s.ptr, text.ptr, s.len) == 0 &&
               memchr(s.ptr, '\\', s.len) == NULL;
    while (s.len) {
        struct unit u = unit(s);
        if (u.len == 0 || u.len > text.len || memcmp(u.bytes, text.ptr, u.len) != 0)
            return false;
        s = str_from_offset(s, u.used);
        text = str_from_offset(text, u.len);
    }
    return text.len == 0;
}

int json_string_copy(struct str raw, char *out, size_t max, size_t *out_len)
{
    size_t len = 0;
    for (struct str s = inside(raw); s.len;) {
        ptrdiff_t plain = str_chr(s, '\\');
        struct str piece = plain < 0 ? s : str_sub(s, 0, (size_t)plain);
        struct unit u = {.used = 0};
        if (plain == 0) {
            u = unit(s);
            piece = (struct str){u.bytes, u.len};
        }
        if (plain == 0 && u.len == 0)
            return ERR_BAD;
        if (piece.len > max - len)
            return ERR_TOO_BIG;
        memcpy(out + len, piece.ptr, piece.len);
        len += piece.len;
        s = str_from_offset(s, plain == 0 ? u.used : piece.len);
    }
    *out_len = len;
    return 0;
}

int json_string_text(struct str raw, size_t max, struct arena *a, struct str *out)
{
    struct str s = inside(raw);
    if (str_chr(s, '\\') < 0) {
        if (s.len > max)
            return ERR_TOO_BIG;
        *out = s;
        return 0;
    }
    /* Six bytes of escapes make at least one of text: no need to ask the arena for what is
     * certainly too long. */
    if (s.len / 6 > max)
        return ERR_TOO_BIG;
    size_t most = s.len < max ? s.len : max, len;
    char *copy = arena_new(a, most + 1);
    if (!copy)
        return ERR_NO_MEMORY;
    int err = json_string_copy(raw, copy, most, &len);
    if (err == 0)
        *out = (struct str){copy, len};
    return err;
}
