/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/issue: what may be asked for, for whom, and what is said of keys.
 */
#include "weir/gate/issue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void takes(const char *body, const char *client, enum key_kind kind)
{
    struct issue i;
    struct buf sentence = {0};
    bool good = issue_read(str_of(body), &i, &sentence);
    if (!good)
        print_message("# %s: %s\n", body, buf_cstr(&sentence));
    assert_true(good);
    assert_true(str_eq(i.client, str_of(client)));
    assert_int_equal(i.admin, !*client);
    assert_int_equal(i.kind, kind);
    buf_fini(&sentence);
}

static void refuses(const char *body, const char *words)
{
    struct issue i;
    struct buf sentence = {0};
    assert_false(issue_read(str_of(body), &i, &sentence));
    if (!strstr(buf_cstr(&sentence), words))
        print_message("# %s: %s\n", body, buf_cstr(&sentence));
    assert_non_null(strstr(buf_cstr(&sentence), words));
    buf_fini(&sentence);
}

static void what_is_asked_for(void **state)
{
    takes("{\"client\":\"app\"}", "app", KEY_SIGV4);
    takes(" { \"kind\" : \"bearer\", \"client\":\"\\u0061pp\",\"admin\":false } ", "app",
          KEY_BEARER);
    takes("{\"cli\\u0065nt\":\"app\",\"kind\":\"sigv4\"}", "app", KEY_SIGV4);
    takes("{\"admin\":true}", "", KEY_SIGV4);
    refuses("", "JSON");
    refuses("[]", "JSON");
    refuses("{\"client\":\"app\"", "JSON");
    refuses("{\"client\":\"app\"} x", "JSON");
    refuses("{\"client\":\"app\",}", "JSON");
    refuses("{}", "whose key");
    refuses("{\"client\":\"\"}", "whose key");
    refuses("{\"client\":7}", "client is");
    refuses("{\"client\":\"\\ud800\"}", "client is");
    refuses("{\"client\":\"app\",\"client\":\"app\"}", "twice");
    refuses("{\"client\":\"app\",\"kind\":\"sigv4\",\"kind\":\"bearer\"}", "twice");
    refuses("{\"client\":\"app\",\"kind\":\"Bearer\"}", "kind is");
    refuses("{\"client\":\"app\",\"kind\":null}", "kind is");
    refuses("{\"client\":\"app\",\"admin\":1}", "admin is");
    refuses("{\"client\":\"app\",\"admin\":true}", "not both");
    refuses("{\"admin\":true,\"kind\":\"bearer\"}", "of kind sigv4");
    refuses("{\"client\":\"app\",\"bearer\":true}", "nothing else");
}

static void checks(const struct config *c, const char *client, const char *words)
{
    const struct issue i = {.client = str_of(client), .admin = !*client};
    struct buf sentence = {0};
    bool good = issue_check(c, &i, &sentence);
    assert_int_equal(good, words == NULL);
    if (words && !strstr(buf_cstr(&sentence), words))
        print_message("# %s: %s\n", client, buf_cstr(&sentence));
    assert_true(!words || strstr(buf_cstr(&sentence), words));
    buf_fini(&sentence);
}

static void for_whom(void **state)
{
    struct buf faults = {0};
    struct config *c = config_parse(
        S("t"), S("region: us-east-1\nclients: [{name: search}, {name: agents}]\n"), &faults);
    struct config *none = config_parse(S("t"), S("region: us-east-1\n"), &faults);
    if (!c || !none)
        print_message("# %s\n", buf_cstr(&faults));
    assert_true(c && none);
    checks(c, "search", NULL);
    checks(c, "agents", NULL);
    checks(c, "", NULL); /* the admin port */
    checks(c, "agent", "did you mean \"agents\"?");
    checks(c, "Search", "did you mean \"search\"?");
    checks(c, "somebody-else", "one that stands under clients");
    checks(c, "a\x1b[2J\"b", "a\\u001b[2J\\\"b");
    checks(none, "search", "no clients at all");
    config_free(c);
    config_free(none);
    buf_fini(&faults);
}

static void there_and_back(void **state)
{
    const struct issue i = {.client = S("a\"b"), .kind = KEY_BEARER};
    struct issue again;
    struct buf text = {0}, id = {0}, secret = {0};
    issue_add_request(&i, &text);
    assert_true(issue_read(buf_str(&text), &again, &id));
    assert_true(str_eq(again.client, i.client) && again.kind == KEY_BEARER && !again.admin);
    buf_clear(&text);
    issue_add_key(&i, S("bearer-x"), S("weir-y"), &text);
    assert_int_equal(issue_read_key(buf_str(&text), &id, &secret), 0);
    assert_true(str_eq(buf_str(&id), S("bearer-x")) && str_eq(buf_str(&secret), S("weir-y")));
    assert_int_equal(issue_read_key(S("{\"id\":\"x\"}"), &id, &secret), ERR_BAD);
    assert_int_equal(issue_read_key(S("{\"id\":\"x\",\"secret\":1}"), &id, &secret), ERR_BAD);
    assert_int_equal(issue_read_key(S("<html>"), &id, &secret), ERR_BAD);
    buf_fini(&text);
    buf_fini(&id);
    buf_fini(&secret);
}

static void the_list_has_no_secret(void **state)
{
    char dir[] = "/tmp/weir-issue-XXXXXX", path[64], why[256];
    struct buf id = {0}, secret = {0}, list = {0};
    assert_non_null(mkdtemp(dir));
    assert_int_equal(
        keyring_add(str_of(dir), S(""), S("app"), false, KEY_SIGV4, &id, &secret, why, sizeof why),
        0);
    struct keyring *r = keyring_load(str_of(dir), S(""), why, sizeof why);
    assert_non_null(r);
    issue_add_list(r, &list);
    assert_true(str_find(buf_str(&list), buf_str(&id)) > 0);
    assert_true(str_find(buf_str(&list), S("\"revoked\":null")) > 0);
    assert_int_equal(str_find(buf_str(&list), str_sub(buf_str(&secret), 0, 8)), -1);
    keyring_unref(r);
    static const char *const names[] = {"keys", "seal.key"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
    buf_fini(&id);
    buf_fini(&secret);
    buf_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for),
        cmocka_unit_test(for_whom),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(the_list_has_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
