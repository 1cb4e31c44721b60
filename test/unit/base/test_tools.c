/* SPDX-License-Identifier: Apache-2.0
 *
 * The small tools: str, buf, arena, list, mailbox, digest, random, errors.
 */
#include "weir/base/arena.h"
#include "weir/base/buf.h"
#include "weir/base/digest.h"
#include "weir/base/err.h"
#include "weir/base/list.h"
#include "weir/base/mailbox.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void str_cuts_and_finds(void **state)
{
    struct str rest = S("a,,b");
    assert_true(str_eq(str_cut(&rest, ','), S("a")));
    assert_true(str_eq(str_cut(&rest, ','), S("")));
    assert_true(str_eq(str_cut(&rest, ','), S("b")));
    assert_null(rest.ptr);
    assert_int_equal(str_find(S("hello"), S("ll")), 2);
    assert_int_equal(str_find(S("hello"), S("lo!")), -1);
    assert_true(str_eq(str_sub(S("hello"), 3, 9), S("lo")));
    assert_int_equal(str_from_offset(S("abc"), 9).len, 0);
    assert_true(str_eq(str_trim(S("\t a b ")), S("a b")));
    assert_true(str_ieq(S("AbC"), S("aBc")) && !str_ieq(S("ab"), S("abc")));
    assert_true(str_ends(S("x.json"), S(".json")) && !str_ends(S("n"), S("json")));
    assert_true(str_cmp(S("a"), S("ab")) < 0 && str_cmp(S("b"), S("ab")) > 0);
}

static void buf_grows_and_stops(void **state)
{
    struct buf b = {.max = 10};
    buf_add(&b, S("12345"));
    buf_consume(&b, 3);
    buf_add(&b, S("67890"));
    assert_true(str_eq(buf_str(&b), S("4567890")));
    assert_false(b.overflow);
    buf_add(&b, S("abcd"));
    assert_true(b.overflow && str_eq(buf_str(&b), S("4567890")));
    buf_fini(&b);
    for (unsigned i = 0; i < 10000; i++)
        buf_addf(&b, "%u", i % 10);
    assert_true(b.overflow && buf_len(&b) == 9);
    buf_fini(&b);
}

static void arena_has_an_end(void **state)
{
    struct arena a;
    arena_init(&a, 16 * 1024);
    char *p = arena_new(&a, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    assert_true(str_eq(arena_printf(&a, "%d-%s", 7, "x"), S("7-x")));
    assert_non_null(arena_new(&a, 8000));
    assert_null(arena_new(&a, 8000));
    assert_true(a.full && !a.refused);
    assert_null(arena_new(&a, 1));
    arena_fini(&a);
    assert_non_null(arena_new(&a, 1));
    mem_fail_at(1);
    assert_null(arena_new(&a, 8000));
    assert_true(a.full && a.refused);
    arena_fini(&a);
}

static void list_links(void **state)
{
    struct list head, a, b;
    list_init(&head);
    list_init(&a);
    list_init(&b);
    list_append(&head, &a);
    list_prepend(&head, &b);
    list_remove(&b);
    list_remove(&b);
    assert_ptr_equal(list_take(&head), &a);
    assert_null(list_take(&head));
}

static int wakes, delivered[3], n_delivered;
struct numbered {
    struct mail mail;
    int number;
};

static void wake(void *arg)
{
    wakes++;
}

static void deliver(struct mail *m)
{
    delivered[n_delivered++] = LIST_OF(m, struct numbered, mail)->number;
}

static void mail_comes_in_order(void **state)
{
    struct mailbox box;
    struct numbered m[3];
    mailbox_init(&box, wake, NULL);
    for (int i = 0; i < 3; i++) {
        m[i] = (struct numbered){.mail.deliver = deliver, .number = i};
        mailbox_send(&box, &m[i].mail);
    }
    assert_int_equal(wakes, 1);
    mailbox_read(&box);
    assert_int_equal(n_delivered, 3);
    assert_true(delivered[0] == 0 && delivered[1] == 1 && delivered[2] == 2);
}

static void digests_known_answers(void **state)
{
    unsigned char d[SHA256_BYTES];
    struct buf hex = {0};
    sha256_of(S("abc"), d);
    text_add_hex(&hex, d, sizeof d);
    assert_string_equal(buf_cstr(&hex),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    buf_clear(&hex);
    hmac_sha256(S("Jefe"), S("what do ya want for nothing?"), d); /* RFC 4231, case 2 */
    text_add_hex(&hex, d, sizeof d);
    assert_string_equal(buf_cstr(&hex),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    struct hmac_key key;
    unsigned char again[SHA256_BYTES];
    hmac_key_init(&key, S("Jefe"));
    for (int i = 0; i < 2; i++) {
        hmac_key_sign(&key, S("what do ya want for nothing?"), again);
        assert_memory_equal(again, d, sizeof d);
    }
    assert_int_equal(crc32_add(0, S("123456789")), 0xcbf43926);
    buf_clear(&hex);
    text_add_base64(&hex, S("a"));
    text_add_base64(&hex, S("ab"));
    text_add_base64(&hex, S("abc"));
    assert_string_equal(buf_cstr(&hex), "YQ==YWI=YWJj");
    buf_fini(&hex);
}

static void random_repeats_when_seeded(void **state)
{
    random_seed(42);
    uint64_t first = random_u64(), second = random_u64();
    random_seed(42);
    assert_true(random_u64() == first && random_u64() == second && first != second);
    for (int i = 0; i < 1000; i++)
        assert_true(random_below(7) < 7);
    random_seed(0);
    assert_true(random_u64() != random_u64());
}

static void errors_have_words(void **state)
{
    assert_string_equal(err_word(0), "ok");
    assert_string_equal(err_word(ERR_TIMEOUT), "timeout");
    assert_string_equal(err_word(-9999), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str_cuts_and_finds),         cmocka_unit_test(buf_grows_and_stops),
        cmocka_unit_test(arena_has_an_end),           cmocka_unit_test(list_links),
        cmocka_unit_test(mail_comes_in_order),        cmocka_unit_test(digests_known_answers),
        cmocka_unit_test(random_repeats_when_seeded), cmocka_unit_test(errors_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
