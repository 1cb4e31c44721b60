/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/creds: roles assumed for clients. What STS is asked, by whose keys; that one role's failure
 * is its own; that what is in hand serves while STS is down; and that a role follows its base.
 */
#include "chain.h"

#define SET(key, expires)                                                  \
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" key \
    "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>T</"  \
    "SessionToken><Expiration>" expires                                    \
    "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define DENIED(code) \
    "<ErrorResponse><Error><Code>" code "</Code><Message>no</Message></Error></ErrorResponse>"

/* What STS says to who asks for a role whose name ends in ...a, and for all others; what the
 * container's agent says. */
static struct reply to_a, to_others, from_agent;

static void serve_roles(const struct heard *h, struct reply *out)
{
    *out = str_find(h->body, S("role%2Fa&")) >= 0 ? to_a : to_others;
    if (str_eq(h->call->target, S("/keys")))
        *out = from_agent;
    write_down(h);
}

static const struct reply set_a = {.status = 200, .body = STR(SET("RA", "2026-01-02T04:04:05Z"))};
static const struct reply set_b = {.status = 200, .body = STR(SET("RB", "2026-01-02T04:04:05Z"))};
static const struct reply later_a = {.status = 200,
                                     .body = STR(SET("RA2", "2026-01-02T05:04:05Z"))};
static const struct reply denied = {.status = 403, .body = STR(DENIED("AccessDenied"))};
static const struct reply stale = {.status = 403, .body = STR(DENIED("ExpiredToken"))};
static const struct reply down = {.end = ORIGIN_UNREACHABLE};

static unsigned role_changes;

static void on_role_changed(void *arg)
{
    role_changes++;
}

static struct creds_chain *assume(const char *arn, const char *client)
{
    const struct creds_role role = {str_of(arn), str_of(client)};
    struct creds_chain *c =
        creds_assume(t.chain, &role, on_role_changed, NULL, t.err, sizeof t.err);
    assert_non_null(c);
    return c;
}

static struct str key_of(struct creds_chain *c)
{
    static char key[64];
    struct creds *set = creds_get(c);
    snprintf(key, sizeof key, "%.*s", set ? (int)set->access_key.len : 4,
             set ? set->access_key.ptr : "none");
    creds_unref(set);
    return str_of(key);
}

static int set_up(void **state)
{
    role_changes = 0;
    serve = serve_roles;
    to_a = set_a;
    to_others = set_b;
    if (chain_setup(state))
        return -1;
    set_env("AWS_ACCESS_KEY_ID", "BASE");
    set_env("AWS_SECRET_ACCESS_KEY", "base");
    return 0;
}

static void asks_in_the_clients_name(void **state)
{
    assert_true(start_chain());
    struct creds_chain *a = assume("arn:aws:iam::123456789012:role/a", "search");
    assert_false(creds_settled(a));
    settle();
    assert_true(creds_settled(a));
    assert_str(key_of(a), "RA");
    assert_has(buf_cstr(&t.asked), "Credential=BASE/20260102/us-east-1/sts/");
    assert_has(buf_cstr(&t.asked),
               "] Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3A"
               "role%2Fa&RoleSessionName=weir-search&Tags.member.1.Key=weir%3Aclient&"
               "Tags.member.1.Value=search\n");
    assert_has(in_hand(), "env BASE"); /* the base is as it was */
    creds_free(a);
}

static void makes_names_fit(void **state)
{
    char longest[65], session[256];
    assert_true(start_chain());
    memset(longest, 'x', 64);
    longest[64] = 0;
    const char *const clients[] = {longest, "a b/c", "a_=,.@-b", "x"};
    const char *const sessions[] = {"", "weir-a-b-c-539138d5", "weir-a_%3D%2C.%40-b", "weir-x"};
    for (size_t i = 0; i < 4; i++) {
        buf_clear(&t.asked);
        struct creds_chain *c = assume("r", clients[i]);
        settle();
        snprintf(session, sizeof session, "RoleSessionName=%s&", sessions[i]);
        if (i == 0)
            snprintf(session, sizeof session, "RoleSessionName=weir-%.50s-7ce10097&", longest);
        assert_has(buf_cstr(&t.asked), session);
        creds_free(c);
    }
}

static void one_role_alone_fails(void **state)
{
    assert_true(start_chain());
    to_a = denied;
    struct creds_chain *a = assume("role/a", "one"), *b = assume("role/b", "two");
    settle();
    assert_true(creds_settled(a) && creds_settled(b));
    assert_str(key_of(a), "none");
    assert_str(key_of(b), "RB");
    assert_has(creds_trouble(a), "role/a: STS: AccessDenied (status 403) no");
    assert_string_equal(creds_trouble(b), "");
    assert_string_equal(creds_trouble(t.chain), "");
    to_a = set_a;
    pass_s(2);
    assert_str(key_of(a), "RA");
    assert_string_equal(creds_trouble(a), "");
    assert_int_equal(role_changes, 3);
    creds_free(a);
    creds_free(b);
}

static void serves_on_while_sts_is_down(void **state)
{
    assert_true(start_chain());
    struct creds_chain *a = assume("role/a", "one");
    settle();
    to_a = down;
    pass_s(2700);
    pass_s(61);
    assert_has(creds_trouble(a), "STS: the double says so");
    assert_str(key_of(a), "RA"); /* it is valid for 14 minutes */
    to_a = later_a;
    pass_s(240);
    assert_str(key_of(a), "RA2");
    to_a = down;
    pass_ms(4300 * 1000);
    assert_str(key_of(a), "none");
    creds_free(a);
}

static void waits_for_its_base(void **state)
{
    t.n_env -= 2; /* no keys: the container's agent is asked, and says nothing */
    set_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/keys");
    from_agent = (struct reply){.silent = true};
    assert_true(start_chain());
    struct creds_chain *a = assume("role/a", "one");
    pass_s(5);
    assert_false(creds_settled(t.chain) || creds_settled(a));
    pass_s(5);
    assert_true(creds_settled(t.chain) && creds_settled(a)); /* there are none: that is known */
    assert_has(creds_trouble(a), "assume-role: Weir's own credentials: ");
    assert_null(strstr(buf_cstr(&t.asked), "AssumeRole"));
    from_agent =
        (struct reply){.status = 200,
                       .body = S("{\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"p\",\"Token\":\"t\","
                                 "\"Expiration\":\"2026-01-02T05:04:05Z\"}")};
    while (!creds_version(t.chain))
        pass_ms(500);
    pass_ms(1); /* the role's own pause may be longer */
    assert_has(in_hand(), "container P");
    assert_str(key_of(a), "RA");
    assert_has(buf_cstr(&t.asked), "Credential=P/");
    creds_free(a);
}

static void asks_by_the_newest_base(void **state)
{
    t.n_env -= 2;
    put_file(".aws/config", "[default]\naws_access_key_id = OLD\naws_secret_access_key = p\n");
    t.o.profile = S("default");
    assert_true(start_chain());
    to_a = stale;
    struct creds_chain *a = assume("role/a", "one");
    put_file(".aws/config", "[default]\naws_access_key_id = NEW\naws_secret_access_key = p\n");
    settle(); /* STS does not take OLD: the base looks again at once, and the role then, too */
    assert_has(buf_cstr(&t.asked), "Credential=OLD/");
    assert_has(in_hand(), "profile NEW");
    to_a = set_a;
    pass_s(2);
    assert_str(key_of(a), "RA");
    assert_has(buf_cstr(&t.asked), "Credential=NEW/");
    creds_free(a);
}

static void shows_no_api_key_to_sts(void **state)
{
    set_env("AWS_BEARER_TOKEN_BEDROCK", "ABSKsecret");
    assert_true(start_chain());
    assert_has(in_hand(), "bearer ABSKsecret");
    struct creds_chain *a = assume("role/a", "one");
    settle();
    assert_str(key_of(a), "none");
    assert_has(creds_trouble(a), "Weir's own credentials: they are a Bedrock API key");
    assert_int_equal(t.calls, 0);
    creds_free(a);
}

static void a_refused_set_is_the_roles(void **state)
{
    assert_true(start_chain());
    struct creds_chain *a = assume("role/a", "one"), *b = assume("role/b", "two");
    settle();
    uint64_t of_b = creds_version(b), of_a = creds_version(a);
    to_a = later_a;
    creds_refused(b, of_a); /* not b's */
    settle();
    assert_int_equal(t.calls, 2);
    creds_refused(a, of_a);
    settle();
    assert_int_equal(t.calls, 3);
    assert_str(key_of(a), "RA2");
    assert_int_equal(creds_version(b), of_b);
    creds_free(a);
    creds_free(b);
}

static void no_chain_has_nothing(void **state)
{
    assert_null(creds_get(NULL));
    assert_int_equal(creds_version(NULL), 0);
    assert_true(creds_settled(NULL));
    assert_string_equal(creds_trouble(NULL), "");
    creds_refused(NULL, 1);
}

static void takes_a_clients_key(void **state)
{
    struct creds *set = creds_of_bearer(S("ABSK+/=x"));
    assert_non_null(set);
    assert_str(set->bearer, "ABSK+/=x");
    assert_int_equal(set->access_key.len, 0);
    creds_unref(set);
    assert_null(creds_of_bearer(S("")));
    assert_null(creds_of_bearer(S("a b")));
    assert_null(creds_of_bearer(S("a\r\nx: y")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, chain_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_in_the_clients_name), TEST(makes_names_fit),
        TEST(one_role_alone_fails),     TEST(serves_on_while_sts_is_down),
        TEST(waits_for_its_base),       TEST(asks_by_the_newest_base),
        TEST(shows_no_api_key_to_sts),  TEST(a_refused_set_is_the_roles),
        TEST(no_chain_has_nothing),     TEST(takes_a_clients_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
