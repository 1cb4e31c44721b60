/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of the checks and their sentences follow AWS: is there an Authorization at all, is it
 * whole, is the key known, is the date near, is everything signed that must be, does the signature
 * fit. Sentences: AWS general reference and public bug reports, 2024 to 2026.
 */
#include "auth.h"

#include "weir/base/text.h"

bool auth_add_key(struct auth *a, struct str text)
{
    if (a->n_keys == AUTH_KEYS_MOST)
        return false;
    struct auth_key *k = &a->keys[a->n_keys];
    k->akid = str_cut(&text, ':');
    k->secret = str_cut(&text, ':');
    k->token = text;
    if (k->akid.len == 0 || k->secret.len == 0)
        return false;
    a->n_keys++;
    return true;
}

bool auth_add_bearer(struct auth *a, struct str token)
{
    if (a->n_bearers == AUTH_BEARERS_MOST || token.len == 0)
        return false;
    a->bearers[a->n_bearers++] = token;
    return true;
}

static bool refuse_token(struct refusal *out)
{
    return refusal_set(out, 403, "UnrecognizedClientException",
                       "The security token included in the request is invalid.");
}

static bool refuse_signature(struct refusal *out)
{
    return refusal_set(out, 403, "InvalidSignatureException",
                       "The request signature we calculated does not match the signature you "
                       "provided. Check your AWS Secret Access Key and signing method. Consult the "
                       "service documentation for details.");
}

static bool refuse_capital(struct refusal *out, const char *sentence)
{
    refusal_set(out, 403, "AccessDeniedException", "%s", sentence);
    out->capital = true;
    return false;
}

static bool check_bearer(const struct auth *a, struct str token, struct str *account,
                         struct refusal *out)
{
    for (size_t i = 0; i < a->n_bearers; i++) {
        if (str_eq(a->bearers[i], token)) {
            *account = str_sub(token, 0, 16);
            return true;
        }
    }
    return refuse_capital(out, "Authentication failed: Please make sure your API Key is valid.");
}

static const struct auth_key *key_of(const struct auth *a, struct str akid)
{
    for (size_t i = 0; i < a->n_keys; i++)
        if (str_eq(a->keys[i].akid, akid))
            return &a->keys[i];
    return NULL;
}

/* "20260102T030405Z" to seconds since 1970. */
static bool read_time(struct str t, int64_t *out)
{
    char iso[21] = "yyyy-mm-ddThh:mm:ssZ";
    static const unsigned char from[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14};
    static const unsigned char to[] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18};
    if (t.len != 16 || t.ptr[8] != 'T' || t.ptr[15] != 'Z')
        return false;
    for (size_t i = 0; i < sizeof from; i++)
        iso[to[i]] = t.ptr[from[i]];
    return text_parse_iso_time(str_of(iso), out);
}

static bool check_date(const struct sigcheck_claim *c, int64_t now_s, struct refusal *out)
{
    int64_t then_s;
    char now[17], edge[17];
    if (!read_time(c->time, &then_s))
        return refusal_set(out, 400, "IncompleteSignatureException",
                           "Date must be in ISO-8601 'basic format'. Got '%.*s'. See "
                           "http://en.wikipedia.org/wiki/ISO_8601",
                           (int)(c->time.len < 40 ? c->time.len : 40), c->time.ptr);
    if (!str_eq(str_sub(c->time, 0, 8), c->date))
        return refusal_set(out, 403, "InvalidSignatureException",
                           "Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
                           "of date from HTTP: '%.*s' != '%.*s', from '%.*s'.",
                           STR_ARG(c->date), 8, c->time.ptr, STR_ARG(c->time));
    text_basic_time(now_s, now);
    bool late = then_s < now_s - AUTH_SKEW_S;
    text_basic_time(late ? now_s - AUTH_SKEW_S : now_s + AUTH_SKEW_S, edge);
    if (late)
        return refusal_set(out, 403, "InvalidSignatureException",
                           "Signature expired: %.*s is now earlier than %s (%s - 5 min.)",
                           STR_ARG(c->time), edge, now);
    if (then_s > now_s + AUTH_SKEW_S)
        return refusal_set(out, 403, "InvalidSignatureException",
                           "Signature not yet current: %.*s is still later than %s (%s + 5 min.)",
                           STR_ARG(c->time), edge, now);
    return true;
}

static bool check_body_hash(const struct sigcheck_request *r, struct refusal *out)
{
    char hex[SHA256_HEX];
    struct str said = fields_get(r->fields, S("x-amz-content-sha256"));
    sha256_hex(r->body_sha256, hex);
    return !said.ptr || str_eq(said, (struct str){hex, sizeof hex}) || refuse_signature(out);
}

static bool check_signature(const struct auth *a, const struct sigcheck_request *r,
                            struct sigcheck_claim *c, struct str service, int64_t now_s,
                            struct refusal *out)
{
    const struct auth_key *key = key_of(a, c->akid);
    struct str token = fields_get(r->fields, S("x-amz-security-token"));
    if (!key || !str_eq(key->token, token))
        return refuse_token(out);
    if (!str_eq(c->service, service))
        return refusal_set(out, 403, "InvalidSignatureException",
                           "Credential should be scoped to correct service: '%.*s'. ",
                           STR_ARG(service));
    if (!check_date(c, now_s, out))
        return false;
    struct str lacks = sigcheck_unsigned(r, c);
    if (lacks.len)
        return refusal_set(out, 403, "InvalidSignatureException",
                           "'%.*s' must be a 'SignedHeader' in the AWS Authorization.",
                           (int)(lacks.len < 80 ? lacks.len : 80), lacks.ptr);
    return check_body_hash(r, out) &&
           (sigcheck_matches(r, c, key->secret) || refuse_signature(out));
}

static bool check_sigv4(const struct auth *a, const struct sigcheck_request *r,
                        struct str authorization, struct str service, int64_t now_s,
                        struct str *account, struct refusal *out)
{
    struct sigcheck_claim c = {0};
    const char *missing = "";
    if (!sigcheck_read(authorization, &c, &missing))
        return refusal_set(out, 400, "IncompleteSignatureException",
                           "Authorization header requires '%s' parameter.", missing);
    c.time = fields_get(r->fields, S("x-amz-date"));
    if (!c.time.ptr)
        return refusal_set(out, 400, "IncompleteSignatureException",
                           "Authorization header requires existence of either a 'X-Amz-Date' or a "
                           "'Date' header.");
    *account = c.akid;
    return check_signature(a, r, &c, service, now_s, out);
}

bool auth_check(const struct auth *a, const struct sigcheck_request *r, bool anthropic,
                struct str service, int64_t now_s, struct str *account, struct refusal *out)
{
    struct str authorization = fields_get(r->fields, S("authorization"));
    struct str api_key = fields_get(r->fields, S("x-api-key"));
    *account = S("anonymous");
    if (a->off)
        return true;
    if (str_istarts(authorization, S("bearer ")))
        return check_bearer(a, str_trim(str_from_offset(authorization, 7)), account, out);
    if (authorization.ptr)
        return check_sigv4(a, r, authorization, service, now_s, account, out);
    if (anthropic && api_key.ptr)
        return check_bearer(a, api_key, account, out);
    return refuse_capital(out, "Authorization header is missing");
}
