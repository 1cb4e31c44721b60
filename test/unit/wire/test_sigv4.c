/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/sigv4: every stage of every vector folder of our own, no single flipped bit passes, and
 * the edges.
 */
#include "sigv4_sample.h"

/* --- our own folders */

static void check_string_to_sign(const struct own *o)
{
    unsigned char digest[SHA256_BYTES];
    char room[SIGV4_TO_SIGN_MOST];
    struct str got;
    sha256_of(buf_str(&o->file[2]), digest);
    assert_int_equal(sigv4_string_to_sign(&o->s.scope, digest, room, &got), 0);
    assert_str(got, buf_str(&o->file[3]));
}

static void check_own(const struct own *o)
{
    check_canonical(&o->s, buf_str(&o->file[2]));
    check_string_to_sign(o);
    check_named(&o->s);
    check_signed(&o->s, buf_str(&o->file[5]));
}

static void agrees_with_every_stage(void **state)
{
    assert_int_equal(each_own(check_own), 21);
}

/* --- no single bit */

struct flips {
    const struct sample *s;
    unsigned char key[SIGV4_KEY_BYTES], good[SHA256_BYTES];
    struct buf canonical;
    long refused, same;
};

/* With one bit changed the signature differs, unless the canonical text is still the same (an
 * escape's hex in the other case, a value's outer space). */
static void try_flipped(struct flips *f)
{
    unsigned char got[SHA256_BYTES];
    if (sigv4_signature(&f->s->r, f->s->names, &f->s->scope, f->key, got) ||
        !digest_equal(got, f->good, sizeof got)) {
        f->refused++;
        return;
    }
    struct buf text = {0};
    assert_int_equal(sigv4_canonical(&f->s->r, f->s->names, &text), 0);
    assert_str(buf_str(&text), buf_str(&f->canonical));
    buf_fini(&text);
    f->same++;
}

static void flip_all(struct flips *f, struct str where)
{
    for (size_t bit = 0; bit < where.len * 8; bit++) {
        char *at = (char *)(uintptr_t)where.ptr + bit / 8;
        *at = (char)(*at ^ (1 << bit % 8));
        try_flipped(f);
        *at = (char)(*at ^ (1 << bit % 8));
    }
}

static long flips_refused, flips_same;

static void check_flips(const struct own *o)
{
    struct flips f = {.s = &o->s};
    const struct sample *s = &o->s;
    char method[16];
    struct sample copy = *s;
    memcpy(method, s->r.method.ptr, s->r.method.len);
    copy.r.method.ptr = method;
    copy.r.fields = copy.fields.at;
    copy.r.payload = str_from(copy.payload, SHA256_HEX);
    f.s = &copy;
    assert_int_equal(sigv4_key(s->secret, &s->scope, f.key), 0);
    assert_int_equal(sigv4_signature(&copy.r, s->names, &s->scope, f.key, f.good), 0);
    assert_int_equal(sigv4_canonical(&copy.r, s->names, &f.canonical), 0);
    flip_all(&f, copy.r.method);
    flip_all(&f, copy.r.path);
    flip_all(&f, copy.r.query);
    flip_all(&f, copy.r.payload);
    flip_all(&f, s->names);
    flip_all(&f, s->scope.region);
    flip_all(&f, s->scope.service);
    flip_all(&f, s->scope.time);
    for (size_t i = 0; i < s->fields.n; i++)
        if (is_named(s->names, s->fields.at[i].name))
            flip_all(&f, s->fields.at[i].value);
    buf_fini(&f.canonical);
    flips_refused += f.refused;
    flips_same += f.same;
}

static void refuses_every_flipped_bit(void **state)
{
    each_own(check_flips);
    print_message("# %ld flips refused, %ld left the canonical text as it was\n", flips_refused,
                  flips_same);
    assert_true(flips_refused > 30000);
    assert_int_equal(flips_same, 71); /* in path-dots, path-above-root and escapes of queries */
}

/* --- edges */

static const struct sigv4_scope edge_scope = {STR("AKIDEXAMPLE"), STR("20260102T030405Z"),
                                              STR("us-east-1"), STR("bedrock")};

static void refuses_scopes_that_break_the_header(void **state)
{
    static const struct sigv4_scope bad[] = {
        {STR("AKID,X"), STR("20260102T030405Z"), STR("us-east-1"), STR("bedrock")},
        {STR("AKID/X"), STR("20260102T030405Z"), STR("us-east-1"), STR("bedrock")},
        {STR("AKID\r\nX: y"), STR("20260102T030405Z"), STR("us-east-1"), STR("bedrock")},
        {STR(""), STR("20260102T030405Z"), STR("us-east-1"), STR("bedrock")},
        {STR("AKID"), STR("2026-01-02T03:04"), STR("us-east-1"), STR("bedrock")},
        {STR("AKID"), STR("20260102T030405"), STR("us-east-1"), STR("bedrock")},
        {STR("AKID"), STR("20260102T030405Z"), STR(""), STR("bedrock")},
        {STR("AKID"), STR("20260102T030405Z"), STR("us-east-1"), STR("bed rock")},
    };
    unsigned char key[SIGV4_KEY_BYTES] = {0};
    struct hmac_key hmac;
    struct sigv4_request r = {.method = S("GET")};
    struct arena a;
    struct str value;
    hmac_key_init(&hmac, S("key"));
    arena_init(&a, 4096);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sigv4_key(S("secret"), &bad[i], key), ERR_BAD);
        assert_int_equal(sigv4_sign(&r, &bad[i], &hmac, &a, &value), ERR_BAD);
    }
    arena_fini(&a);
    char long_secret[SIGV4_SECRET_MOST + 1] = {'s'};
    struct str secret = str_from(long_secret, sizeof long_secret);
    assert_int_equal(sigv4_key(secret, &edge_scope, key), ERR_TOO_BIG);
}

static void refuses_names_that_are_not_a_sorted_set(void **state)
{
    static const struct field fields[] = {{STR("host"), STR("h")}, {STR("x-amz-date"), STR("d")}};
    struct sigv4_request r = {.method = S("GET"), .fields = fields, .n_fields = 2};
    struct buf b = {0};
    assert_int_equal(sigv4_canonical(&r, S("host;x-amz-date"), &b), 0);
    assert_int_equal(sigv4_canonical(&r, S("x-amz-date;host"), &b), ERR_BAD);
    assert_int_equal(sigv4_canonical(&r, S("host;host"), &b), ERR_BAD);
    assert_int_equal(sigv4_canonical(&r, S("host;"), &b), ERR_BAD);
    assert_int_equal(sigv4_canonical(&r, S(";host"), &b), ERR_BAD);
    assert_int_equal(sigv4_canonical(&r, S(""), &b), ERR_BAD);
    assert_int_equal(sigv4_canonical(&r, S("host;x-other"), &b), ERR_NOT_FOUND);
    buf_fini(&b);
}

static void stops_at_its_limits(void **state)
{
    static struct field many[SIGV4_FIELDS_MOST + 1];
    char query[2 * SIGV4_PARAMS_MOST + 3];
    struct hmac_key hmac;
    struct arena a, tiny;
    struct str value;
    hmac_key_init(&hmac, S("key"));
    arena_init(&a, 64 << 10);
    arena_init(&tiny, 16);
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        many[i] = (struct field){STR("host"), STR("h")};
    for (size_t i = 0; i < sizeof query; i++)
        query[i] = i % 2 ? '&' : 'a';
    struct sigv4_request r = {.method = S("GET"), .fields = many, .n_fields = SIGV4_FIELDS_MOST};
    assert_int_equal(sigv4_sign(&r, &edge_scope, &hmac, &a, &value), 0);
    r.query = str_from(query, 2 * SIGV4_PARAMS_MOST);
    assert_int_equal(sigv4_sign(&r, &edge_scope, &hmac, &a, &value), 0);
    r.query = str_from(query, 2 * SIGV4_PARAMS_MOST + 1);
    assert_int_equal(sigv4_sign(&r, &edge_scope, &hmac, &a, &value), ERR_TOO_BIG);
    r.query = S("");
    r.n_fields++;
    assert_int_equal(sigv4_sign(&r, &edge_scope, &hmac, &a, &value), ERR_TOO_BIG);
    r.n_fields = 1;
    assert_int_equal(sigv4_sign(&r, &edge_scope, &hmac, &tiny, &value), ERR_NO_MEMORY);
    arena_fini(&a);
    arena_fini(&tiny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_every_stage),
        cmocka_unit_test(refuses_every_flipped_bit),
        cmocka_unit_test(refuses_scopes_that_break_the_header),
        cmocka_unit_test(refuses_names_that_are_not_a_sorted_set),
        cmocka_unit_test(stops_at_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
