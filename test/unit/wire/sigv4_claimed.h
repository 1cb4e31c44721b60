/* SPDX-License-Identifier: Apache-2.0
 *
 * A sample of the signer's tests as the verifier receives it: pseudo-headers are no fields, the
 * body's hash is our own, and the clock stands where the request says.
 */
#ifndef WEIR_TEST_WIRE_SIGV4_CLAIMED_H
#define WEIR_TEST_WIRE_SIGV4_CLAIMED_H

#include "sigv4_sample.h"
#include "weir/base/text.h"
#include "weir/wire/sigv4_claim.h"

struct received {
    struct fields fields;
    struct sigv4_received r;
    struct str service, secret; /* what the verifier wants, and the right secret */
    int64_t now_s;
    char hash[SHA256_HEX];
    char target[8192];
};

static inline void set_hash(struct received *q, struct str body)
{
    unsigned char digest[SHA256_BYTES];
    sha256_of(body, digest);
    sha256_hex(digest, q->hash);
    q->r.body_sha256 = q->hash;
}

static inline int64_t seconds_of(struct str t)
{
    char iso[32];
    int64_t s = 0;
    snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t.ptr, t.ptr + 4, t.ptr + 6,
             t.ptr + 9, t.ptr + 11, t.ptr + 13);
    assert_true(text_parse_iso_time(str_of(iso), &s));
    return s;
}

static inline void receive(struct received *q, const struct sample *s)
{
    memset(q, 0, sizeof *q);
    for (size_t i = 0; i < s->fields.n; i++) {
        const struct field *f = &s->fields.at[i];
        if (str_eq(f->name, S(":authority")) || str_eq(f->name, S("host")))
            q->r.authority = str_trim(f->value);
        if (f->name.ptr[0] != ':')
            assert_true(fields_add(&q->fields, f->name, f->value));
    }
    if (fields_count(&q->fields, S("authorization")) == 0)
        assert_true(fields_add(&q->fields, S("authorization"), s->authorization));
    int len = snprintf(q->target, sizeof q->target, "%.*s%s%.*s", STR_ARG(s->r.path),
                       s->r.query.len ? "?" : "", STR_ARG(s->r.query));
    q->r.method = s->r.method;
    q->r.target = str_from(q->target, (size_t)len);
    q->r.fields = &q->fields;
    q->service = s->scope.service;
    q->secret = s->secret;
    q->now_s = seconds_of(str_trim(s->scope.time));
    set_hash(q, s->body);
}

static inline enum sigv4_reading read_claim(const struct received *q, struct sigv4_claim *c)
{
    return sigv4_claim_read(&q->r, q->service, q->now_s, c);
}

static inline bool accepts(const struct received *q, struct str secret)
{
    struct sigv4_claim c;
    return read_claim(q, &c) == SIGV4_CLAIMED && sigv4_claim_holds(&q->r, &c, secret);
}

/* With its secret and with no other. */
static inline void check_accepted(const struct received *q)
{
    struct sigv4_claim c;
    if (read_claim(q, &c) != SIGV4_CLAIMED)
        fail_msg("not read: %s", c.why ? c.why : "none or expired");
    assert_true(sigv4_claim_holds(&q->r, &c, q->secret));
    assert_false(sigv4_claim_holds(&q->r, &c, S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ")));
    assert_false(sigv4_claim_holds(&q->r, &c, S("")));
    assert_false(sigv4_claim_holds(&q->r, &c, (struct str){NULL, 0}));
}

#endif
