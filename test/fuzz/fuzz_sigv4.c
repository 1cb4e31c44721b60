/* SPDX-License-Identifier: Apache-2.0
 *
 * The signer against the verifier: what sigv4_sign signs, sigv4_signature over the names it wrote
 * must sign alike, and every line of the canonical text must be canonical. Input: method, path,
 * query and payload a line each, then "name:value" lines.
 */
#include "weir/wire/sigv4.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sigv4_scope scope = {STR("AKIDEXAMPLE"), STR("20260102T030405Z"),
                                         STR("us-east-1"), STR("bedrock")};
static const unsigned char key[SIGV4_KEY_BYTES] = {1};

static void check_path(struct str line)
{
    assert(line.len && line.ptr[0] == '/');
    for (size_t i = 0; i < line.len; i++)
        assert(line.ptr[i] > ' ' && line.ptr[i] < 0x7f);
    assert(str_find(line, S("//")) < 0 && str_find(line, S("/./")) < 0);
    assert(str_find(line, S("/../")) < 0);
}

static void check(const struct sigv4_request *r, struct str authorization)
{
    struct str rest = authorization, names;
    unsigned char signature[SHA256_BYTES];
    char hex[SHA256_HEX];
    struct buf text = {0};
    str_cut(&rest, '='), str_cut(&rest, '=');
    names = str_sub(rest, 0, rest.len - SHA256_HEX - sizeof ", Signature=" + 1);
    int err = sigv4_signature(r, names, &scope, key, signature);
    if (err) /* names that no header can have */
        return;
    sha256_hex(signature, hex);
    assert(str_ends(authorization, str_from(hex, sizeof hex)));
    assert(sigv4_canonical(r, names, &text) == 0);
    struct str lines = buf_str(&text);
    str_cut(&lines, '\n');
    if (!r->s3_path)
        check_path(str_cut(&lines, '\n'));
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data, size}, authorization;
    struct field fields[SIGV4_FIELDS_MOST + 1];
    struct sigv4_request r = {.fields = fields};
    struct hmac_key hmac;
    struct arena arena;
    hmac_key_init(&hmac, str_from((const char *)key, sizeof key));
    r.method = str_cut(&in, '\n');
    r.s3_path = str_eq(r.method, S("S3"));
    r.path = str_cut(&in, '\n');
    r.query = str_cut(&in, '\n');
    r.payload = str_cut(&in, '\n');
    while (in.len && r.n_fields < SIGV4_FIELDS_MOST + 1) {
        struct str value = str_cut(&in, '\n'), name = str_cut(&value, ':');
        fields[r.n_fields++] = (struct field){name, value};
    }
    arena_init(&arena, 1 << 20);
    if (sigv4_sign(&r, &scope, &hmac, &arena, &authorization) == 0)
        check(&r, authorization);
    arena_fini(&arena);
    return 0;
}
