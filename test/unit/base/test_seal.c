/* SPDX-License-Identifier: Apache-2.0
 *
 * base/seal: against a vector of AES-256-GCM; whatever is changed in what was sealed, in the key or
 * in `about`, it does not open.
 */
#include "weir/base/seal.h"

#include "weir/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char key[SEAL_KEY_BYTES] = "a key of thirty-two bytes, thus.";

static struct buf sealed_of(struct str about, struct str text)
{
    struct buf b = {0};
    seal_close(key, about, text, &b);
    return b;
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 15 and 16 (2005). */
static void opens_a_vector(void **state)
{
    static const unsigned char k[] = "\xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30\x83"
                                     "\x08\xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30"
                                     "\x83\x08";
    const struct str about = S("\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef"
                               "\xab\xad\xda\xd2");
    const struct str sealed = S("\xca\xfe\xba\xbe\xfa\xce\xdb\xad\xde\xca\xf8\x88" /* the nonce */
                                "\x52\x2d\xc1\xf0\x99\x56\x7d\x07\xf4\x7f\x37\xa3\x2a\x84\x42\x7d"
                                "\x64\x3a\x8c\xdc\xbf\xe5\xc0\xc9\x75\x98\xa2\xbd\x25\x55\xd1\xaa"
                                "\x8c\xb0\x8e\x48\x59\x0d\xbb\x3d\xa7\xb0\x8b\x10\x56\x82\x88\x38"
                                "\xc5\xf6\x1e\x63\x93\xba\x7a\x0a\xbc\xc9\xf6\x62"
                                "\x76\xfc\x6e\xce\x0f\x4e\x17\x68\xcd\xdf\x88\x53\xbb\x2d\x55\x1b");
    const struct str text = S("\xd9\x31\x32\x25\xf8\x84\x06\xe5\xa5\x59\x09\xc5\xaf\xf5\x26\x9a"
                              "\x86\xa7\xa9\x53\x15\x34\xf7\xda\x2e\x4c\x30\x3d\x8a\x31\x8a\x72"
                              "\x1c\x3c\x0c\x95\x95\x68\x09\x53\x2f\xcf\x0e\x24\x49\xa6\xb5\x25"
                              "\xb1\x6a\xed\xf5\xaa\x0d\xe6\x57\xba\x63\x7b\x39");
    struct buf b = {0};
    assert_int_equal(seal_open(k, about, sealed, &b), 0);
    assert_true(str_eq(buf_str(&b), text));
    buf_fini(&b);
}

static void goes_there_and_back(void **state)
{
    static char text[5000];
    static const size_t lengths[] = {0, 1, 15, 16, 17, 40, sizeof text};
    random_bytes(text, sizeof text);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct str s = str_from(text, lengths[i]);
        struct buf sealed = sealed_of(S("who"), s), b = {0};
        assert_int_equal(buf_len(&sealed), SEAL_NONCE_BYTES + s.len + SEAL_TAG_BYTES);
        buf_add(&b, S("before"));
        assert_int_equal(seal_open(key, S("who"), buf_str(&sealed), &b), 0);
        assert_true(str_starts(buf_str(&b), S("before")));
        assert_true(str_eq(str_from_offset(buf_str(&b), 6), s));
        buf_fini(&sealed);
        buf_fini(&b);
    }
}

static void two_of_one_text_differ(void **state)
{
    struct buf a = sealed_of(S(""), S("text")), b = sealed_of(S(""), S("text"));
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
    assert_int_equal(str_find(buf_str(&a), S("text")), -1);
    buf_fini(&a);
    buf_fini(&b);
}

static void refuses(const unsigned char *k, struct str about, struct str sealed)
{
    struct buf b = {0};
    assert_int_equal(seal_open(k, about, sealed, &b), ERR_BAD);
    assert_int_equal(buf_len(&b), 0);
    /* nothing of the text stays behind */
    for (size_t i = 0; b.data && i + 4 <= b.cap && i < 16; i++)
        assert_memory_not_equal(b.data + i, "secr", 4);
    buf_fini(&b);
}

static void refuses_every_flipped_bit(void **state)
{
    struct buf sealed = sealed_of(S("who"), S("secret text"));
    char *bytes = sealed.data + sealed.head;
    for (size_t bit = 0; bit < 8 * buf_len(&sealed); bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        refuses(key, S("who"), buf_str(&sealed));
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t len = 0; len < buf_len(&sealed); len++)
        refuses(key, S("who"), str_sub(buf_str(&sealed), 0, len));
    buf_add_char(&sealed, 0);
    refuses(key, S("who"), buf_str(&sealed));
    buf_fini(&sealed);
}

static void refuses_another_key(void **state)
{
    struct buf sealed = sealed_of(S("who"), S("secret text"));
    unsigned char other[SEAL_KEY_BYTES];
    for (size_t bit = 0; bit < 8 * sizeof other; bit++) {
        memcpy(other, key, sizeof other);
        other[bit / 8] ^= (unsigned char)(1 << bit % 8);
        refuses(other, S("who"), buf_str(&sealed));
    }
    buf_fini(&sealed);
}

static void refuses_another_about(void **state)
{
    struct buf sealed = sealed_of(S("who"), S("secret text")), bare = sealed_of(S(""), S("x"));
    refuses(key, S(""), buf_str(&sealed));
    refuses(key, S("wh"), buf_str(&sealed));
    refuses(key, S("who "), buf_str(&sealed));
    refuses(key, S("Who"), buf_str(&sealed));
    refuses(key, S("who"), buf_str(&bare));
    buf_fini(&sealed);
    buf_fini(&bare);
}

static void keeps_to_the_limit(void **state)
{
    struct buf sealed = sealed_of(S("who"), S("secret text")), small = {.max = 4};
    assert_int_equal(seal_open(key, S("who"), buf_str(&sealed), &small), ERR_TOO_BIG);
    buf_clear(&small);
    small.overflow = false;
    seal_close(key, S("who"), S("x"), &small);
    assert_true(small.overflow);
    buf_fini(&sealed);
    buf_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_a_vector),         cmocka_unit_test(goes_there_and_back),
        cmocka_unit_test(two_of_one_text_differ), cmocka_unit_test(refuses_every_flipped_bit),
        cmocka_unit_test(refuses_another_key),    cmocka_unit_test(refuses_another_about),
        cmocka_unit_test(keeps_to_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
