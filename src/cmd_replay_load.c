/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces into memory: a file is read once, piece by piece, and of each record stay its time, its
 * names, and 16 bytes for each block of its prompt. So 100 MB of logs need some megabytes, order in
 * the files does not matter, and stdin will do.
 */
#include "cmd_replay.h"
#include "weir/base/hash.h"
#include "weir/base/mem.h"
#include "weir/gate/cache_terms.h"
#include "weir/gate/facts.h"
#include "weir/plan/tokens.h"
#include "weir/wire/gunzip.h"
#include "weir/wire/json_split.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 * 1024,
    TEXT_BYTES = 256 * 1024,
    RECORD_MOST = 256 * 1024 * 1024, /* no body that Bedrock takes comes near it */
    ARENA_MOST = 64 * 1024
};

/* --- names */

static uint32_t *place_of(const struct replay_names *t, struct str name)
{
    for (size_t at = (size_t)hash64(0, name);; at++) {
        uint32_t *place = &t->places[at & (t->most - 1)];
        if (*place == 0 || str_eq(t->names[*place - 1], name))
            return place;
    }
}

static void grow_names(struct replay_names *t)
{
    t->most = t->most ? t->most * 2 : 64;
    mem_free(t->places);
    t->places = mem_new(t->most * sizeof *t->places);
    t->names = mem_grow(t->names, t->most * sizeof *t->names);
    for (uint32_t i = 0; i < t->n; i++)
        *place_of(t, t->names[i]) = i + 1;
}

static uint32_t number_of(struct replay_names *t, struct str name)
{
    if (t->n + 1 > t->most / 2)
        grow_names(t);
    uint32_t *place = place_of(t, name);
    if (*place == 0) {
        char *copy = mem_new(name.len + 1);
        if (name.len)
            memcpy(copy, name.ptr, name.len);
        t->names[t->n++] = str_from(copy, name.len);
        *place = t->n;
    }
    return *place - 1;
}

static void free_names(struct replay_names *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        mem_free((char *)(uintptr_t)t->names[i].ptr);
    mem_free(t->names);
    mem_free(t->places);
}

/* --- models */

/* Whoever turned caching off asks what it would do. */
static enum cache_mode mode_of(const struct replay *r)
{
    return r->config->cache_mode == CACHE_OFF ? CACHE_AUTO : r->config->cache_mode;
}

/* What a row's model is: a current Claude. */
static void row_terms(const struct replay *r, struct replay_model *out)
{
    const struct catalogue_model claude = {.least_tokens = 1024,
                                           .most_markers = ASK_MARKERS_MOST,
                                           .fields = FIELD_TOOLS | FIELD_SYSTEM | FIELD_MESSAGES,
                                           .ttls = TTL_5M | TTL_1H,
                                           .after_tool_result = true};
    const struct price price = {{[TOKEN_INPUT] = 100,
                                 [TOKEN_CACHE_READ] = 10,
                                 [TOKEN_CACHE_WRITE_5M] = 125,
                                 [TOKEN_CACHE_WRITE_1H] = 200}};
    out->known = cache_terms_of(&claude, &price, r->config, mode_of(r), &out->terms);
}

/* The id of the model that a record names; of what tells none (an application inference profile)
 * that of --model. */
static struct str id_of(const struct replay *r, struct str name, bool *out_told)
{
    struct str id;
    bool plain = model_form(name, &id) == MODEL_PLAIN;
    *out_told = plain || r->model.len;
    return plain ? id : r->model;
}

static void log_terms(const struct replay *r, struct str given, struct replay_model *out)
{
    struct str name = id_of(r, given, &out->told);
    const struct catalogue_model *m = catalogue_find(r->catalogue, name);
    struct price price = {{0}};
    out->priced = catalogue_price(r->catalogue, name, LANE_ONDEMAND, &price) != UNPRICED;
    out->input_nanousd = (double)price.nanousd_per_mtok[TOKEN_INPUT] / 1e6;
    out->family = m && str_chr(m->name, '*') >= 0;
    out->known = m && out->priced && cache_terms_of(m, &price, r->config, mode_of(r), &out->terms);
}

static void find_model(const struct replay *r, struct str name, struct replay_model *out)
{
    *out = (struct replay_model){0};
    if (r->kind == TRACE_ROW)
        row_terms(r, out);
    else
        log_terms(r, name, out);
    out->terms.renews = true; /* the bill as it is published: docs/decisions/011 */
}

static uint32_t model_of(struct replay *r, struct str name)
{
    uint32_t known = r->models.n, number = number_of(&r->models, name);
    if (r->of_model_most < r->models.n) {
        r->of_model_most = r->models.most;
        r->of_model = mem_grow(r->of_model, r->of_model_most * sizeof *r->of_model);
    }
    if (number == known)
        find_model(r, name, &r->of_model[number]);
    return number;
}

/* --- one record */

struct source {
    struct replay *r;
    const char *name;
    struct json_split split;
    struct arena arena;
    struct ask_block *asked; /* ASK_BLOCKS_MOST of each */
    struct cache_site *sites;
};

static bool complain(const struct source *s, size_t line, const char *what)
{
    fprintf(stderr, "weir replay: %s:%zu: %s\n", s->name, line + 1, what);
    return false;
}

static bool out_of_memory(const struct source *s)
{
    fprintf(stderr, "weir replay: %s: there is no memory for so long a trace\n", s->name);
    return false;
}

static bool has_room(struct replay *r, size_t blocks)
{
    if (r->n == r->requests_most) {
        size_t most = r->requests_most ? r->requests_most * 2 : 1024;
        void *more = mem_try_grow(r->requests, most * sizeof *r->requests);
        if (!more)
            return false;
        r->requests = more;
        r->requests_most = most;
    }
    if (r->n_blocks + blocks > r->blocks_most) {
        size_t most = r->blocks_most * 2 + blocks + 1024;
        void *more = mem_try_grow(r->blocks, most * sizeof *r->blocks);
        if (!more)
            return false;
        r->blocks = more;
        r->blocks_most = most;
    }
    return r->n < UINT32_MAX;
}

/* A role is one client, whoever has assumed it: its sessions are processes, and come and go.
 * arn:aws:sts::111122223333:assumed-role/NAME/SESSION */
static struct str client_of(struct str arn)
{
    static const struct str assumed = STR(":assumed-role/");
    ptrdiff_t at = str_find(arn, assumed);
    if (at < 0)
        return arn;
    size_t name = (size_t)at + assumed.len;
    ptrdiff_t end = str_chr(str_from_offset(arn, name), '/');
    return end < 0 ? arn : str_sub(arn, 0, name + (size_t)end);
}

static struct replay_request *add_request(struct source *s, const struct trace_record *t)
{
    struct replay *r = s->r;
    struct replay_request *q = &r->requests[r->n];
    *q = (struct replay_request){.time_ms = t->time_ms,
                                 .first = r->n_blocks,
                                 .estimated = t->tokens,
                                 .told = t->tokens,
                                 .client = number_of(&r->clients, client_of(t->client)),
                                 .model = model_of(r, t->model),
                                 .order = (uint32_t)r->n};
    if (r->n && t->time_ms < r->requests[r->n - 1].time_ms)
        r->disordered++;
    r->of_model[q->model].requests++;
    r->n++;
    return q;
}

static bool add_row(struct source *s, struct str record, const struct trace_record *t)
{
    struct trace_fault fault;
    size_t n;
    if (trace_sites(record, t, s->sites, ASK_BLOCKS_MOST, &n, &fault))
        return complain(s, s->split.first, fault.what);
    if (!has_room(s->r, n))
        return out_of_memory(s);
    struct replay_request *q = add_request(s, t);
    for (size_t i = 0; i < n; i++)
        s->r->blocks[s->r->n_blocks++] = (struct replay_block){s->sites[i].key, TRACE_BLOCK_TOKENS,
                                                               ASK_MESSAGES, ASK_UNMARKED, true};
    q->n = (uint32_t)n;
    return true;
}

static const struct operation *operation_named(struct str name)
{
    for (int id = 0; id < OPERATIONS; id++)
        if (str_eq(operation_row((enum operation_id)id)->name, name))
            return operation_row((enum operation_id)id);
    return operation_row(OP_NONE);
}

/* Bedrock's cache is one for each account, Region and model. */
static uint64_t seed_of(const struct trace_record *t)
{
    return hash64(hash64(hash64(0, t->account), t->region), t->model);
}

/* The same walk as the daemon's. False: this prompt is not planned for. */
static bool ask(struct source *s, const struct trace_record *t, struct ask *out)
{
    const struct operation *op = operation_named(t->operation);
    bool told;
    enum ask_dialect dialect = cache_dialect(op, id_of(s->r, t->model, &told));
    struct ask_parts parts;
    struct facts facts = {0};
    enum ask_state state;
    while (facts_read(&facts, t->body, S("model")) == FACTS_MORE) {
    }
    if (dialect == ASK_NONE || !facts_parts(&facts, t->body, dialect, &parts))
        return false;
    ask_begin(out, dialect, seed_of(t), &parts, s->asked, ASK_BLOCKS_MOST);
    while ((state = ask_step(out)) == ASK_MORE) {
    }
    return state == ASK_GOOD;
}

static bool add_blocks(struct replay *r, struct replay_request *q, const struct ask *a)
{
    const struct cache_terms *terms = &r->of_model[q->model].terms;
    q->estimated = 0;
    q->n = (uint32_t)a->n;
    for (size_t i = 0; i < a->n; i++) {
        const struct ask_block *b = &a->blocks[i];
        q->estimated += b->tokens;
        r->blocks[r->n_blocks++] =
            (struct replay_block){b->hash, b->tokens, b->section, b->own,
                                  ask_open(b, terms->after_tool_result, terms->fields)};
    }
    return true;
}

/* As in a request's path: "...v1%3A0". */
static void decode_model(struct source *s, struct trace_record *t)
{
    struct str model = operation_model(t->model, &s->arena);
    if (model.ptr)
        t->model = model;
}

static bool add_log(struct source *s, struct trace_record *t)
{
    struct replay *r = s->r;
    decode_model(s, t);
    struct ask a = {0};
    if (!t->body.len) {
        r->bodiless++;
        return true;
    }
    bool good = ask(s, t, &a);
    if (!has_room(r, good ? a.n : 0))
        return out_of_memory(s);
    struct replay_request *q = add_request(s, t);
    if (good && r->of_model[q->model].known)
        return add_blocks(r, q, &a);
    uint64_t tokens = tokens_estimate(t->body);
    q->estimated = tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX;
    r->unclear += r->of_model[q->model].known;
    return true;
}

static size_t line_in(const struct source *s, struct str record, size_t at)
{
    size_t line = s->split.first;
    for (size_t i = 0; i < at && i < record.len; i++)
        line += record.ptr[i] == '\n';
    return line;
}

static bool take_record(struct source *s, struct str record)
{
    struct replay *r = s->r;
    struct trace_record t;
    struct trace_fault fault;
    arena_init(&s->arena, ARENA_MOST);
    int err = trace_read(record, &s->arena, &t, &fault);
    bool good = false;
    if (err == ERR_NO_MEMORY)
        good = out_of_memory(s);
    else if (err)
        good = complain(s, line_in(s, record, fault.at), fault.what);
    else if (r->n + r->bodiless && t.kind != r->kind)
        good = complain(s, s->split.first, "rows and logs do not go together: their times differ");
    else {
        r->kind = t.kind;
        good = t.kind == TRACE_ROW ? add_row(s, record, &t) : add_log(s, &t);
    }
    arena_fini(&s->arena);
    return good;
}

/* --- files */

static bool take_text(struct source *s, struct str text)
{
    struct str record;
    int got;
    while ((got = json_split_step(&s->split, &text, &record)) == 1)
        if (!take_record(s, record))
            return false;
    return got == 0 || complain(s, s->split.lines, s->split.fault);
}

struct stream {
    int fd;
    struct gunzip *gunzip; /* NULL: it is plain */
    bool begun;
    char bytes[READ_BYTES], text[TEXT_BYTES];
};

static bool take_bytes(struct source *s, struct stream *f, struct str bytes)
{
    size_t n;
    if (!f->begun && gunzip_is(bytes))
        f->gunzip = gunzip_new();
    f->begun = true;
    if (!f->gunzip)
        return take_text(s, bytes);
    do {
        int err = gunzip_step(f->gunzip, &bytes, f->text, TEXT_BYTES, &n);
        if (!take_text(s, str_from(f->text, n)))
            return false;
        if (err)
            return complain(s, s->split.lines, "broken gzip");
    } while (bytes.len || n == TEXT_BYTES);
    return true;
}

static bool read_all(struct source *s, struct stream *f)
{
    ssize_t n;
    while ((n = read(f->fd, f->bytes, READ_BYTES)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fprintf(stderr, "weir replay: %s: %s\n", s->name, strerror(errno));
            return false;
        }
        if (!take_bytes(s, f, str_from(f->bytes, (size_t)n)))
            return false;
    }
    if (f->gunzip && !gunzip_is_whole(f->gunzip))
        return complain(s, s->split.lines, "the gzip file is cut off");
    return json_split_end(&s->split) == 0 || complain(s, s->split.first, s->split.fault);
}

bool replay_load(struct replay *r, const char *path)
{
    bool in = strcmp(path, "-") == 0, good = false;
    struct stream *f = mem_new(sizeof *f);
    struct source s = {.r = r,
                       .name = in ? "stdin" : path,
                       .split.begun.max = RECORD_MOST,
                       .asked = mem_new(ASK_BLOCKS_MOST * sizeof *s.asked),
                       .sites = mem_new(ASK_BLOCKS_MOST * sizeof *s.sites)};
    f->fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0)
        fprintf(stderr, "weir replay: %s: %s\n", path, strerror(errno));
    else
        good = read_all(&s, f);
    if (f->fd > STDERR_FILENO)
        close(f->fd);
    json_split_fini(&s.split);
    gunzip_free(f->gunzip);
    mem_free(s.asked);
    mem_free(s.sites);
    mem_free(f);
    return good;
}

/* --- when all are there */

static int by_time(const void *a, const void *b)
{
    const struct replay_request *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* The key at that depth that more than half of all requests have; 0: there is none. Who has the
 * majority survives when the others are struck out against it, pair by pair. */
static uint64_t majority_at(const struct replay *r, uint32_t depth)
{
    uint64_t key = 0;
    size_t votes = 0, n = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct replay_request *q = &r->requests[i];
        if (depth >= q->n)
            continue;
        if (votes == 0)
            key = r->blocks[q->first + depth].key;
        votes += r->blocks[q->first + depth].key == key ? 1u : (size_t)-1;
    }
    for (size_t i = 0; i < r->n; i++)
        n += depth < r->requests[i].n && r->blocks[r->requests[i].first + depth].key == key;
    return n * 2 > r->n ? key : 0;
}

/* Nobody says of a row where its system prompt ends: it is what most prompts begin with. */
static void mark_system(struct replay *r)
{
    uint64_t key;
    for (uint32_t depth = 0; (key = majority_at(r, depth)) != 0; depth++)
        for (size_t i = 0; i < r->n; i++) {
            const struct replay_request *q = &r->requests[i];
            if (depth < q->n && r->blocks[q->first + depth].key == key)
                r->blocks[q->first + depth].section = ASK_SYSTEM;
        }
}

void replay_sort(struct replay *r)
{
    if (r->disordered)
        qsort(r->requests, r->n, sizeof *r->requests, by_time);
    if (r->kind == TRACE_ROW)
        mark_system(r);
}

void replay_fini(struct replay *r)
{
    mem_free(r->requests);
    mem_free(r->blocks);
    mem_free(r->of_model);
    free_names(&r->clients);
    free_names(&r->models);
}
