/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring: rows out of the file, and the secrets of the SigV4 keys, opened once, in one mapping that
 * stays out of core dumps and is wiped with the ring.
 *
 * An access key is public, so it is looked up as one looks up a word. A bearer key is a secret: the
 * hash of what was shown is compared with every one that is valid, always to the end. First by its
 * mark, 64 bits of it, all of which lie side by side (ten thousand in some microseconds): that they
 * agree in a part of them cannot be seen in the time. What has the same mark is compared whole, in
 * constant time.
 */
#include "weir/gate/keyring.h"

#include "keyring_file.h"
#include "keyring_rows.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_CHARS = 40, TOKEN_CHARS = 43, ACCESS_KEY_CHARS = 16, NAME_CHARS = 12 };

struct keyring {
    atomic_uint users;
    struct keyring_rows rows;
    struct key *keys; /* in the order of the file */
    uint64_t *marks;  /* of each key's hash; 0 where it is no valid bearer key */
    char *secrets;    /* KEYRING_SECRET_MOST for each key; NULL: not opened */
};

static size_t secrets_bytes(const struct keyring *r)
{
    return r->rows.n * KEYRING_SECRET_MOST;
}

static void ring_free(struct keyring *r)
{
    if (r->secrets)
        secret_wipe(r->secrets, secrets_bytes(r));
    mem_unmap(r->secrets, secrets_bytes(r));
    mem_free(r->keys);
    mem_free(r->marks);
    keyring_rows_fini(&r->rows);
    mem_free(r);
}

struct keyring *keyring_ref(struct keyring *r)
{
    atomic_fetch_add(&r->users, 1);
    return r;
}

void keyring_unref(struct keyring *r)
{
    if (r && atomic_fetch_sub(&r->users, 1) == 1)
        ring_free(r);
}

/* --- from the file */

static bool read_rows(struct str state, struct keyring_rows *rows, char *why, size_t why_size)
{
    struct buf text = {0};
    char fault[160];
    *rows = (struct keyring_rows){0};
    bool good = keyring_file_read(state, &text, why, why_size) == 0;
    if (good && !keyring_rows_read(buf_str(&text), rows, fault, sizeof fault)) {
        snprintf(why, why_size, "%.*s/keys:%s", STR_ARG(state), fault);
        good = false;
    }
    buf_fini(&text);
    return good;
}

static uint64_t mark_of(const unsigned char hash[SHA256_BYTES])
{
    uint64_t mark;
    memcpy(&mark, hash, sizeof mark);
    return mark;
}

static bool is_bearer(const struct key *k)
{
    return k->kind == KEY_BEARER && !k->revoked_s;
}

struct keyring *keyring_list(struct str state, char *why, size_t why_size)
{
    struct keyring *r = mem_new(sizeof *r);
    atomic_init(&r->users, 1);
    if (!read_rows(state, &r->rows, why, why_size)) {
        ring_free(r);
        return NULL;
    }
    r->keys = mem_new(r->rows.n * sizeof *r->keys);
    r->marks = mem_new(r->rows.n * sizeof *r->marks);
    for (size_t i = 0; i < r->rows.n; i++) {
        r->keys[i] = r->rows.rows[i].key;
        r->marks[i] = is_bearer(&r->keys[i]) ? mark_of(r->keys[i].hash) : 0;
    }
    return r;
}

/* What a secret is bound to: it opens for nobody else, and not on the admin port. */
static void add_about(const struct key *k, struct buf *out)
{
    buf_addf(out, "weir key %.*s %s %.*s", STR_ARG(k->id), k->admin ? "admin" : "client",
             STR_ARG(k->client));
}

static bool open_secret(struct keyring *r, size_t i, const unsigned char *seal)
{
    const struct keyring_row *row = &r->rows.rows[i];
    struct buf about = {0}, text = {.max = 2 * KEYRING_SECRET_MOST};
    char *at = r->secrets + i * KEYRING_SECRET_MOST;
    add_about(&row->key, &about);
    struct str sealed = str_from((const char *)row->sealed, row->sealed_len);
    bool good = seal_open(seal, buf_str(&about), sealed, &text) == 0 &&
                buf_len(&text) <= KEYRING_SECRET_MOST;
    if (good) {
        memcpy(at, text.data + text.head, buf_len(&text));
        r->keys[i].secret = str_from(at, buf_len(&text));
    }
    if (text.data)
        secret_wipe(text.data, text.cap);
    buf_fini(&text);
    buf_fini(&about);
    return good;
}

static bool has_secret(const struct key *k)
{
    return k->kind == KEY_SIGV4 && !k->revoked_s;
}

static bool open_secrets(struct keyring *r, const unsigned char *seal, struct str state, char *why,
                         size_t why_size)
{
    r->secrets = mem_map(secrets_bytes(r));
    if (!r->secrets) {
        snprintf(why, why_size, "there is no memory for the keys");
        return false;
    }
    for (size_t i = 0; i < r->rows.n; i++) {
        if (!has_secret(&r->keys[i]) || open_secret(r, i, seal))
            continue;
        snprintf(why, why_size,
                 "%.*s/keys:%zu: the secret of %.*s does not open with the seal file; bring back "
                 "the one it was made with, or revoke the key",
                 STR_ARG(state), i + 1, STR_ARG(r->keys[i].id));
        return false;
    }
    return true;
}

static bool any_secret(const struct keyring *r)
{
    for (size_t i = 0; i < r->rows.n; i++)
        if (has_secret(&r->keys[i]))
            return true;
    return false;
}

struct keyring *keyring_load(struct str state, struct str seal_file, char *why, size_t why_size)
{
    unsigned char seal[SEAL_KEY_BYTES];
    struct keyring *r = keyring_list(state, why, why_size);
    if (!r || !any_secret(r))
        return r;
    bool good = keyring_file_seal(state, seal_file, false, seal, why, why_size) == 0 &&
                open_secrets(r, seal, state, why, why_size);
    secret_wipe(seal, sizeof seal);
    if (good)
        return r;
    ring_free(r);
    return NULL;
}

bool keyring_is_gone(const struct keyring *before, const struct keyring *now)
{
    return before->rows.n > 0 && now->rows.n == 0;
}

/* --- looking up */

const struct key *keyring_sigv4(const struct keyring *r, struct str access_key)
{
    const struct keyring_row *row = r ? keyring_rows_find(&r->rows, access_key) : NULL;
    const struct key *k = row ? &r->keys[row->line - 1] : NULL;
    return k && has_secret(k) ? k : NULL;
}

const struct key *keyring_bearer(const struct keyring *r, struct str token)
{
    unsigned char hash[SHA256_BYTES];
    const struct key *found = NULL;
    sha256_of(token, hash);
    const uint64_t mark = mark_of(hash);
    for (size_t i = 0; i < r->rows.n; i++) {
        const struct key *k = &r->keys[i];
        if (r->marks[i] == mark && is_bearer(k) && digest_equal(hash, k->hash, sizeof hash))
            found = k;
    }
    return found;
}

const struct key *keyring_keys(const struct keyring *r, size_t *out_n)
{
    *out_n = r->rows.n;
    return r->keys;
}

/* --- changing */

static void add_letters(struct buf *out, const char *alphabet, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_char(out, alphabet[random_below(strlen(alphabet))]);
}

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

static void make_id(enum key_kind kind, struct buf *out)
{
    buf_add(out, kind == KEY_SIGV4 ? S("WEIR") : S("bearer-"));
    add_letters(out, kind == KEY_SIGV4 ? UPPER "234567" : LOWER "234567",
                kind == KEY_SIGV4 ? ACCESS_KEY_CHARS : NAME_CHARS);
}

/* 240 bits, and 258: as AWS's secrets, and as 32 bytes in base64url. */
static void make_secret(enum key_kind kind, struct buf *out)
{
    if (kind == KEY_SIGV4) {
        add_letters(out, UPPER LOWER "0123456789+/", SECRET_CHARS);
        return;
    }
    buf_add(out, S("weir-"));
    add_letters(out, UPPER LOWER "0123456789-_", TOKEN_CHARS);
}

/* When the file is full the oldest of the revoked ones makes room. */
static const struct keyring_row *row_to_drop(const struct keyring_rows *rows)
{
    const struct keyring_row *oldest = NULL;
    for (size_t i = 0; i < rows->n; i++) {
        const struct keyring_row *row = &rows->rows[i];
        if (row->key.revoked_s && (!oldest || row->key.revoked_s < oldest->key.revoked_s))
            oldest = row;
    }
    return oldest;
}

static int write_rows(struct str state, const struct keyring_rows *rows,
                      const struct keyring_row *but, const struct keyring_row *more, char *why,
                      size_t why_size)
{
    struct buf text = {0};
    for (size_t i = 0; i < rows->n; i++)
        if (&rows->rows[i] != but)
            keyring_rows_add(&rows->rows[i], &text);
    if (more)
        keyring_rows_add(more, &text);
    int err = keyring_file_write(state, buf_str(&text), why, why_size);
    buf_fini(&text);
    return err;
}

static int close_secret(struct str state, struct str seal_file, struct keyring_row *row,
                        struct str secret, char *why, size_t why_size)
{
    unsigned char seal[SEAL_KEY_BYTES];
    struct buf about = {0}, sealed = {0};
    int err = keyring_file_seal(state, seal_file, true, seal, why, why_size);
    if (!err) {
        add_about(&row->key, &about);
        seal_close(seal, buf_str(&about), secret, &sealed);
        row->sealed_len = buf_len(&sealed);
        memcpy(row->sealed, sealed.data + sealed.head, row->sealed_len);
    }
    secret_wipe(seal, sizeof seal);
    buf_fini(&about);
    buf_fini(&sealed);
    return err;
}

static int refuse(char *why, size_t why_size, int err, const char *sentence)
{
    snprintf(why, why_size, "%s", sentence);
    return err;
}

static int add_to(struct keyring *r, struct str state, struct str seal_file, struct key *k,
                  struct buf *out_id, struct buf *secret, char *why, size_t why_size)
{
    struct keyring_row row = {0};
    const struct keyring_row *drop = NULL;
    int err = 0;
    if (r->rows.n >= KEYRING_MOST && !(drop = row_to_drop(&r->rows)))
        return refuse(why, why_size, ERR_FULL, "there are 10,000 valid keys; revoke some");
    do {
        buf_clear(out_id);
        make_id(k->kind, out_id);
    } while (keyring_rows_find(&r->rows, buf_str(out_id)));
    k->id = buf_str(out_id);
    make_secret(k->kind, secret);
    sha256_of(buf_str(secret), k->hash);
    row.key = *k;
    if (k->kind == KEY_SIGV4)
        err = close_secret(state, seal_file, &row, buf_str(secret), why, why_size);
    return err ? err : write_rows(state, &r->rows, drop, &row, why, why_size);
}

int keyring_add(struct str state, struct str seal_file, struct str client, bool admin,
                enum key_kind kind, struct buf *out_id, struct buf *out_secret, char *why,
                size_t why_size)
{
    struct key k = {
        .client = client, .kind = kind, .admin = admin, .made_s = clock_wall_ms() / 1000};
    struct buf id = {0}, secret = {0};
    if (admin != (client.len == 0) || client.len > KEYRING_CLIENT_MOST)
        return refuse(why, why_size, ERR_BAD, "a key is a client's or for the admin port");
    if (admin && kind != KEY_SIGV4)
        return refuse(why, why_size, ERR_BAD, "a key for the admin port is a SigV4 pair");
    struct keyring *r = keyring_load(state, seal_file, why, why_size);
    if (!r)
        return ERR_BAD;
    /* One growth would leave half a secret in freed memory. */
    (void)buf_reserve(&secret, KEYRING_SECRET_MOST);
    int err = add_to(r, state, seal_file, &k, &id, &secret, why, why_size);
    keyring_unref(r);
    if (!err) {
        buf_add(out_id, buf_str(&id));
        buf_add(out_secret, buf_str(&secret));
    }
    secret_wipe(secret.data, secret.cap);
    buf_fini(&secret);
    buf_fini(&id);
    return err;
}

int keyring_revoke(struct str state, struct str id, char *why, size_t why_size)
{
    struct keyring_rows rows;
    int err = read_rows(state, &rows, why, why_size) ? 0 : ERR_BAD;
    struct keyring_row *row = err ? NULL : keyring_rows_find(&rows, id);
    if (!err && !row) {
        snprintf(why, why_size, "there is no key \"%.*s\"", STR_ARG(str_sub(id, 0, 60)));
        err = ERR_NOT_FOUND;
    }
    if (!err && !row->key.revoked_s) {
        row->key.revoked_s = clock_wall_ms() / 1000;
        err = write_rows(state, &rows, NULL, NULL, why, why_size);
    }
    keyring_rows_fini(&rows);
    return err;
}
