/* SPDX-License-Identifier: Apache-2.0
 *
 * What batch does not take is refused for that record (user guide, "Batch inference", November
 * 2026: no tools, no structured output, no prompt caching), and so is whatever a batch record's
 * body has no member for. Words in the prompt spoil the line of a record:
 *
 *     [[sim:batch=429]]  an error line with that code       batch=missing    no line
 *     batch=twice        the line two times                 batch=malformed  half a line
 *     batch=neither      no modelOutput and no error        batch=unknown    an id nobody gave
 *     batch=unmetered    an answer without usage
 */
#include "job_line.h"

#include "ops.h"
#include "tree.h"
#include "world.h"

#include "weir/base/clock.h"
#include "weir/base/text.h"

#include <stdio.h>
#include <string.h>

bool job_line_check(struct str line, uint64_t *id, const char **why)
{
    struct tree t = {0};
    unsigned char digest[SHA256_BYTES];
    *why = "a line is no JSON object";
    bool good = tree_parse(&t, line) == 0 && tree_is(tree_root(&t), TREE_OBJECT);
    const struct node *record = tree_have(&t, tree_root(&t), S("recordId"));
    if (good && !tree_is(tree_get(&t, tree_root(&t), S("modelInput")), TREE_OBJECT)) {
        *why = "a record has no modelInput";
        good = false;
    }
    if (good && record && record->kind != TREE_STRING) {
        *why = "a recordId is no string";
        good = false;
    }
    *id = 0;
    if (good && record) {
        sha256_of(record->raw, digest);
        memcpy(id, digest, sizeof *id);
    }
    tree_fini(&t);
    return good;
}

/* --- what batch does not take */

static bool has_marker(const struct tree *t, const struct node *n)
{
    for (const struct node *c = tree_child(t, n); c; c = tree_next(t, c))
        if (str_eq(c->key, S("cachePoint")) || str_eq(c->key, S("cache_control")) ||
            has_marker(t, c))
            return true;
    return false;
}

static bool is_known(struct str name, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

static bool fits_converse(const struct tree *t, const struct node *input, struct refusal *why)
{
    static const struct str members[] = {STR("messages"),
                                         STR("system"),
                                         STR("inferenceConfig"),
                                         STR("additionalModelRequestFields"),
                                         STR("additionalModelResponseFieldPaths"),
                                         STR("requestMetadata"),
                                         STR("promptVariables")};
    for (const struct node *c = tree_child(t, input); c; c = tree_next(t, c))
        if (!is_known(c->key, members, sizeof members / sizeof *members))
            return refusal_invalid(why, "The %.*s field is not supported in batch inference.",
                                   (int)(c->key.len < 60 ? c->key.len : 60), c->key.ptr);
    return true;
}

static bool fits_invoke(const struct tree *t, const struct node *input, struct refusal *why)
{
    static const struct str banned[] = {
        STR("tools"),         STR("tool_choice"),     STR("toolConfig"),    STR("output_config"),
        STR("output_format"), STR("response_format"), STR("stream"),        STR("service_tier"),
        STR("serviceTier"),   STR("mcp_servers"),     STR("functions"),     STR("model"),
        STR("modelId"),       STR("outputConfig"),    STR("stream_options")};
    for (const struct node *c = tree_child(t, input); c; c = tree_next(t, c))
        if (is_known(c->key, banned, sizeof banned / sizeof *banned))
            return refusal_invalid(why, "%.*s is not supported in batch inference.",
                                   STR_ARG(c->key));
    return true;
}

static bool fits(const struct tree *t, const struct node *input, bool converse, struct refusal *why)
{
    if (has_marker(t, input))
        return refusal_invalid(why, "Prompt caching is not supported in batch inference.");
    return converse ? fits_converse(t, input, why) : fits_invoke(t, input, why);
}

/* --- the answer */

/* One record on its way. */
struct record {
    struct jobs *jobs;
    const struct job *job;
    struct tree tree;
    struct str id, input;
    char made_id[24]; /* where the line has none */
    struct ops_result result;
    struct refusal why;
    const char *spoiled; /* the batch= word; empty: nothing */
    bool good;
};

static bool told_to_fail(struct record *r)
{
    uint64_t code = 0;
    if (!text_u64(str_of(r->spoiled), &code) || code < 400 || code > 599)
        return false;
    return !refusal_set(&r->why, (int)code, refusal_type_of((int)code),
                        "The simulator was told to answer %d.", (int)code);
}

/* The answer's usage is there, but under a name that nobody reads. */
static void hide_usage(struct buf *b)
{
    ptrdiff_t at = str_find(buf_str(b), S("\"usage\":"));
    if (at >= 0)
        memcpy(b->data + b->head + at, "\"other\"", 7);
}

static void think(struct record *r)
{
    const struct job_wish *w = &r->job->wish;
    const struct node *input = tree_get(&r->tree, tree_root(&r->tree), S("modelInput"));
    struct ops_record ask = {w->converse, w->model_id, w->account, r->input};
    r->good = ops_answer_record(r->jobs->world, &ask, &r->result, &r->why);
    r->spoiled = r->result.fault.batch;
    bool none = strcmp(r->spoiled, "missing") == 0;
    if (none || told_to_fail(r) || !fits(&r->tree, input, w->converse, &r->why))
        r->good = false;
    if (!r->good)
        r->result.charge.charged = false;
    else if (strcmp(r->spoiled, "unmetered") == 0)
        hide_usage(&r->result.reply.body);
}

static void write_row(const struct record *r)
{
    static const struct fields none;
    const struct job *job = r->job;
    struct ledger_entry e = {.time_ms = clock_wall_ms(),
                             .operation = job->wish.converse ? "BatchConverse" : "BatchInvokeModel",
                             .error = r->good ? NULL : r->why.type,
                             .model = job->wish.model_id,
                             .account = job->wish.account,
                             .method = S("BATCH"),
                             .target = job->wish.input_uri,
                             .fields = &none,
                             .protocol = "batch",
                             .status = r->good ? 200 : r->why.status,
                             .charge = r->result.charge,
                             .body_bytes = r->input.len,
                             .question = str_of(r->result.question),
                             .job = str_of(job->arn),
                             .record = r->id,
                             .spoiled = str_of(r->spoiled)};
    sha256_of(r->input, e.body_sha256);
    struct ledger *l = &r->jobs->world->ledger;
    ledger_finish(l, ledger_add(l, &e), LEDGER_SENT, buf_len(&r->result.reply.body));
}

static void add_line(const struct record *r, struct buf *out)
{
    size_t begin = buf_len(out);
    buf_add(out, S("{\"modelInput\":"));
    buf_add(out, r->input);
    if (strcmp(r->spoiled, "neither") == 0) {
        buf_add(out, S(",\"recordId\":\""));
    } else if (r->good) {
        buf_add(out, S(",\"modelOutput\":"));
        buf_add(out, buf_str(&r->result.reply.body));
        buf_add(out, S(",\"recordId\":\""));
    } else {
        buf_addf(out, ",\"error\":{\"errorCode\":%d,\"errorMessage\":\"", r->why.status);
        text_add_json(out, str_of(r->why.message), SIZE_MAX);
        buf_add(out, S("\"},\"recordId\":\""));
    }
    buf_add(out, strcmp(r->spoiled, "unknown") == 0 ? S("nobodys-") : S(""));
    buf_add(out, r->id);
    buf_add(out, S("\"}"));
    if (strcmp(r->spoiled, "malformed") == 0)
        out->tail -= (buf_len(out) - begin) / 2;
    buf_add_char(out, '\n');
}

void job_line_answer(struct jobs *j, const struct job *job, uint64_t number, struct str line,
                     struct buf *out, struct job_line *told)
{
    struct record r = {.jobs = j, .job = job};
    *told = (struct job_line){0};
    if (tree_parse(&r.tree, line) < 0)
        return tree_fini(&r.tree); /* job_line_check was before */
    const struct node *id = tree_have(&r.tree, tree_root(&r.tree), S("recordId"));
    snprintf(r.made_id, sizeof r.made_id, "CALL%07llu", (unsigned long long)number);
    r.id = id ? id->raw : str_of(r.made_id);
    r.input = tree_get(&r.tree, tree_root(&r.tree), S("modelInput"))->raw;
    think(&r);
    if (strcmp(r.spoiled, "missing") != 0) {
        write_row(&r);
        add_line(&r, out);
        told->copies = strcmp(r.spoiled, "twice") == 0 ? 2 : 1;
    }
    told->good = r.good;
    if (r.good) {
        told->input_tokens = r.result.charge.input;
        told->output_tokens = r.result.charge.output;
    }
    ops_result_fini(&r.result);
    tree_fini(&r.tree);
}
