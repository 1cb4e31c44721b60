/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring, the sums, and their JSON. A row's strings are one allocation; JSON is only made when
 * somebody asks.
 */
#include "ledger.h"

#include "base64.h"

#include "weir/base/mem.h"
#include "weir/base/text.h"

#include <string.h>

struct ledger_row {
    uint64_t id;
    int64_t time_ms;
    const char *operation, *error, *protocol;
    struct str model, account, method, target, authority, head, question, job, record,
        spoiled; /* in `strings` */
    char *strings;
    bool tls;
    int status;
    enum ledger_outcome outcome;
    struct ledger_charge charge;
    unsigned char body_sha256[SHA256_BYTES];
    char *body;
    size_t body_bytes;
    uint64_t bytes_out;
};

struct ledger_sum {
    const char *operation;
    char model[96];
    int status;
    uint64_t requests, charged;
    struct ledger_charge tokens;
};

void ledger_init(struct ledger *l, size_t rows, size_t keep_bodies)
{
    *l = (struct ledger){
        .cap = rows, .keep_bodies = keep_bodies < rows ? keep_bodies : rows, .next = 1};
    pthread_mutex_init(&l->lock, NULL);
    l->rows = mem_new(rows * sizeof *l->rows);
}

static void drop_row(struct ledger_row *r)
{
    mem_free(r->strings);
    mem_free(r->body);
    *r = (struct ledger_row){0};
}

static void drop_all(struct ledger *l)
{
    for (size_t i = 0; i < l->cap; i++)
        drop_row(&l->rows[i]);
    mem_free(l->sums);
    mem_free(l->peers);
    l->sums = NULL;
    l->peers = NULL;
    l->n_sums = l->cap_sums = l->n_peers = l->cap_peers = 0;
    l->bytes_in = l->bytes_out = 0;
    memset(l->outcomes, 0, sizeof l->outcomes);
    memset(l->by_protocol, 0, sizeof l->by_protocol);
}

void ledger_fini(struct ledger *l)
{
    drop_all(l);
    mem_free(l->rows);
    pthread_mutex_destroy(&l->lock);
}

void ledger_reset(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    drop_all(l);
    l->first = l->next;
    pthread_mutex_unlock(&l->lock);
}

/* --- writing */

static uint64_t hash_of(struct str s)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 1099511628211u;
    return h | 1;
}

static bool put_peer(uint64_t *peers, size_t cap, uint64_t h)
{
    size_t at = h & (cap - 1);
    while (peers[at] && peers[at] != h)
        at = (at + 1) & (cap - 1);
    bool fresh = peers[at] == 0;
    peers[at] = h;
    return fresh;
}

void ledger_saw(struct ledger *l, struct str peer)
{
    pthread_mutex_lock(&l->lock);
    if (l->n_peers * 2 >= l->cap_peers) {
        size_t cap = l->cap_peers ? l->cap_peers * 2 : 1024;
        uint64_t *peers = mem_new(cap * sizeof *peers);
        for (size_t i = 0; i < l->cap_peers; i++)
            if (l->peers[i])
                put_peer(peers, cap, l->peers[i]);
        mem_free(l->peers);
        l->peers = peers;
        l->cap_peers = cap;
    }
    l->n_peers += put_peer(l->peers, l->cap_peers, hash_of(peer));
    pthread_mutex_unlock(&l->lock);
}

/* Copies `s` to *at and moves it on. */
static struct str pack(char **at, struct str s)
{
    struct str kept = {*at, s.len};
    if (s.len)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return kept;
}

static void pack_strings(struct ledger_row *r, const struct ledger_entry *e)
{
    size_t n = e->model.len + e->account.len + e->method.len + e->target.len + e->authority.len +
               e->question.len + e->job.len + e->record.len + e->spoiled.len + 1;
    for (size_t i = 0; i < e->fields->n; i++)
        n += e->fields->at[i].name.len + e->fields->at[i].value.len + 2;
    char *at = r->strings = mem_grow(NULL, n);
    r->model = pack(&at, e->model);
    r->account = pack(&at, e->account);
    r->method = pack(&at, e->method);
    r->target = pack(&at, e->target);
    r->authority = pack(&at, e->authority);
    r->question = pack(&at, e->question);
    r->job = pack(&at, e->job);
    r->record = pack(&at, e->record);
    r->spoiled = pack(&at, e->spoiled);
    char *head = at;
    for (size_t i = 0; i < e->fields->n; i++) {
        pack(&at, e->fields->at[i].name);
        pack(&at, S("\n"));
        pack(&at, e->fields->at[i].value);
        pack(&at, S("\n"));
    }
    r->head = (struct str){head, (size_t)(at - head)};
}

static void add_tokens(struct ledger_charge *sum, const struct ledger_charge *c)
{
    sum->input += c->input;
    sum->output += c->output;
    sum->cache_read += c->cache_read;
    sum->write_5m += c->write_5m;
    sum->write_30m += c->write_30m;
    sum->write_1h += c->write_1h;
}

static struct ledger_sum *sum_of(struct ledger *l, const struct ledger_entry *e)
{
    struct str model = str_sub(e->model, 0, sizeof l->sums->model - 1);
    for (size_t i = 0; i < l->n_sums; i++)
        if (l->sums[i].operation == e->operation && l->sums[i].status == e->status &&
            strcmp(l->sums[i].tokens.tier, e->charge.tier) == 0 &&
            str_eq(str_of(l->sums[i].model), model))
            return &l->sums[i];
    if (l->n_sums == l->cap_sums) {
        l->cap_sums = l->cap_sums ? l->cap_sums * 2 : 32;
        l->sums = mem_grow(l->sums, l->cap_sums * sizeof *l->sums);
    }
    struct ledger_sum *s = &l->sums[l->n_sums++];
    *s = (struct ledger_sum){.operation = e->operation, .status = e->status};
    memcpy(s->tokens.tier, e->charge.tier, sizeof s->tokens.tier);
    if (model.len)
        memcpy(s->model, model.ptr, model.len);
    return s;
}

static size_t protocol_number(const char *name)
{
    static const char *const names[] = {"h1.0", "h1", "h2", "batch"};
    size_t i = 0;
    while (i < 3 && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static void count(struct ledger *l, const struct ledger_entry *e)
{
    struct ledger_sum *s = sum_of(l, e);
    s->requests++;
    if (e->charge.charged) {
        s->charged++;
        add_tokens(&s->tokens, &e->charge);
    }
    l->by_protocol[protocol_number(e->protocol)]++;
    l->bytes_in += e->body_bytes;
    l->outcomes[LEDGER_OPEN]++;
}

static struct ledger_row *row_of(struct ledger *l, uint64_t id)
{
    struct ledger_row *r = &l->rows[id % l->cap];
    return id && r->id == id ? r : NULL;
}

static void drop_old_body(struct ledger *l, uint64_t id)
{
    struct ledger_row *old = id > l->keep_bodies ? row_of(l, id - l->keep_bodies) : NULL;
    if (!old)
        return;
    mem_free(old->body);
    old->body = NULL;
}

uint64_t ledger_add(struct ledger *l, const struct ledger_entry *e)
{
    pthread_mutex_lock(&l->lock);
    uint64_t id = l->next++;
    struct ledger_row *r = &l->rows[id % l->cap];
    drop_row(r);
    drop_old_body(l, id);
    *r = (struct ledger_row){.id = id,
                             .time_ms = e->time_ms,
                             .operation = e->operation,
                             .error = e->error,
                             .protocol = e->protocol,
                             .tls = e->tls,
                             .status = e->status,
                             .charge = e->charge,
                             .body = e->body,
                             .body_bytes = e->body_bytes};
    memcpy(r->body_sha256, e->body_sha256, SHA256_BYTES);
    pack_strings(r, e);
    count(l, e);
    pthread_mutex_unlock(&l->lock);
    return id;
}

void ledger_finish(struct ledger *l, uint64_t id, enum ledger_outcome outcome, uint64_t bytes_out)
{
    pthread_mutex_lock(&l->lock);
    struct ledger_row *r = row_of(l, id);
    if (r) {
        r->outcome = outcome;
        r->bytes_out = bytes_out;
    }
    if (id >= l->first) { /* else a reset lies between */
        l->outcomes[LEDGER_OPEN]--;
        l->outcomes[outcome]++;
        l->bytes_out += bytes_out;
    }
    pthread_mutex_unlock(&l->lock);
}

/* --- as JSON */

static const char *const outcome_names[] = {"open", "sent", "cut", "left"};

static void add_member(struct buf *b, const char *name, struct str value)
{
    buf_addf(b, "\"%s\":\"", name);
    text_add_json(b, value, SIZE_MAX);
    buf_add(b, S("\","));
}

static void add_member_if(struct buf *b, const char *name, struct str value)
{
    if (value.len)
        add_member(b, name, value);
}

static void add_tokens_json(struct buf *b, const struct ledger_charge *c)
{
    buf_addf(b,
             "\"input\":%llu,\"output\":%llu,\"cache_read\":%llu,\"cache_write_5m\":%llu,"
             "\"cache_write_30m\":%llu,\"cache_write_1h\":%llu",
             (unsigned long long)c->input, (unsigned long long)c->output,
             (unsigned long long)c->cache_read, (unsigned long long)c->write_5m,
             (unsigned long long)c->write_30m, (unsigned long long)c->write_1h);
}

/* Names and values as pairs, in the order in which they came. */
static void add_head(struct buf *b, struct str head)
{
    bool first = true;
    buf_add(b, S("\"headers\":["));
    while (head.len) {
        struct str name = str_cut(&head, '\n'), value = str_cut(&head, '\n');
        buf_add(b, first ? S("[\"") : S(",[\""));
        text_add_json(b, name, SIZE_MAX);
        buf_add(b, S("\",\""));
        text_add_json(b, value, SIZE_MAX);
        buf_add(b, S("\"]"));
        first = false;
    }
    buf_add_char(b, ']');
}

static void add_request_members(struct buf *b, const struct ledger_row *r, bool fields)
{
    buf_addf(b,
             "{\"id\":%llu,\"time_ms\":%lld,\"operation\":\"%s\",\"protocol\":\"%s\",\"tls\":%s,",
             (unsigned long long)r->id, (long long)r->time_ms, r->operation, r->protocol,
             r->tls ? "true" : "false");
    add_member(b, "model", r->model);
    add_member(b, "access_key", r->account);
    add_member(b, "method", r->method);
    add_member(b, "path", r->target);
    add_member(b, "authority", r->authority);
    buf_add(b, S("\"body_sha256\":\""));
    text_add_hex(b, r->body_sha256, SHA256_BYTES);
    buf_addf(b, "\",\"body_bytes\":%zu", r->body_bytes);
    if (!fields)
        return;
    buf_add_char(b, ',');
    add_head(b, r->head);
}

static void add_row(struct buf *b, const struct ledger_row *r, bool fields)
{
    add_request_members(b, r, fields);
    buf_addf(b, ",\"status\":%d,\"charged\":%s,", r->status, r->charge.charged ? "true" : "false");
    if (r->error)
        buf_addf(b, "\"error\":\"%s\",", r->error);
    if (r->charge.tier[0])
        buf_addf(b, "\"tier\":\"%s\",", r->charge.tier);
    add_member_if(b, "question", r->question);
    add_member_if(b, "job", r->job);
    add_member_if(b, "record", r->record);
    add_member_if(b, "spoiled", r->spoiled);
    add_tokens_json(b, &r->charge);
    buf_addf(b, ",\"outcome\":\"%s\",\"cut\":%s,\"bytes_out\":%llu}\n", outcome_names[r->outcome],
             r->outcome == LEDGER_CUT || r->outcome == LEDGER_LEFT ? "true" : "false",
             (unsigned long long)r->bytes_out);
}

static bool is_wanted(const struct ledger_row *r, const struct ledger_wish *w)
{
    return r && (!w->charged_only || r->charge.charged);
}

void ledger_add_lines(struct ledger *l, struct buf *out, const struct ledger_wish *w)
{
    pthread_mutex_lock(&l->lock);
    uint64_t first = l->next > l->cap ? l->next - l->cap : 1, from = l->next;
    if (w->after != LEDGER_NEWEST)
        from = w->after >= first ? w->after + 1 : first;
    else
        for (size_t n = 0; from > first && n < w->most; from--)
            n += is_wanted(row_of(l, from - 1), w);
    for (size_t n = 0; from < l->next && n < w->most; from++) {
        const struct ledger_row *r = row_of(l, from);
        if (!is_wanted(r, w))
            continue;
        add_row(out, r, !w->without_fields);
        n++;
    }
    pthread_mutex_unlock(&l->lock);
}

static void add_sum(struct buf *b, const struct ledger_sum *s)
{
    buf_addf(b, "{\"operation\":\"%s\",", s->operation);
    add_member(b, "model", str_of(s->model));
    add_member_if(b, "tier", str_of(s->tokens.tier));
    buf_addf(b, "\"status\":%d,\"requests\":%llu,\"charged\":%llu,", s->status,
             (unsigned long long)s->requests, (unsigned long long)s->charged);
    add_tokens_json(b, &s->tokens);
    buf_add_char(b, '}');
}

static void add_totals(struct ledger *l, struct buf *b)
{
    struct ledger_sum all = {0};
    for (size_t i = 0; i < l->n_sums; i++) {
        all.requests += l->sums[i].requests;
        all.charged += l->sums[i].charged;
        add_tokens(&all.tokens, &l->sums[i].tokens);
    }
    buf_addf(b, "\"requests\":%llu,\"charged\":%llu,", (unsigned long long)all.requests,
             (unsigned long long)all.charged);
    add_tokens_json(b, &all.tokens);
}

void ledger_add_summary(struct ledger *l, struct buf *out)
{
    pthread_mutex_lock(&l->lock);
    buf_add_char(out, '{');
    add_totals(l, out);
    buf_addf(out,
             ",\"connections\":%zu,\"h1\":%llu,\"h1.0\":%llu,\"h2\":%llu,\"open\":%llu,"
             "\"sent\":%llu,\"cut\":%llu,\"left\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu,"
             "\"rows\":[",
             l->n_peers, (unsigned long long)l->by_protocol[1],
             (unsigned long long)l->by_protocol[0], (unsigned long long)l->by_protocol[2],
             (unsigned long long)l->outcomes[0], (unsigned long long)l->outcomes[1],
             (unsigned long long)l->outcomes[2], (unsigned long long)l->outcomes[3],
             (unsigned long long)l->bytes_in, (unsigned long long)l->bytes_out);
    for (size_t i = 0; i < l->n_sums; i++) {
        if (i)
            buf_add_char(out, ',');
        add_sum(out, &l->sums[i]);
    }
    buf_add(out, S("]}\n"));
    pthread_mutex_unlock(&l->lock);
}

bool ledger_add_request(struct ledger *l, struct buf *out, uint64_t id)
{
    pthread_mutex_lock(&l->lock);
    const struct ledger_row *r = row_of(l, id ? id : l->next - 1);
    bool there = r && (r->body || r->body_bytes == 0);
    if (there) {
        add_request_members(out, r, true);
        buf_add(out, S(",\"body\":\""));
        base64_add(out, (struct str){r->body, r->body_bytes});
        buf_add(out, S("\"}\n"));
    }
    pthread_mutex_unlock(&l->lock);
    return there;
}
