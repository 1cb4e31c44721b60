/* SPDX-License-Identifier: Apache-2.0
 *
 * The words around an issued key. Secrets pass through buffers that are large enough from the
 * start, so that no growth leaves a copy behind; their owner wipes them.
 */
#include "weir/gate/issue.h"

#include "weir/base/text.h"
#include "weir/wire/json_out.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/json_string.h"

enum { KEY_JSON_MOST = 2048 };

struct str issue_kind_word(enum key_kind kind)
{
    return kind == KEY_SIGV4 ? S("sigv4") : S("bearer");
}

/* --- what is asked for */

static bool bad(struct buf *sentence, const char *text)
{
    buf_addf(sentence, "%s", text);
    return false;
}

static bool read_client(struct str raw, enum json_token t, struct issue *out, struct buf *sentence)
{
    size_t len;
    if (t != JSON_STRING || json_string_copy(raw, out->room, sizeof out->room, &len) < 0)
        return bad(sentence, "client is the name of a client, at most 256 bytes.");
    out->client = str_from(out->room, len);
    return true;
}

static bool read_kind(struct str raw, enum json_token t, struct issue *out, struct buf *sentence)
{
    if (t == JSON_STRING && json_string_is(raw, S("bearer")))
        out->kind = KEY_BEARER;
    else if (t != JSON_STRING || !json_string_is(raw, S("sigv4")))
        return bad(sentence, "kind is \"sigv4\" or \"bearer\".");
    return true;
}

static bool read_admin(enum json_token t, struct issue *out, struct buf *sentence)
{
    if (t != JSON_TRUE && t != JSON_FALSE)
        return bad(sentence, "admin is true or false.");
    out->admin = t == JSON_TRUE;
    return true;
}

static bool read_members(struct json_scan *s, struct issue *out, struct buf *sentence)
{
    unsigned seen = 0, bit;
    while (json_next(s) == JSON_KEY) {
        struct str name = json_raw(s);
        enum json_token t = json_skip(s);
        struct str raw = json_raw(s);
        bool good = true;
        if (json_string_is(name, S("client")))
            bit = 1, good = read_client(raw, t, out, sentence);
        else if (json_string_is(name, S("kind")))
            bit = 2, good = read_kind(raw, t, out, sentence);
        else if (json_string_is(name, S("admin")))
            bit = 4, good = read_admin(t, out, sentence);
        else
            return bad(sentence, "A key has client, kind and admin, and nothing else.");
        if (!good)
            return false;
        if (seen & bit)
            return bad(sentence, "A member stands there twice.");
        seen |= bit;
    }
    return json_next(s) == JSON_END ||
           bad(sentence, "The body is JSON such as {\"client\": \"app\", \"kind\": \"bearer\"}.");
}

static bool is_whole(const struct issue *i, struct buf *sentence)
{
    if (i->admin && i->client.len)
        return bad(sentence, "A key is a client's or for the admin port, not both.");
    if (i->admin && i->kind != KEY_SIGV4)
        return bad(sentence, "A key for the admin port is of kind sigv4.");
    if (!i->admin && !i->client.len)
        return bad(sentence, "Say whose key it is to be: client, or admin: true.");
    return true;
}

bool issue_read(struct str body, struct issue *out, struct buf *sentence)
{
    struct json_scan s;
    *out = (struct issue){.kind = KEY_SIGV4};
    json_init(&s, body);
    if (json_next(&s) != JSON_OBJECT)
        return bad(sentence,
                   "The body is JSON such as {\"client\": \"app\", \"kind\": \"bearer\"}.");
    return read_members(&s, out, sentence) && is_whole(out, sentence);
}

void issue_add_request(const struct issue *i, struct buf *out)
{
    struct json_out o = {.buf = out};
    json_out_object(&o);
    if (i->client.len) {
        json_out_key(&o, S("client"));
        json_out_string(&o, i->client);
    }
    json_out_key(&o, S("kind"));
    json_out_string(&o, issue_kind_word(i->kind));
    json_out_key(&o, S("admin"));
    json_out_bool(&o, i->admin);
    json_out_end(&o);
}

bool issue_check(const struct config *c, const struct issue *i, struct buf *sentence)
{
    struct str shown = str_sub(i->client, 0, 60), best = {NULL, 0};
    unsigned best_distance = 4; /* further away it is no longer a slip of the finger */
    if (i->admin)
        return true;
    for (size_t n = 0; n < c->n_clients; n++) {
        unsigned distance = text_distance(c->clients[n].name, shown);
        if (str_eq(c->clients[n].name, i->client))
            return true;
        if (distance < best_distance) {
            best = c->clients[n].name;
            best_distance = distance;
        }
    }
    buf_add(sentence, S("The configuration has no client \""));
    text_add_json(sentence, shown, shown.len);
    if (best.ptr)
        buf_addf(sentence, "\"; did you mean \"%.*s\"?", STR_ARG(best));
    else if (c->n_clients == 0)
        buf_add(sentence, S("\": it names no clients at all (clients, in docs/CONFIG.md)."));
    else
        buf_add(sentence, S("\"; a key is for one that stands under clients."));
    return false;
}

/* --- what is said of keys */

static void add_owner(struct json_out *o, struct str id, struct str client, enum key_kind kind,
                      bool admin)
{
    json_out_key(o, S("id"));
    json_out_string(o, id);
    json_out_key(o, S("client"));
    if (client.len)
        json_out_string(o, client);
    else
        json_out_null(o);
    json_out_key(o, S("kind"));
    json_out_string(o, issue_kind_word(kind));
    json_out_key(o, S("admin"));
    json_out_bool(o, admin);
}

void issue_add_key(const struct issue *i, struct str id, struct str secret, struct buf *out)
{
    struct json_out o = {.buf = out};
    (void)buf_reserve(out, KEY_JSON_MOST);
    json_out_object(&o);
    add_owner(&o, id, i->client, i->kind, i->admin);
    json_out_key(&o, S("secret"));
    json_out_string(&o, secret);
    json_out_end(&o);
    buf_add_char(out, '\n');
}

static bool take_text(const struct json_member *m, struct buf *out)
{
    size_t len;
    char *at = m->times == 1 && m->kind == JSON_STRING ? buf_reserve(out, m->raw.len) : NULL;
    if (!at || json_string_copy(m->raw, at, m->raw.len, &len) < 0)
        return false;
    buf_commit(out, len);
    return true;
}

int issue_read_key(struct str text, struct buf *id, struct buf *secret)
{
    struct json_member m[] = {{.name = STR("id")}, {.name = STR("secret")}};
    struct json_pick p;
    json_pick_init(&p, text, m, 2);
    if (json_pick_step(&p) != JSON_END)
        return ERR_BAD;
    return take_text(&m[0], id) && take_text(&m[1], secret) ? 0 : ERR_BAD;
}

static void add_time(struct json_out *o, int64_t at_s)
{
    char text[21];
    text_iso_time(at_s, text);
    json_out_string(o, str_of(text));
}

void issue_add_list(const struct keyring *r, struct buf *out)
{
    struct json_out o = {.buf = out};
    size_t n;
    const struct key *keys = keyring_keys(r, &n);
    json_out_object(&o);
    json_out_key(&o, S("keys"));
    json_out_array(&o);
    for (size_t i = 0; i < n; i++) {
        json_out_object(&o);
        add_owner(&o, keys[i].id, keys[i].client, keys[i].kind, keys[i].admin);
        json_out_key(&o, S("made"));
        add_time(&o, keys[i].made_s);
        json_out_key(&o, S("revoked"));
        if (keys[i].revoked_s)
            add_time(&o, keys[i].revoked_s);
        else
            json_out_null(&o);
        json_out_end(&o);
    }
    json_out_end(&o);
    json_out_end(&o);
    buf_add_char(out, '\n');
}
