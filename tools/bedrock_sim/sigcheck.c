/* SPDX-License-Identifier: Apache-2.0
 *
 * canonical request -> string to sign -> signature, compared in constant time.
 *
 *     POST \n /model/a%253A0/converse \n query \n host:...\n x-amz-date:...\n \n host;x-amz-date \n
 *     hex(sha256(body))
 *
 * The HMAC chain of a day's key is kept per thread: thousands of requests a second use the same.
 */
#include "sigcheck.h"

#include "weir/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* --- the Authorization header */

static struct str param(struct str list, struct str name)
{
    while (list.len) {
        struct str item = str_trim(str_cut(&list, ','));
        if (str_starts(item, name))
            return str_from_offset(item, name.len);
    }
    return (struct str){0};
}

bool sigcheck_read(struct str authorization, struct sigcheck_claim *out, const char **missing)
{
    struct str algorithm = S("AWS4-HMAC-SHA256");
    *missing = "Algorithm";
    if (!str_starts(authorization, algorithm))
        return false;
    struct str list = str_trim(str_from_offset(authorization, algorithm.len));
    struct str scope = param(list, S("Credential="));
    *missing = "Credential";
    out->akid = str_cut(&scope, '/');
    out->date = str_cut(&scope, '/');
    out->region = str_cut(&scope, '/');
    out->service = str_cut(&scope, '/');
    if (!str_eq(scope, S("aws4_request")) || out->akid.len == 0 || out->date.len != 8)
        return false;
    *missing = "SignedHeaders";
    out->signed_headers = param(list, S("SignedHeaders="));
    if (out->signed_headers.len == 0)
        return false;
    *missing = "Signature";
    out->signature = param(list, S("Signature="));
    return out->signature.len == SHA256_HEX;
}

bool sigcheck_is_signed(const struct sigcheck_claim *c, struct str name)
{
    struct str rest = c->signed_headers;
    while (rest.len)
        if (str_eq(str_cut(&rest, ';'), name))
            return true;
    return false;
}

struct str sigcheck_unsigned(const struct sigcheck_request *r, const struct sigcheck_claim *c)
{
    if (!sigcheck_is_signed(c, S("host")) && !sigcheck_is_signed(c, S(":authority")))
        return S("host");
    for (size_t i = 0; i < r->fields->n; i++) {
        struct str name = r->fields->at[i].name;
        bool must =
            str_starts(name, S("x-amz-")) || str_eq(name, S("x-amzn-bedrock-request-metadata"));
        if (must && !sigcheck_is_signed(c, name))
            return name;
    }
    return (struct str){0};
}

/* --- the canonical request */

static bool unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static void add_encoded(struct buf *b, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (unreserved((char)c)) {
            buf_add_char(b, (char)c);
        } else {
            char three[3] = {'%', hex[c >> 4], hex[c & 15]};
            buf_add(b, (struct str){three, 3});
        }
    }
}

/* Drops the last segment of what stands in b from `base` on. */
static void step_back(struct buf *b, size_t base)
{
    while (buf_len(b) > base && b->data[b->tail - 1] != '/')
        b->tail--;
    if (buf_len(b) > base)
        b->tail--;
}

/* Segments without empty ones, "." and "..", each encoded once more. */
static void add_path(struct buf *b, struct str path)
{
    size_t base = buf_len(b);
    bool slash_behind = true;
    while (path.ptr && path.len) {
        struct str segment = str_cut(&path, '/');
        bool last = !path.ptr;
        slash_behind = !last || segment.len == 0;
        if (segment.len == 0)
            continue;
        if (str_eq(segment, S(".")) || str_eq(segment, S(".."))) {
            if (segment.len == 2)
                step_back(b, base);
            slash_behind = true;
            continue;
        }
        buf_add_char(b, '/');
        add_encoded(b, segment);
    }
    if (slash_behind || buf_len(b) == base)
        buf_add_char(b, '/');
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void add_query_word(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        int high = -1, low = -1;
        if (s.ptr[i] == '%' && s.len - i > 2) {
            high = hex_value(s.ptr[i + 1]);
            low = hex_value(s.ptr[i + 2]);
        }
        char c = s.ptr[i];
        if (high >= 0 && low >= 0) {
            c = (char)(high * 16 + low);
            i += 2;
        }
        add_encoded(b, (struct str){&c, 1});
    }
}

struct pair {
    size_t name, value, end; /* offsets */
    const struct buf *in;
};

static struct str piece(const struct pair *p, size_t from, size_t to)
{
    return str_sub(buf_str(p->in), from, to - from);
}

static int by_name_then_value(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int c = str_cmp(piece(x, x->name, x->value), piece(y, y->name, y->value));
    return c ? c : str_cmp(piece(x, x->value, x->end), piece(y, y->value, y->end));
}

static void add_query(struct buf *b, struct str query)
{
    struct buf words = {0};
    struct pair pairs[64];
    size_t n = 0;
    while (query.len && n < 64) {
        struct str value = str_cut(&query, '&');
        if (value.len == 0)
            continue;
        struct str name = str_cut(&value, '=');
        pairs[n] = (struct pair){.name = buf_len(&words), .in = &words};
        add_query_word(&words, name);
        pairs[n].value = buf_len(&words);
        add_query_word(&words, value);
        pairs[n++].end = buf_len(&words);
    }
    if (n > 1)
        qsort(pairs, n, sizeof *pairs, by_name_then_value);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(b, '&');
        buf_add(b, piece(&pairs[i], pairs[i].name, pairs[i].value));
        buf_add_char(b, '=');
        buf_add(b, piece(&pairs[i], pairs[i].value, pairs[i].end));
    }
    buf_fini(&words);
}

/* Trimmed, runs of spaces made one. */
static void add_value(struct buf *b, struct str value)
{
    value = str_trim(value);
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] != ' ' || value.ptr[i - 1] != ' ')
            buf_add_char(b, value.ptr[i]);
}

static void add_header(struct buf *b, const struct sigcheck_request *r, struct str name)
{
    bool first = true;
    buf_add(b, name);
    buf_add_char(b, ':');
    if (str_eq(name, S("host")) || str_eq(name, S(":authority"))) {
        add_value(b, r->authority);
        first = false;
    }
    for (size_t i = 0; i < r->fields->n && !str_eq(name, S("host")); i++) {
        if (!str_eq(r->fields->at[i].name, name))
            continue;
        if (!first)
            buf_add_char(b, ',');
        add_value(b, r->fields->at[i].value);
        first = false;
    }
    buf_add_char(b, '\n');
}

void sigcheck_canonical(const struct sigcheck_request *r, const struct sigcheck_claim *c,
                        struct buf *out)
{
    char hex[SHA256_HEX];
    struct str query = r->target, path = str_cut(&query, '?'), names = c->signed_headers;
    buf_add(out, r->method);
    buf_add_char(out, '\n');
    add_path(out, path);
    buf_add_char(out, '\n');
    add_query(out, query);
    buf_add_char(out, '\n');
    while (names.len)
        add_header(out, r, str_cut(&names, ';'));
    buf_add_char(out, '\n');
    buf_add(out, c->signed_headers);
    buf_add_char(out, '\n');
    sha256_hex(r->body_sha256, hex);
    buf_add(out, (struct str){hex, sizeof hex});
}

/* --- the signature */

struct day_key {
    char scope[160]; /* akid/date/region/service */
    unsigned char secret_digest[SHA256_BYTES];
    unsigned char key[SHA256_BYTES];
};

static void derive(struct str secret, const struct sigcheck_claim *c, unsigned char key[32])
{
    struct buf first = {0};
    buf_add(&first, S("AWS4"));
    buf_add(&first, secret);
    hmac_sha256(buf_str(&first), c->date, key);
    hmac_sha256((struct str){(char *)key, SHA256_BYTES}, c->region, key);
    hmac_sha256((struct str){(char *)key, SHA256_BYTES}, c->service, key);
    hmac_sha256((struct str){(char *)key, SHA256_BYTES}, S("aws4_request"), key);
    buf_fini(&first);
}

static const unsigned char *day_key(struct str secret, const struct sigcheck_claim *c)
{
    static _Thread_local struct day_key kept[8];
    static _Thread_local unsigned next;
    struct day_key want = {0};
    struct buf scope = {0};
    buf_addf(&scope, "%.*s/%.*s/%.*s/%.*s", STR_ARG(c->akid), STR_ARG(c->date), STR_ARG(c->region),
             STR_ARG(c->service));
    size_t len = buf_len(&scope) < sizeof want.scope ? buf_len(&scope) : sizeof want.scope - 1;
    memcpy(want.scope, scope.data, len);
    bool whole = len == buf_len(&scope);
    buf_fini(&scope);
    sha256_of(secret, want.secret_digest);
    for (size_t i = 0; i < 8 && whole; i++)
        if (strcmp(kept[i].scope, want.scope) == 0 &&
            digest_equal(kept[i].secret_digest, want.secret_digest, SHA256_BYTES))
            return kept[i].key;
    struct day_key *k = &kept[next++ % 8];
    derive(secret, c, want.key);
    *k = want;
    if (!whole)
        k->scope[0] = 0;
    return k->key;
}

bool sigcheck_matches(const struct sigcheck_request *r, const struct sigcheck_claim *c,
                      struct str secret)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    struct buf b = {0};
    sigcheck_canonical(r, c, &b);
    sha256_of(buf_str(&b), digest);
    buf_clear(&b);
    buf_addf(&b, "AWS4-HMAC-SHA256\n%.*s\n%.*s/%.*s/%.*s/aws4_request\n", STR_ARG(c->time),
             STR_ARG(c->date), STR_ARG(c->region), STR_ARG(c->service));
    sha256_hex(digest, hex);
    buf_add(&b, (struct str){hex, sizeof hex});
    hmac_sha256((struct str){(const char *)day_key(secret, c), SHA256_BYTES}, buf_str(&b), digest);
    sha256_hex(digest, hex);
    buf_fini(&b);
    return c->signature.len == SHA256_HEX && digest_equal(hex, c->signature.ptr, SHA256_HEX);
}
