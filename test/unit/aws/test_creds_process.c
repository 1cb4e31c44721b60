/* SPDX-License-Identifier: Apache-2.0
 *
 * aws/creds_process: real programs from a temporary directory. Only the limit of time is on the
 * clock that the test sets.
 */
#include "chain.h"

#include <fcntl.h>

static void use_script(const char *script, const char *arguments)
{
    char text[512];
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
    put_file("run me", text);
    assert_int_equal(chmod(in_home("run me"), 0700), 0);
    snprintf(text, sizeof text, "[default]\ncredential_process = \"%s\" %s\n", in_home("run me"),
             arguments);
    put_file(".aws/config", text);
}

/* Until the program has been dealt with: its output makes the loop turn, no clock. */
static const char *outcome(const char *script, const char *arguments)
{
    creds_free(t.chain);
    use_script(script, arguments);
    assert_true(start_chain());
    for (int i = 0; i < 2000 && !creds_version(t.chain) && !*creds_trouble(t.chain); i++) {
        t.mono_ms += 20; /* so that an exit after the end of the output is looked for again */
        set_clock();
        loop_turn(t.loop, 10);
    }
    return *creds_trouble(t.chain) ? creds_trouble(t.chain) : in_hand();
}

static void takes_what_a_program_prints(void **state)
{
    assert_string_equal(outcome("echo '{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":"
                                "\"p\",\"SessionToken\":\"tok\",'\n"
                                "echo '\"Expiration\":\"2026-01-02T04:04:05Z\"}'",
                                ""),
                        "credential_process P/p/tok +3600");
    assert_string_equal(
        outcome("echo '{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"p\"}'", ""),
        "credential_process P/p/");
}

static void splits_words_without_a_shell(void **state)
{
    assert_string_equal(outcome("[ $# = 6 ] || exit 1\n"
                                "echo \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"P\\\","
                                "\\\"SecretAccessKey\\\":\\\"$1$2$3$4$5$6\\\"}\" | tr ' ' _",
                                "'a b' \"c' d\" e\\ f '' $HOME *;x"),
                        "credential_process P/a_bc'_de_f$HOME*;x/");
    /* within double quotes a backslash escapes a quote and itself, nothing else */
    assert_string_equal(outcome("s=$(printf %s \"$1\" | tr '\"\\\\' _/)\n"
                                "echo \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"P\\\","
                                "\\\"SecretAccessKey\\\":\\\"$s\\\"}\"",
                                "\"a\\\"b\\c\\\\d\"'\\\\'"),
                        "credential_process P/a_b/c/d///");
}

static void says_what_went_wrong(void **state)
{
    assert_has(outcome("echo secret >&2; exit 3", ""), "ended with status 3; run it by hand");
    assert_null(strstr(creds_trouble(t.chain), "secret"));
    assert_has(outcome("kill -9 $$", ""), "was ended by signal 9");
    assert_has(outcome("echo hello", ""), "printed something else: not a JSON");
    assert_has(outcome("echo '{\"Version\":2}'", ""), "\"Version\" is not 1");
    assert_has(outcome("echo '{\"Version\":1}'", ""), "access key id is missing");
    assert_has(outcome("head -c 70000 /dev/zero", ""), "printed more than 64 KiB");
    assert_has(outcome("exec /nowhere/x", ""), "ended with status 127");
    put_file(".aws/config", "[default]\ncredential_process = /nowhere/program x\n");
    creds_free(t.chain);
    assert_true(start_chain());
    assert_has(creds_trouble(t.chain), "cannot run /nowhere/program: No such file");
}

/* A program, and a child of it, that hold the writing end of a FIFO until they die. */
static int start_one_that_stays(void)
{
    char script[512], x;
    assert_int_equal(mkfifo(in_home("alive"), 0600), 0);
    int fd = open(in_home("alive"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    snprintf(script, sizeof script, "exec 3> %s; sleep 1000 & echo x >&3; wait", in_home("alive"));
    use_script(script, "");
    assert_true(start_chain());
    for (int i = 0; i < 1000 && read(fd, &x, 1) != 1; i++)
        loop_turn(t.loop, 10);
    return fd;
}

static bool all_died(int fd)
{
    char rest[8];
    for (int i = 0; i < 1000; i++) {
        ssize_t n = read(fd, rest, sizeof rest);
        if (n == 0) {
            close(fd);
            return true;
        }
        loop_turn(t.loop, 10);
    }
    return false;
}

static void ends_one_that_takes_too_long(void **state)
{
    int alive = start_one_that_stays();
    pass_ms(59000);
    assert_string_equal(creds_trouble(t.chain), "");
    pass_ms(1001);
    assert_has(creds_trouble(t.chain), "took longer than 60 s");
    assert_true(all_died(alive));
}

static void ends_with_its_chain(void **state)
{
    int alive = start_one_that_stays();
    creds_free(t.chain);
    t.chain = NULL;
    assert_true(all_died(alive));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_what_a_program_prints, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(splits_words_without_a_shell, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(says_what_went_wrong, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(ends_one_that_takes_too_long, chain_setup, chain_teardown),
        cmocka_unit_test_setup_teardown(ends_with_its_chain, chain_setup, chain_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
