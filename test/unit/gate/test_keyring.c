/* SPDX-License-Identifier: Apache-2.0
 *
 * gate/keyring: keys are made, found, revoked and kept; the file shows no secret; whatever is wrong
 * with one of the two files is a fault that names the place, and changes nothing.
 */
#include "weir/gate/keyring.h"

#include "weir/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[128], seal[128], link_path[128], err[512];
static struct str state;
static struct buf id, secret, text;

static int make_dir(void **s)
{
    strcpy(dir, "/tmp/weir-keys-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    state = str_of(dir);
    snprintf(path, sizeof path, "%s/keys", dir);
    snprintf(seal, sizeof seal, "%s/seal.key", dir);
    snprintf(link_path, sizeof link_path, "%s/elsewhere", dir);
    return 0;
}

static int drop_dir(void **s)
{
    (void)unlink(path);
    (void)unlink(seal);
    (void)unlink(link_path);
    buf_fini(&id);
    buf_fini(&secret);
    buf_fini(&text);
    return rmdir(dir);
}

static struct keyring *load(void)
{
    struct keyring *r = keyring_load(state, S(""), err, sizeof err);
    if (!r)
        print_message("# %s\n", err);
    assert_non_null(r);
    return r;
}

static void refuses_to_load(const char *words)
{
    err[0] = 0;
    assert_null(keyring_load(state, S(""), err, sizeof err));
    assert_true(str_find(str_of(err), str_of(words)) >= 0);
}

static void add(const char *client, enum key_kind kind)
{
    buf_clear(&id);
    buf_clear(&secret);
    assert_int_equal(
        keyring_add(state, S(""), str_of(client), !*client, kind, &id, &secret, err, sizeof err),
        0);
}

static void take_back(struct str which)
{
    assert_int_equal(keyring_revoke(state, which, err, sizeof err), 0);
}

static struct str read_text(const char *file)
{
    buf_clear(&text);
    assert_int_equal(file_read(file, 1 << 24, &text, err, sizeof err), 0);
    return buf_str(&text);
}

static void put(const char *file, struct str bytes)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    fclose(f);
    assert_int_equal(chmod(file, 0600), 0);
}

static bool in(char c, const char *set)
{
    return c && strchr(set, c);
}

static void nothing_is_an_empty_ring(void **s)
{
    size_t n = 1;
    struct keyring *r = load();
    (void)keyring_keys(r, &n);
    assert_int_equal(n, 0);
    assert_null(keyring_sigv4(r, S("WEIRAAAAAAAAAAAAAAAA")));
    assert_null(keyring_bearer(r, S("")));
    keyring_unref(r);
    keyring_unref(NULL);
    assert_int_equal(access(seal, F_OK), -1); /* not needed yet */
}

static void pairs_look_as_those_of_aws(void **s)
{
    add("app", KEY_SIGV4);
    assert_int_equal(buf_len(&id), 20);
    assert_true(str_starts(buf_str(&id), S("WEIR")));
    for (size_t i = 4; i < 20; i++)
        assert_true(in(buf_str(&id).ptr[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
    assert_int_equal(buf_len(&secret), 40);
    struct keyring *r = load();
    const struct key *k = keyring_sigv4(r, buf_str(&id));
    assert_non_null(k);
    assert_true(str_eq(k->secret, buf_str(&secret)));
    assert_true(str_eq(k->client, S("app")) && !k->admin && k->made_s > 0 && !k->revoked_s);
    assert_null(keyring_sigv4(r, S("WEIRAAAAAAAAAAAAAAAA")));
    assert_null(keyring_sigv4(r, S("")));
    assert_null(keyring_bearer(r, buf_str(&secret)));
    keyring_unref(r);
}

static void bearers_are_found_by_the_token(void **s)
{
    add("app", KEY_BEARER);
    assert_true(str_starts(buf_str(&id), S("bearer-")));
    assert_int_equal(buf_len(&secret), 48);
    assert_true(str_starts(buf_str(&secret), S("weir-")));
    for (size_t i = 5; i < 48; i++) {
        char c = buf_str(&secret).ptr[i];
        assert_true((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || in(c, "0123456789-_"));
    }
    struct keyring *r = load();
    const struct key *k = keyring_bearer(r, buf_str(&secret));
    assert_non_null(k);
    assert_true(str_eq(k->id, buf_str(&id)) && str_eq(k->client, S("app")));
    assert_null(keyring_bearer(r, str_sub(buf_str(&secret), 0, 47)));
    assert_null(keyring_bearer(r, buf_str(&id)));
    assert_null(keyring_sigv4(r, buf_str(&id)));
    keyring_unref(r);
}

/* Each hex digit of the hash counts. */
static void a_bearer_is_compared_whole(void **s)
{
    struct buf all = {0};
    add("app", KEY_BEARER);
    buf_add(&all, read_text(path));
    char *bytes = all.data + all.head;
    size_t at = (size_t)str_find(buf_str(&all), S("\"sha256\":\"")) + 10;
    for (size_t i = at; i < at + SHA256_HEX; i++) {
        char kept = bytes[i];
        bytes[i] = kept == '0' ? '1' : '0';
        put(path, buf_str(&all));
        struct keyring *r = load();
        assert_null(keyring_bearer(r, buf_str(&secret)));
        keyring_unref(r);
        bytes[i] = kept;
    }
    put(path, buf_str(&all));
    struct keyring *r = load();
    assert_non_null(keyring_bearer(r, buf_str(&secret)));
    keyring_unref(r);
    buf_fini(&all);
}

static void the_files_are_the_owners_and_show_nothing(void **s)
{
    struct stat st;
    struct buf all = {0};
    for (int i = 0; i < 4; i++) {
        add("app", i % 2 ? KEY_SIGV4 : KEY_BEARER);
        buf_add(&all, read_text(path));
        assert_int_equal(str_find(buf_str(&all), buf_str(&secret)), -1);
        assert_int_equal(str_find(buf_str(&all), str_sub(buf_str(&secret), 10, 8)), -1);
        assert_true(str_find(buf_str(&all), buf_str(&id)) > 0);
    }
    buf_fini(&all);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(seal, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, SHA256_BYTES);
}

static void a_revoked_one_is_shown_and_not_found(void **s)
{
    size_t n;
    add("app", KEY_SIGV4);
    struct buf pair = {0}, token = {0};
    buf_add(&pair, buf_str(&id));
    add("app", KEY_BEARER);
    buf_add(&token, buf_str(&secret));
    struct keyring *before = load();
    take_back(buf_str(&pair));
    take_back(buf_str(&id));
    take_back(buf_str(&id)); /* once more is no fault */
    struct keyring *r = load();
    assert_null(keyring_sigv4(r, buf_str(&pair)));
    assert_null(keyring_bearer(r, buf_str(&token)));
    const struct key *keys = keyring_keys(r, &n);
    assert_int_equal(n, 2);
    assert_true(keys[0].revoked_s > 0 && keys[1].revoked_s > 0);
    keyring_unref(r);
    /* a ring in hand does not change */
    assert_non_null(keyring_sigv4(keyring_ref(before), buf_str(&pair)));
    keyring_unref(before);
    assert_non_null(keyring_bearer(before, buf_str(&token)));
    keyring_unref(before);
    assert_int_equal(str_find(read_text(path), S("sealed")), -1);
    assert_int_equal(str_find(read_text(path), S("sha256")), -1);
    assert_int_equal(keyring_revoke(state, S("WEIRAAAAAAAAAAAAAAAA"), err, sizeof err),
                     ERR_NOT_FOUND);
    buf_fini(&pair);
    buf_fini(&token);
}

static void the_admin_ports_key_is_nobodys(void **s)
{
    add("", KEY_SIGV4);
    struct keyring *r = load();
    const struct key *k = keyring_sigv4(r, buf_str(&id));
    assert_true(k && k->admin && k->client.len == 0);
    keyring_unref(r);
    assert_int_equal(
        keyring_add(state, S(""), S("app"), true, KEY_SIGV4, &id, &secret, err, sizeof err),
        ERR_BAD);
    assert_int_equal(
        keyring_add(state, S(""), S(""), false, KEY_SIGV4, &id, &secret, err, sizeof err), ERR_BAD);
    assert_int_equal(
        keyring_add(state, S(""), S(""), true, KEY_BEARER, &id, &secret, err, sizeof err), ERR_BAD);
}

static void a_secret_opens_for_nobody_else(void **s)
{
    static const struct {
        const char *old, *new;
    } changes[] = {{"\"client\":\"app\"", "\"client\":\"apq\""},
                   {"\"client\":\"app\",\"kind\":\"sigv4\",\"admin\":false",
                    "\"client\":\"\",\"kind\":\"sigv4\",\"admin\":true"},
                   {"\"id\":\"WEIR", "\"id\":\"WEIRA"}};
    struct buf good = {0}, bad = {0};
    add("app", KEY_SIGV4);
    buf_add(&good, read_text(path));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct str all = buf_str(&good), old = str_of(changes[i].old);
        ptrdiff_t at = str_find(all, old);
        assert_true(at >= 0);
        buf_clear(&bad);
        buf_add(&bad, str_sub(all, 0, (size_t)at));
        buf_add(&bad, str_of(changes[i].new));
        buf_add(&bad, str_from_offset(all, (size_t)at + old.len));
        put(path, buf_str(&bad));
        refuses_to_load("keys:1: the secret of WEIR");
    }
    buf_fini(&good);
    buf_fini(&bad);
}

/* Every byte of the file, changed: a fault, or the same key as before. */
static void every_damage_is_told(void **s)
{
    struct buf good = {0};
    add("app", KEY_SIGV4);
    struct keyring *first = load();
    buf_add(&good, read_text(path));
    char *bytes = good.data + good.head;
    size_t made = (size_t)str_find(buf_str(&good), S("\"made\"")), told = 0;
    for (size_t i = 0; i < buf_len(&good); i++) {
        if (i >= made && i < made + 18)
            continue; /* another time is a good time */
        bytes[i] ^= 1;
        put(path, buf_str(&good));
        struct keyring *r = keyring_load(state, S(""), err, sizeof err);
        assert_true(r || strstr(err, "keys:1: ") || strstr(err, "keys:2: "));
        told += !r;
        const struct key *k = r ? keyring_sigv4(r, buf_str(&id)) : NULL;
        if (r && !k)
            print_message("# byte %zu\n", i);
        assert_true(!r || (k && str_eq(k->secret, buf_str(&secret))));
        keyring_unref(r);
        bytes[i] ^= 1;
    }
    assert_true(told > 200);
    keyring_unref(first);
    buf_fini(&good);
}

static void one_bad_line_is_named_and_changes_nothing(void **s)
{
    struct buf bad = {0};
    add("app", KEY_SIGV4);
    add("app", KEY_BEARER);
    buf_add(&bad, read_text(path));
    buf_add(&bad, S("{\"id\":\"WEIRAAAAAAAAAAAAAAAA\"}\n"));
    put(path, buf_str(&bad));
    refuses_to_load("keys:3: ");
    assert_int_equal(
        keyring_add(state, S(""), S("app"), false, KEY_SIGV4, &id, &secret, err, sizeof err),
        ERR_BAD);
    assert_int_equal(keyring_revoke(state, buf_str(&id), err, sizeof err), ERR_BAD);
    assert_true(str_eq(read_text(path), buf_str(&bad)));

    bad.tail -= sizeof "{\"id\":\"WEIRAAAAAAAAAAAAAAAA\"}\n" - 1;
    struct str twice = buf_str(&bad), line = str_cut(&twice, '\n');
    struct buf doubled = {0};
    buf_add(&doubled, buf_str(&bad));
    buf_add(&doubled, line);
    put(path, buf_str(&doubled));
    refuses_to_load("keys:3: the line is cut short");
    buf_add_char(&doubled, '\n');
    put(path, buf_str(&doubled));
    refuses_to_load("keys:3: this id was there already");
    buf_fini(&bad);
    buf_fini(&doubled);
}

static void what_others_can_read_is_refused(void **s)
{
    const char *files[] = {path, seal};
    add("app", KEY_SIGV4);
    for (int i = 0; i < 2; i++) {
        static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610};
        for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
            assert_int_equal(chmod(files[i], modes[m]), 0);
            refuses_to_load("run: chmod 600");
        }
        assert_int_equal(chmod(files[i], 0600), 0);
        assert_int_equal(rename(files[i], link_path), 0);
        assert_int_equal(symlink(link_path, files[i]), 0);
        refuses_to_load(files[i]);
        assert_int_equal(rename(link_path, files[i]), 0);
    }
    keyring_unref(load());
}

static void without_its_seal_nothing_is_made_anew(void **s)
{
    add("app", KEY_SIGV4);
    struct buf kept = {0};
    buf_add(&kept, read_text(seal));
    assert_int_equal(unlink(seal), 0);
    refuses_to_load("seal.key");
    assert_int_equal(
        keyring_add(state, S(""), S("app"), false, KEY_SIGV4, &id, &secret, err, sizeof err),
        ERR_BAD);
    assert_int_equal(access(seal, F_OK), -1);

    put(seal, str_sub(buf_str(&kept), 0, 31));
    refuses_to_load("has 32 bytes, not 31");
    kept.data[kept.head] ^= 1;
    put(seal, buf_str(&kept));
    refuses_to_load("does not open with the seal file");
    assert_true(str_eq(read_text(seal), buf_str(&kept)));

    take_back(buf_str(&id)); /* needs no seal */
    assert_int_equal(unlink(seal), 0);
    keyring_unref(load());
    add("app", KEY_SIGV4); /* and now there is nothing that another one would lock out */
    keyring_unref(load());
    buf_fini(&kept);
}

static void a_seal_of_ones_own_may_be_a_link(void **s)
{
    char real[128];
    snprintf(real, sizeof real, "%s/real", dir);
    put(real, S("a key of thirty-two bytes, thus."));
    assert_int_equal(symlink(real, link_path), 0);
    assert_int_equal(keyring_add(state, str_of(link_path), S("app"), false, KEY_SIGV4, &id, &secret,
                                 err, sizeof err),
                     0);
    assert_int_equal(access(seal, F_OK), -1);
    struct keyring *r = keyring_load(state, str_of(link_path), err, sizeof err);
    assert_non_null(r);
    assert_non_null(keyring_sigv4(r, buf_str(&id)));
    keyring_unref(r);
    assert_int_equal(unlink(real), 0);
}

static void what_a_kill_left_is_no_hindrance(void **s)
{
    char aside[140];
    snprintf(aside, sizeof aside, "%s.new", path);
    put(aside, S("half a li"));
    add("app", KEY_SIGV4);
    assert_int_equal(access(aside, F_OK), -1);
    assert_int_equal(symlink(link_path, aside), 0); /* nor what somebody laid there */
    add("app", KEY_SIGV4);
    assert_int_equal(access(link_path, F_OK), -1);
    struct keyring *r = load();
    assert_non_null(keyring_sigv4(r, buf_str(&id)));
    keyring_unref(r);
}

static void there_is_a_most(void **s)
{
    struct buf all = {0};
    for (int i = 0; i < KEYRING_MOST; i++) {
        const char *more = i == 7 ? ",\"revoked\":9" : i == 5 ? ",\"revoked\":8" : ",\"revoked\":0";
        buf_addf(&all, "{\"id\":\"bearer-aaaaaaaa");
        for (int n = i; n; n /= 26)
            buf_add_char(&all, (char)('a' + n % 26));
        buf_addf(&all, "\",\"client\":\"app\",\"kind\":\"bearer\",\"admin\":false,\"made\":1%s",
                 more);
        if (i != 5 && i != 7)
            buf_addf(&all, ",\"sha256\":\"%064d\"", i);
        buf_add(&all, S("}\n"));
    }
    put(path, buf_str(&all));
    for (int i = 0; i < 2; i++) { /* the revoked ones make room, the oldest first */
        add("app", KEY_BEARER);
        struct keyring *r = load();
        size_t n;
        assert_non_null(keyring_bearer(r, buf_str(&secret)));
        (void)keyring_keys(r, &n);
        assert_int_equal(n, KEYRING_MOST);
        assert_int_equal(str_find(read_text(path), S("\"revoked\":8")), -1);
        assert_int_equal(str_find(read_text(path), S("\"revoked\":9")) > 0, i == 0);
        keyring_unref(r);
    }
    assert_int_equal(
        keyring_add(state, S(""), S("app"), false, KEY_BEARER, &id, &secret, err, sizeof err),
        ERR_FULL);
    struct str line = buf_str(&all), first = str_cut(&line, '\n');
    buf_add(&all, first);
    buf_add_char(&all, '\n');
    put(path, buf_str(&all));
    refuses_to_load("more keys than 10,000");
    buf_fini(&all);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, drop_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_an_empty_ring),
        TEST(pairs_look_as_those_of_aws),
        TEST(bearers_are_found_by_the_token),
        TEST(a_bearer_is_compared_whole),
        TEST(the_files_are_the_owners_and_show_nothing),
        TEST(a_revoked_one_is_shown_and_not_found),
        TEST(the_admin_ports_key_is_nobodys),
        TEST(a_secret_opens_for_nobody_else),
        TEST(every_damage_is_told),
        TEST(one_bad_line_is_named_and_changes_nothing),
        TEST(what_others_can_read_is_refused),
        TEST(without_its_seal_nothing_is_made_anew),
        TEST(a_seal_of_ones_own_may_be_a_link),
        TEST(what_a_kill_left_is_no_hindrance),
        TEST(there_is_a_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
