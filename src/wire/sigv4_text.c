/* SPDX-License-Identifier: Apache-2.0
 *
 * What SigV4 calls canonical. Bytes that are already canonical are passed on in runs; only a path
 * with dot segments or double slashes, and a query, need a copy.
 *
 * Encoding is RFC 3986's: unreserved bytes stay, others become %XX in capitals. A path is encoded
 * as it stands (so "%3A" becomes "%253A"); a query is decoded first (so "%3a" becomes "%3A").
 */
#include "sigv4_text.h"

#include "weir/wire/sigv4.h"
#include "weir/wire/uri.h"

#include <string.h>

void sink_init(struct sink *k, struct buf *text)
{
    k->text = text;
    k->n = 0;
    sha256_init(&k->hash);
}

static void pass(struct sink *k, struct str s)
{
    if (k->text)
        buf_add(k->text, s);
    else
        sha256_add(&k->hash, s);
}

void sink_flush(struct sink *k)
{
    pass(k, str_from(k->block, k->n));
    k->n = 0;
}

void sink_add(struct sink *k, struct str s)
{
    if (s.len > sizeof k->block - k->n)
        sink_flush(k);
    if (s.len > sizeof k->block) {
        pass(k, s);
    } else if (s.len) {
        memcpy(k->block + k->n, s.ptr, s.len);
        k->n += s.len;
    }
}

void sink_char(struct sink *k, char c)
{
    if (k->n == sizeof k->block)
        sink_flush(k);
    k->block[k->n++] = c;
}

static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void encode(char c, char out[3])
{
    static const char hex[] = "0123456789ABCDEF";
    out[0] = '%';
    out[1] = hex[(unsigned char)c >> 4];
    out[2] = hex[(unsigned char)c & 15];
}

/* --- the path */

static void add_encoded_path(struct sink *k, struct str path)
{
    size_t run = 0;
    for (size_t i = 0; i < path.len; i++) {
        if (unreserved(path.ptr[i]) || path.ptr[i] == '/')
            continue;
        char escape[3];
        encode(path.ptr[i], escape);
        sink_add(k, str_sub(path, run, i - run));
        sink_add(k, str_from(escape, sizeof escape));
        run = i + 1;
    }
    sink_add(k, str_from_offset(path, run));
}

static bool is_dots(struct str segment)
{
    return str_eq(segment, S(".")) || str_eq(segment, S(".."));
}

static bool is_normal(struct str path)
{
    struct str rest = str_from_offset(path, 1);
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    while (rest.len) {
        struct str segment = str_cut(&rest, '/');
        if (segment.len == 0 || is_dots(segment))
            return false;
    }
    return true;
}

static void drop_last_segment(struct buf *b)
{
    while (buf_len(b) && b->data[--b->tail] != '/')
        ;
}

/* As botocore's normalize_url_path: "/a/.." gives "/", "/a/." gives "/a", "//a//" gives "/a/". */
static void normalise(struct str path, struct buf *out)
{
    struct str rest = path;
    while (rest.len) {
        struct str segment = str_cut(&rest, '/');
        if (str_eq(segment, S(".."))) {
            drop_last_segment(out);
        } else if (segment.len && !is_dots(segment)) {
            buf_add_char(out, '/');
            buf_add(out, segment);
        }
    }
    if (buf_len(out) == 0 || path.ptr[path.len - 1] == '/')
        buf_add_char(out, '/');
}

void sigv4_text_path(struct sink *k, struct str path)
{
    if (is_normal(path)) {
        add_encoded_path(k, path);
        return;
    }
    struct buf normal = {0};
    normalise(path, &normal);
    add_encoded_path(k, buf_str(&normal));
    buf_fini(&normal);
}

/* --- the query */

struct param {
    struct str name, value; /* encoded, borrowed from one buffer */
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A '%' that starts no escape stands for itself; '+' is no space. */
static void add_reencoded(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%' && s.len - i > 2 && hex_digit(s.ptr[i + 1]) >= 0 &&
            hex_digit(s.ptr[i + 2]) >= 0) {
            c = (char)(hex_digit(s.ptr[i + 1]) * 16 + hex_digit(s.ptr[i + 2]));
            i += 2;
        }
        char escape[3];
        encode(c, escape);
        buf_add(out, unreserved(c) ? str_from(&c, 1) : str_from(escape, sizeof escape));
    }
}

static struct str reencoded(struct buf *room, struct str s)
{
    size_t from = room->tail;
    add_reencoded(room, s);
    return str_from(room->data + from, room->tail - from);
}

static int param_cmp(const struct param *a, const struct param *b)
{
    int order = str_cmp(a->name, b->name);
    return order ? order : str_cmp(a->value, b->value);
}

static void insert(struct param *list, size_t n, struct param p)
{
    while (n && param_cmp(&list[n - 1], &p) > 0) {
        list[n] = list[n - 1];
        n--;
    }
    list[n] = p;
}

int sigv4_text_query(struct sink *k, struct str query)
{
    struct param list[SIGV4_PARAMS_MOST];
    struct buf room = {0};
    size_t n = 0;
    if (query.len)
        buf_reserve(&room, 3 * query.len); /* never grows again: the params point into it */
    struct str name, value;
    while (uri_next_param(&query, &name, &value)) {
        if (n == SIGV4_PARAMS_MOST) {
            buf_fini(&room);
            return ERR_TOO_BIG;
        }
        struct param p = {.name = reencoded(&room, name)};
        p.value = reencoded(&room, value);
        insert(list, n++, p);
    }
    for (size_t i = 0; i < n; i++) {
        if (i)
            sink_char(k, '&');
        sink_add(k, list[i].name);
        sink_char(k, '=');
        sink_add(k, list[i].value);
    }
    buf_fini(&room);
    return 0;
}

/* --- a header value */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void sigv4_text_value(struct sink *k, struct str value)
{
    bool first = true;
    size_t i = 0;
    while (i < value.len) {
        size_t from = i;
        while (i < value.len && !is_space(value.ptr[i]))
            i++;
        if (i > from) {
            if (!first)
                sink_char(k, ' ');
            sink_add(k, str_sub(value, from, i - from));
            first = false;
        }
        while (i < value.len && is_space(value.ptr[i]))
            i++;
    }
}
