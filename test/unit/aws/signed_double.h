/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of signed calls share: a loop, credentials, and a clock that stands at
 * 2026-01-02T03:04:05Z. At the end nothing is open and nobody holds the credentials.
 */
#ifndef WEIR_TEST_AWS_SIGNED_DOUBLE_H
#define WEIR_TEST_AWS_SIGNED_DOUBLE_H

#include "origin_double.h"

#include "weir/aws/creds.h"
#include "weir/aws/endpoint.h"
#include "weir/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SIGNED_MONO_NS = 1000000000 };
static const int64_t signed_wall_ms = 1767323045000;

static inline struct loop *signed_begin(struct creds *c,
                                        void (*with)(const struct heard *h, struct reply *out))
{
    c->users = 1;
    c->access_key = S("AKIDEXAMPLE");
    c->secret_key = S("secret");
    serve = with;
    clock_fake(SIGNED_MONO_NS, signed_wall_ms);
    return loop_new();
}

static inline void signed_end(struct loop *l, const struct creds *c)
{
    loop_turn(l, 0);
    loop_free(l);
    assert_int_equal(origins_open, 0);
    assert_int_equal(calls_open, 0);
    assert_int_equal(the_tls.users, 0);
    assert_int_equal(c->users, 1);
    clock_real();
}

static inline struct endpoint signed_endpoint(const char *url)
{
    char err[200];
    struct endpoint at;
    assert_true(endpoint_parse(str_of(url), &at, err, sizeof err));
    return at;
}

static inline struct reply with_field(struct reply r, const char *name, const char *value)
{
    (void)fields_add(&r.fields, str_of(name), str_of(value));
    return r;
}

/* `type` NULL: it is no error. */
static inline struct reply says_json(int status, const char *type, const char *body)
{
    struct reply r = {.status = status, .body = str_of(body)};
    return type ? with_field(r, "x-amzn-errortype", type) : r;
}

#endif
