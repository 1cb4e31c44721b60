/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing and sending. The head is one array in the caller's arena, of which the signer sees one
 * part and the origin another:
 *
 *     host | x-amz-date | token? | content-sha256? | the caller's fields ... | authorization
 *     \______________________ signed __________________________________/
 *            \_______________________ sent __________________________________________/
 *
 * (the pool writes Host itself, from `authority`). Nothing else is copied but the session token:
 * the set of credentials may be let go as soon as aws_send has returned.
 */
#include "weir/aws/call.h"

#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/aws_error.h"
#include "weir/wire/sigv4.h"
#include "weir/wire/uri.h"

#include <stdlib.h>
#include <string.h>

/* A worker signs for one or two services; at midnight and at a refresh the old keys stay a while.
 */
enum { KEYS = 8, TIME_LEN = 16, DAY_LEN = 8, OWN_FIELDS = 5 };

/* AWS bears 5 minutes; what is nearer was refused for another reason. */
enum { MOST_OFFSET_S = 24 * 3600, LEAST_OFFSET_S = 4 * 60 };

struct key {
    uint64_t version; /* of the credentials; 0: unused */
    uint64_t used;
    char day[DAY_LEN];
    struct str region, service; /* in `names` */
    char names[2 * SIGV4_NAME_MOST];
    struct hmac_key hmac;
};

struct aws_signer {
    struct key keys[KEYS];
    uint64_t uses;
    int64_t offset_s; /* of the services' clock from ours */
    int64_t time_s;
    char time[TIME_LEN + 1];
};

struct aws_signer *aws_signer_new(void)
{
    struct aws_signer *s = mem_new(sizeof *s);
    s->time_s = -1;
    return s;
}

void aws_signer_free(struct aws_signer *s)
{
    if (s)
        secret_wipe(s, sizeof *s);
    mem_free(s);
}

/* "20260102T030405Z", written once a second. */
static struct str time_now(struct aws_signer *s)
{
    int64_t now_s = clock_wall_ms() / 1000 + s->offset_s;
    if (now_s != s->time_s)
        text_basic_time(now_s, s->time);
    s->time_s = now_s;
    return str_from(s->time, TIME_LEN);
}

static bool refused_for_time(int status, const struct fields *answer)
{
    return (status == 403 || status == 400) && aws_error_signature(aws_error_type(answer, S("")));
}

int64_t aws_signer_offset(const struct aws_signer *s)
{
    return s->offset_s;
}

bool aws_signer_learn(struct aws_signer *s, int status, const struct fields *answer,
                      int64_t signed_with)
{
    int64_t their_s;
    if (!refused_for_time(status, answer) ||
        !text_parse_http_date(fields_get(answer, S("date")), &their_s))
        return false;
    int64_t offset_s = their_s - clock_wall_ms() / 1000;
    if (llabs(offset_s) > MOST_OFFSET_S || llabs(offset_s - signed_with) < LEAST_OFFSET_S)
        return false;
    s->offset_s = offset_s;
    return true;
}

static bool fits(const struct key *k, const struct creds *creds, const struct sigv4_scope *scope)
{
    return k->version == creds->version && memcmp(k->day, scope->time.ptr, DAY_LEN) == 0 &&
           str_eq(k->region, scope->region) && str_eq(k->service, scope->service);
}

/* Into the place of the one that was not used for longest. */
static int derive(struct aws_signer *s, const struct creds *creds, const struct sigv4_scope *scope,
                  struct key **out)
{
    struct key *k = &s->keys[0];
    for (size_t i = 1; i < KEYS; i++)
        if (s->keys[i].used < k->used)
            k = &s->keys[i];
    k->version = 0;
    unsigned char derived[SIGV4_KEY_BYTES];
    int err = sigv4_key(creds->secret_key, scope, derived);
    if (err)
        return err;
    hmac_key_init(&k->hmac, str_from((const char *)derived, sizeof derived));
    secret_wipe(derived, sizeof derived);
    memcpy(k->day, scope->time.ptr, DAY_LEN);
    memcpy(k->names, scope->region.ptr, scope->region.len);
    memcpy(k->names + SIGV4_NAME_MOST, scope->service.ptr, scope->service.len);
    k->region = str_from(k->names, scope->region.len);
    k->service = str_from(k->names + SIGV4_NAME_MOST, scope->service.len);
    k->version = creds->version;
    *out = k;
    return 0;
}

static int key_of(struct aws_signer *s, const struct creds *creds, const struct sigv4_scope *scope,
                  const struct hmac_key **out)
{
    struct key *k = NULL;
    for (size_t i = 0; i < KEYS && !k; i++)
        if (fits(&s->keys[i], creds, scope))
            k = &s->keys[i];
    int err = k ? 0 : derive(s, creds, scope, &k);
    if (err)
        return err;
    k->used = ++s->uses;
    *out = &k->hmac;
    return 0;
}

/* Hex SHA-256 of the body, in the arena. */
static struct str payload_of(const struct aws_request *r, struct arena *arena)
{
    unsigned char digest[SHA256_BYTES];
    char *hex = arena_new(arena, SHA256_HEX);
    if (!hex)
        return (struct str){NULL, 0};
    if (!r->body_sha256) {
        struct sha256 h;
        sha256_init(&h);
        for (size_t i = 0; i < r->n_body; i++)
            sha256_add(&h, r->body[i]);
        sha256_end(&h, digest);
    }
    sha256_hex(r->body_sha256 ? r->body_sha256 : digest, hex);
    return str_from(hex, SHA256_HEX);
}

static int add_bearer(const struct creds *creds, const struct aws_request *r, struct arena *arena,
                      struct origin_call *out)
{
    struct field *fields = arena_new(arena, (r->n_fields + 1) * sizeof *fields);
    struct str value = arena_printf(arena, "Bearer %.*s", STR_ARG(creds->bearer));
    if (arena->full)
        return ERR_NO_MEMORY;
    if (r->n_fields)
        memcpy(fields, r->fields, r->n_fields * sizeof *fields);
    fields[r->n_fields] = (struct field){S("authorization"), value};
    out->fields = fields;
    out->n_fields = r->n_fields + 1;
    return 0;
}

static int add_signature(struct aws_signer *s, const struct aws_target *t, struct creds *creds,
                         const struct aws_request *r, struct arena *arena, struct origin_call *out)
{
    struct field *fields = arena_new(arena, (r->n_fields + OWN_FIELDS) * sizeof *fields);
    struct str time = arena_dup(arena, time_now(s));
    struct str payload = payload_of(r, arena);
    struct str token = arena_dup(arena, creds->session_token);
    if (arena->full)
        return ERR_NO_MEMORY;
    size_t n = 0;
    fields[n++] = (struct field){S("host"), t->authority};
    fields[n++] = (struct field){S("x-amz-date"), time};
    if (token.len)
        fields[n++] = (struct field){S("x-amz-security-token"), token};
    if (t->s3_path)
        fields[n++] = (struct field){S("x-amz-content-sha256"), payload};
    if (r->n_fields)
        memcpy(fields + n, r->fields, r->n_fields * sizeof *fields);
    n += r->n_fields;

    struct sigv4_request request = {.method = r->method,
                                    .fields = fields,
                                    .n_fields = n,
                                    .payload = payload,
                                    .s3_path = t->s3_path};
    struct sigv4_scope scope = {creds->access_key, time, t->region, t->service};
    const struct hmac_key *key = NULL;
    uri_split(out->target, &request.path, &request.query);
    int err = key_of(s, creds, &scope, &key);
    if (!err)
        err = sigv4_sign(&request, &scope, key, arena, &fields[n].value);
    if (err)
        return err;
    fields[n].name = S("authorization");
    out->fields = fields + 1;
    out->n_fields = n;
    return 0;
}

static int add_authorization(struct aws_signer *s, const struct aws_target *t, struct creds *creds,
                             const struct aws_request *r, struct arena *arena,
                             struct origin_call *out)
{
    if (creds && creds->bearer.len)
        return add_bearer(creds, r, arena, out);
    if (creds)
        return add_signature(s, t, creds, r, arena, out);
    out->fields = r->fields;
    out->n_fields = r->n_fields;
    return 0;
}

int aws_send(struct aws_signer *s, const struct aws_target *t, struct creds *creds,
             const struct aws_request *r, struct arena *arena, const struct origin_sink *sink,
             void *arg, struct origin_call *out)
{
    *out = (struct origin_call){.method = r->method,
                                .target = r->target,
                                .authority = t->authority,
                                .body = r->body,
                                .n_body = r->n_body,
                                .answer_ms = r->answer_ms,
                                .silence_ms = r->silence_ms,
                                .sink = sink,
                                .arg = arg};
    if (t->base_path.len)
        out->target = arena_join(arena, (struct str[]){t->base_path, r->target}, 2);
    if (arena->full)
        return ERR_NO_MEMORY;
    int err = add_authorization(s, t, creds, r, arena, out);
    if (err)
        return err;
    origin_start(t->origin, out);
    return 0;
}
