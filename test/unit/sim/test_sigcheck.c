/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's SigV4 verifier: requests that botocore and the JavaScript SDK signed (a few are
 * written here, many more in the shared data), and that no changed one passes.
 */
#include "../wire/vectors.h"
#include "sigcheck.h"

#include <cjson/cJSON.h>

static const struct str doc_secret = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

/* A request under test; its bytes belong to the table or the JSON tree. */
struct sample {
    struct fields fields;
    struct sigcheck_request r;
    struct sigcheck_claim c;
    char names[FIELDS_MOST][64];
};

static void begin(struct sample *s, const char *method, const char *target, const char *body)
{
    memset(s, 0, sizeof *s);
    s->r.method = str_of(method);
    s->r.target = str_of(target);
    s->r.fields = &s->fields;
    sha256_of(str_of(body), s->r.body_sha256);
}

static void add(struct sample *s, const char *name, const char *value)
{
    char *low = s->names[s->fields.n];
    for (size_t i = 0; name[i]; i++)
        low[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    if (strcmp(low, "host") == 0 || strcmp(low, ":authority") == 0)
        s->r.authority = str_of(value);
    else if (low[0] != ':')
        assert_true(fields_add(&s->fields, str_of(low), str_of(value)));
}

/* False when it carries no SigV4 claim. */
static bool claim(struct sample *s)
{
    const char *missing;
    if (!sigcheck_read(fields_get(&s->fields, S("authorization")), &s->c, &missing))
        return false;
    s->c.time = fields_get(&s->fields, S("x-amz-date"));
    return true;
}

#define SCOPE "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/bedrock/aws4_request, "

/* botocore 1.43.67 with a frozen clock: an ARN with a session token. */
static void arn_with_token(struct sample *s)
{
    begin(s, "POST",
          "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile"
          "%2Fabcdef123456/converse",
          "{\"messages\": [{\"role\": \"user\", \"content\": [{\"text\": \"hi\"}, {\"cachePoint\": "
          "{\"type\": \"default\", \"ttl\": \"1h\"}}]}]}");
    add(s, "Host", "bedrock-runtime.us-east-1.amazonaws.com");
    add(s, "Content-Type", "application/json");
    add(s, "X-Amz-Date", "20260102T030405Z");
    add(s, "X-Amz-Security-Token", "SESSIONTOKEN/+=");
    add(s, "Authorization",
        SCOPE "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
              "Signature=1827d41a5e07b7516371bae01e773260b89d5a17915e2e5de35ce113faaef5f3");
    assert_true(claim(s));
}

static void knows_what_botocore_signs(void **state)
{
    struct sample s;
    arn_with_token(&s);
    assert_true(sigcheck_matches(&s.r, &s.c, doc_secret));
    assert_true(sigcheck_matches(&s.r, &s.c, doc_secret)); /* with the kept day key */
    begin(&s, "GET", "/async-invoke?statusEquals=InProgress&maxResults=5", "");
    add(&s, "Host", "bedrock-runtime.us-east-1.amazonaws.com");
    add(&s, "X-Amz-Date", "20260102T030405Z");
    add(&s, "Authorization",
        SCOPE "SignedHeaders=host;x-amz-date, "
              "Signature=d4f024349dda9e1d2874db1452c9c0a048c2243b44cd5224666b51754cc7800a");
    assert_true(claim(&s) && sigcheck_matches(&s.r, &s.c, doc_secret));
}

static void refuses_what_was_changed(void **state)
{
    struct sample s;
    arn_with_token(&s);
    s.r.body_sha256[7] ^= 1;
    assert_false(sigcheck_matches(&s.r, &s.c, doc_secret));
    arn_with_token(&s);
    s.r.target.len--;
    assert_false(sigcheck_matches(&s.r, &s.c, doc_secret));
    arn_with_token(&s);
    s.r.method = S("PUT");
    assert_false(sigcheck_matches(&s.r, &s.c, doc_secret));
    arn_with_token(&s);
    s.r.authority = S("bedrock-runtime.us-west-2.amazonaws.com");
    assert_false(sigcheck_matches(&s.r, &s.c, doc_secret));
    arn_with_token(&s);
    s.fields.at[2].value = S("SESSIONTOKEN/+-");
    assert_false(sigcheck_matches(&s.r, &s.c, doc_secret));
    arn_with_token(&s);
    s.c.signature.ptr = "1827d41a5e07b7516371bae01e773260b89d5a17915e2e5de35ce113faaef5f2";
    assert_false(sigcheck_matches(&s.r, &s.c, doc_secret));
    arn_with_token(&s);
    assert_false(sigcheck_matches(&s.r, &s.c, S("another secret")));
}

static void says_what_must_be_signed(void **state)
{
    struct sample s;
    arn_with_token(&s);
    assert_int_equal(sigcheck_unsigned(&s.r, &s.c).len, 0);
    add(&s, "x-amz-user-agent", "aws-sdk-js");
    assert_str(sigcheck_unsigned(&s.r, &s.c), S("x-amz-user-agent"));
    arn_with_token(&s);
    add(&s, "x-amzn-bedrock-request-metadata", "{}");
    assert_str(sigcheck_unsigned(&s.r, &s.c), S("x-amzn-bedrock-request-metadata"));
    arn_with_token(&s);
    add(&s, "x-amzn-trace-id", "Root=1");
    assert_int_equal(sigcheck_unsigned(&s.r, &s.c).len, 0);
    s.c.signed_headers = S("content-type;x-amz-date;x-amz-security-token");
    assert_str(sigcheck_unsigned(&s.r, &s.c), S("host"));
    s.c.signed_headers = S(":authority;x-amz-date;x-amz-security-token");
    assert_int_equal(sigcheck_unsigned(&s.r, &s.c).len, 0);
}

static void reads_only_whole_claims(void **state)
{
    static const char *const bad[][2] = {
        {"Basic abc", "Algorithm"},
        {"AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00", "Credential"},
        {"AWS4-HMAC-SHA256 Credential=A/20260102/r/s/aws4, SignedHeaders=a", "Credential"},
        {"AWS4-HMAC-SHA256 Credential=A/20260102/r/s/aws4_request", "SignedHeaders"},
        {"AWS4-HMAC-SHA256 Credential=A/20260102/r/s/aws4_request,SignedHeaders=a,Signature=0",
         "Signature"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sigcheck_claim c;
        const char *missing = NULL;
        assert_false(sigcheck_read(str_of(bad[i][0]), &c, &missing));
        assert_string_equal(missing, bad[i][1]);
    }
}

/* AWS's published path rules; the canonical path of each wire path. */
static void normalises_paths(void **state)
{
    static const char *const paths[][2] = {
        {"/", "/"},
        {"//", "/"},
        {"/./", "/"},
        {"/./example", "/example"},
        {"/example/..", "/"},
        {"/example1/example2/../..", "/"},
        {"//example//", "/example/"},
        {"/example space/", "/example%20space/"},
        {"/model/a.b-v1:0/converse", "/model/a.b-v1%3A0/converse"},
        {"/model/a.b-v1%3A0/converse", "/model/a.b-v1%253A0/converse"},
        {"/model/arn%3Aaws%2Fx/invoke", "/model/arn%253Aaws%252Fx/invoke"},
        {"/-._~0Az", "/-._~0Az"},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct sample s;
        struct buf b = {0};
        begin(&s, "GET", paths[i][0], "");
        s.c.signed_headers = S("host");
        sigcheck_canonical(&s.r, &s.c, &b);
        struct str rest = buf_str(&b);
        str_cut(&rest, '\n');
        assert_str(str_cut(&rest, '\n'), str_of(paths[i][1]));
        buf_fini(&b);
    }
}

/* --- the shared data */

static cJSON *load(const char *path)
{
    struct buf b = vector_read(path);
    cJSON *root = cJSON_Parse(buf_cstr(&b));
    buf_fini(&b);
    assert_non_null(root);
    return root;
}

static const char *text(const cJSON *o, const char *name)
{
    const char *found = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
    return found ? found : "";
}

static void what_botocore_signs_for_every_service(void **state)
{
    char path[VECTOR_PATH];
    unsigned matched = 0;
    cJSON *all = load(vector_shared("vectors/sigv4/botocore-generated-requests.json", path));
    for (cJSON *q = cJSON_GetObjectItem(all, "requests")->child; q; q = q->next) {
        struct sample s;
        const char *url = strstr(text(q, "url"), "//") + 2, *slash = strchr(url, '/');
        char host[200] = {0};
        memcpy(host, url, (size_t)(slash - url));
        begin(&s, text(q, "method"), slash, text(q, "body"));
        add(&s, "host", host);
        for (cJSON *h = cJSON_GetObjectItem(q, "headers")->child; h; h = h->next)
            add(&s, h->string, h->valuestring);
        if (!claim(&s) || strcmp(text(q, "service"), "s3") == 0)
            continue; /* S3 has a path rule of its own */
        struct buf b = {0};
        sigcheck_canonical(&s.r, &s.c, &b);
        assert_str(buf_str(&b), str_of(text(q, "canonical_request")));
        assert_true(sigcheck_matches(&s.r, &s.c, doc_secret));
        buf_fini(&b);
        matched++;
    }
    assert_int_equal(matched, 20);
    cJSON_Delete(all);
}

/* One captured request; 1 when it was signed and fits, 0 when there is nothing to judge. */
static unsigned judge(const char *file, const cJSON *q)
{
    struct sample s;
    const cJSON *body = cJSON_GetObjectItem(q, "body_text");
    begin(&s, text(q, "method"), text(q, "url"), text(q, "body_text"));
    for (cJSON *h = cJSON_GetObjectItem(q, "headers")->child; h; h = h->next)
        add(&s, h->child->valuestring, h->child->next->valuestring);
    bool streamed = str_starts(fields_get(&s.fields, S("x-amz-content-sha256")), S("STREAMING"));
    if (!claim(&s) || streamed || (cJSON_GetObjectItem(q, "body_len")->valueint && !body))
        return 0;
    bool curl = strncmp(file, "curl-", 5) == 0; /* signs the path as it is, like S3 */
    if (sigcheck_matches(&s.r, &s.c, doc_secret) == curl)
        fail_msg("%s: judged the wrong way", file);
    return 1;
}

static void what_real_clients_sign(void **state)
{
    char folder[VECTOR_PATH], path[VECTOR_PATH * 2];
    struct vector_names names;
    unsigned judged = 0;
    vector_list(vector_shared("captures", folder), &names);
    for (int i = 0; i < names.n; i++) {
        if (!str_ends(str_of(names.at[i]), S(".json")))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, names.at[i]);
        cJSON *all = load(path);
        for (cJSON *c = cJSON_GetObjectItem(all, "connections")->child; c; c = c->next)
            for (cJSON *q = cJSON_GetObjectItem(c, "requests")->child; q; q = q->next)
                judged += judge(names.at[i], q);
        cJSON_Delete(all);
    }
    assert_true(judged >= 50);
}

/* AWS's own suite: the folders whose paths are normalised. */
static void what_aws_publishes(void **state)
{
    char folder[VECTOR_PATH], path[VECTOR_PATH * 2];
    struct vector_names names;
    unsigned matched = 0;
    vector_list(vector_shared("vectors/sigv4/aws-signing-test-suite/v4", folder), &names);
    for (int i = 0; i < names.n; i++) {
        if (strstr(names.at[i], "unnormalized") || strstr(names.at[i], "multiline"))
            continue; /* a folded header is refused long before */
        snprintf(path, sizeof path, "%s/%s/header-signed-request.txt", folder, names.at[i]);
        struct buf b = vector_read(path);
        struct str rest = buf_str(&b), line = str_cut(&rest, '\n');
        struct sample s;
        begin(&s, "", "", "");
        s.r.method = str_cut(&line, ' ');
        s.r.target = str_sub(line, 0, line.len - strlen(" HTTP/1.1"));
        while ((line = str_cut(&rest, '\n')).len) {
            char *at = b.data + (line.ptr - b.data);
            at[line.len] = 0;
            char *colon = strchr(at, ':');
            *colon = 0;
            add(&s, at, colon + 1);
        }
        if (rest.len)
            sha256_of(rest, s.r.body_sha256);
        assert_true(claim(&s));
        if (!sigcheck_matches(&s.r, &s.c, doc_secret))
            fail_msg("%s", names.at[i]);
        buf_fini(&b);
        matched++;
    }
    assert_true(matched >= 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_botocore_signs),
        cmocka_unit_test(refuses_what_was_changed),
        cmocka_unit_test(says_what_must_be_signed),
        cmocka_unit_test(reads_only_whole_claims),
        cmocka_unit_test(normalises_paths),
        cmocka_unit_test(what_botocore_signs_for_every_service),
        cmocka_unit_test(what_real_clients_sign),
        cmocka_unit_test(what_aws_publishes),
    };
    return cmocka_run_group_tests_name("sim/sigcheck", tests, NULL, NULL);
}
