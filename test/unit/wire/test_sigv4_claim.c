/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/sigv4_claim, rule by rule. A request is a text with a few places to change; it is signed
 * after the change, so that what is refused is refused by its rule and not by its signature.
 * test_sigv4_mutants.c changes requests after they were signed, test_sigv4_suites.c has those of
 * others.
 */
#include "sigv4_claimed.h"

#include <assert.h>

/* Lines with '%' are no fields. {C}, {N}, {S}: credential, names, signature; {H}: the body's hash.
 */
static const char base[] = "POST /model/amazon.nova-lite-v1%3A0/converse?a=b\n"
                           "host:weir.example:8080\n"
                           "x-amz-date:20260102T030405Z\n"
                           "content-type:text/plain\n"
                           "x-amz-user-agent:sdk/1\n"
                           "amz-sdk-request:attempt=1\n"
                           "x-own:\n"
                           "authorization:AWS4-HMAC-SHA256 Credential={C}, SignedHeaders={N}, "
                           "Signature={S}\n"
                           "%authority:weir.example:8080\n"
                           "%credential:AKIDEXAMPLE/20260102/us-east-1/bedrock/aws4_request\n"
                           "%names:content-type;host;x-amz-date;x-amz-user-agent;x-own\n"
                           "%body:{}\n";

enum { BASE_S = 1767323045, EDITS = 3, TEXTS = 9 }; /* 2026-01-02T03:04:05Z */

struct rule {
    enum sigv4_reading want;
    const char *what;
    const char *edits[EDITS][2]; /* what it finds, what it puts there */
};

/* --- making one */

struct made {
    struct received q;
    struct buf texts[TEXTS];
    int n;
};

static struct str keep(struct made *m, struct buf b)
{
    assert_true(m->n < TEXTS);
    m->texts[m->n++] = b;
    return buf_str(&m->texts[m->n - 1]);
}

static struct str replace_all(struct made *m, struct str text, struct str find, struct str put)
{
    struct buf b = {0};
    ptrdiff_t at;
    while ((at = str_find(text, find)) >= 0) {
        buf_add(&b, str_sub(text, 0, (size_t)at));
        buf_add(&b, put);
        text = str_from_offset(text, (size_t)at + find.len);
    }
    buf_add(&b, text);
    return keep(m, b);
}

static struct str edited(struct made *m, const struct rule *rule)
{
    struct buf b = {0};
    buf_add(&b, str_of(base));
    for (int i = 0; i < EDITS && rule->edits[i][0]; i++) {
        struct str find = str_of(rule->edits[i][0]), put = str_of(rule->edits[i][1]);
        struct buf next = {0};
        ptrdiff_t at = str_find(buf_str(&b), find);
        if (at < 0)
            fail_msg("%s: nothing to change", rule->what);
        buf_add(&next, str_sub(buf_str(&b), 0, (size_t)at));
        buf_add(&next, put);
        buf_add(&next, str_from_offset(buf_str(&b), (size_t)at + find.len));
        buf_fini(&b);
        b = next;
    }
    return keep(m, b);
}

static struct str line_of(struct str text, struct str name)
{
    while (text.len) {
        struct str line = str_cut(&text, '\n');
        if (str_starts(line, name))
            return str_from_offset(line, name.len);
    }
    fail_msg("no line %.*s", STR_ARG(name));
    return text;
}

static void read_text(struct made *m, struct str text)
{
    struct received *q = &m->q;
    struct str line = str_cut(&text, '\n');
    q->r.method = str_cut(&line, ' ');
    q->r.target = line;
    q->r.authority = line_of(text, S("%authority:"));
    q->r.fields = &q->fields;
    q->fields.n = 0;
    while (text.len) {
        struct str value = str_cut(&text, '\n'), name = str_cut(&value, ':');
        if (name.ptr[0] != '%')
            assert_true(fields_add(&q->fields, name, value));
    }
}

static struct str signature_of(struct made *m, struct str text)
{
    struct sigv4_request r = {.method = m->q.r.method, .n_fields = 1};
    struct field all[FIELDS_MOST + 1] = {{STR(":authority"), m->q.r.authority}};
    unsigned char key[SIGV4_KEY_BYTES], digest[SHA256_BYTES] = {0};
    char hex[SHA256_HEX];
    struct buf b = {0};
    struct str credential = line_of(text, S("%credential:"));
    struct sigv4_scope scope = {.access_key = str_cut(&credential, '/')};
    str_cut(&credential, '/');
    scope.region = str_cut(&credential, '/');
    scope.service = str_cut(&credential, '/');
    scope.time = fields_get(&m->q.fields, S("x-amz-date"));
    r.query = m->q.r.target;
    r.path = str_cut(&r.query, '?');
    if (fields_count(&m->q.fields, S("host")) == 0)
        all[r.n_fields++] = (struct field){STR("host"), m->q.r.authority};
    for (size_t i = 0; i < m->q.fields.n; i++)
        all[r.n_fields++] = m->q.fields.at[i];
    r.fields = all;
    r.payload = fields_get(&m->q.fields, S("x-amz-content-sha256"));
    if (!r.payload.ptr)
        r.payload = str_from(m->q.hash, SHA256_HEX);
    if (sigv4_key(m->q.secret, &scope, key) == 0 &&
        sigv4_signature(&r, line_of(text, S("%names:")), &scope, key, digest))
        memset(digest, 0, sizeof digest);
    sha256_hex(digest, hex);
    buf_add(&b, str_from(hex, sizeof hex));
    return keep(m, b);
}

static void make(struct made *m, const struct rule *rule)
{
    memset(m, 0, sizeof *m);
    struct str text = edited(m, rule);
    m->q.service = S("bedrock bedrock-mantle");
    m->q.secret = doc_secret;
    m->q.now_s = BASE_S;
    set_hash(&m->q, line_of(text, S("%body:")));
    text = replace_all(m, text, S("{H}"), str_from(m->q.hash, SHA256_HEX));
    text = replace_all(m, text, S("{C}"), line_of(text, S("%credential:")));
    text = replace_all(m, text, S("{N}"), line_of(text, S("%names:")));
    read_text(m, text);
    text = replace_all(m, text, S("{S}"), signature_of(m, text));
    read_text(m, text);
}

static void unmake(struct made *m)
{
    while (m->n)
        buf_fini(&m->texts[--m->n]);
}

/* --- the rules */

#define NAMES "content-type;host;x-amz-date;x-amz-user-agent;x-own"
#define FORM  "AWS4-HMAC-SHA256 Credential={C}, SignedHeaders={N}, Signature={S}"

static const struct rule accepted[] = {
    {SIGV4_CLAIMED, "as it is", {{0}}},
    {SIGV4_CLAIMED, "commas without spaces", {{", SignedHeaders", ",SignedHeaders"}}},
    {SIGV4_CLAIMED, "space around Authorization", {{"authorization:", "authorization:  "}}},
    {SIGV4_CLAIMED, "folded spaces", {{"agent:sdk/1", "agent: a \t b "}}},
    {SIGV4_CLAIMED, "an empty value", {{"agent:sdk/1", "agent:"}}},
    {SIGV4_CLAIMED, "a field of no weight twice", {{"x-own:\n", "x-own:1\nx-own:2\n"}}},
    {SIGV4_CLAIMED,
     "a hash that is right",
     {{"x-own:", "x-amz-content-sha256:{H}"},
      {NAMES, "content-type;host;x-amz-content-sha256;"
              "x-amz-date;x-amz-user-agent"}}},
    {SIGV4_CLAIMED,
     ":authority",
     {{NAMES, ":authority;content-type;x-amz-date;x-amz-user-agent"},
      {"host:weir.example:8080\n", ""}}},
    {SIGV4_CLAIMED, "host over HTTP/2", {{"host:weir.example:8080\n", ""}}},
    {SIGV4_CLAIMED, "both of them", {{"%names:content", "%names::authority;content"}}},
    {SIGV4_CLAIMED,
     "JSON unsigned",
     {{"text/plain", "application/json"}, {"%names:content-type;", "%names:"}}},
    {SIGV4_CLAIMED,
     "no content type",
     {{"content-type:text/plain\n", ""}, {"%names:content-type;", "%names:"}}},
    {SIGV4_CLAIMED,
     "user-agent signed",
     {{"x-own:", "user-agent:me"},
      {";x-own", ""},
      {"host;x-amz-date", "host;user-agent;x-amz-date"}}},
    {SIGV4_CLAIMED, "a trace id unsigned", {{"x-own:\n", "x-own:\nx-amzn-trace-id:Root=1\n"}}},
    {SIGV4_CLAIMED, "another region", {{"us-east-1", "us-gov-west-1"}}},
    {SIGV4_CLAIMED, "one more", {{"us-east-1", "eusc-de-east-12"}}},
    {SIGV4_CLAIMED, "the other service", {{"/bedrock/", "/bedrock-mantle/"}}},
    {SIGV4_CLAIMED, "no query", {{"?a=b", ""}}},
    {SIGV4_CLAIMED, "a query with x-amzn", {{"?a=b", "?x-amzn=1&x-am&%58=%"}}},
    {SIGV4_NONE, "no Authorization", {{"authorization:", "x-none:"}}},
    {SIGV4_NONE, "a bearer key", {{"authorization:" FORM, "authorization:Bearer AWS4"}}},
    {SIGV4_NONE, "no scheme", {{"authorization:" FORM, "authorization:"}}},
};

/* Everything about them but this is right, the signature too. */
static const struct rule refused[] = {
    {SIGV4_MALFORMED, "two Authorizations", {{"x-own:", "authorization:" FORM "\nx-own:"}}},
    {SIGV4_MALFORMED, "a bearer key too", {{"x-own:", "authorization:Bearer x\nx-own:"}}},
    {SIGV4_MALFORMED, "SigV4A", {{"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"}}},
    {SIGV4_MALFORMED, "small letters", {{"AWS4-HMAC-SHA256", "aws4-hmac-sha256"}}},
    {SIGV4_MALFORMED, "a longer algorithm", {{"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256-PAYLOAD"}}},
    {SIGV4_MALFORMED, "SigV2", {{"authorization:" FORM, "authorization:AWS AKID:c2ln"}}},
    {SIGV4_MALFORMED,
     "nothing but the scheme",
     {{" Credential={C}, SignedHeaders={N}, Signature={S}", ""}}},
    {SIGV4_MALFORMED,
     "parts in another order",
     {{"SignedHeaders={N}, Signature={S}", "Signature={S}, SignedHeaders={N}"}}},
    {SIGV4_MALFORMED, "a part more", {{"Signature={S}", "Signature={S}, Signature={S}"}}},
    {SIGV4_MALFORMED, "a comma more", {{"Signature={S}", "Signature={S},"}}},
    {SIGV4_MALFORMED, "a part less", {{"SignedHeaders={N}, ", ""}}},
    {SIGV4_MALFORMED, "a short signature", {{"Signature={S}", "Signature=00"}}},
    {SIGV4_MALFORMED, "a long signature", {{"{S}", "{S}0"}}},
    {SIGV4_MALFORMED, "an empty signature", {{"{S}", ""}}},
    {SIGV4_MALFORMED, "no hex", {{"{S}", "g{S}"}}},
    {SIGV4_MALFORMED, "another day", {{"AKIDEXAMPLE/20260102", "AKIDEXAMPLE/20260101"}}},
    {SIGV4_MALFORMED, "a region that is none", {{"us-east-1", "us"}}},
    {SIGV4_MALFORMED, "an empty region", {{"us-east-1", ""}}},
    {SIGV4_MALFORMED, "a region in capitals", {{"us-east-1", "US-EAST-1"}}},
    {SIGV4_MALFORMED, "a region without number", {{"us-east-1", "us-east-one"}}},
    {SIGV4_MALFORMED, "a region with a host", {{"us-east-1", "us-east-1.evil"}}},
    {SIGV4_MALFORMED, "a pseudo-region", {{"us-east-1", "aws-global"}}},
    {SIGV4_MALFORMED, "a hole in a region", {{"us-east-1", "us--east-1"}}},
    {SIGV4_MALFORMED, "another service", {{"/bedrock/", "/s3/"}}},
    {SIGV4_MALFORMED, "no service", {{"/bedrock/", "//"}}},
    {SIGV4_MALFORMED, "two services", {{"/bedrock/", "/bedrock bedrock-mantle/"}}},
    {SIGV4_MALFORMED, "a longer service", {{"/bedrock/", "/bedrock-runtime/"}}},
    {SIGV4_MALFORMED, "no terminator", {{"/aws4_request", ""}}},
    {SIGV4_MALFORMED, "another terminator", {{"/aws4_request", "/aws4_Request"}}},
    {SIGV4_MALFORMED, "a part behind it", {{"/aws4_request", "/aws4_request/"}}},
    {SIGV4_MALFORMED, "no access key", {{"AKIDEXAMPLE/", "/"}}},
    {SIGV4_MALFORMED, "an access key of bytes", {{"AKIDEXAMPLE/", "AKID\x01/"}}},
    {SIGV4_MALFORMED, "a space in it", {{"AKIDEXAMPLE/", "AKID X/"}}},
    {SIGV4_MALFORMED, "neither host nor :authority", {{";host", ""}}},
    {SIGV4_MALFORMED, "no names", {{NAMES, ""}}},
    {SIGV4_MALFORMED, "names unsorted", {{"content-type;host", "host;content-type"}}},
    {SIGV4_MALFORMED, "a name twice", {{"host;", "host;host;"}}},
    {SIGV4_MALFORMED, "a semicolon behind", {{";x-own", ";x-own;"}}},
    {SIGV4_MALFORMED, "a semicolon before", {{"%names:", "%names:;"}}},
    {SIGV4_MALFORMED, "a name in capitals", {{"%names:content-type", "%names:Content-Type"}}},
    {SIGV4_MALFORMED, "a field that is not there", {{";x-own", ";x-own;x-p"}}},
    {SIGV4_MALFORMED, "another pseudo-header", {{"%names:", "%names::path;"}}},
    {SIGV4_MALFORMED, "the date unsigned", {{";x-amz-date", ""}}},
    {SIGV4_MALFORMED, "x-amz-* unsigned", {{";x-amz-user-agent", ""}}},
    {SIGV4_MALFORMED, "a token unsigned", {{"x-own:\n", "x-own:\nx-amz-security-token:t\n"}}},
    {SIGV4_MALFORMED,
     "x-amzn-bedrock-* unsigned",
     {{"x-own:\n", "x-own:\nx-amzn-bedrock-service-tier:priority\n"}}},
    {SIGV4_MALFORMED, "anthropic-* unsigned", {{"x-own:\n", "x-own:\nanthropic-beta:b\n"}}},
    {SIGV4_MALFORMED, "content type unsigned", {{"%names:content-type;", "%names:"}}},
    {SIGV4_MALFORMED, "two content types", {{"x-own:\n", "x-own:\ncontent-type:b\n"}}},
    {SIGV4_MALFORMED, "x-amz-* twice", {{"x-own:\n", "x-own:\nx-amz-user-agent:b\n"}}},
    {SIGV4_MALFORMED, "two hosts", {{"x-own:\n", "x-own:\nhost:weir.example:8080\n"}}},
    {SIGV4_MALFORMED, "host and :authority differ", {{"%authority:weir", "%authority:other"}}},
    {SIGV4_MALFORMED,
     "no host at all",
     {{"host:weir.example:8080\n", ""}, {"%authority:weir.example:8080", "%authority:"}}},
    {SIGV4_MALFORMED, "a signature in the query", {{"?a=b", "?X-Amz-Signature=00"}}},
    {SIGV4_MALFORMED, "a token in the query", {{"?a=b", "?a=b&x-amz-security-token=t"}}},
    {SIGV4_MALFORMED, "an algorithm, escaped", {{"?a=b", "?%58%2dAmz%2DAlgorithm"}}},
    {SIGV4_MALFORMED,
     "query authorization",
     {{"?a=b", "?X-Amz-Signature=00"}, {"authorization:", "x-none:"}}},
    {SIGV4_MALFORMED, "a method with a line end", {{"POST", "POST\r"}}},
    {SIGV4_MALFORMED, "a small method", {{"POST", "post"}}},
};

#define HASH_FIELD(value)                                                           \
    {"x-own:", "x-amz-content-sha256:" value},                                      \
    {                                                                               \
        NAMES, "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-user-agent" \
    }

/* The signature is right over what x-amz-content-sha256 says. */
static const struct rule payloads[] = {
    {SIGV4_MALFORMED, "unsigned", {HASH_FIELD("UNSIGNED-PAYLOAD")}},
    {SIGV4_MALFORMED, "chunks", {HASH_FIELD("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")}},
    {SIGV4_MALFORMED, "trailer", {HASH_FIELD("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")}},
    {SIGV4_MALFORMED, "unsigned trailer", {HASH_FIELD("STREAMING-UNSIGNED-PAYLOAD-TRAILER")}},
    {SIGV4_MALFORMED, "events", {HASH_FIELD("STREAMING-AWS4-HMAC-SHA256-EVENTS")}},
    {SIGV4_MALFORMED, "nothing", {HASH_FIELD("")}},
    {SIGV4_MALFORMED,
     "of no bytes",
     {HASH_FIELD("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca4"
                 "95991b7852b855")}},
    {SIGV4_MALFORMED, "twice", {HASH_FIELD("{H}\nx-amz-content-sha256:{H}")}},
    {SIGV4_MALFORMED,
     "capitals",
     {HASH_FIELD("44136FA355B3678A1146AD16F7E8649E94FB4FC21FE77E8310C0"
                 "60F61CAAFF8A")}},
};

static const struct rule dates[] = {
    {SIGV4_MALFORMED, "none", {{"x-amz-date:20260102T030405Z\n", ""}, {"x-amz-date;", ""}}},
    {SIGV4_MALFORMED,
     "Date",
     {{"x-amz-date:20260102T030405Z", "date:Fri, 02 Jan 2026 03:04:05 GMT"}, {"x-amz-date;", ""}}},
    {SIGV4_MALFORMED, "two", {{"x-own:\n", "x-own:\nx-amz-date:20260102T030405Z\n"}}},
    {SIGV4_MALFORMED, "empty", {{"date:20260102T030405Z", "date:"}}},
    {SIGV4_MALFORMED, "of ISO", {{"date:20260102T030405Z", "date:2026-01-02T03:04:05Z"}}},
    {SIGV4_MALFORMED, "no zone", {{"date:20260102T030405Z", "date:20260102T030405"}}},
    {SIGV4_MALFORMED, "month 13", {{"date:20260102T030405Z", "date:20261302T030405Z"}}},
    {SIGV4_MALFORMED, "letters", {{"date:20260102T030405Z", "date:2026O102T030405Z"}}},
    {SIGV4_MALFORMED, "a sign", {{"date:20260102T030405Z", "date:+0260102T030405Z"}}},
};

static void check_rules(const struct rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct made m;
        struct sigv4_claim c;
        make(&m, &rules[i]);
        enum sigv4_reading got = read_claim(&m.q, &c);
        if (got != rules[i].want)
            fail_msg("%s: read as %d (%s)", rules[i].what, (int)got, c.why ? c.why : "");
        assert_int_equal(got == SIGV4_MALFORMED, c.why != NULL);
        if (got == SIGV4_CLAIMED)
            check_accepted(&m.q);
        unmake(&m);
    }
}

#define CHECK_RULES(rules) check_rules((rules), sizeof(rules) / sizeof *(rules))

static void accepts_what_keeps_the_rules(void **state)
{
    CHECK_RULES(accepted);
}

static void refuses_each_breach(void **state)
{
    CHECK_RULES(refused);
}

static void refuses_every_payload_but_the_hash(void **state)
{
    CHECK_RULES(payloads);
}

static void refuses_a_date_that_is_none(void **state)
{
    CHECK_RULES(dates);
}

static void tells_what_is_claimed(void **state)
{
    static const struct rule rule = {
        SIGV4_CLAIMED,
        "a token",
        {{"x-own:", "x-amz-security-token: t "},
         {NAMES, "content-type;host;x-amz-date;x-amz-security-token;x-amz-user-agent"}}};
    struct made m;
    struct sigv4_claim c;
    make(&m, &rule);
    assert_int_equal(read_claim(&m.q, &c), SIGV4_CLAIMED);
    assert_str(c.access_key, S("AKIDEXAMPLE"));
    assert_str(c.time, S("20260102T030405Z"));
    assert_str(c.region, S("us-east-1"));
    assert_str(c.service, S("bedrock"));
    assert_str(c.token, S("t"));
    unmake(&m);
    make(&m, &accepted[0]);
    assert_int_equal(read_claim(&m.q, &c), SIGV4_CLAIMED);
    assert_null(c.token.ptr);
    unmake(&m);
}

/* --- the clock */

static enum sigv4_reading read_at(const struct rule *rule, int64_t off_s)
{
    struct made m;
    struct sigv4_claim c;
    make(&m, rule);
    m.q.now_s += off_s;
    enum sigv4_reading got = read_claim(&m.q, &c);
    unmake(&m);
    return got;
}

static void allows_five_minutes(void **state)
{
    static const int near[] = {0, 1, 299, 300}, far[] = {301, 3600, 86400, 1000000000};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(read_at(&accepted[0], near[i]), SIGV4_CLAIMED);
        assert_int_equal(read_at(&accepted[0], -near[i]), SIGV4_CLAIMED);
        assert_int_equal(read_at(&accepted[0], far[i]), SIGV4_EXPIRED);
        assert_int_equal(read_at(&accepted[0], -far[i]), SIGV4_EXPIRED);
    }
}

/* An SDK with a wrong clock must hear of the clock, and nobody learns more by it. */
static void says_the_time_first(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(read_at(&refused[i], 301), SIGV4_EXPIRED);
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
        assert_int_equal(read_at(&payloads[i], -301), SIGV4_EXPIRED);
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
        assert_int_equal(read_at(&dates[i], 301), SIGV4_MALFORMED);
}

/* --- no difference to be seen */

static int hmacs;

void __real_hmac_sha256(struct str key, struct str bytes, unsigned char out[SHA256_BYTES]);
void __wrap_hmac_sha256(struct str key, struct str bytes, unsigned char out[SHA256_BYTES]);
void __wrap_hmac_sha256(struct str key, struct str bytes, unsigned char out[SHA256_BYTES])
{
    hmacs++;
    __real_hmac_sha256(key, bytes, out);
}

void __real_hmac_key_sign(const struct hmac_key *k, struct str bytes,
                          unsigned char out[SHA256_BYTES]);
void __wrap_hmac_key_sign(const struct hmac_key *k, struct str bytes,
                          unsigned char out[SHA256_BYTES]);
void __wrap_hmac_key_sign(const struct hmac_key *k, struct str bytes,
                          unsigned char out[SHA256_BYTES])
{
    hmacs++;
    __real_hmac_key_sign(k, bytes, out);
}

static int hmacs_for(const struct received *q, const struct sigv4_claim *c, struct str secret,
                     bool want)
{
    hmacs = 0;
    assert_int_equal(sigv4_claim_holds(&q->r, c, secret), want);
    return hmacs;
}

static void works_alike_for_every_key(void **state)
{
    struct made m;
    struct sigv4_claim c;
    make(&m, &accepted[0]);
    assert_int_equal(read_claim(&m.q, &c), SIGV4_CLAIMED);
    int right = hmacs_for(&m.q, &c, doc_secret, true);
    assert_int_equal(right, 5);
    assert_int_equal(hmacs_for(&m.q, &c, S("another key's secret"), false), right);
    assert_int_equal(hmacs_for(&m.q, &c, (struct str){NULL, 0}, false), right);
    assert_int_equal(hmacs_for(&m.q, &c, S(""), false), right);
    unmake(&m);
}

static void sign_with(struct made *m, struct str secret, struct sigv4_claim *c)
{
    m->q.secret = secret;
    assert_int_equal(read_claim(&m->q, c), SIGV4_CLAIMED);
    signature_of(m, buf_str(&m->texts[0]));
    struct buf signature = vector_unhex(buf_cstr(&m->texts[m->n - 1]));
    memcpy(c->signature, signature.data, sizeof c->signature);
    buf_fini(&signature);
}

/* A client without a secret has no pair: the empty one is nobody's. */
static void no_secret_opens_nothing(void **state)
{
    struct made m;
    struct sigv4_claim c;
    make(&m, &accepted[0]);
    sign_with(&m, S("s"), &c);
    assert_true(sigv4_claim_holds(&m.q.r, &c, S("s")));
    sign_with(&m, S(""), &c);
    assert_false(sigv4_claim_holds(&m.q.r, &c, S("")));
    assert_false(sigv4_claim_holds(&m.q.r, &c, (struct str){NULL, 0}));
    unmake(&m);
}

/* --- the repository's vectors */

static int own_held;

static void check_own(const struct own *o)
{
    struct received q;
    if (!str_eq(o->s.scope.service, S("bedrock")))
        return;
    receive(&q, &o->s);
    check_accepted(&q);
    own_held++;
}

static void accepts_our_vectors(void **state)
{
    each_own(check_own);
    assert_int_equal(own_held, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_keeps_the_rules),
        cmocka_unit_test(refuses_each_breach),
        cmocka_unit_test(refuses_every_payload_but_the_hash),
        cmocka_unit_test(refuses_a_date_that_is_none),
        cmocka_unit_test(tells_what_is_claimed),
        cmocka_unit_test(allows_five_minutes),
        cmocka_unit_test(says_the_time_first),
        cmocka_unit_test(works_alike_for_every_key),
        cmocka_unit_test(no_secret_opens_nothing),
        cmocka_unit_test(accepts_our_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
