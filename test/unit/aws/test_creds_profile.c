/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/creds_profile and aws/profiles: which credentials a pair of files means, and what is said of
 * files that mean nothing.
 */
#include "chain.h"

static const char *config, *credentials;

/* In hand after loading these two files; or what creds_new said, behind "!". */
static const char *load(const char *profile)
{
    static char text[1200];
    creds_free(t.chain);
    t.chain = NULL;
    if (config)
        put_file(".aws/config", config);
    if (credentials)
        put_file(".aws/credentials", credentials);
    t.o.profile = str_of(profile);
    if (start_chain())
        return in_hand();
    snprintf(text, sizeof text, "!%s", t.err);
    return text;
}

static void reads_keys(void **state)
{
    credentials = "[default]\naws_access_key_id = D\naws_secret_access_key = d\n"
                  "[other]\nAWS_ACCESS_KEY_ID=O\nAws_Secret_Access_Key=o # a comment\n"
                  "aws_session_token=tok\n";
    config = "[profile conf]\naws_access_key_id=C\naws_secret_access_key=c\n"
             "[profile \"two words\"]\naws_access_key_id=W\naws_secret_access_key=w\n"
             "[default]\nregion = eu-west-1\n";
    assert_string_equal(load(NULL), "profile D/d/");
    assert_string_equal(load("default"), "profile D/d/");
    assert_string_equal(load("other"), "profile O/o/tok");
    assert_string_equal(load("conf"), "profile C/c/");
    assert_string_equal(load("two words"), "profile W/w/");
    set_env("AWS_PROFILE", "other");
    assert_string_equal(load(NULL), "profile O/o/tok");
    assert_has(load("nowhere"), "!profile \"nowhere\" is neither");
}

static void reads_other_files_when_told(void **state)
{
    char path[256];
    snprintf(path, sizeof path, "%s", in_home("elsewhere"));
    put_file("elsewhere", "[default]\naws_access_key_id = E\naws_secret_access_key = e\n");
    set_env("AWS_SHARED_CREDENTIALS_FILE", path);
    set_env("AWS_CONFIG_FILE", "/nowhere/config");
    credentials = "[default]\naws_access_key_id = D\naws_secret_access_key = d\n";
    config = NULL;
    assert_string_equal(load(NULL), "profile E/e/");
}

static void does_not_mix_two_files(void **state)
{
    config = "[default]\naws_access_key_id=C\naws_secret_access_key=c\naws_session_token=old\n";
    credentials = "[default]\naws_access_key_id=D\naws_secret_access_key=d\n";
    assert_string_equal(load(NULL), "profile D/d/");
    credentials = "[default]\naws_access_key_id=D\n";
    assert_has(load(NULL), "!");
    assert_has(load(NULL), "/.aws/credentials:2: profile \"default\": the secret access key is "
                           "missing");
}

static void asks_a_process_before_keys_of_the_config_file(void **state)
{
    config = "[default]\naws_access_key_id=C\naws_secret_access_key=c\n"
             "credential_process=/nowhere/x\n";
    credentials = NULL;
    assert_string_equal(load(NULL), "none");
    assert_has(creds_trouble(t.chain), "cannot run /nowhere/x");
    credentials = "[default]\naws_access_key_id=D\naws_secret_access_key=d\n";
    assert_string_equal(load(NULL), "profile D/d/");
}

static void prefers_profile_default(void **state)
{
    config = "[profile default]\naws_access_key_id=P\naws_secret_access_key=p\n"
             "[default]\naws_access_key_id=D\naws_secret_access_key=d\n";
    credentials = "";
    assert_string_equal(load(NULL), "profile P/p/");
}

static void takes_up_changed_keys(void **state)
{
    config = NULL;
    credentials = "[default]\naws_access_key_id=A\naws_secret_access_key=a\n";
    assert_string_equal(load(NULL), "profile A/a/");
    put_file(".aws/credentials", "[default]\naws_access_key_id=B\naws_secret_access_key=b\n");
    pass_s(61);
    assert_string_equal(in_hand(), "profile B/b/");
    put_file(".aws/credentials", "[default\n");
    pass_s(61);
    assert_string_equal(in_hand(), "profile B/b/");
    assert_has(creds_trouble(t.chain), "/.aws/credentials:1: a section without");
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *config, *says;
    } wrong[] = {
        {"[default]\nx\n", "/.aws/config:2: neither a [section] nor a setting"},
        {"[default]\nrole_arn=r\n", "config:2: profile \"default\": role_arn needs source_profile"},
        {"[default]\nrole_arn=r\nsource_profile=b\n", "source_profile \"b\" does not exist"},
        {"[default]\nrole_arn=r\nsource_profile=b\n[profile b]\nregion=x\n",
         "source_profile \"b\" has no credentials"},
        {"[default]\nrole_arn=r\nsource_profile=b\ncredential_source=Environment\n", "keep one"},
        {"[default]\nrole_arn=r\ncredential_source=Moon\n", "\"Moon\" is not one of"},
        {"[default]\nrole_arn=r\ncredential_source=Environment\n", "nothing of it is configured"},
        {"[default]\nrole_arn=r\nsource_profile=b\nmfa_serial=m\n", ":4: profile \"default\": mfa"},
        {"[default]\nrole_arn=r\nsource_profile=default\n", "form a loop"},
        {"[default]\nrole_arn=r\nsource_profile=b\n[profile "
         "b]\nrole_arn=s\nsource_profile=default\n",
         "form a loop"},
        {"[default]\nrole_arn=r\nduration_seconds=60\nsource_profile=b\n",
         ":3: profile \"default\": duration_seconds must be a number from 900 to 43200"},
        {"[default]\ncredential_process = \"a b\n", "credential_process: a quote is not closed"},
        {"[default]\nsso_session=s\nsso_role_name=r\n", "[sso-session s] does not exist"},
        {"[default]\nsso_account_id=1\n", "SSO needs sso_start_url"},
        {"[default]\nsso_account_id=1\nsso_role_name=r\nsso_start_url=u\nsso_region=moon\n",
         "sso_region \"moon\""},
    };
    credentials = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        config = wrong[i].config;
        assert_has(load(NULL), "!");
        assert_has(load(NULL), wrong[i].says);
    }
}

static void passes_over_a_profile_without_credentials(void **state)
{
    config = "[default]\nregion=eu-west-1\nsso_session=s\n";
    credentials = NULL;
    assert_string_equal(load(NULL), "none");
    assert_has(creds_trouble(t.chain), "no credentials in the environment");
}

static void stops_at_too_many_roles(void **state)
{
    char text[1024] = "[default]\nrole_arn=r\nsource_profile=p1\n";
    for (int i = 1; i < 9; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "[profile p%d]\nrole_arn=r\nsource_profile=p%d\n", i, i + 1);
    snprintf(text + strlen(text), sizeof text - strlen(text),
             "[profile p9]\naws_access_key_id=A\naws_secret_access_key=a\n");
    config = text;
    credentials = NULL;
    assert_has(load(NULL), "more than 8 roles");
}

static void refuses_what_is_no_file(void **state)
{
    credentials = NULL;
    config = NULL;
    assert_int_equal(mkfifo(in_home(".aws/config"), 0600), 0);
    assert_has(load(NULL), "!");
    assert_has(load(NULL), "not a regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_keys, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(reads_other_files_when_told, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(does_not_mix_two_files, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(asks_a_process_before_keys_of_the_config_file, chain_setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(prefers_profile_default, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(takes_up_changed_keys, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(passes_over_a_profile_without_credentials, chain_setup,
                                        chain_teardown),
        cmocka_unit_test_setup_teardown(stops_at_too_many_roles, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_file, chain_setup, chain_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
