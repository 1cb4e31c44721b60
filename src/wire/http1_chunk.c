/* SPDX-License-Identifier: Apache-2.0
 *
 * A chunked body, taken apart as it arrives: framing byte by byte, data in whole runs, nothing
 * copied and nothing kept but a few numbers.
 *
 *     SIZE [EXT] SIZE_LF  DATA DATA_CR DATA_LF  ...  SIZE(0) SIZE_LF
 *     { LINE NAME.. VALUE.. VALUE_LF }  LINE END_LF  END
 *
 * Only CRLF ends a line, sizes are hexadecimal digits and nothing else, extensions are checked,
 * bounded and skipped, and trailer fields must look like fields before they are dropped.
 */
#include "http1_text.h"
#include "weir/wire/http1.h"

enum {
    DIGITS_MOST = 16,
    EXT_MOST = 256,            /* behind one size */
    EXT_TOTAL_MOST = 4 * 1024, /* in one body: more is a flood (RFC 9112 7.1.1) */
    TRAILER_MOST = FIELDS_BYTES,
    TRAILER_FIELDS_MOST = FIELDS_MOST
};

enum state {
    SIZE, /* zero: how a body begins */
    EXT,  /* an extension begins; its states in the order of  name = "quo\ted"  */
    EXT_NAME,
    EXT_EQUALS,
    EXT_VALUE,
    EXT_QUOTED,
    EXT_ESCAPE,
    EXT_CLOSED,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE, /* where a trailer field or the last empty line begins */
    NAME,
    VALUE,
    VALUE_LF,
    END_LF,
    END,
    BAD,
    FLOOD
};

static int bad(struct http1_chunked *c, struct http1_fault *fault, const char *sentence)
{
    c->state = BAD;
    return http1_refuse(fault, 400, sentence);
}

static int flood(struct http1_chunked *c, struct http1_fault *fault, int status,
                 const char *sentence)
{
    c->state = FLOOD;
    http1_refuse(fault, status, sentence);
    return ERR_TOO_BIG;
}

static int hex_digit(unsigned char ch)
{
    unsigned char lower = ch | 0x20;
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static int take_size(struct http1_chunked *c, unsigned char ch, struct http1_fault *fault)
{
    int digit = hex_digit(ch);
    if (digit >= 0) {
        if (c->digits == DIGITS_MOST || c->size > INT64_MAX >> 4)
            return bad(c, fault, "A chunk size is too large.");
        c->digits++;
        c->size = c->size << 4 | (unsigned)digit;
        return 0;
    }
    if (c->digits == 0 || (ch != '\r' && ch != ';'))
        return bad(c, fault, "A chunk size is not a hexadecimal number.");
    c->state = ch == ';' ? EXT : SIZE_LF;
    return 0;
}

/* RFC 9112 7.1.1 without its "bad whitespace". The grammar is kept to the letter, since parsers
 * that end an extension at different bytes read different bodies. */
static enum state after_ext(enum state s, unsigned char ch)
{
    bool token = http1_token_lower[ch] != 0, text = http1_is_text(ch);
    if (s == EXT_QUOTED && (ch == '"' || ch == '\\'))
        return ch == '"' ? EXT_CLOSED : EXT_ESCAPE;
    if (s == EXT_QUOTED || s == EXT_ESCAPE)
        return text ? EXT_QUOTED : BAD;
    if (s == EXT)
        return token ? EXT_NAME : BAD;
    if (s == EXT_EQUALS)
        return ch == '"' ? EXT_QUOTED : token ? EXT_VALUE : BAD;
    if (ch == ';' || ch == '\r')
        return ch == ';' ? EXT : SIZE_LF;
    if (s == EXT_NAME && ch == '=')
        return EXT_EQUALS;
    return token && s != EXT_CLOSED ? s : BAD;
}

static int take_ext(struct http1_chunked *c, unsigned char ch, struct http1_fault *fault)
{
    c->state = after_ext((enum state)c->state, ch);
    if (c->state == BAD)
        return bad(c, fault, "A chunk extension is malformed.");
    if (c->state == SIZE_LF)
        return 0;
    if (++c->ext_here > EXT_MOST || ++c->ext_bytes > EXT_TOTAL_MOST)
        return flood(c, fault, 400, "The chunk extensions are too long.");
    return 0;
}

/* The LF behind a size line: the data begins, or the trailer. */
static int begin_chunk(struct http1_chunked *c)
{
    c->left = c->size;
    c->state = c->size ? DATA : LINE;
    c->size = 0;
    c->digits = c->ext_here = 0;
    return 0;
}

static int take_line(struct http1_chunked *c, unsigned char ch, struct http1_fault *fault)
{
    if (ch == '\r') {
        c->state = END_LF;
        return 0;
    }
    if (!http1_token_lower[ch])
        return bad(c, fault, "A trailer line has no proper name.");
    if (++c->trailer_fields > TRAILER_FIELDS_MOST)
        return flood(c, fault, 431, "The trailer has more than 100 fields.");
    c->state = NAME;
    return 0;
}

static int take_name(struct http1_chunked *c, unsigned char ch, struct http1_fault *fault)
{
    if (ch == ':')
        c->state = VALUE;
    else if (!http1_token_lower[ch])
        return bad(c, fault, "A trailer line has no proper name.");
    return 0;
}

static int take_value(struct http1_chunked *c, unsigned char ch, struct http1_fault *fault)
{
    if (ch == '\r')
        c->state = VALUE_LF;
    else if (!http1_is_text(ch))
        return bad(c, fault, "A control byte stands in the trailer.");
    return 0;
}

static int expect(struct http1_chunked *c, unsigned char ch, unsigned char wanted, enum state next,
                  struct http1_fault *fault)
{
    if (ch != wanted)
        return bad(c, fault, "A line of the chunked body does not end in CRLF.");
    c->state = next;
    return 0;
}

/* One byte of framing. */
static int take_byte(struct http1_chunked *c, unsigned char ch, struct http1_fault *fault)
{
    if (c->state >= LINE && ++c->trailer_bytes > TRAILER_MOST)
        return flood(c, fault, 431, "The trailer is longer than 64 KiB.");
    switch ((enum state)c->state) {
    case SIZE:
        return take_size(c, ch, fault);
    case EXT:
    case EXT_NAME:
    case EXT_EQUALS:
    case EXT_VALUE:
    case EXT_QUOTED:
    case EXT_ESCAPE:
    case EXT_CLOSED:
        return take_ext(c, ch, fault);
    case SIZE_LF:
        return ch == '\n' ? begin_chunk(c) : expect(c, ch, '\n', BAD, fault);
    case DATA_CR:
        return expect(c, ch, '\r', DATA_LF, fault);
    case DATA_LF:
        return expect(c, ch, '\n', SIZE, fault);
    case LINE:
        return take_line(c, ch, fault);
    case NAME:
        return take_name(c, ch, fault);
    case VALUE:
        return take_value(c, ch, fault);
    case VALUE_LF:
        return expect(c, ch, '\n', LINE, fault);
    case END_LF:
        return expect(c, ch, '\n', END, fault);
    case DATA:
    case END:
    case BAD:
    case FLOOD:
        break;
    }
    return 0;
}

int http1_chunk_next(struct http1_chunked *c, struct str in, size_t *used, struct str *data,
                     struct http1_fault *fault)
{
    size_t at = 0;
    *used = 0;
    if (c->state == BAD)
        return bad(c, fault, "The chunked body is malformed.");
    if (c->state == FLOOD)
        return flood(c, fault, 400, "The chunked body is too large around its data.");
    while (at < in.len && c->state != DATA && c->state != END) {
        int err = take_byte(c, (unsigned char)in.ptr[at++], fault);
        if (err)
            return err;
    }
    *used = at;
    if (c->state == END)
        return HTTP1_CHUNK_END;
    if (c->state != DATA || at == in.len)
        return HTTP1_CHUNK_MORE;
    *data = str_sub(in, at, c->left < in.len - at ? (size_t)c->left : in.len - at);
    *used += data->len;
    c->left -= data->len;
    if (c->left == 0)
        c->state = DATA_CR;
    return HTTP1_CHUNK_DATA;
}
