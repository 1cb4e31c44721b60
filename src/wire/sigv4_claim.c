/* SPDX-License-Identifier: Apache-2.0
 *
 * What a signed request claims. Reading needs no secret, so each rule may say what it likes to our
 * log; whether the claim holds is one computation of fixed shape and one answer.
 *
 * The canonical text has no room for doubt once names are tokens, the method is letters and the
 * hash is ours: path and query are encoded, values have no line ends. What is left to check is that
 * everything which changes what a request does is under the signature.
 */
#include "weir/wire/sigv4_claim.h"

#include "weir/base/text.h"
#include "weir/wire/uri.h"

#include <string.h>

enum { TIME_LEN = 16, DAY_LEN = 8, REGION_MOST = 63 };

/* --- whether there is any */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The first byte of *s, decoded. */
static char take_decoded(struct str *s)
{
    char c = s->len ? s->ptr[0] : '\0';
    size_t n = 1;
    if (c == '%' && s->len > 2 && hex_digit(s->ptr[1]) >= 0 && hex_digit(s->ptr[2]) >= 0) {
        c = (char)(hex_digit(s->ptr[1]) * 16 + hex_digit(s->ptr[2]));
        n = 3;
    }
    *s = str_from_offset(*s, n);
    return c;
}

static bool is_credential_param(struct str name)
{
    static const struct str prefix = STR("x-amz-");
    char start[6];
    for (size_t i = 0; i < sizeof start; i++)
        start[i] = take_decoded(&name);
    return str_ieq(str_from(start, sizeof start), prefix);
}

static bool query_has_credentials(struct str target)
{
    struct str path, query, name, value;
    uri_split(target, &path, &query);
    while (uri_next_param(&query, &name, &value))
        if (is_credential_param(name))
            return true;
    return false;
}

/* AWS4-HMAC-SHA256, AWS4-ECDSA-P256-SHA256, and the AWS of version 2. */
static bool is_aws_scheme(struct str authorization)
{
    return str_istarts(authorization, S("AWS"));
}

static bool shows_signature(const struct sigv4_received *r)
{
    size_t n = fields_count(r->fields, S("authorization"));
    struct str value = fields_get(r->fields, S("authorization"));
    return n > 1 || (n == 1 && is_aws_scheme(str_trim(value))) || query_has_credentials(r->target);
}

/* --- its time */

static struct str only(const struct fields *fields, struct str name)
{
    if (fields_count(fields, name) != 1)
        return (struct str){NULL, 0};
    return str_trim(fields_get(fields, name));
}

/* "20260102T030405Z" */
static bool parse_time(struct str t, int64_t *out_s)
{
    char iso[] = "0000-00-00T00:00:00Z";
    static const unsigned char at[TIME_LEN] = {0,  1,  2,  3,  5,  6,  8,  9,
                                               10, 11, 12, 14, 15, 17, 18, 19};
    if (t.len != TIME_LEN || t.ptr[DAY_LEN] != 'T' || t.ptr[TIME_LEN - 1] != 'Z')
        return false;
    for (size_t i = 0; i < TIME_LEN; i++)
        iso[at[i]] = t.ptr[i];
    return text_parse_iso_time(str_from(iso, sizeof iso - 1), out_s);
}

static bool is_far(int64_t then_s, int64_t now_s)
{
    return then_s < now_s - SIGV4_SKEW_S || then_s > now_s + SIGV4_SKEW_S;
}

/* --- the Authorization field */

/* "NAME=value" at the front of *rest, up to a comma. Spaces may stand before it, not behind. */
static struct str take_part(struct str *rest, struct str name)
{
    struct str part = str_cut(rest, ',');
    while (str_starts(part, S(" ")))
        part = str_from_offset(part, 1);
    if (!str_starts(part, name))
        return (struct str){NULL, 0};
    return str_from_offset(part, name.len);
}

static bool read_hex(struct str hex, unsigned char out[SHA256_BYTES])
{
    if (hex.len != SHA256_HEX)
        return false;
    for (size_t i = 0; i < SHA256_HEX; i++) {
        int digit = hex_digit(hex.ptr[i]);
        if (digit < 0 || (hex.ptr[i] >= 'A' && hex.ptr[i] <= 'F'))
            return false;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | digit : digit << 4);
    }
    return true;
}

static bool is_access_key(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
            return false;
    return s.len > 0 && s.len <= SIGV4_NAME_MOST;
}

/* "us-east-1", "us-gov-west-1": words and at last a number. */
static bool is_region(struct str s)
{
    struct str rest = s, part = {NULL, 0};
    unsigned words = 0;
    while (rest.ptr) {
        part = str_cut(&rest, '-');
        bool last = !rest.ptr;
        for (size_t i = 0; i < part.len; i++)
            if (last ? part.ptr[i] < '0' || part.ptr[i] > '9'
                     : part.ptr[i] < 'a' || part.ptr[i] > 'z')
                return false;
        if (part.len == 0)
            return false;
        words += !last;
    }
    return words >= 2 && s.len <= REGION_MOST;
}

/* `list` is separated by `sep`. */
static bool is_in(struct str list, char sep, struct str word)
{
    while (list.len)
        if (str_eq(str_cut(&list, sep), word))
            return true;
    return false;
}

static const char *read_scope(struct str credential, struct str services, struct sigv4_claim *c)
{
    c->access_key = str_cut(&credential, '/');
    struct str day = str_cut(&credential, '/');
    c->region = str_cut(&credential, '/');
    c->service = str_cut(&credential, '/');
    struct str terminator = str_cut(&credential, '/');
    if (credential.ptr || !str_eq(terminator, S("aws4_request")))
        return "the credential is not KEY/DAY/REGION/SERVICE/aws4_request";
    if (!is_access_key(c->access_key))
        return "the access key is not visible ASCII, or too long";
    if (!str_eq(day, str_sub(c->time, 0, DAY_LEN)))
        return "the scope's day is not x-amz-date's";
    if (!is_region(c->region))
        return "the scope's region is not a region's name";
    if (!is_in(services, ' ', c->service))
        return "the scope's service is another one";
    return NULL;
}

static const char *read_authorization(struct str value, struct str services, struct sigv4_claim *c)
{
    struct str rest = value, algorithm = str_cut(&rest, ' ');
    if (!str_eq(algorithm, S("AWS4-HMAC-SHA256")))
        return "the algorithm is not AWS4-HMAC-SHA256";
    struct str credential = take_part(&rest, S("Credential="));
    c->signed_names = take_part(&rest, S("SignedHeaders="));
    struct str signature = take_part(&rest, S("Signature="));
    if (rest.ptr || !credential.ptr || !c->signed_names.ptr || !signature.ptr)
        return "Authorization is not Credential, SignedHeaders, Signature";
    if (!read_hex(signature, c->signature))
        return "the signature is not 64 digits of lower-case hex";
    return read_scope(credential, services, c);
}

/* --- what is signed */

static bool is_authority(struct str name)
{
    return str_eq(name, S("host")) || str_eq(name, S(":authority"));
}

/* A name in capitals is no field's. */
static const char *check_names(const struct fields *fields, struct str names)
{
    struct str last = {NULL, 0};
    bool authority = false;
    if (str_ends(names, S(";")))
        return "SignedHeaders ends with a semicolon";
    while (names.len) {
        struct str name = str_cut(&names, ';');
        if (str_cmp(last, name) >= 0)
            return "SignedHeaders is not sorted, or names a field twice";
        if (is_authority(name))
            authority = true;
        else if (fields_count(fields, name) == 0)
            return "SignedHeaders names a field that is not there";
        last = name;
    }
    return authority ? NULL : "neither host nor :authority is signed";
}

/* What changes what a request does, or who pays for it. What is not in this list is not passed on
 * (gate's pass_fields.def), or only says who calls: accept, user-agent, amz-sdk-*, x-amzn-trace-id,
 * which SDKs leave unsigned (botocore 1.43, @smithy/signature-v4 5, aws4fetch 1.0). */
static bool is_weighty(struct str name)
{
    static const struct str prefixes[] = {STR("x-amz-"), STR("x-amzn-bedrock-"), STR("anthropic-")};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (str_starts(name, prefixes[i]))
            return true;
    return str_eq(name, S("content-type"));
}

/* aws4fetch, and so the Vercel AI SDK, signs no content-type. This one says nothing that its
 * absence does not say. */
static bool may_be_unsigned(const struct field *f)
{
    return str_eq(f->name, S("content-type")) && str_eq(str_trim(f->value), S("application/json"));
}

static const char *check_fields(const struct fields *fields, struct str names)
{
    for (size_t i = 0; i < fields->n; i++) {
        const struct field *f = &fields->at[i];
        if (!is_weighty(f->name))
            continue;
        if (fields_count(fields, f->name) > 1)
            return "a field that may be there once is there twice";
        if (!is_in(names, ';', f->name) && !may_be_unsigned(f))
            return "an x-amz-* field, content-type or the like is not signed";
    }
    return NULL;
}

static const char *check_host(const struct sigv4_received *r)
{
    struct str host = fields_get(r->fields, S("host"));
    if (r->authority.len == 0 || fields_count(r->fields, S("host")) > 1)
        return "no host, or two";
    if (host.ptr && !str_ieq(str_trim(host), r->authority))
        return "host and :authority differ";
    return NULL;
}

/* UNSIGNED-PAYLOAD and STREAMING-* differ from any hash. */
static const char *check_payload(const struct sigv4_received *r)
{
    struct str said = fields_get(r->fields, S("x-amz-content-sha256"));
    if (said.ptr && !str_eq(str_trim(said), str_from(r->body_sha256, SHA256_HEX)))
        return "x-amz-content-sha256 is not the body's hash";
    return NULL;
}

static const char *check_method(struct str method)
{
    for (size_t i = 0; i < method.len; i++)
        if (method.ptr[i] < 'A' || method.ptr[i] > 'Z')
            return "the method is not a word of capitals";
    return NULL;
}

static const char *read_rest(const struct sigv4_received *r, struct str services,
                             struct sigv4_claim *c)
{
    if (query_has_credentials(r->target))
        return "credentials in the query";
    struct str authorization = only(r->fields, S("authorization"));
    if (!authorization.ptr)
        return "not exactly one Authorization";
    const char *why = read_authorization(authorization, services, c);
    if (!why)
        why = check_method(r->method);
    if (!why)
        why = check_host(r);
    if (!why)
        why = check_names(r->fields, c->signed_names);
    if (!why)
        why = check_fields(r->fields, c->signed_names);
    if (!why)
        why = check_payload(r);
    c->token = str_trim(fields_get(r->fields, S("x-amz-security-token")));
    return why;
}

enum sigv4_reading sigv4_claim_read(const struct sigv4_received *r, struct str services,
                                    int64_t now_s, struct sigv4_claim *out)
{
    int64_t then_s;
    memset(out, 0, sizeof *out);
    if (!shows_signature(r))
        return SIGV4_NONE;
    out->time = only(r->fields, S("x-amz-date"));
    if (!out->time.ptr || !parse_time(out->time, &then_s)) {
        out->why = "x-amz-date is not there once, or not a time";
        return SIGV4_MALFORMED;
    }
    if (is_far(then_s, now_s))
        return SIGV4_EXPIRED;
    out->why = read_rest(r, services, out);
    return out->why ? SIGV4_MALFORMED : SIGV4_CLAIMED;
}

/* --- whether it holds */

/* HTTP/2 has no host field, and no field is called :authority: both are there for who signed
 * either. */
static size_t all_fields(const struct sigv4_received *r, struct field all[FIELDS_MOST + 2])
{
    size_t n = 0;
    all[n++] = (struct field){STR(":authority"), r->authority};
    if (fields_count(r->fields, S("host")) == 0)
        all[n++] = (struct field){STR("host"), r->authority};
    memcpy(all + n, r->fields->at, r->fields->n * sizeof *all);
    return n + r->fields->n;
}

bool sigv4_claim_holds(const struct sigv4_received *r, const struct sigv4_claim *c,
                       struct str secret)
{
    const struct sigv4_scope scope = {c->access_key, c->time, c->region, c->service};
    struct field all[FIELDS_MOST + 2];
    struct sigv4_request q = {.method = r->method, .fields = all};
    unsigned char key[SIGV4_KEY_BYTES], signature[SHA256_BYTES] = {0};
    bool known = secret.len > 0;

    uri_split(r->target, &q.path, &q.query);
    q.n_fields = all_fields(r, all);
    q.payload = str_from(r->body_sha256, SHA256_HEX);
    int err = sigv4_key(secret, &scope, key);
    if (!err)
        err = sigv4_signature(&q, c->signed_names, &scope, key, signature);
    bool same = digest_equal(signature, c->signature, sizeof signature);
    secret_wipe(key, sizeof key);
    secret_wipe(signature, sizeof signature);
    return same && known && !err;
}
