/* SPDX-License-Identifier: Apache-2.0
 *
 * From quote to quote: a long string that begins as base64 does is a file. An image is about as
 * many tokens whatever its bytes (models scale it down first); of other files, mostly PDF, a page
 * of 2,000 tokens has rarely less than 30 KB. Between the strings and in all others a token is four
 * bytes. Escaped quotes cut a string in two, which is no harm: base64 has none.
 */
#include "weir/plan/tokens.h"

#include <string.h>

enum {
    FILE_BYTES = 1024,    /* a shorter string is text, whatever it looks like */
    LOOKED_AT = 128,      /* of its first bytes */
    STRINGS_MOST = 65536, /* what comes behind them is text: it keeps the time short */
    IMAGE_TOKENS = 1600,  /* Claude: width * height / 750, at most 1.15 megapixels (Anthropic's
                             documentation of vision, 2025) */
    BYTES_A_FILE_TOKEN = 16
};

static bool is_base64(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '+' || c == '/'))
            return false;
    }
    return true;
}

/* OpenAI's dialects write "data:image/png;base64,...". */
static struct str without_head(struct str s)
{
    ptrdiff_t comma = str_chr(str_sub(s, 0, LOOKED_AT), ',');
    return str_starts(s, S("data:")) && comma > 0 ? str_from_offset(s, (size_t)comma + 1) : s;
}

/* By what PNG, JPEG, GIF and WebP begin with, in base64. */
static bool is_image(struct str s)
{
    static const struct str heads[] = {STR("iVBORw0KGgo"), STR("/9j/"), STR("R0lGOD"),
                                       STR("UklGR")};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (str_starts(s, heads[i]))
            return true;
    return false;
}

/* 0: it is text. */
static uint64_t tokens_of_file(struct str s)
{
    if (s.len < FILE_BYTES)
        return 0;
    s = without_head(s);
    if (!is_base64(str_sub(s, 0, LOOKED_AT)))
        return 0;
    return is_image(s) ? IMAGE_TOKENS : s.len / BYTES_A_FILE_TOKEN;
}

uint64_t tokens_of_string(struct str inside)
{
    uint64_t tokens = tokens_of_file(inside);
    return tokens ? tokens : (inside.len + TOKENS_BYTES_A_TOKEN - 1) / TOKENS_BYTES_A_TOKEN;
}

uint64_t tokens_estimate(struct str body)
{
    uint64_t text = body.len, files = 0;
    size_t at = 0;
    for (int i = 0; i < STRINGS_MOST && body.len - at >= FILE_BYTES; i++) {
        const char *quote = memchr(body.ptr + at, '"', body.len - at);
        if (!quote)
            break;
        struct str s = str_from(body.ptr + at, (size_t)(quote - body.ptr) - at);
        uint64_t tokens = tokens_of_file(s);
        if (tokens)
            text -= s.len;
        files += tokens;
        at += s.len + 1;
    }
    return (text + TOKENS_BYTES_A_TOKEN - 1) / TOKENS_BYTES_A_TOKEN + files;
}
