/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin port's door. The token of admin.token_file is kept and compared as a digest. A command
 * on this machine that may read the state directory shows the daemon's own word out of it instead.
 * AWS's clients cannot send a token, but they sign: CloudWatch's actions are answered to a
 * signature by a key that was issued for the admin port, too.
 */
#include "admin_guard.h"

#include "query.h"
#include "weir/aws/endpoint.h"
#include "weir/base/clock.h"
#include "weir/gate/state.h"
#include "weir/wire/sigv4_claim.h"

#include <stdio.h>

static bool is_same(struct str shown, const unsigned char wanted[SHA256_BYTES])
{
    unsigned char hash[SHA256_BYTES];
    sha256_of(shown, hash);
    return digest_equal(hash, wanted, sizeof hash);
}

bool admin_guard_shows_token(const struct exchange *ex)
{
    static const struct str scheme = STR("bearer ");
    const struct fields *fields = &ex->request->fields;
    struct str value = str_trim(fields_get(fields, S("authorization")));
    unsigned char own[SHA256_BYTES];
    if (fields_count(fields, S("authorization")) != 1 || !str_istarts(value, scheme))
        return false;
    struct str token = str_trim(str_from_offset(value, scheme.len));
    sha256_of(state_token(), own);
    bool is_admin = is_same(token, ex->setup->admin_sha256);
    return is_same(token, own) || is_admin;
}

static bool is_open(const struct exchange *ex)
{
    return !ex->setup->has_admin_token || ex->op->id == OP_ADMIN_HEALTH ||
           ex->op->id == OP_ADMIN_READY;
}

static bool is_query(const struct exchange *ex)
{
    return ex->op->id == OP_ADMIN_QUERY || ex->op->id == OP_ADMIN_QUERY_CBOR;
}

bool admin_guard_head(const struct exchange *ex)
{
    const struct front_request *r = ex->request;
    if (is_open(ex) || admin_guard_shows_token(ex))
        return true;
    /* So much is read of somebody who is not known yet. */
    return is_query(ex) && r->content_length >= 0 && r->content_length <= QUERY_BODY_MOST &&
           str_starts(fields_get(&r->fields, S("authorization")), S("AWS4-HMAC-SHA256"));
}

static bool holds(const struct exchange *ex, const struct sigv4_received *r,
                  const struct sigv4_claim *claim)
{
    const struct keyring *ring = ex->worker->keyring;
    const struct key *key = ring ? keyring_sigv4(ring, claim->access_key) : NULL;
    struct str none = {NULL, 0};
    return sigv4_claim_holds(r, claim, key && key->admin ? key->secret : none);
}

enum admin_query admin_guard_query(const struct exchange *ex)
{
    const struct front_request *q = ex->request;
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    struct sha256 hash = ex->body.hash;
    struct sigv4_claim claim;
    if (is_open(ex) || admin_guard_shows_token(ex))
        return ADMIN_QUERY_MAY;
    sha256_end(&hash, digest);
    sha256_hex(digest, hex);
    const struct sigv4_received r = {q->method, q->target, q->authority, &q->fields, hex};
    switch (sigv4_claim_read(&r, S("monitoring"), clock_wall_ms() / 1000, &claim)) {
    case SIGV4_CLAIMED:
        return holds(ex, &r, &claim) ? ADMIN_QUERY_MAY : ADMIN_QUERY_REFUSED;
    case SIGV4_EXPIRED:
        return ADMIN_QUERY_EXPIRED;
    case SIGV4_NONE:
    case SIGV4_MALFORMED:
        break;
    }
    return ADMIN_QUERY_REFUSED;
}

/* Beyond loopback the port has other names, and who asks shows what no page knows. */
bool admin_guard_is_page(const struct exchange *ex)
{
    const struct front_request *r = ex->request;
    char url[300], err[160];
    struct endpoint host;
    if (fields_get(&r->fields, S("origin")).ptr)
        return true;
    if (r->authority.len == 0 || !config_is_loopback(ex->setup->config->admin_address))
        return false;
    snprintf(url, sizeof url, "http://%.*s", STR_ARG(str_sub(r->authority, 0, sizeof url / 2)));
    return !(endpoint_parse(str_of(url), &host, err, sizeof err) && endpoint_is_loopback(&host));
}
