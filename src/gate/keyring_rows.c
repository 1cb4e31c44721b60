/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines to rows and back. A row is read strictly: whatever Weir would not have written is a fault
 * of the whole file, since a key that silently goes missing locks somebody out, and one that
 * silently changes lets somebody in.
 */
#include "keyring_rows.h"

#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/json_out.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/json_string.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MOST_S 253402300799 /* the end of the year 9999 */

enum member { ID, CLIENT, KIND, ADMIN, MADE, REVOKED, SEALED, SHA256, MEMBERS };

static const struct json_member nothing[MEMBERS] = {
    {.name = STR("id")},     {.name = STR("client")}, {.name = STR("kind")},
    {.name = STR("admin")},  {.name = STR("made")},   {.name = STR("revoked")},
    {.name = STR("sealed")}, {.name = STR("sha256")}};

/* --- one line; each returns NULL or what is wrong */

static const char *pick(struct str line, struct json_member *m)
{
    struct json_pick p;
    memcpy(m, nothing, sizeof nothing);
    json_pick_init(&p, line, m, MEMBERS);
    if (json_pick_step(&p) != JSON_END || !p.object)
        return "this is not a JSON object";
    for (size_t i = 0; i < MEMBERS; i++)
        if (m[i].times > 1 || (m[i].times == 0 && i < SEALED))
            return "a member is missing or there twice";
    return NULL;
}

static bool read_time(const struct json_member *m, int64_t *out)
{
    uint64_t n;
    if (m->kind != JSON_NUMBER || !text_u64(m->raw, &n) || n > TIME_MOST_S)
        return false;
    *out = (int64_t)n;
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of a JSON string without escapes. */
static bool read_hex(const struct json_member *m, unsigned char *out, size_t max, size_t *out_len)
{
    if (m->kind != JSON_STRING || m->raw.len % 2 || (m->raw.len - 2) / 2 > max)
        return false;
    struct str hex = str_sub(m->raw, 1, m->raw.len - 2);
    for (size_t i = 0; i < hex.len; i += 2) {
        int high = hex_digit(hex.ptr[i]), low = hex_digit(hex.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (unsigned char)(high << 4 | low);
    }
    *out_len = hex.len / 2;
    return true;
}

static bool id_ok(struct str id, struct str prefix, char letter)
{
    if (id.len > KEYRING_ID_MOST || id.len < prefix.len + 8 || !str_starts(id, prefix))
        return false;
    for (size_t i = prefix.len; i < id.len; i++) {
        char c = id.ptr[i];
        if (!(c >= letter && c < letter + 26) && !(c >= '2' && c <= '7'))
            return false;
    }
    return true;
}

static const char *read_kind(const struct json_member *m, struct key *k)
{
    if (m[KIND].kind != JSON_STRING)
        return "kind is no string";
    if (json_string_is(m[KIND].raw, S("sigv4")))
        k->kind = KEY_SIGV4;
    else if (json_string_is(m[KIND].raw, S("bearer")))
        k->kind = KEY_BEARER;
    else
        return "kind is neither sigv4 nor bearer";
    bool good =
        k->kind == KEY_SIGV4 ? id_ok(k->id, S("WEIR"), 'A') : id_ok(k->id, S("bearer-"), 'a');
    return good ? NULL : "this is no id of its kind";
}

static const char *read_owner(const struct json_member *m, struct arena *a, struct key *k)
{
    struct str id, client;
    if (m[ID].kind != JSON_STRING || m[CLIENT].kind != JSON_STRING ||
        json_string_text(m[ID].raw, KEYRING_ID_MOST, a, &id) < 0 ||
        json_string_text(m[CLIENT].raw, KEYRING_CLIENT_MOST, a, &client) < 0)
        return "id or client is no string, or too long";
    if (m[ADMIN].kind != JSON_TRUE && m[ADMIN].kind != JSON_FALSE)
        return "admin is neither true nor false";
    k->admin = m[ADMIN].kind == JSON_TRUE;
    if (k->admin != (client.len == 0))
        return "a key is a client's or for the admin port, not both";
    k->id = arena_dup(a, id);
    k->client = arena_dup(a, client);
    return a->full ? "there is no memory for it" : NULL;
}

static const char *read_secret(const struct json_member *m, struct keyring_row *row)
{
    struct key *k = &row->key;
    size_t len = 0;
    if (!read_time(&m[MADE], &k->made_s) || !read_time(&m[REVOKED], &k->revoked_s))
        return "made or revoked is no time in seconds";
    if (k->revoked_s)
        return m[SEALED].times + m[SHA256].times ? "a revoked key has a secret" : NULL;
    if (m[SEALED].times != (k->kind == KEY_SIGV4) || m[SHA256].times != (k->kind == KEY_BEARER))
        return "a valid key has \"sealed\" (sigv4) or \"sha256\" (bearer)";
    if (k->kind == KEY_SIGV4)
        return read_hex(&m[SEALED], row->sealed, sizeof row->sealed, &row->sealed_len)
                   ? NULL
                   : "sealed is no hex, or too long";
    return read_hex(&m[SHA256], k->hash, sizeof k->hash, &len) && len == sizeof k->hash
               ? NULL
               : "sha256 is no hex of 32 bytes";
}

static const char *read_line(struct str line, struct arena *a, struct keyring_row *row)
{
    struct json_member m[MEMBERS];
    const char *fault = line.len > KEYRING_LINE_MOST ? "the line is too long" : pick(line, m);
    if (!fault)
        fault = read_owner(m, a, &row->key);
    if (!fault)
        fault = read_kind(m, &row->key);
    return fault ? fault : read_secret(m, row);
}

/* --- all of them */

static int compare(const void *a, const void *b)
{
    const struct keyring_row *x = *(struct keyring_row *const *)a;
    const struct keyring_row *y = *(struct keyring_row *const *)b;
    int order = str_cmp(x->key.id, y->key.id);
    return order ? order : x->line < y->line ? -1 : 1;
}

static const struct keyring_row *find_twin(const struct keyring_rows *r)
{
    for (size_t i = 1; i < r->n; i++)
        if (str_eq(r->by_id[i - 1]->key.id, r->by_id[i]->key.id))
            return r->by_id[i];
    return NULL;
}

static size_t count_lines(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n;
}

static bool fail(char *why, size_t why_size, size_t line, const char *fault)
{
    snprintf(why, why_size, "%zu: %s", line, fault);
    return false;
}

bool keyring_rows_read(struct str text, struct keyring_rows *out, char *why, size_t why_size)
{
    size_t n = count_lines(text);
    *out = (struct keyring_rows){0};
    arena_init(&out->arena, 2 * KEYRING_TEXT_MOST);
    if (text.len && text.ptr[text.len - 1] != '\n')
        return fail(why, why_size, n + 1, "the line is cut short");
    if (n > KEYRING_MOST)
        return fail(why, why_size, KEYRING_MOST + 1, "there are more keys than 10,000");
    out->rows = mem_new(n * sizeof *out->rows);
    out->by_id = mem_new(n * sizeof(struct keyring_row *));
    for (size_t i = 0; i < n; i++) {
        struct str line = str_cut(&text, '\n');
        out->rows[i].line = i + 1;
        const char *fault = read_line(line, &out->arena, &out->rows[i]);
        if (fault)
            return fail(why, why_size, i + 1, fault);
        out->by_id[i] = &out->rows[i];
        out->n++;
    }
    qsort(out->by_id, n, sizeof(struct keyring_row *), compare);
    const struct keyring_row *twin = find_twin(out);
    return twin ? fail(why, why_size, twin->line, "this id was there already") : true;
}

void keyring_rows_fini(struct keyring_rows *r)
{
    mem_free(r->rows);
    mem_free(r->by_id);
    arena_fini(&r->arena);
    *r = (struct keyring_rows){0};
}

struct keyring_row *keyring_rows_find(const struct keyring_rows *r, struct str id)
{
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t at = low + (high - low) / 2;
        int order = str_cmp(id, r->by_id[at]->key.id);
        if (order == 0)
            return r->by_id[at];
        if (order < 0)
            high = at;
        else
            low = at + 1;
    }
    return NULL;
}

static void add_hex(struct json_out *o, const unsigned char *bytes, size_t n)
{
    struct buf hex = {0};
    text_add_hex(&hex, bytes, n);
    json_out_string(o, buf_str(&hex));
    buf_fini(&hex);
}

void keyring_rows_add(const struct keyring_row *row, struct buf *out)
{
    struct json_out o = {.buf = out};
    const struct key *k = &row->key;
    json_out_object(&o);
    json_out_key(&o, nothing[ID].name);
    json_out_string(&o, k->id);
    json_out_key(&o, nothing[CLIENT].name);
    json_out_string(&o, k->client);
    json_out_key(&o, nothing[KIND].name);
    json_out_string(&o, k->kind == KEY_SIGV4 ? S("sigv4") : S("bearer"));
    json_out_key(&o, nothing[ADMIN].name);
    json_out_bool(&o, k->admin);
    json_out_key(&o, nothing[MADE].name);
    json_out_i64(&o, k->made_s);
    json_out_key(&o, nothing[REVOKED].name);
    json_out_i64(&o, k->revoked_s);
    if (!k->revoked_s && k->kind == KEY_SIGV4) {
        json_out_key(&o, nothing[SEALED].name);
        add_hex(&o, row->sealed, row->sealed_len);
    } else if (!k->revoked_s) {
        json_out_key(&o, nothing[SHA256].name);
        add_hex(&o, k->hash, sizeof k->hash);
    }
    json_out_end(&o);
    buf_add_char(out, '\n');
}
