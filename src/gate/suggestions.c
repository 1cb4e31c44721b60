/* SPDX-License-Identifier: Apache-2.0
 *
 * A name is made of the caller's own: reports-nightly, for client reports. Callers whose names
 * would be the same (two models, or letters that a name may not have) get some digits of a hash
 * behind theirs, each of them, so that no name moves from one caller to another.
 */
#include "weir/gate/suggestions.h"

#include "weir/base/hash.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/book/spool.h"
#include "weir/wire/json_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STEM_MOST = 56, HOUR_MS = 3600 * 1000 };

/* --- names */

static bool may_stand(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

static void make_stem(const struct series *s, char out[SUGGESTION_NAME_MOST + 1])
{
    struct str workload = s->workload.len ? s->workload : S("nightly");
    snprintf(out, STEM_MOST + 1, "%.*s-%.*s", STR_ARG(s->client), STR_ARG(workload));
    for (char *p = out; *p; p++)
        *p = may_stand(*p) ? *p : '-';
}

static bool is_shared(const struct suggestions *s, size_t at)
{
    char mine[SUGGESTION_NAME_MOST + 1], other[SUGGESTION_NAME_MOST + 1];
    make_stem(&s->list[at].caller->series, mine);
    for (size_t i = 0; i < s->n; i++) {
        make_stem(&s->list[i].caller->series, other);
        if (i != at && strcmp(mine, other) == 0)
            return true;
    }
    return false;
}

static void make_name(const struct suggestions *s, size_t at)
{
    struct suggestion *one = &s->list[at];
    const struct series *names = &one->caller->series;
    const struct str pieces[] = {names->client, S("\n"), names->workload, S("\n"), names->model};
    make_stem(names, one->name);
    size_t n = strlen(one->name);
    if (is_shared(s, at))
        snprintf(one->name + n, sizeof one->name - n, "-%04x",
                 (unsigned)(hash64_pieces(0, pieces, 5) & 0xffff));
}

static void make_hours(const struct suggestions_terms *t, struct suggestion *s)
{
    unsigned end = suggest_wall(s->found.end);
    snprintf(s->hours, sizeof s->hours, "%02u:00-%02u:00%s%.*s", suggest_wall(s->found.begin),
             end ? end : 24, t->zone.len ? " " : "", STR_ARG(t->zone));
}

/* --- what is allowed */

static bool may_persist(const struct config *c, struct str client)
{
    const struct config_client *k = config_find_client(c, client);
    return k ? k->persist : c->n_clients == 0;
}

static void take_terms(const struct suggestions_terms *t, struct caller *c)
{
    const struct catalogue_model *m = catalogue_find(t->callers.catalogue, c->series.model);
    c->sums.bucket = t->config->batch.bucket.len > 0;
    c->sums.persist = may_persist(t->config, c->series.client);
    c->sums.offered = m && m->lane_parts[LANE_BATCH];
    c->sums.records_least = m ? m->batch_least_records : 0;
}

static bool is_accepted(const struct config *c, const struct series *s)
{
    for (size_t i = 0; i < c->n_rules; i++)
        if (c->rules[i].accepted && str_eq(c->rules[i].client, s->client) &&
            str_eq(c->rules[i].workload, s->workload) && str_eq(c->rules[i].model, s->model))
            return true;
    return false;
}

/* How many it has under way together is looked up in the last busy night alone. */
static int finish(struct store *s, const struct suggestions_terms *t, struct caller *c,
                  struct suggest_found *f)
{
    int64_t from = callers_hour_ms(&t->callers, f->last, f->begin);
    int64_t until = from + (int64_t)(f->end - f->begin) * HOUR_MS;
    int err = callers_at_once(s, &c->series, from, until, &c->sums.at_once);
    f->bar = suggest_bar_of(&c->sums, f);
    return err;
}

int suggestions_read(struct store *s, const struct suggestions_terms *t, struct suggestions *out)
{
    size_t n;
    *out = (struct suggestions){.config = t->config};
    int err = callers_read(s, &t->callers, &out->callers);
    if (err)
        return err;
    struct caller *callers = callers_list(out->callers, &n);
    out->list = mem_new((n + 1) * sizeof *out->list);
    for (size_t i = 0; !err && i < n; i++) {
        struct suggestion *one = &out->list[out->n];
        take_terms(t, &callers[i]);
        if (!suggest_look(&callers[i].sums, &one->found))
            continue;
        err = finish(s, t, &callers[i], &one->found);
        one->caller = &callers[i];
        one->accepted = is_accepted(t->config, &callers[i].series);
        make_hours(t, one);
        out->n++;
    }
    for (size_t i = 0; i < out->n; i++)
        make_name(out, i);
    if (err)
        suggestions_fini(out);
    return err;
}

void suggestions_fini(struct suggestions *s)
{
    callers_free(s->callers);
    mem_free(s->list);
    *s = (struct suggestions){0};
}

const struct suggestion *suggestions_find(const struct suggestions *s, struct str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(str_of(s->list[i].name), name))
            return &s->list[i];
    return NULL;
}

/* --- told */

static bool has_money(const struct suggestion *s)
{
    return s->found.cost_nanousd && s->caller->sums.offered;
}

static void put_usd(struct json_out *o, struct str key, bool known, int64_t nanousd)
{
    struct buf b = {0};
    price_add_usd(&b, nanousd);
    json_out_key(o, key);
    json_out_raw(o, known ? buf_str(&b) : S("null"));
    buf_fini(&b);
}

static int64_t saves(const struct suggest_found *f)
{
    return (int64_t)(f->cost_nanousd - f->batch_nanousd);
}

static void put_one(struct json_out *o, const struct suggestion *s)
{
    const struct series *names = &s->caller->series;
    const struct suggest_found *f = &s->found;
    struct buf why = {0};
    suggest_add_bar(&s->caller->sums, f->bar, &why);
    json_out_object(o);
    json_out_put_string(o, S("name"), str_of(s->name));
    json_out_put_string(o, S("client"), names->client);
    json_out_put_string(o, S("workload"), names->workload);
    json_out_put_string(o, S("model"), names->model);
    json_out_put_string(o, S("hours"), str_of(s->hours));
    json_out_put_u64(o, S("nights"), f->nights);
    json_out_put_u64(o, S("of_nights"), f->of);
    json_out_put_u64(o, S("requests"), f->requests);
    put_usd(o, S("cost_usd"), f->cost_nanousd, (int64_t)f->cost_nanousd);
    put_usd(o, S("batch_usd"), has_money(s), (int64_t)f->batch_nanousd);
    put_usd(o, S("saves_usd"), has_money(s), saves(f));
    json_out_put_u64(o, S("at_once"), s->caller->sums.at_once);
    json_out_put_bool(o, S("batchable"), f->bar == SUGGEST_FREE);
    json_out_key(o, S("why"));
    if (f->bar == SUGGEST_FREE)
        json_out_null(o);
    else
        json_out_string(o, buf_str(&why));
    json_out_put_bool(o, S("accepted"), s->accepted);
    json_out_end(o);
    buf_fini(&why);
}

static struct str reply_of(const struct config_rule *r)
{
    return spool_reply_word(r->set_reply == SPOOL_RETRY ? SPOOL_RETRY : SPOOL_WAIT);
}

static void put_rule(struct json_out *o, const struct config_rule *r)
{
    struct buf deadline = {0};
    text_add_duration(&deadline, r->deadline_ms);
    json_out_object(o);
    json_out_put_string(o, S("name"), r->name);
    json_out_put_string(o, S("client"), r->client);
    json_out_put_string(o, S("workload"), r->workload);
    json_out_put_string(o, S("model"), r->model);
    json_out_put_string(o, S("hours"), r->hours);
    json_out_put_string(o, S("deadline"), buf_str(&deadline));
    json_out_put_string(o, S("reply"), reply_of(r));
    json_out_end(o);
    buf_fini(&deadline);
}

void suggestions_add_json(const struct suggestions *s, struct buf *out)
{
    struct json_out o = {.buf = out};
    json_out_object(&o);
    json_out_key(&o, S("suggestions"));
    json_out_array(&o);
    for (size_t i = 0; i < s->n; i++)
        put_one(&o, &s->list[i]);
    json_out_end(&o);
    json_out_key(&o, S("accepted"));
    json_out_array(&o);
    for (size_t i = 0; i < s->config->n_rules; i++)
        if (s->config->rules[i].accepted)
            put_rule(&o, &s->config->rules[i]);
    json_out_end(&o);
    json_out_end(&o);
    buf_add_char(out, '\n');
}

/* Names come from clients. */
static void add_plain(struct buf *out, const char *before, struct str s)
{
    buf_add(out, str_of(before));
    text_add_json(out, s, RECORD_TEXT_MOST);
}

static void add_caller(struct buf *out, struct str client, struct str workload, struct str model)
{
    add_plain(out, "  client ", client);
    if (workload.len)
        add_plain(out, ", workload ", workload);
    add_plain(out, ", ", model);
    buf_add_char(out, '\n');
}

/* Dollars and cents, and more where there are only cents. */
static void add_usd(struct buf *out, const char *before, int64_t nanousd)
{
    double usd = (double)nanousd / 1e9;
    buf_addf(out, "%s$%.*f", before, usd < 1 ? 4 : 2, usd);
}

static void add_one(struct buf *out, const struct suggestion *s)
{
    const struct series *names = &s->caller->series;
    const struct suggest_found *f = &s->found;
    buf_addf(out, "%s: %u of %u nights, %s\n", s->name, f->nights, f->of, s->hours);
    add_caller(out, names->client, names->workload, names->model);
    buf_addf(out, "  a night: %" PRIu64 " requests", f->requests);
    if (f->cost_nanousd)
        add_usd(out, ", ", (int64_t)f->cost_nanousd);
    if (has_money(s))
        add_usd(out, "; in a batch ", (int64_t)f->batch_nanousd);
    if (has_money(s) && saves(f) > 0)
        add_usd(out, ", which saves ", saves(f));
    if (s->accepted) {
        buf_add(out, S("\n  it is accepted, see below\n"));
    } else if (f->bar == SUGGEST_FREE) {
        buf_addf(out, "\n  as it is: weir batch accept %s\n", s->name);
    } else {
        buf_add(out, S("\n  not as it is: "));
        suggest_add_bar(&s->caller->sums, f->bar, out);
        buf_add_char(out, '\n');
    }
}

static void add_rule(struct buf *out, const struct config_rule *r)
{
    buf_addf(out, "accepted: %.*s, %.*s\n", STR_ARG(r->name), STR_ARG(r->hours));
    add_caller(out, r->client, r->workload, r->model);
    buf_add(out, S("  deadline "));
    text_add_duration(out, r->deadline_ms);
    buf_addf(out, ", reply %.*s; weir batch revoke %.*s\n", STR_ARG(reply_of(r)), STR_ARG(r->name));
}

void suggestions_add_text(const struct suggestions *s, struct buf *out)
{
    for (size_t i = 0; i < s->n; i++)
        add_one(out, &s->list[i]);
    if (s->n == 0)
        buf_addf(out,
                 "nobody was busy at the same hours of the night, with enough for a job, on %d "
                 "of the last %d nights\n",
                 SUGGEST_NIGHTS_LEAST, SUGGEST_NIGHTS);
    for (size_t i = 0; i < s->config->n_rules; i++)
        if (s->config->rules[i].accepted)
            add_rule(out, &s->config->rules[i]);
    buf_add(out, s->config->left_out);
}
