/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in one pass. An index of the fields is chosen first (sorted for the signer, looked up
 * for a verifier); from there on both are the same: the canonical request is streamed into
 * SHA-256 in the order of the index, and the answer of fixed size is signed.
 *
 * Algorithm: AWS, "Create a signed AWS API request" (2015-08-30 test suite); the list of what is
 * never signed: botocore 1.43 auth.py, read November 2026.
 */
#include "weir/wire/sigv4.h"

#include "sigv4_text.h"

#include <assert.h>
#include <string.h>

static const struct str algorithm = STR("AWS4-HMAC-SHA256");

enum { TIME_LEN = 16, DAY_LEN = 8 };

/* Indexes of the fields to sign: by name, equal names together in their order of arrival. */
struct chosen {
    size_t n;
    unsigned char at[SIGV4_FIELDS_MOST];
};

static_assert(SIGV4_FIELDS_MOST <= 256, "an index is a byte");

/* --- choosing */

bool sigv4_never_signed(struct str name)
{
    static const struct str names[] = {
        STR("authorization"),   STR("connection"), STR("expect"),
        STR("keep-alive"),      STR("te"),         STR("trailer"),
        STR("upgrade"),         STR("user-agent"), STR("transfer-encoding"),
        STR("x-amzn-trace-id"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, names[i]))
            return true;
    return str_starts(name, S("proxy-")) || str_starts(name, S("amz-sdk-"));
}

static int choose_signable(const struct sigv4_request *r, struct chosen *c)
{
    c->n = 0;
    if (r->n_fields > SIGV4_FIELDS_MOST)
        return ERR_TOO_BIG;
    for (size_t i = 0; i < r->n_fields; i++) {
        if (sigv4_never_signed(r->fields[i].name))
            continue;
        size_t at = c->n++;
        while (at && str_cmp(r->fields[c->at[at - 1]].name, r->fields[i].name) > 0) {
            c->at[at] = c->at[at - 1];
            at--;
        }
        c->at[at] = (unsigned char)i;
    }
    return 0;
}

static int choose_one(const struct sigv4_request *r, struct str name, struct chosen *c)
{
    size_t before = c->n;
    for (size_t i = 0; i < r->n_fields; i++)
        if (str_eq(r->fields[i].name, name))
            c->at[c->n++] = (unsigned char)i;
    return c->n > before ? 0 : ERR_NOT_FOUND;
}

/* Names strictly ascend, so no field is chosen twice and the index cannot overflow. */
static int choose_named(const struct sigv4_request *r, struct str names, struct chosen *c)
{
    struct str last = {NULL, 0};
    c->n = 0;
    if (r->n_fields > SIGV4_FIELDS_MOST)
        return ERR_TOO_BIG;
    if (str_ends(names, S(";")))
        return ERR_BAD;
    while (names.len) {
        struct str name = str_cut(&names, ';');
        if (str_cmp(last, name) >= 0)
            return ERR_BAD;
        int err = choose_one(r, name, c);
        if (err)
            return err;
        last = name;
    }
    return c->n ? 0 : ERR_BAD;
}

static bool repeats(const struct sigv4_request *r, const struct chosen *c, size_t i)
{
    return i && str_eq(r->fields[c->at[i - 1]].name, r->fields[c->at[i]].name);
}

/* --- the canonical request */

static void add_fields(struct sink *k, const struct sigv4_request *r, const struct chosen *c)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct field *f = &r->fields[c->at[i]];
        if (repeats(r, c, i)) {
            sink_char(k, ',');
        } else {
            if (i)
                sink_char(k, '\n');
            sink_add(k, f->name);
            sink_char(k, ':');
        }
        sigv4_text_value(k, f->value);
    }
    sink_add(k, S("\n\n"));
}

static int add_canonical(struct sink *k, const struct sigv4_request *r, const struct chosen *c,
                         struct str names)
{
    struct str path = r->path.len ? r->path : S("/");
    sink_add(k, r->method);
    sink_char(k, '\n');
    if (r->s3_path)
        sink_add(k, path);
    else
        sigv4_text_path(k, path);
    sink_char(k, '\n');
    int err = sigv4_text_query(k, r->query);
    if (err)
        return err;
    sink_char(k, '\n');
    add_fields(k, r, c);
    sink_add(k, names);
    sink_char(k, '\n');
    sink_add(k, r->payload);
    sink_flush(k);
    return 0;
}

int sigv4_canonical(const struct sigv4_request *r, struct str signed_names, struct buf *out)
{
    struct chosen c;
    struct sink k;
    int err = choose_named(r, signed_names, &c);
    if (err)
        return err;
    sink_init(&k, out);
    return add_canonical(&k, r, &c, signed_names);
}

/* --- the scope and what it signs */

/* Visible, and nothing that could end its place in "Credential=A/D/R/S/aws4_request, ". */
static bool word_ok(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || s.ptr[i] == '/' || s.ptr[i] == ',')
            return false;
    return s.len > 0 && s.len <= SIGV4_NAME_MOST;
}

static bool time_ok(struct str t)
{
    if (t.len != TIME_LEN || t.ptr[DAY_LEN] != 'T' || t.ptr[TIME_LEN - 1] != 'Z')
        return false;
    for (size_t i = 0; i < TIME_LEN - 1; i++)
        if (i != DAY_LEN && (t.ptr[i] < '0' || t.ptr[i] > '9'))
            return false;
    return true;
}

static bool scope_ok(const struct sigv4_scope *s)
{
    return time_ok(s->time) && word_ok(s->access_key) && word_ok(s->region) && word_ok(s->service);
}

static void put(char **at, struct str s)
{
    if (s.len)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
}

static void put_hex(char **at, const unsigned char digest[SHA256_BYTES])
{
    sha256_hex(digest, *at);
    *at += SHA256_HEX;
}

/* "20260102/us-east-1/bedrock/aws4_request" */
static void put_scope(char **at, const struct sigv4_scope *s)
{
    put(at, str_sub(s->time, 0, DAY_LEN));
    put(at, S("/"));
    put(at, s->region);
    put(at, S("/"));
    put(at, s->service);
    put(at, S("/aws4_request"));
}

static_assert(SIGV4_TO_SIGN_MOST > 16 + TIME_LEN + DAY_LEN + 2 * SIGV4_NAME_MOST + SHA256_HEX + 20,
              "room for the longest string to sign");

int sigv4_string_to_sign(const struct sigv4_scope *scope,
                         const unsigned char canonical_sha256[SHA256_BYTES],
                         char room[SIGV4_TO_SIGN_MOST], struct str *out)
{
    char *at = room;
    if (!scope_ok(scope))
        return ERR_BAD;
    put(&at, algorithm);
    put(&at, S("\n"));
    put(&at, scope->time);
    put(&at, S("\n"));
    put_scope(&at, scope);
    put(&at, S("\n"));
    put_hex(&at, canonical_sha256);
    *out = str_from(room, (size_t)(at - room));
    return 0;
}

int sigv4_key(struct str secret, const struct sigv4_scope *scope,
              unsigned char out_key[SIGV4_KEY_BYTES])
{
    char first[4 + SIGV4_SECRET_MOST] = "AWS4";
    unsigned char key[SHA256_BYTES];
    struct str k = {(char *)key, sizeof key};
    if (!scope_ok(scope))
        return ERR_BAD;
    if (secret.len > SIGV4_SECRET_MOST)
        return ERR_TOO_BIG;
    if (secret.len)
        memcpy(first + 4, secret.ptr, secret.len);
    hmac_sha256(str_from(first, 4 + secret.len), str_sub(scope->time, 0, DAY_LEN), key);
    hmac_sha256(k, scope->region, key);
    hmac_sha256(k, scope->service, key);
    hmac_sha256(k, S("aws4_request"), out_key);
    secret_wipe(first, sizeof first);
    secret_wipe(key, sizeof key);
    return 0;
}

static int sign_chosen(const struct sigv4_request *r, const struct chosen *c, struct str names,
                       const struct sigv4_scope *scope, const struct hmac_key *key,
                       unsigned char out[SHA256_BYTES])
{
    struct sink k;
    unsigned char digest[SHA256_BYTES];
    char room[SIGV4_TO_SIGN_MOST];
    struct str to_sign;
    sink_init(&k, NULL);
    int err = add_canonical(&k, r, c, names);
    if (err)
        return err;
    sha256_end(&k.hash, digest);
    err = sigv4_string_to_sign(scope, digest, room, &to_sign);
    if (err)
        return err;
    hmac_key_sign(key, to_sign, out);
    return 0;
}

int sigv4_signature(const struct sigv4_request *r, struct str signed_names,
                    const struct sigv4_scope *scope, const unsigned char key[SIGV4_KEY_BYTES],
                    unsigned char out_signature[SHA256_BYTES])
{
    struct chosen c;
    struct hmac_key k;
    int err = choose_named(r, signed_names, &c);
    if (err)
        return err;
    hmac_key_init(&k, str_from((const char *)key, SIGV4_KEY_BYTES));
    err = sign_chosen(r, &c, signed_names, scope, &k, out_signature);
    secret_wipe(&k, sizeof k);
    return err;
}

/* --- the Authorization value */

static size_t names_len(const struct sigv4_request *r, const struct chosen *c)
{
    size_t len = 0;
    for (size_t i = 0; i < c->n; i++)
        if (!repeats(r, c, i))
            len += r->fields[c->at[i]].name.len + (i > 0);
    return len;
}

static void put_names(char **at, const struct sigv4_request *r, const struct chosen *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (repeats(r, c, i))
            continue;
        if (i)
            put(at, S(";"));
        put(at, r->fields[c->at[i]].name);
    }
}

int sigv4_sign(const struct sigv4_request *r, const struct sigv4_scope *scope,
               const struct hmac_key *key, struct arena *arena, struct str *out_authorization)
{
    static const struct str credential = STR(" Credential="), names_key = STR(", SignedHeaders="),
                            signature_key = STR(", Signature=");
    struct chosen c;
    int err = choose_signable(r, &c);
    if (err)
        return err;
    size_t n_names = names_len(r, &c);
    size_t len = algorithm.len + credential.len + scope->access_key.len + 1 + DAY_LEN + 1 +
                 scope->region.len + 1 + scope->service.len + sizeof "/aws4_request" - 1 +
                 names_key.len + n_names + signature_key.len + SHA256_HEX;
    char *value = arena_new(arena, len);
    if (!value)
        return ERR_NO_MEMORY;

    char *at = value;
    put(&at, algorithm);
    put(&at, credential);
    put(&at, scope->access_key);
    put(&at, S("/"));
    put_scope(&at, scope);
    put(&at, names_key);
    struct str names = {at, n_names};
    put_names(&at, r, &c);
    put(&at, signature_key);

    unsigned char signature[SHA256_BYTES];
    err = sign_chosen(r, &c, names, scope, key, signature);
    if (err)
        return err;
    put_hex(&at, signature);
    *out_authorization = str_from(value, len);
    return 0;
}
