/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule a line, made of JSON's strings, which are YAML's, too. A "${" would be looked up in the
 * environment when it is read again, so nothing with one is written.
 */
#include "weir/gate/accepted.h"

#include "weir/base/file.h"
#include "weir/base/text.h"
#include "weir/book/spool.h"
#include "weir/wire/json_out.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/json_string.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 7, WORD_MOST = 512 };

static bool path_of(const struct config *c, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%.*s/rules.yaml", STR_ARG(c->state));
    return n > 0 && n < PATH_MAX;
}

void accepted_load(struct config *c)
{
    char path[PATH_MAX], why[512];
    struct buf text = {0}, faults = {0};
    if (!path_of(c, path))
        return;
    int err = file_read_private(path, FILE_MOST_BYTES, false, &text, why, sizeof why);
    if (err == 0)
        config_add_rules(c, str_of(path), buf_str(&text), &faults);
    else if (err != ERR_NOT_FOUND)
        buf_addf(&faults, "%s\n", why);
    c->left_out = arena_dup(&c->arena, buf_str(&faults));
    buf_fini(&text);
    buf_fini(&faults);
}

const struct config_rule *accepted_find(const struct config *c, struct str name)
{
    for (size_t i = 0; i < c->n_rules; i++)
        if (c->rules[i].accepted && str_eq(c->rules[i].name, name))
            return &c->rules[i];
    return NULL;
}

/* --- as JSON */

static const struct str keys[WORDS] = {STR("name"),  STR("client"),   STR("workload"), STR("model"),
                                       STR("hours"), STR("deadline"), STR("reply")};

static void words_of(struct accepted *a, struct str *out[WORDS])
{
    struct str *const all[WORDS] = {&a->name,  &a->client,   &a->workload, &a->model,
                                    &a->hours, &a->deadline, &a->reply};
    for (size_t i = 0; i < WORDS; i++)
        out[i] = all[i];
}

void accepted_add_json(const struct accepted *a, struct buf *out)
{
    struct json_out o = {.buf = out};
    struct accepted copy = *a;
    struct str *words[WORDS];
    words_of(&copy, words);
    json_out_object(&o);
    for (size_t i = 0; i < WORDS; i++) {
        json_out_key(&o, keys[i]);
        json_out_string(&o, *words[i]);
    }
    json_out_end(&o);
}

static bool is_word(struct str s)
{
    return text_is_plain(s) && str_find(s, S("${")) < 0;
}

bool accepted_read_json(struct str json, struct arena *arena, struct accepted *out)
{
    struct json_member members[WORDS];
    struct json_pick pick;
    struct str *words[WORDS];
    words_of(out, words);
    for (size_t i = 0; i < WORDS; i++)
        members[i] = (struct json_member){.name = keys[i]};
    json_pick_init(&pick, json, members, WORDS);
    if (json_pick_step(&pick) != JSON_END || !pick.object)
        return false;
    for (size_t i = 0; i < WORDS; i++)
        if (members[i].times != 1 || members[i].kind != JSON_STRING ||
            json_string_text(members[i].raw, WORD_MOST, arena, words[i]) < 0 || !is_word(*words[i]))
            return false;
    return true;
}

/* --- as YAML */

static void add_word(struct buf *out, const char *before, struct str key, struct str word)
{
    buf_addf(out, "%s%.*s: \"", before, STR_ARG(key));
    text_add_json(out, word, WORD_MOST);
    buf_add_char(out, '"');
}

static void add_rule(struct buf *out, const struct accepted *a)
{
    add_word(out, "  - {", S("name"), a->name);
    add_word(out, ", match: {", S("client"), a->client);
    add_word(out, ", ", S("workload"), a->workload);
    add_word(out, ", ", S("model"), a->model);
    add_word(out, ", ", S("hours"), a->hours);
    add_word(out, "}, set: {", S("deadline"), a->deadline);
    add_word(out, ", ", S("reply"), a->reply);
    buf_add(out, S("}}\n"));
}

static void add_known(struct buf *out, const struct config_rule *r)
{
    struct buf deadline = {0};
    text_add_duration(&deadline, r->deadline_ms);
    const struct accepted a = {
        .name = r->name,
        .client = r->client,
        .workload = r->workload,
        .model = r->model,
        .hours = r->hours,
        .deadline = buf_str(&deadline),
        .reply = spool_reply_word(r->set_reply == SPOOL_RETRY ? SPOOL_RETRY : SPOOL_WAIT)};
    add_rule(out, &a);
    buf_fini(&deadline);
}

int accepted_write(const struct config *c, struct str without, const struct accepted *add,
                   char *why, size_t why_size)
{
    char path[PATH_MAX];
    struct buf text = {0}, rules = {0};
    if (!path_of(c, path)) {
        snprintf(why, why_size, "the path of the state directory is too long");
        return ERR_TOO_BIG;
    }
    for (size_t i = 0; i < c->n_rules; i++)
        if (c->rules[i].accepted && !str_eq(c->rules[i].name, without))
            add_known(&rules, &c->rules[i]);
    if (add)
        add_rule(&rules, add);
    buf_addf(&text, "# weir batch accept NAME and weir batch revoke NAME write this.\nrules:%s\n",
             buf_len(&rules) ? "" : " []");
    buf_add(&text, buf_str(&rules));
    int err = file_replace(path, buf_str(&text), why, why_size);
    buf_fini(&rules);
    buf_fini(&text);
    return err;
}
