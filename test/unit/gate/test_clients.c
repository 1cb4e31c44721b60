/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/clients: who a request is by each method, that what is shown first decides alone, that a key
 * that nobody knows becomes nobody but the passthrough client; secrets' files; patterns of models.
 */
#include "weir/gate/clients.h"
#include "weir/wire/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW_S = 1767323045 }; /* 20260102T030405Z */

#define SEARCH_SECRET "secretsecretsecretsecret"
#define SEARCH_TOKEN  "token-of-search-0123456789"

static char dir[64], err[512];
static struct config *config;
static struct clients *all;
static struct keyring *ring;
static struct buf issued_id, issued_secret, issued_token, gone_id, gone_token, admin_id,
    admin_secret;

static void put(const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static struct config *parse(const char *clients)
{
    struct buf text = {0}, faults = {0};
    const char *rest = clients;
    buf_add(&text, S("region: us-east-1\n"
                     "listen: [{address: '127.0.0.1:0', tls: {cert: c, key: k, client_ca: a}}]\n"
                     "clients:\n"));
    for (const char *at; (at = strstr(rest, "DIR")); rest = at + 3)
        buf_addf(&text, "%.*s%s", (int)(at - rest), rest, dir);
    buf_addf(&text, "%s", rest);
    struct config *c = config_parse(S("weir.yaml"), buf_str(&text), &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    buf_fini(&text);
    return c;
}

static void issue(const char *client, bool admin, enum key_kind kind, struct buf *id,
                  struct buf *secret)
{
    if (keyring_add(str_of(dir), S(""), str_of(client), admin, kind, id, secret, err, sizeof err))
        fail_msg("%s", err);
}

static int set_up(void **state)
{
    struct buf ids = {0}, token_id = {0}, gone_secret = {0};
    strcpy(dir, "/tmp/weir-clients-XXXXXX");
    assert_non_null(mkdtemp(dir));
    put("search.secret", SEARCH_SECRET "\n", 0600);
    put("search.token", "  " SEARCH_TOKEN "\r\n", 0600);
    put("other.token", "token-of-another-0123456789", 0400);
    config = parse("- name: search\n"
                   "  sigv4: {access_key_id: WEIRSEARCH, secret_file: DIR/search.secret}\n"
                   "  bearer_file: DIR/search.token\n"
                   "- {name: another, cn: another.internal, bearer_file: DIR/other.token}\n"
                   "- {name: agents, passthrough: bearer}\n"
                   "- {name: here, loopback: true}\n");
    all = clients_new(config, err, sizeof err);
    if (!all)
        fail_msg("%s", err);
    issue("agents", false, KEY_SIGV4, &issued_id, &issued_secret);
    issue("search", false, KEY_BEARER, &ids, &issued_token);
    issue("", true, KEY_SIGV4, &admin_id, &admin_secret);
    issue("search", false, KEY_BEARER, &token_id, &gone_token);
    issue("search", false, KEY_SIGV4, &gone_id, &gone_secret);
    assert_int_equal(keyring_revoke(str_of(dir), buf_str(&token_id), err, sizeof err), 0);
    assert_int_equal(keyring_revoke(str_of(dir), buf_str(&gone_id), err, sizeof err), 0);
    ring = keyring_load(str_of(dir), S(""), err, sizeof err);
    if (!ring)
        fail_msg("%s", err);
    buf_fini(&ids);
    buf_fini(&token_id);
    buf_fini(&gone_secret);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    keyring_unref(ring);
    clients_free(all);
    config_free(config);
    struct buf *const bufs[] = {&issued_id,  &issued_secret, &issued_token, &gone_id,
                                &gone_token, &admin_id,      &admin_secret};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_fini(bufs[i]);
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

/* --- one request */

static struct fields fields;
static struct credentials_shown shown;
static char hash[SHA256_HEX], field_text[2][4096];
static size_t n_texts;
static struct arena arena;

static void begin(void)
{
    unsigned char digest[SHA256_BYTES];
    sha256_of(S("{}"), digest);
    sha256_hex(digest, hash);
    fields.n = n_texts = 0;
    arena_fini(&arena);
    arena_init(&arena, 1 << 16);
    shown = (struct credentials_shown){.method = S("POST"),
                                       .target = S("/model/m/converse"),
                                       .authority = S("127.0.0.1:8080"),
                                       .fields = &fields,
                                       .body_sha256 = hash,
                                       .plaintext_ok = true};
    fields_add(&fields, S("host"), shown.authority);
    fields_add(&fields, S("x-amz-date"), S("20260102T030405Z"));
}

static void show_field(const char *name, const char *scheme, struct str token)
{
    char *text = field_text[n_texts++];
    snprintf(text, sizeof field_text[0], "%s%.*s", scheme, STR_ARG(token));
    fields_add(&fields, str_of(name), str_of(text));
}

static void sign(struct str id, struct str secret, struct str service)
{
    const struct sigv4_scope scope = {id, S("20260102T030405Z"), S("us-east-1"), service};
    const struct sigv4_request q = {.method = shown.method,
                                    .path = shown.target,
                                    .fields = fields.at,
                                    .n_fields = fields.n,
                                    .payload = {hash, sizeof hash}};
    struct hmac_key hmac;
    unsigned char key[SIGV4_KEY_BYTES];
    struct str authorization;
    assert_int_equal(sigv4_key(secret, &scope, key), 0);
    hmac_key_init(&hmac, str_from((const char *)key, sizeof key));
    assert_int_equal(sigv4_sign(&q, &scope, &hmac, &arena, &authorization), 0);
    fields_add(&fields, S("authorization"), authorization);
}

static const struct client *who;
static struct str upstream;
static const char *why;

static enum identified identify(void)
{
    who = NULL;
    upstream = (struct str){NULL, 0};
    return clients_identify(all, ring, &shown, NOW_S, &who, &upstream, &why);
}

static void assert_is(const char *name)
{
    if (identify() != IDENTIFIED)
        fail_msg("wanted %s, got: %s", name, why);
    assert_true(str_eq(who->name, str_of(name)));
}

static void assert_refused(const char *reason)
{
    assert_int_equal(identify(), IDENTIFY_REFUSED);
    assert_null(who);
    assert_null(upstream.ptr);
    if (!strstr(why, reason))
        fail_msg("wanted %s, got: %s", reason, why);
}

/* --- each method */

static void knows_signatures(void **state)
{
    begin();
    sign(S("WEIRSEARCH"), S(SEARCH_SECRET), S("bedrock"));
    assert_is("search");
    begin();
    sign(buf_str(&issued_id), buf_str(&issued_secret), S("bedrock"));
    assert_is("agents");
    assert_null(upstream.ptr); /* it is signed for, as any other */
}

static void refuses_signatures(void **state)
{
    begin();
    sign(S("WEIRSEARCH"), S(SEARCH_SECRET "x"), S("bedrock"));
    assert_refused("does not match");
    begin();
    sign(S("NOBODY"), S(SEARCH_SECRET), S("bedrock"));
    assert_refused("not known");
    begin(); /* another's key id, with one's own secret */
    sign(S("WEIRSEARCH"), buf_str(&issued_secret), S("bedrock"));
    assert_refused("does not match");
    begin();
    sign(S("WEIRSEARCH"), S(SEARCH_SECRET), S("s3"));
    assert_refused("service");
    begin();
    fields_add(&fields, S("x-amz-security-token"), S("t"));
    sign(S("WEIRSEARCH"), S(SEARCH_SECRET), S("bedrock"));
    assert_refused("session token");
    begin();
    sign(S("WEIRSEARCH"), S(SEARCH_SECRET), S("bedrock"));
    hash[0] = hash[0] == '0' ? '1' : '0'; /* the body was changed */
    assert_refused("does not match");
}

/* Said for every key alike, so that an SDK can correct its clock. */
static void says_when_the_time_is_off(void **state)
{
    begin();
    sign(S("NOBODY"), S("whatever"), S("bedrock"));
    who = NULL;
    assert_int_equal(clients_identify(all, ring, &shown, NOW_S + 3600, &who, &upstream, &why),
                     IDENTIFY_EXPIRED);
    assert_null(who);
}

static void knows_bearer_keys(void **state)
{
    static const char *const ways[][2] = {
        {"authorization", "Bearer "}, {"authorization", "bearer  "}, {"x-api-key", ""}};
    for (size_t i = 0; i < 3; i++) {
        begin();
        show_field(ways[i][0], ways[i][1], S(SEARCH_TOKEN));
        assert_is("search");
        assert_null(upstream.ptr); /* Weir's own key stays here */
        begin();
        show_field(ways[i][0], ways[i][1], buf_str(&issued_token));
        assert_is("search");
        begin();
        show_field(ways[i][0], ways[i][1], S("token-of-another-0123456789"));
        assert_is("another");
    }
}

/* A key that nobody knows is Bedrock's, and its bearer can be nobody but the one client. */
static void passes_through(void **state)
{
    begin();
    show_field("authorization", "Bearer ", S("bedrock-api-key-abc"));
    assert_is("agents");
    assert_true(str_eq(upstream, S("bedrock-api-key-abc")));
    begin(); /* the names of others do not help */
    show_field("authorization", "Bearer ", S("search"));
    shown.peer_name = S("another.internal");
    shown.tls = true;
    assert_is("agents");
    assert_true(str_eq(upstream, S("search")));
}

/* Also when the rest of it is wrong: it is none of Bedrock's. */
static void keeps_issued_keys_from_upstream(void **state)
{
    begin();
    show_field("authorization", "Bearer ", buf_str(&gone_token));
    assert_refused("revoked");
    begin();
    show_field("x-api-key", "", str_sub(buf_str(&issued_token), 0, 20));
    assert_refused("revoked");
}

static void refuses_admin_keys(void **state)
{
    begin();
    sign(buf_str(&admin_id), buf_str(&admin_secret), S("bedrock"));
    assert_refused("not known");
}

static void knows_certificates(void **state)
{
    begin();
    shown.tls = true;
    shown.peer_name = S("another.internal");
    assert_is("another");
    shown.peer_name = S("stranger.internal");
    shown.from_loopback = true; /* which does not help */
    assert_refused("certificate");
}

static void knows_this_machine(void **state)
{
    begin();
    assert_int_equal(identify(), IDENTIFY_MISSING);
    shown.from_loopback = true;
    assert_is("here");
}

/* An SDK signs with whatever keys it finds; who is here could have shown nothing. */
static void takes_unknown_keys_of_this_machine_for_none(void **state)
{
    begin();
    shown.from_loopback = true;
    fields_add(&fields, S("x-amz-security-token"), S("t"));
    sign(S("AKIAEXAMPLE"), S("any"), S("bedrock"));
    assert_is("here");
    assert_null(upstream.ptr);
    shown.peer_name = S("another.internal");
    shown.tls = true; /* that is not nothing */
    assert_refused("not known");
    begin();
    sign(S("AKIAEXAMPLE"), S("any"), S("bedrock"));
    assert_refused("not known"); /* from elsewhere */
    begin();
    shown.from_loopback = true;
    sign(S("WEIRSEARCH"), S(SEARCH_SECRET "x"), S("bedrock"));
    assert_refused("does not match");
    begin();
    shown.from_loopback = true;
    sign(buf_str(&issued_id), S(SEARCH_SECRET), S("bedrock"));
    assert_refused("does not match");
    begin();
    shown.from_loopback = true;
    sign(buf_str(&gone_id), S(SEARCH_SECRET), S("bedrock"));
    assert_refused("not known");
    begin();
    shown.from_loopback = true;
    sign(buf_str(&admin_id), buf_str(&admin_secret), S("bedrock"));
    assert_refused("not known");
    begin(); /* where it may be Bedrock's, it stays the passthrough client's */
    shown.from_loopback = true;
    show_field("x-api-key", "", S("bedrock-api-key-abc"));
    assert_is("agents");
    assert_true(str_eq(upstream, S("bedrock-api-key-abc")));
    begin();
    shown.from_loopback = true;
    show_field("x-api-key", "", buf_str(&gone_token));
    assert_refused("revoked");
}

/* --- what is shown first decides alone */

static void takes_the_first_that_is_shown(void **state)
{
    begin();
    sign(S("WEIRSEARCH"), S(SEARCH_SECRET "x"), S("bedrock"));
    show_field("x-api-key", "", S("token-of-another-0123456789"));
    shown.peer_name = S("another.internal");
    shown.tls = shown.from_loopback = true;
    assert_refused("does not match");
    begin();
    sign(S("WEIRSEARCH"), S(SEARCH_SECRET), S("bedrock"));
    show_field("x-api-key", "", S("token-of-another-0123456789"));
    assert_is("search");
    begin();
    show_field("authorization", "Basic ", S("eDp5"));
    show_field("x-api-key", "", S(SEARCH_TOKEN));
    assert_refused("scheme");
    begin();
    show_field("authorization", "Bearer ", S(SEARCH_TOKEN));
    show_field("authorization", "Bearer ", S("token-of-another-0123456789"));
    assert_int_equal(identify(), IDENTIFY_REFUSED);
    begin();
    show_field("x-api-key", "", S(SEARCH_TOKEN));
    show_field("x-api-key", "", S(SEARCH_TOKEN));
    assert_refused("two keys");
    begin();
    show_field("x-api-key", "", S(""));
    shown.from_loopback = true;
    assert_refused("empty");
    begin(); /* credentials in the query are a signature, and none that counts */
    shown.target = S("/model/m/converse?X-Amz-Signature=00");
    shown.from_loopback = true;
    assert_int_equal(identify(), IDENTIFY_REFUSED);
}

static void keeps_bearer_keys_out_of_clear_text(void **state)
{
    begin();
    show_field("authorization", "Bearer ", S(SEARCH_TOKEN));
    shown.plaintext_ok = false;
    assert_refused("clear text");
    shown.tls = true;
    assert_is("search");
}

/* A name without the TLS that proved it is nothing. */
static void believes_certificates_only_over_tls(void **state)
{
    begin();
    shown.peer_name = S("another.internal");
    assert_int_equal(identify(), IDENTIFY_MISSING);
}

/* --- without some of it */

static void refuses_unknown_keys_without_passthrough(void **state)
{
    struct config *c = parse("- {name: here, loopback: true}\n- {name: two, cn: x}\n");
    struct clients *few = clients_new(c, err, sizeof err);
    begin();
    show_field("authorization", "Bearer ", S("bedrock-api-key-abc"));
    assert_int_equal(clients_identify(few, ring, &shown, NOW_S, &who, &upstream, &why),
                     IDENTIFY_REFUSED);
    shown.from_loopback = true; /* here it is nothing */
    upstream = (struct str){NULL, 0};
    assert_int_equal(clients_identify(few, ring, &shown, NOW_S, &who, &upstream, &why), IDENTIFIED);
    assert_true(str_eq(who->name, S("here")));
    assert_null(upstream.ptr);
    shown.plaintext_ok = false;
    assert_int_equal(clients_identify(few, ring, &shown, NOW_S, &who, &upstream, &why),
                     IDENTIFY_REFUSED);
    begin(); /* one of Weir's that was revoked */
    show_field("x-api-key", "", buf_str(&gone_token));
    shown.from_loopback = true;
    assert_int_equal(clients_identify(few, ring, &shown, NOW_S, &who, &upstream, &why),
                     IDENTIFY_REFUSED);
    begin(); /* a key issued for a client that is not configured any more */
    show_field("authorization", "Bearer ", buf_str(&issued_token));
    assert_int_equal(clients_identify(few, ring, &shown, NOW_S, &who, &upstream, &why),
                     IDENTIFY_REFUSED);
    begin();
    shown.from_loopback = true;
    sign(buf_str(&issued_id), buf_str(&issued_secret), S("bedrock"));
    assert_int_equal(clients_identify(few, ring, &shown, NOW_S, &who, &upstream, &why),
                     IDENTIFY_REFUSED);
    assert_false(clients_none(few));
    assert_non_null(clients_named(few, S("two")));
    assert_null(clients_named(few, S("search")));
    clients_free(few);
    config_free(c);
}

static void may_be_none(void **state)
{
    struct buf faults = {0};
    struct config *c = config_parse(S("weir.yaml"), S("region: us-east-1\n"), &faults);
    struct clients *none = clients_new(c, err, sizeof err);
    assert_true(clients_none(none));
    clients_free(none);
    config_free(c);
}

/* --- secrets' files */

static void assert_new_fails(const char *clients, const char *fault)
{
    struct config *c = parse(clients);
    err[0] = '\0';
    assert_null(clients_new(c, err, sizeof err));
    if (!strstr(err, fault) || strstr(err, "hunter2"))
        fail_msg("wanted %s, got: %s", fault, err);
    config_free(c);
}

static void says_what_is_wrong_with_files(void **state)
{
    static const char one[] = "- {name: a, bearer_file: DIR/bad}\n";
    put("bad", SEARCH_TOKEN, 0640);
    assert_new_fails(one, "chmod 600");
    put("bad", "", 0600);
    assert_new_fails(one, "is empty");
    put("bad", " \n", 0600);
    assert_new_fails(one, "is empty");
    put("bad", "hunter2", 0600);
    assert_new_fails(one, "too short");
    put("bad", "hunter2hunter2 hunter2hunter2", 0600);
    assert_new_fails(one, "more than one word");
    put("bad", "hunter2hunter2\xc3\xa4hunter2", 0600);
    assert_new_fails(one, "visible ASCII");
    assert_new_fails("- {name: a, bearer_file: DIR/none}\n", "/none: cannot open");
    assert_new_fails("- {name: a, bearer_file: DIR}\n", "not a regular file");
    put("bad", SEARCH_TOKEN "\n", 0600);
    assert_new_fails(
        "- {name: a, bearer_file: DIR/bad}\n- {name: b, bearer_file: DIR/search.token}\n",
        "clients a and b have the same bearer key");
    char long_secret[301];
    memset(long_secret, 'x', sizeof long_secret - 1);
    long_secret[300] = '\0';
    put("bad", long_secret, 0600);
    assert_new_fails("- {name: a, sigv4: {access_key_id: K, secret_file: DIR/bad}}\n",
                     "at most 256");
}

/* --- models */

static void knows_models(void **state)
{
    static const char account[] = "arn:aws:bedrock:us-east-1:123456789012:";
    static const struct {
        const char *pattern, *arn, *model;
        bool yes;
    } cases[] = {
        {"anthropic.*", "", "anthropic.claude-sonnet-4-20250514-v1:0", true},
        {"anthropic.*", "", "us.anthropic.claude-sonnet-4-20250514-v1:0", true},
        {"anthropic.*", "", "us-gov.anthropic.claude-x", true},
        {"anthropic.*", "", "global.anthropic.claude-x", true},
        {"anthropic.*", "", "amazon.nova-lite-v1:0", false},
        {"anthropic.*", "", "Anthropic.claude-x", false},
        {"anthropic.*", "", "xanthropic.claude-x", false},
        {"us.anthropic.*", "", "us.anthropic.claude-x", true},
        {"us.anthropic.*", "", "eu.anthropic.claude-x", false},
        {"us.anthropic.*", "", "anthropic.claude-x", false},
        {"openai.gpt-5.5", "", "openai.gpt-5.5", true},
        {"anthropic.*", "arn:aws:bedrock:us-east-1::", "foundation-model/anthropic.claude-x", true},
        {"anthropic.*", account, "inference-profile/us.anthropic.claude-x", true},
        {"anthropic.*", account, "application-inference-profile/anthropic.x", false},
        {"anthropic.*", account, "provisioned-model/anthropic.x", false},
        {"anthropic.*", "arn:aws:sagemaker:us-east-1:123456789012:", "endpoint/anthropic.x", false},
        {"*anthropic*", "arn:aws:sagemaker:us-east-1:123456789012:", "endpoint/anthropic.x", false},
        {"arn:aws:bedrock:*:123456789012:application-inference-profile/*", account,
         "application-inference-profile/a1b2", true},
        {"arn:aws:bedrock:*:123456789012:application-inference-profile/*", account,
         "application-inference-profile/../x", false},
        {"arn:aws:bedrock:*:999999999999:*", account, "application-inference-profile/a", false},
        {"anthropic.*", "", "anthropic.claude/../amazon.nova", false},
        {"anthropic.*", "", "anthropic.claude x", false},
        {"anthropic.*", account, "inference-profile/us.anthropic.claude/x", false},
        {"*", account, "application-inference-profile/a1b2", true},
        {"*", "", "anything", true},
        {"*", "", "", false},
        {"myprofile", "", "myprofile", true},
        {"anthropic.*", "", "anthropic", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char model[200];
        snprintf(model, sizeof model, "%s%s", cases[i].arn, cases[i].model);
        if (clients_model_is(str_of(cases[i].pattern), str_of(model)) != cases[i].yes)
            fail_msg("%s against %s", cases[i].pattern, model);
    }
}

static void may_call_what_is_listed(void **state)
{
    struct config *c = parse("- {name: a, models: [anthropic.*, us.amazon.nova-*]}\n- {name: b}\n");
    struct clients *two = clients_new(c, err, sizeof err);
    const struct client *a = clients_named(two, S("a")), *b = clients_named(two, S("b"));
    assert_true(clients_may(a, S("anthropic.claude-x")) && clients_may(a, S("us.amazon.nova-pro")));
    assert_false(clients_may(a, S("amazon.nova-pro")) || clients_may(a, S("meta.llama3")));
    assert_false(clients_may(a, S("")));
    assert_true(clients_may(b, S("meta.llama3")) && clients_may(b, S("")));
    clients_free(two);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_signatures),
        cmocka_unit_test(refuses_signatures),
        cmocka_unit_test(says_when_the_time_is_off),
        cmocka_unit_test(knows_bearer_keys),
        cmocka_unit_test(passes_through),
        cmocka_unit_test(keeps_issued_keys_from_upstream),
        cmocka_unit_test(refuses_admin_keys),
        cmocka_unit_test(knows_certificates),
        cmocka_unit_test(knows_this_machine),
        cmocka_unit_test(takes_unknown_keys_of_this_machine_for_none),
        cmocka_unit_test(takes_the_first_that_is_shown),
        cmocka_unit_test(keeps_bearer_keys_out_of_clear_text),
        cmocka_unit_test(believes_certificates_only_over_tls),
        cmocka_unit_test(refuses_unknown_keys_without_passthrough),
        cmocka_unit_test(may_be_none),
        cmocka_unit_test(says_what_is_wrong_with_files),
        cmocka_unit_test(knows_models),
        cmocka_unit_test(may_call_what_is_listed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
