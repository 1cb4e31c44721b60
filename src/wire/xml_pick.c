/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of XML's tokens, and two walks over them: to the end of a named element, counting
 * depth, and over the text inside it. XML 1.0 (fifth edition) without DTDs.
 */
#include "weir/wire/xml_pick.h"

enum token_kind { TOKEN_TEXT, TOKEN_CDATA, TOKEN_START, TOKEN_EMPTY, TOKEN_END, TOKEN_COMMENT };

struct token {
    enum token_kind kind;
    struct str text; /* of a tag: its local name */
};

/* --- tokens: 1, or 0 at the end, or ERR_BAD */

/* From `rest` on stands something with a fixed opener and closer; what is between is the text. */
static int take_between(struct str *rest, size_t opener_len, struct str closer, struct token *t)
{
    struct str in = str_from_offset(*rest, opener_len);
    ptrdiff_t len = str_find(in, closer);
    if (len < 0)
        return ERR_BAD;
    t->text = str_sub(in, 0, (size_t)len);
    *rest = str_from_offset(in, (size_t)len + closer.len);
    return 1;
}

/* How long a tag is up to its '>', quoted values passed over; -1 when it does not end. */
static ptrdiff_t tag_len(struct str in)
{
    char quote = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '>')
            return (ptrdiff_t)i;
        else if (c == '<')
            return -1;
    }
    return -1;
}

static struct str local_name(struct str tag)
{
    static const struct str ends = STR(" \t\r\n/\"'=&");
    size_t n = 0;
    while (n < tag.len && str_chr(ends, tag.ptr[n]) < 0)
        n++;
    struct str name = str_sub(tag, 0, n);
    ptrdiff_t colon = str_chr(name, ':');
    return colon < 0 ? name : str_from_offset(name, (size_t)colon + 1);
}

static int take_tag(struct str *rest, struct token *t)
{
    bool end = str_starts(*rest, S("</"));
    struct str in = str_from_offset(*rest, end ? 2 : 1);
    ptrdiff_t len = tag_len(in);
    if (len < 0)
        return ERR_BAD;
    struct str tag = str_sub(in, 0, (size_t)len);
    t->kind = end ? TOKEN_END : str_ends(tag, S("/")) ? TOKEN_EMPTY : TOKEN_START;
    t->text = local_name(tag);
    *rest = str_from_offset(in, (size_t)len + 1);
    return t->text.len ? 1 : ERR_BAD;
}

static int take_text(struct str *rest, struct token *t)
{
    ptrdiff_t len = str_chr(*rest, '<');
    t->text = len < 0 ? *rest : str_sub(*rest, 0, (size_t)len);
    *rest = str_from_offset(*rest, t->text.len);
    return 1;
}

static int next_token(struct str *rest, struct token *t)
{
    static const struct str cdata = STR("<![CDATA["), comment = STR("<!--"), question = STR("<?");
    if (rest->len == 0)
        return 0;
    t->kind = TOKEN_TEXT;
    if (rest->ptr[0] != '<')
        return take_text(rest, t);
    t->kind = TOKEN_CDATA;
    if (str_starts(*rest, cdata))
        return take_between(rest, cdata.len, S("]]>"), t);
    t->kind = TOKEN_COMMENT;
    if (str_starts(*rest, comment))
        return take_between(rest, comment.len, S("-->"), t);
    if (str_starts(*rest, question))
        return take_between(rest, question.len, S("?>"), t);
    if (str_starts(*rest, S("<!")))
        return ERR_BAD; /* a DTD */
    return take_tag(rest, t);
}

/* --- elements */

/* Behind the start tag of `name`: up to its end tag. */
static int find_end(struct str *rest, struct str name, struct str *out_inside)
{
    struct str inside = *rest;
    struct token t;
    int depth = 1;
    for (;;) {
        struct str before = *rest;
        if (next_token(rest, &t) != 1)
            return ERR_BAD;
        depth += (t.kind == TOKEN_START) - (t.kind == TOKEN_END);
        if (depth > XML_DEPTH_MOST)
            return ERR_BAD;
        if (depth > 0)
            continue;
        *out_inside = str_sub(inside, 0, inside.len - before.len);
        return str_eq(t.text, name) ? 0 : ERR_BAD;
    }
}

int xml_pick_next(struct str *rest, struct str name, struct str *out_inside)
{
    struct str in = *rest, inside;
    struct token t;
    int got;
    while ((got = next_token(&in, &t)) == 1) {
        bool tag = t.kind == TOKEN_START || t.kind == TOKEN_EMPTY;
        if (!tag || !str_eq(t.text, name))
            continue;
        inside = str_sub(in, 0, 0);
        int err = t.kind == TOKEN_START ? find_end(&in, name, &inside) : 0;
        if (err)
            return err;
        *out_inside = inside;
        *rest = in;
        return 0;
    }
    return got ? got : ERR_NOT_FOUND;
}

/* --- text */

static bool is_char(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xd800) ||
           (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

static void add_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add_char(out, (char)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    buf_add_char(out, (char)(leads[more] | c >> (6 * more)));
    while (more--)
        buf_add_char(out, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

/* "#10" or "#xA"; 0 for what is none. */
static uint32_t char_ref(struct str ref)
{
    bool hex = str_starts(ref, S("#x"));
    struct str digits = str_from_offset(ref, hex ? 2 : 1);
    uint32_t n = 0;
    if (digits.len == 0 || digits.len > 8)
        return 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i], low = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            n = n * (hex ? 16 : 10) + (uint32_t)(c - '0');
        else if (hex && low >= 'a' && low <= 'f')
            n = n * 16 + (uint32_t)(low - 'a' + 10);
        else
            return 0;
    }
    return n;
}

static int add_entity(struct buf *out, struct str ref)
{
    static const struct {
        struct str name;
        char c;
    } named[] = {
        {STR("amp"), '&'},  {STR("lt"), '<'},    {STR("gt"), '>'},
        {STR("quot"), '"'}, {STR("apos"), '\''},
    };
    uint32_t c = str_starts(ref, S("#")) ? char_ref(ref) : 0;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (str_eq(ref, named[i].name))
            c = (unsigned char)named[i].c;
    if (!is_char(c))
        return ERR_BAD;
    add_utf8(out, c);
    return 0;
}

static int add_plain(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_char((unsigned char)s.ptr[i]))
            return ERR_BAD;
    buf_add(out, s);
    return 0;
}

static int add_text(struct buf *out, struct str text)
{
    while (text.len) {
        ptrdiff_t amp = str_chr(text, '&');
        struct str plain = amp < 0 ? text : str_sub(text, 0, (size_t)amp);
        int err = add_plain(out, plain);
        if (err || amp < 0)
            return err;
        text = str_from_offset(text, plain.len + 1);
        if (str_chr(text, ';') < 0)
            return ERR_BAD;
        err = add_entity(out, str_cut(&text, ';'));
        if (err)
            return err;
    }
    return 0;
}

static int add_inside(struct buf *out, struct str inside)
{
    struct token t;
    int err = 0, got = 0;
    while (!err && (got = next_token(&inside, &t)) == 1) {
        if (t.kind == TOKEN_TEXT)
            err = add_text(out, t.text);
        else if (t.kind == TOKEN_CDATA)
            err = add_plain(out, t.text);
        else if (t.kind != TOKEN_COMMENT)
            err = ERR_BAD;
    }
    return err ? err : got;
}

int xml_pick(struct str text, struct str name, struct buf *out)
{
    struct str inside;
    size_t before = buf_len(out);
    int err = xml_pick_next(&text, name, &inside);
    if (!err)
        err = add_inside(out, inside);
    if (err)
        out->tail = out->head + before;
    return err;
}
