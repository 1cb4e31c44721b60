/* SPDX-License-Identifier: Apache-2.0
 *
 * A signed request read from a file, and the checks that the tests of signer and verifier share.
 */
#ifndef WEIR_TEST_WIRE_SIGV4_SAMPLE_H
#define WEIR_TEST_WIRE_SIGV4_SAMPLE_H

#include "vectors.h"
#include "weir/wire/sigv4.h"

/* A request as a test reads it. Borrowed from a file's buffer, written in place. */
struct sample {
    struct fields fields;
    struct sigv4_request r;
    struct sigv4_scope scope;
    struct str secret, names, body;
    struct str authorization; /* of the file, or {NULL, 0} */
    char payload[SHA256_HEX];
};

static const struct str doc_secret = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

static inline void lower_case(struct str s)
{
    for (char *c = (char *)(uintptr_t)s.ptr; c < s.ptr + s.len; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
}

/* "AWS4-HMAC-SHA256 Credential=A/D/R/S/aws4_request, SignedHeaders=..., Signature=..." */
static inline void read_authorization(struct sample *s, struct str value)
{
    struct str rest = value;
    s->authorization = value;
    str_cut(&rest, '=');
    s->scope.access_key = str_cut(&rest, '/');
    str_cut(&rest, '/');
    s->scope.region = str_cut(&rest, '/');
    s->scope.service = str_cut(&rest, '/');
    str_cut(&rest, '=');
    s->names = str_cut(&rest, ',');
    s->scope.time = fields_get(&s->fields, S("x-amz-date"));
    s->secret = doc_secret;
}

static inline void finish(struct sample *s)
{
    struct str given = fields_get(&s->fields, S("x-amz-content-sha256"));
    unsigned char digest[SHA256_BYTES];
    sha256_of(s->body, digest);
    sha256_hex(digest, s->payload);
    s->r.payload = given.len ? given : str_from(s->payload, SHA256_HEX);
    s->r.fields = s->fields.at;
    s->r.n_fields = s->fields.n;
    struct str value = fields_get(&s->fields, S("authorization"));
    if (value.len)
        read_authorization(s, str_trim(value));
}

static inline void set_target(struct sample *s, struct str target)
{
    s->r.query = target;
    s->r.path = str_cut(&s->r.query, '?');
}

/* A request file. A line that starts with a space goes on with the field before it. */
static inline void parse(struct sample *s, struct str text)
{
    memset(s, 0, sizeof *s);
    struct str line = str_cut(&text, '\n');
    s->r.method = str_cut(&line, ' ');
    assert_true(str_ends(line, S(" HTTP/1.1")));
    line.len -= strlen(" HTTP/1.1");
    set_target(s, line);
    while (text.len && (line = str_cut(&text, '\n')).len) {
        if (line.ptr[0] == ' ') {
            struct str *value = &s->fields.at[s->fields.n - 1].value;
            value->len = (size_t)(line.ptr + line.len - value->ptr);
            continue;
        }
        bool pseudo = line.ptr[0] == ':';
        struct str value = str_from_offset(line, pseudo), name = str_cut(&value, ':');
        if (pseudo)
            name = str_from(line.ptr, name.len + 1);
        lower_case(name);
        assert_true(fields_add(&s->fields, name, value));
    }
    s->body = text;
    finish(s);
}

static inline struct str sign(const struct sample *s, struct arena *a)
{
    struct hmac_key hmac;
    unsigned char key[SIGV4_KEY_BYTES];
    struct str value = {NULL, 0};
    assert_int_equal(sigv4_key(s->secret, &s->scope, key), 0);
    hmac_key_init(&hmac, str_from((const char *)key, sizeof key));
    assert_int_equal(sigv4_sign(&s->r, &s->scope, &hmac, a, &value), 0);
    return value;
}

static inline void check_signed(const struct sample *s, struct str want)
{
    struct arena a;
    arena_init(&a, 64 << 10);
    assert_str(sign(s, &a), want);
    arena_fini(&a);
}

/* What is named, and only that, signed over gives the signature at the end of the file's value. */
static inline void check_named(const struct sample *s)
{
    unsigned char key[SIGV4_KEY_BYTES], signature[SHA256_BYTES];
    char hex[SHA256_HEX];
    assert_int_equal(sigv4_key(s->secret, &s->scope, key), 0);
    assert_int_equal(sigv4_signature(&s->r, s->names, &s->scope, key, signature), 0);
    sha256_hex(signature, hex);
    assert_true(s->authorization.len > SHA256_HEX);
    assert_str(str_from(hex, sizeof hex),
               str_from_offset(s->authorization, s->authorization.len - SHA256_HEX));
}

static inline void check_canonical(const struct sample *s, struct str want)
{
    struct buf b = {0};
    assert_int_equal(sigv4_canonical(&s->r, s->names, &b), 0);
    assert_str(buf_str(&b), want);
    buf_fini(&b);
}

static inline bool is_named(struct str names, struct str name)
{
    while (names.len)
        if (str_eq(str_cut(&names, ';'), name))
            return true;
    return false;
}

/* --- the repository's own folders, test/vectors/sigv4 */

enum { OWN_FILES = 6 };
static const char *const own_files[OWN_FILES] = {
    "request.txt",        "scope.txt",     "canonical-request.txt",
    "string-to-sign.txt", "signature.txt", "authorization.txt",
};
struct own {
    struct buf file[OWN_FILES];
    struct sample s;
};

static inline struct str scope_line(struct str *rest, const char *key)
{
    struct str value = str_cut(rest, '\n');
    assert_str(str_cut(&value, ' '), str_of(key));
    return value;
}

static inline void own_open(struct own *o, const char *name)
{
    char path[VECTOR_PATH];
    for (int i = 0; i < OWN_FILES; i++) {
        snprintf(path, sizeof path, "test/vectors/sigv4/%s/%s", name, own_files[i]);
        o->file[i] = vector_read(path);
    }
    parse(&o->s, buf_str(&o->file[0]));
    read_authorization(&o->s, buf_str(&o->file[5]));
    struct str rest = buf_str(&o->file[1]);
    o->s.scope.access_key = scope_line(&rest, "access_key");
    o->s.secret = scope_line(&rest, "secret");
    o->s.scope.time = scope_line(&rest, "time");
    o->s.scope.region = scope_line(&rest, "region");
    o->s.scope.service = scope_line(&rest, "service");
    o->s.r.s3_path = str_eq(scope_line(&rest, "path"), S("s3"));
}

static inline void own_close(struct own *o)
{
    for (int i = 0; i < OWN_FILES; i++)
        buf_fini(&o->file[i]);
}

static inline int each_own(void (*check)(const struct own *o))
{
    struct vector_names names;
    int cases = 0;
    vector_list("test/vectors/sigv4", &names);
    for (int i = 0; i < names.n; i++) {
        struct own o;
        if (strchr(names.at[i], '.'))
            continue;
        own_open(&o, names.at[i]);
        check(&o);
        own_close(&o);
        cases++;
    }
    return cases;
}

#endif
