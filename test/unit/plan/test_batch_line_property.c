/* SPDX-License-Identifier: Apache-2.0
 *
 * plan/batch_line over random bodies: what the line holds, read by another parser, is what the body
 * holds without markers, tier and Weir's metadata, member by member and in order; every number and
 * string stands as it stood; the line is one line, and taking it once more changes nothing. And
 * over JSONTestSuite, each of its texts as a value in a body.
 */
#include "../wire/vectors.h"
#include "ask_make.h"

#include "weir/plan/batch_line.h"

#include <cjson/cJSON.h>

enum { BODIES = 5000 };

static const struct str head = STR("{\"recordId\":\"r\",\"modelInput\":"), foot = STR("}\n");

struct made {
    struct ask_make m;
    enum batch_kind kind;
    struct str model;
};

/* --- a body that is fit */

static void make_image(struct ask_make *m, struct buf *out)
{
    struct made_members o = {0}, in = {0};
    if (m->d == ASK_CLAUDE) {
        made_say(&o, "type", "image");
        json_make_value(made_member(&o, "source"), 2);
        made_control(m, &o);
    } else {
        made_aws_file(&in, false);
        made_put(made_member(&o, "image"), &in);
    }
    made_put(out, &o);
}

static void make_content(struct ask_make *m, struct buf *out, uint64_t i)
{
    if (random_below(3))
        made_text_block(m, out, i % 2);
    else
        make_image(m, out);
}

static void make_message(struct ask_make *m, struct buf *out, uint64_t i)
{
    struct made_members o = {0};
    made_say(&o, "role", i % 2 ? "assistant" : "user");
    if (m->d == ASK_CLAUDE && random_below(3) == 0)
        made_text(made_member(&o, "content"));
    else
        made_list(m, made_member(&o, "content"), random_below(4), make_content);
    made_put(out, &o);
}

static void make_metadata(struct made_members *o)
{
    static const char *const names[] = {"a", "weir.deadline", "weirs", "weir.reply", "b"};
    struct made_members in = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (random_below(2))
            made_say(&in, names[i], "x");
    made_put(made_member(o, "requestMetadata"), &in);
}

static void make_converse(struct made_members *o)
{
    if (random_below(2))
        make_metadata(o);
    if (random_below(3) == 0)
        buf_add(made_member(o, "serviceTier"), S("{ \"type\" : \"flex\"}"));
    if (random_below(3) == 0)
        json_make_value(made_member(o, "additionalModelResponseFieldPaths"), 2);
}

static void make(struct made *x, uint64_t seed)
{
    static const struct str models[] = {[ASK_CONVERSE] = STR("any"),
                                        [ASK_CLAUDE] = STR("eu.anthropic.claude-x"),
                                        [ASK_NOVA] = STR("amazon.nova-pro-v1:0")};
    struct made_members o = {0};
    random_seed(seed);
    *x = (struct made){.m = {.d = (enum ask_dialect)(ASK_CONVERSE + random_below(3))}};
    x->kind = x->m.d == ASK_CONVERSE ? BATCH_CONVERSE : BATCH_INVOKE;
    x->model = models[x->m.d];
    if (random_below(2))
        made_system(&x->m, &o);
    made_list(&x->m, made_member(&o, "messages"), random_below(5), make_message);
    if (x->m.d == ASK_CONVERSE)
        make_converse(&o);
    else if (random_below(3) == 0)
        made_say(&o, "service_tier", "auto");
    if (random_below(2))
        json_make_value(made_member(&o, x->m.d == ASK_CLAUDE ? "thinking" : "inferenceConfig"), 3);
    json_make_space(&x->m.body);
    made_put(&x->m.body, &o);
    json_make_space(&x->m.body);
}

/* --- what must be left of it, on a tree */

static void drop(cJSON *object, const char *name)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
}

static void drop_markers(cJSON *blocks, enum ask_dialect d)
{
    cJSON *next;
    for (cJSON *b = cJSON_IsArray(blocks) ? blocks->child : NULL; b; b = next) {
        next = b->next;
        if (d == ASK_CONVERSE && cJSON_GetObjectItemCaseSensitive(b, "cachePoint"))
            cJSON_Delete(cJSON_DetachItemViaPointer(blocks, b));
        else if (d != ASK_CONVERSE)
            drop(b, d == ASK_CLAUDE ? "cache_control" : "cachePoint");
    }
}

static void drop_metadata(cJSON *body)
{
    cJSON *metadata = cJSON_GetObjectItemCaseSensitive(body, "requestMetadata"), *next;
    for (cJSON *m = metadata ? metadata->child : NULL; m; m = next) {
        next = m->next;
        if (strncmp(m->string, "weir.", 5) == 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(metadata, m));
    }
    if (metadata && !metadata->child)
        drop(body, "requestMetadata");
}

static void drop_all(cJSON *body, enum ask_dialect d)
{
    cJSON *message;
    drop(body, d == ASK_CONVERSE ? "serviceTier" : "service_tier");
    drop_metadata(body);
    drop_markers(cJSON_GetObjectItemCaseSensitive(body, "system"), d);
    cJSON_ArrayForEach(message, cJSON_GetObjectItemCaseSensitive(body, "messages"))
    {
        drop_markers(cJSON_GetObjectItemCaseSensitive(message, "content"), d);
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Members in their order: what stands twice stands twice. */
static bool same(const cJSON *a, const cJSON *b)
{
    if ((a->type & 0xff) != (b->type & 0xff) || !same_text(a->string, b->string) ||
        !same_text(a->valuestring, b->valuestring) || memcmp(&a->valuedouble, &b->valuedouble, 8))
        return false;
    const cJSON *x = a->child, *y = b->child;
    for (; x && y; x = x->next, y = y->next)
        if (!same(x, y))
            return false;
    return !x && !y;
}

/* --- and token by token */

/* Each of the line's stands in the body, in that order, as it is. */
static void tokens_are_the_bodys(struct str line, struct str body)
{
    struct json_scan of_line, of_body;
    json_init(&of_line, line);
    json_init(&of_body, body);
    for (enum json_token t; (t = json_next(&of_line)) != JSON_END;) {
        assert_true(t > JSON_END);
        enum json_token u;
        while ((u = json_next(&of_body)) != t || !str_eq(json_raw(&of_line), json_raw(&of_body)))
            assert_true(u > JSON_END);
    }
}

static size_t outside_strings(struct str line, const char *of)
{
    size_t n = 0;
    bool in = false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '"')
            in = !in;
        i += in && line.ptr[i] == '\\';
        n += !in && strchr(of, line.ptr[i]) != NULL;
    }
    return n;
}

static struct str input_of(const struct buf *line)
{
    struct str l = buf_str(line);
    assert_true(str_starts(l, head) && str_ends(l, foot));
    return str_sub(l, head.len, l.len - head.len - foot.len);
}

/* The same in slices. */
static void look_says_so(enum batch_kind kind, struct str model, struct str body, size_t bytes,
                         const char *wanted)
{
    struct batch_look l;
    const char *why = NULL;
    batch_look_begin(&l, kind, model, body);
    while (batch_look_step(&l, bytes, &why))
        assert_null(why);
    assert_ptr_equal(why, wanted);
}

static void check(const struct made *x)
{
    struct buf line = {0}, again = {0};
    struct str body = buf_str(&x->m.body);
    const char *why = batch_line_unfit(x->kind, x->model, body);
    if (why)
        fail_msg("%s: %.*s", why, STR_ARG(body));
    look_says_so(x->kind, x->model, body, 16 + random_below(100), NULL);
    assert_int_equal(batch_line_add(x->kind, x->model, S("r"), body, &line), 0);
    struct str input = input_of(&line);
    assert_int_equal(str_chr(input, '\n'), -1);
    assert_int_equal(outside_strings(input, " \t\r\n"), 0);
    tokens_are_the_bodys(input, body);
    cJSON *wanted = cJSON_ParseWithLength(body.ptr, body.len),
          *got = cJSON_ParseWithLength(input.ptr, input.len);
    drop_all(wanted, x->m.d);
    if (!same(wanted, got))
        fail_msg("%.*s\n%.*s", STR_ARG(body), STR_ARG(input));
    assert_int_equal(batch_line_add(x->kind, x->model, S("r"), input, &again), 0);
    assert_true(str_eq(buf_str(&again), buf_str(&line)));
    cJSON_Delete(wanted);
    cJSON_Delete(got);
    buf_fini(&line);
    buf_fini(&again);
}

static void holds_the_same_values(void **state)
{
    unsigned marked = 0;
    for (uint64_t seed = 1; seed <= BODIES; seed++) {
        struct made x;
        make(&x, seed);
        marked += x.m.own > 0;
        check(&x);
        buf_fini(&x.m.body);
    }
    assert_true(marked > BODIES / 20);
}

/* --- JSONTestSuite */

static void takes_the_suite(void **state)
{
    char folder[VECTOR_PATH], path[2 * VECTOR_PATH];
    static struct vector_names names;
    unsigned fit = 0;
    vector_list(vector_shared("corpora/JSONTestSuite/test_parsing", folder), &names);
    for (int i = 0; i < names.n; i++) {
        struct buf body = {0}, line = {0};
        snprintf(path, sizeof path, "%s/%s", folder, names.at[i]);
        struct buf file = vector_read(path);
        buf_add(&body, S("{\"inferenceConfig\":"));
        buf_add(&body, buf_str(&file));
        buf_add(&body, S(",\"messages\":[]}"));
        look_says_so(BATCH_CONVERSE, S("m"), buf_str(&body), 16,
                     batch_line_unfit(BATCH_CONVERSE, S("m"), buf_str(&body)));
        bool good = batch_line_add(BATCH_CONVERSE, S("m"), S("r"), buf_str(&body), &line) == 0;
        if (good)
            tokens_are_the_bodys(input_of(&line), buf_str(&body));
        if (names.at[i][0] != 'i' && good != (names.at[i][0] == 'y'))
            fail_msg("%s", names.at[i]);
        fit += good;
        buf_fini(&file);
        buf_fini(&body);
        buf_fini(&line);
    }
    assert_true(fit >= 95);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_the_same_values),
        cmocka_unit_test(takes_the_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
