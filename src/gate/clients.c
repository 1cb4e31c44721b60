/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients with their secrets, and which of them a request is. What a request shows is looked at in
 * one order, and what is shown first decides alone: a bad signature does not fall back on a good
 * certificate. Lookups by a secret compare digests with those of all clients, in time that does not
 * tell which one came near.
 *
 * A bearer key that nobody knows can only ever become the one passthrough client, which has nothing
 * that its own key does not give it: the key goes upstream in place of Weir's signature.
 *
 * SDKs always show something. So where there is a client for this machine, a key of this machine
 * that nobody knows is as if nothing had been shown, which whoever is here could have done as well.
 */
#include "weir/gate/clients.h"

#include "secret.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/book/catalogue.h"
#include "weir/wire/sigv4_claim.h"
#include "weir/wire/yaml.h"

#include <stdio.h>

/* The bearer keys of Bedrock that carry a signed URL are the longest. */
enum { BEARER_MOST = 8 * 1024 };

/* So begin the bearer keys of `weir keys new`: one that was revoked, or mistyped, is not Bedrock's
 * and does not leave this house. */
static const struct str issued = STR("weir-");

struct clients {
    size_t n;
    struct client *at;
    const struct client *loopback, *passthrough; /* NULL: none */
};

/* --- from the configuration */

static bool read_secrets(struct client *c, char *err, size_t err_size)
{
    const struct config_client *k = c->config;
    struct str token = {NULL, 0};
    if (k->secret_file.len &&
        !secret_read(k->secret_file.ptr, SECRET_LEAST, &c->secret, err, err_size))
        return false;
    if (c->secret.len > SIGV4_SECRET_MOST) {
        snprintf(err, err_size, "%s: a secret access key has at most %d characters",
                 k->secret_file.ptr, SIGV4_SECRET_MOST);
        return false;
    }
    if (k->bearer_file.len == 0)
        return true;
    if (!secret_read(k->bearer_file.ptr, SECRET_LEAST, &token, err, err_size))
        return false;
    sha256_of(token, c->bearer_sha256);
    c->has_bearer = true;
    secret_drop(&token);
    return true;
}

/* The files' names differ; what is in them must, too. */
static bool is_alone(const struct clients *all, const struct client *c, char *err, size_t err_size)
{
    for (const struct client *other = all->at; other < c; other++) {
        if (!c->has_bearer || !other->has_bearer ||
            !digest_equal(c->bearer_sha256, other->bearer_sha256, SHA256_BYTES))
            continue;
        snprintf(err, err_size, "%s: clients %.*s and %.*s have the same bearer key",
                 c->config->bearer_file.ptr, STR_ARG(other->name), STR_ARG(c->name));
        return false;
    }
    return true;
}

struct clients *clients_new(const struct config *config, char *err, size_t err_size)
{
    struct clients *all = mem_new(sizeof *all);
    all->n = config->n_clients;
    all->at = mem_new(all->n * sizeof *all->at + 1);
    for (size_t i = 0; i < all->n; i++) {
        struct client *c = &all->at[i];
        c->config = &config->clients[i];
        c->name = c->config->name;
        c->index = i;
        if (c->config->loopback)
            all->loopback = c;
        if (c->config->passthrough)
            all->passthrough = c;
        if (!read_secrets(c, err, err_size) || !is_alone(all, c, err, err_size)) {
            clients_free(all);
            return NULL;
        }
    }
    return all;
}

void clients_free(struct clients *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < all->n; i++)
        secret_drop(&all->at[i].secret);
    mem_free(all->at);
    mem_free(all);
}

bool clients_none(const struct clients *all)
{
    return all->n == 0;
}

const struct client *clients_named(const struct clients *all, struct str name)
{
    for (size_t i = 0; i < all->n; i++)
        if (str_eq(all->at[i].name, name))
            return &all->at[i];
    return NULL;
}

/* --- who it is */

struct finding {
    const struct clients *all;
    const struct keyring *ring;
    const struct credentials_shown *shown;
    const struct client *found;
    struct str bearer;
    const char *why;
};

static enum identified refused(struct finding *f, const char *why)
{
    f->why = why;
    return IDENTIFY_REFUSED;
}

static enum identified is_of(struct finding *f, const struct client *c)
{
    f->found = c;
    return IDENTIFIED;
}

/* An issued key's; NULL also when the configuration does not know whose it is any more. */
static const struct client *owner_of(const struct finding *f, const struct key *key)
{
    return key && !key->admin ? clients_named(f->all, key->client) : NULL;
}

/* A key that nobody knows is nothing, here; a certificate beside it would be something. */
static bool is_here(const struct finding *f)
{
    const struct credentials_shown *s = f->shown;
    return f->all->loopback && s->from_loopback && !(s->tls && s->peer_name.len);
}

/* Also one that was revoked, is for the admin port, or whose client is not configured any more. */
static bool was_issued(const struct keyring *ring, struct str access_key)
{
    size_t n = 0;
    const struct key *keys = keyring_keys(ring, &n);
    for (size_t i = 0; i < n; i++)
        if (str_eq(keys[i].id, access_key))
            return true;
    return false;
}

static enum identified by_signature(struct finding *f, const struct sigv4_received *r,
                                    const struct sigv4_claim *claim)
{
    const struct client *whose = NULL;
    struct str secret = {NULL, 0};
    for (size_t i = 0; i < f->all->n; i++) {
        const struct client *c = &f->all->at[i];
        if (c->secret.len && str_eq(c->config->access_key_id, claim->access_key)) {
            whose = c;
            secret = c->secret;
        }
    }
    const struct key *key = keyring_sigv4(f->ring, claim->access_key);
    if (!whose && owner_of(f, key)) {
        whose = owner_of(f, key);
        secret = key->secret;
    }
    bool holds = sigv4_claim_holds(r, claim, secret);
    if (!whose && is_here(f) && !was_issued(f->ring, claim->access_key))
        return is_of(f, f->all->loopback);
    if (!holds)
        return refused(f, whose ? "the signature does not match" : "the access key is not known");
    if (claim->token.len)
        return refused(f, "a session token, which no key of Weir's has");
    return is_of(f, whose);
}

/* The whole list is gone through, whoever it is. */
static const struct client *with_bearer(const struct clients *all, struct str token)
{
    unsigned char hash[SHA256_BYTES];
    const struct client *found = NULL;
    sha256_of(token, hash);
    for (size_t i = 0; i < all->n; i++)
        if (digest_equal(hash, all->at[i].bearer_sha256, sizeof hash) && all->at[i].has_bearer)
            found = &all->at[i];
    return found;
}

static enum identified by_bearer(struct finding *f, struct str token)
{
    const struct client *c = with_bearer(f->all, token);
    const struct client *owner = owner_of(f, keyring_bearer(f->ring, token));
    if (!f->shown->tls && !f->shown->plaintext_ok)
        return refused(f, "a bearer key in clear text");
    if (c || owner)
        return is_of(f, c ? c : owner);
    if (!f->all->passthrough && is_here(f) && !str_starts(token, issued))
        return is_of(f, f->all->loopback);
    if (!f->all->passthrough || token.len > BEARER_MOST || str_starts(token, issued))
        return refused(f, "the bearer key is not known, or was revoked");
    f->bearer = token;
    return is_of(f, f->all->passthrough);
}

/* Whatever stands in Authorization decides; x-api-key is looked at without one. */
static bool shows_bearer(const struct credentials_shown *s, struct str *out_token,
                         const char **out_why)
{
    static const struct str scheme = STR("bearer ");
    size_t n = fields_count(s->fields, S("authorization"));
    struct str name = n ? S("authorization") : S("x-api-key");
    struct str value = str_trim(fields_get(s->fields, name));
    if (fields_count(s->fields, name) == 0)
        return false;
    if (fields_count(s->fields, name) > 1)
        *out_why = "two keys";
    else if (n && !str_istarts(value, scheme))
        *out_why = "an Authorization of a scheme that is not known";
    else
        *out_token = n ? str_trim(str_from_offset(value, scheme.len)) : value;
    if (!*out_why && out_token->len == 0)
        *out_why = "an empty key";
    return true;
}

static enum identified by_certificate(struct finding *f)
{
    for (size_t i = 0; i < f->all->n; i++)
        if (f->all->at[i].config->cn.len && str_eq(f->all->at[i].config->cn, f->shown->peer_name))
            return is_of(f, &f->all->at[i]);
    return refused(f, "the certificate's name is no client's");
}

static enum identified by_rest(struct finding *f)
{
    struct str token = {NULL, 0};
    const char *why = NULL;
    if (shows_bearer(f->shown, &token, &why))
        return why ? refused(f, why) : by_bearer(f, token);
    if (f->shown->tls && f->shown->peer_name.len)
        return by_certificate(f);
    if (f->shown->from_loopback && f->all->loopback)
        return is_of(f, f->all->loopback);
    f->why = "no key, no certificate";
    return IDENTIFY_MISSING;
}

/* What SDKs sign for; the second is the Anthropic SDK's, on the /anthropic paths. */
static const struct str services = STR("bedrock bedrock-mantle");

static enum identified identify(struct finding *f, int64_t now_s)
{
    const struct credentials_shown *s = f->shown;
    const struct sigv4_received r = {s->method, s->target, s->authority, s->fields, s->body_sha256};
    struct sigv4_claim claim;
    switch (sigv4_claim_read(&r, services, now_s, &claim)) {
    case SIGV4_NONE:
        return by_rest(f);
    case SIGV4_MALFORMED:
        return refused(f, claim.why);
    case SIGV4_EXPIRED:
        f->why = "the signature's time is too far from ours";
        return IDENTIFY_EXPIRED;
    case SIGV4_CLAIMED:
        return by_signature(f, &r, &claim);
    }
    return refused(f, "it cannot be told");
}

enum identified clients_identify(const struct clients *all, const struct keyring *ring,
                                 const struct credentials_shown *s, int64_t now_s,
                                 const struct client **out, struct str *out_bearer,
                                 const char **why)
{
    struct finding f = {.all = all, .ring = ring, .shown = s, .why = ""};
    enum identified how = identify(&f, now_s);
    *why = f.why;
    if (how == IDENTIFIED) {
        *out = f.found;
        *out_bearer = f.bearer;
    }
    return how;
}

/* --- what it may call */

/* Letters, digits and what names of models are written with; with slashes and colons an ARN. */
static bool is_plain(struct str s, const char *others)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && str_chr(str_of(others), c) < 0)
            return false;
    }
    return s.len > 0 && str_find(s, S("..")) < 0;
}

/* "us.", "us-gov.", "global." before the maker's name. */
static struct str without_geo(struct str id)
{
    ptrdiff_t dot = str_chr(id, '.');
    struct str rest = str_from_offset(id, (size_t)(dot + 1));
    for (ptrdiff_t i = 0; i < dot; i++)
        if (id.ptr[i] != '-' && (id.ptr[i] < 'a' || id.ptr[i] > 'z'))
            return id;
    return dot >= 2 && dot <= 8 && str_chr(rest, '.') > 0 ? rest : id;
}

bool clients_model_is(struct str pattern, struct str model)
{
    struct str id;
    if (str_eq(pattern, S("*")))
        return model.len > 0;
    if (str_starts(pattern, S("arn:")))
        return str_starts(model, S("arn:")) && is_plain(model, "-_.:/") &&
               text_matches(pattern, model);
    enum model_form form = model_form(model, &id);
    if ((form != MODEL_PLAIN && str_starts(model, S("arn:"))) || !is_plain(id, "-_.:"))
        return false;
    return text_matches(pattern, id) || text_matches(pattern, without_geo(id));
}

bool clients_may(const struct client *c, struct str model)
{
    const struct yaml_node *patterns = c->config->models;
    if (!patterns)
        return true;
    for (const struct yaml_node *p = patterns->first; p; p = p->next)
        if (clients_model_is(p->text, model))
            return true;
    return false;
}
