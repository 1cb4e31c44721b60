/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request may claim. Input: "METHOD target", the authority, then "name:value" lines. What is
 * read stands in the request and keeps the rules; it holds when it is signed with the secret, and
 * with no other signature or secret.
 */
#include "weir/wire/sigv4_claim.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str secret = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
static const char hash[] = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
enum { NOW_S = 1767323045 }; /* 2026-01-02T03:04:05Z */

static void check_rules(const struct sigv4_received *r, const struct sigv4_claim *c)
{
    struct str names = c->signed_names;
    size_t n = 0;
    assert(fields_count(r->fields, S("authorization")) == 1);
    assert(str_eq(c->service, S("bedrock")) && c->access_key.len && c->region.len >= 6);
    assert(c->time.len == 16 && !c->why);
    for (; names.len; n++) {
        struct str name = str_cut(&names, ';');
        assert(str_eq(name, S("host")) || str_eq(name, S(":authority")) ||
               fields_count(r->fields, name));
    }
    assert(n >= 2);
}

/* Signed here, over the same names. */
static bool sign(const struct sigv4_received *r, struct sigv4_claim *c)
{
    const struct sigv4_scope scope = {c->access_key, c->time, c->region, c->service};
    struct field all[FIELDS_MOST + 2] = {{STR(":authority"), r->authority}};
    struct sigv4_request q = {.method = r->method, .fields = all, .n_fields = 1};
    unsigned char key[SIGV4_KEY_BYTES];
    q.query = r->target;
    q.path = str_cut(&q.query, '?');
    q.payload = str_from(hash, SHA256_HEX);
    if (fields_count(r->fields, S("host")) == 0)
        all[q.n_fields++] = (struct field){STR("host"), r->authority};
    memcpy(all + q.n_fields, r->fields->at, r->fields->n * sizeof *all);
    q.n_fields += r->fields->n;
    return sigv4_key(secret, &scope, key) == 0 &&
           sigv4_signature(&q, c->signed_names, &scope, key, c->signature) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data, size};
    static struct fields fields;
    struct sigv4_received r = {.fields = &fields, .body_sha256 = hash};
    struct sigv4_claim c;
    r.target = str_cut(&in, '\n');
    r.method = str_cut(&r.target, ' ');
    r.authority = str_cut(&in, '\n');
    fields.n = 0;
    while (in.len) {
        struct str value = str_cut(&in, '\n'), name = str_cut(&value, ':');
        if (!fields_add(&fields, name, value))
            break;
    }
    enum sigv4_reading got = sigv4_claim_read(&r, S("bedrock"), NOW_S, &c);
    assert((got == SIGV4_MALFORMED) == (c.why != NULL));
    if (got != SIGV4_CLAIMED)
        return 0;
    check_rules(&r, &c);
    assert(!sigv4_claim_holds(&r, &c, S("another secret")));
    assert(!sigv4_claim_holds(&r, &c, S("")));
    if (!sign(&r, &c))
        return 0;
    assert(sigv4_claim_holds(&r, &c, secret));
    c.signature[SHA256_BYTES - 1] ^= 1;
    assert(!sigv4_claim_holds(&r, &c, secret));
    return 0;
}
