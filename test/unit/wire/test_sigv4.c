/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/sigv4: every stage of every vector folder of our own; AWS's and botocore's suites and what
 * real clients signed, where the shared data is there; and that no single flipped bit passes.
 */
#include "vectors.h"
#include "weir/wire/sigv4.h"

#include <cjson/cJSON.h>

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

static void lower_case(struct str s)
{
    for (char *c = (char *)(uintptr_t)s.ptr; c < s.ptr + s.len; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
}

/* "AWS4-HMAC-SHA256 Credential=A/D/R/S/aws4_request, SignedHeaders=..., Signature=..." */
static void read_authorization(struct sample *s, struct str value)
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

static void finish(struct sample *s)
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

static void set_target(struct sample *s, struct str target)
{
    s->r.query = target;
    s->r.path = str_cut(&s->r.query, '?');
}

/* A request file. A line that starts with a space goes on with the field before it. */
static void parse(struct sample *s, struct str text)
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

static struct str sign(const struct sample *s, struct arena *a)
{
    unsigned char key[SIGV4_KEY_BYTES];
    struct str value = {NULL, 0};
    assert_int_equal(sigv4_key(s->secret, &s->scope, key), 0);
    assert_int_equal(sigv4_sign(&s->r, &s->scope, key, a, &value), 0);
    return value;
}

static void check_signed(const struct sample *s, struct str want)
{
    struct arena a;
    arena_init(&a, 64 << 10);
    assert_str(sign(s, &a), want);
    arena_fini(&a);
}

/* What is named, and only that, signed over gives the signature at the end of the file's value. */
static void check_named(const struct sample *s)
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

static void check_canonical(const struct sample *s, struct str want)
{
    struct buf b = {0};
    assert_int_equal(sigv4_canonical(&s->r, s->names, &b), 0);
    assert_str(buf_str(&b), want);
    buf_fini(&b);
}

static void drop(struct sample *s, struct str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->fields.n; i++)
        if (!str_eq(s->fields.at[i].name, name))
            s->fields.at[kept++] = s->fields.at[i];
    s->fields.n = s->r.n_fields = kept;
}

static bool is_named(struct str names, struct str name)
{
    while (names.len)
        if (str_eq(str_cut(&names, ';'), name))
            return true;
    return false;
}

/* --- our own folders */

enum { OWN_FILES = 6 };
static const char *const own_files[OWN_FILES] = {
    "request.txt",        "scope.txt",     "canonical-request.txt",
    "string-to-sign.txt", "signature.txt", "authorization.txt",
};
struct own {
    struct buf file[OWN_FILES];
    struct sample s;
};

static struct str scope_line(struct str *rest, const char *key)
{
    struct str value = str_cut(rest, '\n');
    assert_str(str_cut(&value, ' '), str_of(key));
    return value;
}

static void own_open(struct own *o, const char *name)
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

static void own_close(struct own *o)
{
    for (int i = 0; i < OWN_FILES; i++)
        buf_fini(&o->file[i]);
}

static void check_string_to_sign(const struct own *o)
{
    unsigned char digest[SHA256_BYTES];
    char room[SIGV4_TO_SIGN_MOST];
    struct str got;
    sha256_of(buf_str(&o->file[2]), digest);
    assert_int_equal(sigv4_string_to_sign(&o->s.scope, digest, room, &got), 0);
    assert_str(got, buf_str(&o->file[3]));
}

static int each_own(void (*check)(const struct own *o))
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
    struct sigv4_request r = {.method = S("GET")};
    struct arena a;
    struct str value;
    arena_init(&a, 4096);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sigv4_key(S("secret"), &bad[i], key), ERR_BAD);
        assert_int_equal(sigv4_sign(&r, &bad[i], key, &a, &value), ERR_BAD);
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
    unsigned char key[SIGV4_KEY_BYTES] = {0};
    struct arena a, tiny;
    struct str value;
    arena_init(&a, 64 << 10);
    arena_init(&tiny, 16);
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        many[i] = (struct field){STR("host"), STR("h")};
    for (size_t i = 0; i < sizeof query; i++)
        query[i] = i % 2 ? '&' : 'a';
    struct sigv4_request r = {.method = S("GET"), .fields = many, .n_fields = SIGV4_FIELDS_MOST};
    assert_int_equal(sigv4_sign(&r, &edge_scope, key, &a, &value), 0);
    r.query = str_from(query, 2 * SIGV4_PARAMS_MOST);
    assert_int_equal(sigv4_sign(&r, &edge_scope, key, &a, &value), 0);
    r.query = str_from(query, 2 * SIGV4_PARAMS_MOST + 1);
    assert_int_equal(sigv4_sign(&r, &edge_scope, key, &a, &value), ERR_TOO_BIG);
    r.query = S("");
    r.n_fields++;
    assert_int_equal(sigv4_sign(&r, &edge_scope, key, &a, &value), ERR_TOO_BIG);
    r.n_fields = 1;
    assert_int_equal(sigv4_sign(&r, &edge_scope, key, &tiny, &value), ERR_NO_MEMORY);
    arena_fini(&a);
    arena_fini(&tiny);
}

/* --- shared data: AWS's suite and botocore's */

static struct buf read_stage(const char *format, const char *base, const char *name)
{
    char path[VECTOR_PATH + 600];
    if (snprintf(path, sizeof path, format, base, name, name) >= (int)sizeof path)
        fail();
    return vector_read(path);
}

/* How a suite names its files: formats of folder, case, case. */
struct layout {
    const char *request, *canonical;
    const char *authorization; /* NULL: the one in the request */
};

static void check_suite_case(const struct layout *files, const char *base, const char *name,
                             bool normal)
{
    struct sample s;
    struct buf request = read_stage(files->request, base, name), authorization = {0};
    struct buf canonical = read_stage(files->canonical, base, name);
    parse(&s, buf_str(&request));
    if (files->authorization) {
        authorization = read_stage(files->authorization, base, name);
        read_authorization(&s, vector_chomp(&authorization));
    }
    s.r.s3_path = !normal;
    /* On the wire a space cannot stand in a path. */
    if (!normal && str_eq(s.r.path, S("/example space/")))
        s.r.path = S("/example%20space/");
    check_canonical(&s, vector_chomp(&canonical));
    check_named(&s);
    if (!is_named(s.names, S("x-amz-security-token")))
        drop(&s, S("x-amz-security-token")); /* added after signing */
    check_signed(&s, s.authorization);
    buf_fini(&request);
    buf_fini(&canonical);
    buf_fini(&authorization);
}

static void agrees_with_aws(void **state)
{
    static const struct layout files = {"%s/%s/header-signed-request.txt",
                                        "%s/%s/header-canonical-request.txt", NULL};
    char base[VECTOR_PATH];
    struct vector_names names;
    vector_list(vector_shared("vectors/sigv4/aws-signing-test-suite/v4", base), &names);
    for (int i = 0; i < names.n; i++) {
        struct buf context = read_stage("%s/%s/context.json", base, names.at[i]);
        bool normal = str_find(buf_str(&context), S("\"normalize\": true")) >= 0;
        check_suite_case(&files, base, names.at[i], normal);
        buf_fini(&context);
    }
    print_message("# %d of AWS's header cases\n", names.n);
    assert_int_equal(names.n, 38);
}

/* Not the .sreq's own signature: get-vanilla-with-session-token's is a leftover of get-vanilla. */
static int check_botocore_folder(const char *base)
{
    static const struct layout files = {"%s/%s/%s.sreq", "%s/%s/%s.creq", "%s/%s/%s.authz"};
    struct vector_names names;
    int cases = 0;
    vector_list(base, &names);
    for (int i = 0; i < names.n; i++) {
        char path[VECTOR_PATH + 600];
        snprintf(path, sizeof path, "%s/%s/%s.sreq", base, names.at[i], names.at[i]);
        if (access(path, R_OK))
            continue;
        check_suite_case(&files, base, names.at[i], true);
        cases++;
    }
    return cases;
}

static void agrees_with_botocores_suite(void **state)
{
    char base[VECTOR_PATH];
    int cases = check_botocore_folder(vector_shared("vectors/sigv4/botocore-aws4_testsuite", base));
    cases += check_botocore_folder(
        vector_shared("vectors/sigv4/botocore-aws4_testsuite/normalize-path", base));
    cases += check_botocore_folder(
        vector_shared("vectors/sigv4/botocore-aws4_testsuite/post-sts-token", base));
    print_message("# %d of botocore's suite\n", cases);
    assert_int_equal(cases, 34);
}

/* --- shared data: what SDKs sent */

static struct str json_str(const cJSON *item, const char *key)
{
    return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key)));
}

static cJSON *json_shared(const char *name)
{
    char path[VECTOR_PATH];
    struct buf text = vector_read(vector_shared(name, path));
    cJSON *json = cJSON_Parse(buf_cstr(&text));
    assert_non_null(json);
    buf_fini(&text);
    return json;
}

/* Only what the client named: clients sign what Weir does not, and the other way round. */
static void keep_named(struct sample *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->fields.n; i++)
        if (is_named(s->names, s->fields.at[i].name))
            s->fields.at[kept++] = s->fields.at[i];
    s->fields.n = s->r.n_fields = kept;
}

static bool all_signable(const struct sample *s)
{
    for (size_t i = 0; i < s->fields.n; i++)
        if (sigv4_never_signed(s->fields.at[i].name))
            return false;
    return true;
}

static void check_client(struct sample *s)
{
    check_named(s);
    keep_named(s);
    if (all_signable(s))
        check_signed(s, s->authorization);
}

static void add_field(struct sample *s, const char *name, const char *value)
{
    struct str n = str_of(name);
    lower_case(n);
    assert_true(fields_add(&s->fields, n, str_of(value)));
}

static bool read_generated(const cJSON *item, struct sample *s)
{
    struct str url = json_str(item, "url"), host;
    memset(s, 0, sizeof *s);
    s->r.method = json_str(item, "method");
    s->body = json_str(item, "body");
    s->r.s3_path = str_eq(json_str(item, "service"), S("s3"));
    for (const cJSON *h = cJSON_GetObjectItem(item, "headers")->child; h; h = h->next)
        add_field(s, h->string, h->valuestring);
    url = str_from_offset(url, strlen("https://"));
    host = str_cut(&url, '/');
    set_target(s, str_from(url.ptr - 1, url.len + 1));
    fields_add(&s->fields, S("host"), host);
    finish(s);
    return str_starts(s->authorization, S("AWS4-"));
}

static void agrees_with_botocores_requests(void **state)
{
    cJSON *json = json_shared("vectors/sigv4/botocore-generated-requests.json");
    int cases = 0;
    for (cJSON *item = cJSON_GetObjectItem(json, "requests")->child; item; item = item->next) {
        struct sample s;
        if (!read_generated(item, &s))
            continue;
        check_canonical(&s, json_str(item, "canonical_request"));
        check_client(&s);
        cases++;
    }
    cJSON_Delete(json);
    print_message("# %d requests that botocore signed\n", cases);
    assert_int_equal(cases, 26);
}

static bool read_capture(const cJSON *item, struct sample *s)
{
    memset(s, 0, sizeof *s);
    s->r.method = json_str(item, "method");
    s->body = json_str(item, "body_text");
    set_target(s, json_str(item, "url"));
    for (const cJSON *h = cJSON_GetObjectItem(item, "headers")->child; h; h = h->next)
        add_field(s, h->child->valuestring, h->child->next->valuestring);
    finish(s);
    return str_starts(s->authorization, S("AWS4-"));
}

/* curl signs every path by S3's rule, which Bedrock refuses. */
static int check_capture(const char *name)
{
    char path[VECTOR_PATH];
    int cases = 0;
    snprintf(path, sizeof path, "captures/%s", name);
    cJSON *json = json_shared(path), *connection, *item;
    cJSON_ArrayForEach(connection, cJSON_GetObjectItem(json, "connections"))
    {
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(connection, "requests"))
        {
            struct sample s;
            if (!read_capture(item, &s))
                continue;
            s.r.s3_path = str_starts(str_of(name), S("curl"));
            check_client(&s);
            cases++;
        }
    }
    cJSON_Delete(json);
    return cases;
}

static void agrees_with_what_clients_sent(void **state)
{
    char base[VECTOR_PATH];
    struct vector_names names;
    int cases = 0;
    vector_list(vector_shared("captures", base), &names);
    for (int i = 0; i < names.n; i++)
        if (str_ends(str_of(names.at[i]), S(".json")))
            cases += check_capture(names.at[i]);
    print_message("# %d captured requests\n", cases);
    assert_int_equal(cases, 52);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_every_stage),
        cmocka_unit_test(refuses_every_flipped_bit),
        cmocka_unit_test(refuses_scopes_that_break_the_header),
        cmocka_unit_test(refuses_names_that_are_not_a_sorted_set),
        cmocka_unit_test(stops_at_its_limits),
        cmocka_unit_test(agrees_with_aws),
        cmocka_unit_test(agrees_with_botocores_suite),
        cmocka_unit_test(agrees_with_botocores_requests),
        cmocka_unit_test(agrees_with_what_clients_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
