/* SPDX-License-Identifier: Apache-2.0
 *
 * From a stored record to a signed call. It is signed with what its client had when it came: its
 * role, or Weir's own credentials; a client that was taken out of the configuration since, or may
 * not leave anything on the disk now, gets its answer all the same: it was promised.
 */
#include "batch_call.h"

#include "weir/base/clock.h"
#include "weir/base/hook.h"
#include "weir/base/mem.h"
#include "weir/wire/json_pick.h"

enum {
    STRINGS_MOST = 64 * 1024,
    ANSWER_MOST = 25 * 1000 * 1000,   /* as a request's body; one with images has some */
    TIER_BODY_MOST = 4 * 1024 * 1024, /* a larger one is not read for a tier's sake */
    TIER_TIME_MS = 5 * 60 * 1000      /* Flex answers when it can */
};

/* --- from the spool */

static bool copy(struct batch_call *c, const struct spool_record *from)
{
    struct arena *a = &c->arena;
    c->rec = *from;
    c->rec.client = arena_dup(a, from->client);
    c->rec.workload = arena_dup(a, from->workload);
    c->rec.model = arena_dup(a, from->model);
    c->rec.operation = arena_dup(a, from->operation);
    c->rec.role = arena_dup(a, from->role);
    c->rec.target = arena_dup(a, from->target);
    c->rec.content_type = arena_dup(a, from->content_type);
    c->rec.accept = arena_dup(a, from->accept);
    return !a->full;
}

static int read(struct batch_call *c, struct spool_read *r)
{
    struct spool_record rec;
    int err = spool_find(r, c->item.number, &rec);
    if (err)
        return err;
    if (rec.state != SPOOL_DIRECT)
        return ERR_NOT_FOUND;
    if (!copy(c, &rec))
        return ERR_BAD;
    return spool_read_body(r, c->item.number, &c->body);
}

int batch_call_read(struct batch *b, const struct batch_item *item, struct batch_call **out)
{
    struct spool_read *r = spool_read_begin(b->spool);
    if (!r)
        return ERR_BUSY;
    struct batch_call *c = mem_new(sizeof *c);
    c->batch = b;
    c->item = *item;
    list_init(&c->node);
    arena_init(&c->arena, STRINGS_MOST);
    int err = read(c, r);
    spool_read_end(r);
    if (err && err != ERR_BAD)
        batch_call_free(c);
    else
        *out = c;
    return err;
}

void batch_call_free(struct batch_call *c)
{
    fetch_drop(c->fetch);
    list_remove(&c->node);
    if (c->setup)
        setup_unref(c->setup);
    buf_fini(&c->body);
    buf_fini(&c->answer);
    buf_fini(&c->row);
    buf_fini(&c->late_row);
    arena_fini(&c->arena);
    mem_free(c);
}

/* --- the tier */

/* Where it goes in: behind the opening brace, if the client did not choose one; 0: nowhere. */
static size_t tier_place(struct str body)
{
    struct json_member m = {.name = STR("serviceTier")};
    struct json_pick pick;
    if (body.len > TIER_BODY_MOST)
        return 0;
    json_pick_init(&pick, body, &m, 1);
    if (json_pick_step(&pick) != JSON_END || !pick.object || m.times)
        return 0;
    return (size_t)str_chr(body, '{') + 1;
}

static bool may_tier(const struct batch_call *c)
{
    const struct batch *b = c->batch;
    const struct catalogue_model *m = catalogue_find(c->setup->catalogue, c->rec.model);
    int64_t now_ms = clock_wall_ms();
    return m && m->lane_parts[LANE_FLEX] && c->rec.flags & SPOOL_MAY_FLEX && !c->item.no_tier &&
           levers_mode(&b->daemon->levers) == LEVERS_ON &&
           c->rec.deadline_ms - now_ms > TIER_TIME_MS &&
           shared_lanes_tier(b->lanes, c->rec.model, LANE_FLEX, now_ms);
}

static void make_body(struct batch_call *c)
{
    struct str body = buf_str(&c->body);
    size_t at = may_tier(c) && c->rec.kind == BATCH_CONVERSE ? tier_place(body) : 0;
    c->tier = at > 0;
    c->pieces[0] = body;
    c->request.n_body = 1;
    if (!c->tier)
        return;
    c->pieces[0] = str_sub(body, 0, at); /* batched ones have messages: a member follows */
    c->pieces[1] = S("\"serviceTier\":{\"type\":\"flex\"},");
    c->pieces[2] = str_from_offset(body, at);
    c->request.n_body = 3;
}

static size_t make_fields(struct batch_call *c)
{
    const struct spool_record *r = &c->rec;
    size_t n = 0;
    c->fields[n++] = (struct field){STR("content-type"),
                                    r->content_type.len ? r->content_type : S("application/json")};
    if (r->accept.len)
        c->fields[n++] = (struct field){STR("accept"), r->accept};
    if (r->kind == BATCH_INVOKE && may_tier(c)) {
        c->tier = true;
        c->fields[n++] = (struct field){STR("x-amzn-bedrock-service-tier"), STR("flex")};
    }
    return n;
}

/* --- sending */

static void make_request(struct batch_call *c, struct origin *origin)
{
    const struct setup *s = c->setup;
    c->target = (struct aws_target){.origin = origin,
                                    .authority = str_of(s->runtime.authority),
                                    .base_path = str_of(s->runtime.base_path),
                                    .region = s->config->region,
                                    .service = S("bedrock")};
    c->request = (struct aws_request){.method = S("POST"),
                                      .target = c->rec.target,
                                      .fields = c->fields,
                                      .body = c->pieces,
                                      .silence_ms = s->config->stream_silence_ms};
    make_body(c);
    c->request.n_fields = make_fields(c);
}

bool batch_call_send(struct batch_call *c, struct origin *origin,
                     void (*done)(void *arg, const struct fetch_answer *a))
{
    struct batch *b = c->batch;
    struct aws_signer *signer = b->daemon->office.signer;
    struct creds *creds = batch_creds(b, c->rec.client, c->rec.role);
    if (!creds)
        return false;
    if (c->setup)
        setup_unref(c->setup);
    c->setup = setup_ref(b->setup);
    make_request(c, origin);
    c->creds_version = creds->version;
    c->signed_with_s = aws_signer_offset(signer);
    c->began_ns = clock_mono_ns();
    const struct fetch_limits limits = {ANSWER_MOST, c->setup->config->answer_ms};
    (void)HOOK("direct.before");
    c->fetch = fetch_start(b->loop, signer, &c->target, creds, &c->request, &limits, done, c);
    creds_unref(creds);
    return true;
}

void batch_call_refused(const struct batch_call *c)
{
    const struct setup *s = c->setup;
    struct creds_chain *chain = c->rec.role.len ? NULL : s->creds;
    for (size_t i = 0; c->rec.role.len && i < s->config->n_clients; i++)
        if (s->roles[i] && str_eq(s->roles[i]->arn, c->rec.role) &&
            str_eq(s->roles[i]->client, c->rec.client))
            chain = s->roles[i]->chain;
    if (chain)
        creds_refused(chain, c->creds_version);
}
