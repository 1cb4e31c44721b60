/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/sigv4 against others, where the shared data is there: AWS's suite, botocore's suite and
 * generated requests, and what real clients signed. The verifier holds or refuses each of them.
 */
#include "sigv4_claimed.h"
#include "weir/wire/http1.h"

#include <cjson/cJSON.h>

static void drop(struct sample *s, struct str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->fields.n; i++)
        if (!str_eq(s->fields.at[i].name, name))
            s->fields.at[kept++] = s->fields.at[i];
    s->fields.n = s->r.n_fields = kept;
}

/* --- the verifier's side */

static int held, refused;

/* Bedrock's path rule, a whole hash, and everything of x-amz-* signed: else it is refused. */
static void check_claim(const struct sample *s, bool holds)
{
    struct received q;
    receive(&q, s);
    if (holds)
        check_accepted(&q);
    else
        assert_false(accepts(&q, q.secret));
    *(holds ? &held : &refused) += 1;
}

static void check_counts(int want_held, int want_refused)
{
    print_message("# verified: %d held, %d refused\n", held, refused);
    assert_int_equal(held, want_held);
    assert_int_equal(refused, want_refused);
    held = refused = 0;
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

static void check_suite_claim(const struct sample *s, bool normal)
{
    bool token = fields_get(&s->fields, S("x-amz-security-token")).ptr;
    bool token_signed = is_named(s->names, S("x-amz-security-token"));
    struct sample copy = *s;
    drop(&copy, S("authorization"));
    assert_true(fields_add(&copy.fields, S("authorization"), s->authorization));
    check_claim(&copy, normal && (!token || token_signed));
}

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
    check_suite_claim(&s, normal);
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
    check_counts(30, 8);
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
    check_counts(33, 1);
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
        if (!s.r.s3_path)
            check_claim(&s, true);
        check_client(&s);
        cases++;
    }
    cJSON_Delete(json);
    print_message("# %d requests that botocore signed\n", cases);
    assert_int_equal(cases, 26);
    check_counts(20, 0);
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
            check_claim(&s, !s.r.s3_path && !str_starts(s.r.payload, S("STREAMING-")));
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
    check_counts(47, 5);
}

/* --- shared data: the same clients' bytes, through our own parser */

static void check_raw_request(const struct http1_request *r, struct str body, bool curl)
{
    struct received q = {.fields = r->fields, .service = S("bedrock"), .secret = doc_secret};
    struct str authorization = fields_get(&r->fields, S("authorization"));
    struct str hash = fields_get(&r->fields, S("x-amz-content-sha256"));
    if (!str_starts(authorization, S("AWS4-")))
        return;
    if (str_find(authorization, S("/monitoring/")) >= 0)
        q.service = S("monitoring");
    q.r = (struct sigv4_received){r->method, r->target, r->authority, &q.fields, NULL};
    q.now_s = seconds_of(fields_get(&r->fields, S("x-amz-date")));
    set_hash(&q, body);
    if (hash.len)
        assert_str(hash, str_from(q.hash, sizeof q.hash));
    if (!curl) {
        check_accepted(&q);
        held++;
        q.hash[0] = q.hash[0] == '0' ? '1' : '0'; /* a body of one other byte */
    }
    assert_false(accepts(&q, q.secret));
    refused++;
}

static void check_raw(struct buf *file, bool curl)
{
    struct str rest = buf_str(file);
    while (rest.len) {
        struct http1_head_scan scan = {0};
        struct http1_request r;
        struct http1_fault fault;
        ssize_t head = http1_head_end(&scan, rest, false, &fault);
        assert_true(head > 0);
        assert_int_equal(http1_parse_request((char *)(uintptr_t)rest.ptr, (size_t)head, &r, &fault),
                         0);
        size_t body = r.content_length > 0 ? (size_t)r.content_length : 0;
        check_raw_request(&r, str_sub(rest, (size_t)head, body), curl);
        rest = str_from_offset(rest, (size_t)head + body);
    }
}

static void holds_for_the_bytes_that_clients_sent(void **state)
{
    char base[VECTOR_PATH];
    struct vector_names names;
    vector_list(vector_shared("captures", base), &names);
    for (int i = 0; i < names.n; i++) {
        char path[VECTOR_PATH + NAME_MAX + 2];
        struct str name = str_of(names.at[i]);
        if (!str_ends(name, S(".raw")) || str_find(name, S("h2c")) >= 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", base, names.at[i]);
        struct buf file = vector_read(path);
        check_raw(&file, str_starts(name, S("curl")));
        buf_fini(&file);
    }
    check_counts(34, 38); /* each refused with another body, and curl's four */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_aws),
        cmocka_unit_test(agrees_with_botocores_suite),
        cmocka_unit_test(agrees_with_botocores_requests),
        cmocka_unit_test(agrees_with_what_clients_sent),
        cmocka_unit_test(holds_for_the_bytes_that_clients_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
