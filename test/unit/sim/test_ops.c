/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator as a service, without sockets: answers that belong to their question, usage, error
 * shapes, faults, authentication.
 */
#include "../wire/vectors.h"
#include "ops.h"

#include "base64.h"
#include "tree.h"

#include "weir/base/clock.h"

struct bench {
    struct world *w;
    struct fields fields;
    struct ops_result out;
    struct tree tree; /* of the last answer, when it is JSON */
    struct buf text;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->w = world_new(64, 4);
    b->w->auth.off = true;
    *state = b;
    return 0;
}

static void drop_answer(struct bench *b)
{
    tree_fini(&b->tree);
    ops_result_fini(&b->out);
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    drop_answer(b);
    world_free(b->w);
    buf_fini(&b->text);
    free(b);
    clock_real();
    return 0;
}

static int ask(struct bench *b, const char *method, const char *target, const char *body)
{
    struct ops_request r = {str_of(method), str_of(target), S("bedrock-runtime"),
                            &b->fields,     str_of(body),   {0}};
    sha256_of(r.body, r.body_sha256);
    drop_answer(b);
    ops_answer(b->w, &r, &b->out);
    if (!b->out.reply.stream)
        assert_int_equal(tree_parse(&b->tree, buf_str(&b->out.reply.body)), 0);
    return b->out.reply.status;
}

/* The value at "output.message.content.0.text", as text. */
static const struct node *at(struct bench *b, const char *path)
{
    const struct node *n = tree_root(&b->tree);
    for (struct str rest = str_of(path); rest.len && n;) {
        struct str word = str_cut(&rest, '.');
        n = n->kind == TREE_ARRAY ? tree_at(&b->tree, n, (size_t)(word.ptr[0] - '0'))
                                  : tree_get(&b->tree, n, word);
    }
    return n;
}

static struct str raw(struct bench *b, const char *path)
{
    const struct node *n = at(b, path);
    return n ? n->raw : S("(nothing)");
}

static struct str header(struct bench *b, const char *name)
{
    for (size_t i = 0; i < b->out.reply.n_fields; i++)
        if (str_eq(b->out.reply.fields[i].name, str_of(name)))
            return b->out.reply.fields[i].value;
    return S("(nothing)");
}

#define CONVERSE  "/model/us.anthropic.claude-sonnet-4-6/converse"
#define SAY(text) "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"" text "\"}]}]}"

static void assert_answer(struct bench *b, const char *path, char hash[17])
{
    struct str text = raw(b, path);
    assert_true(str_starts(text, S("sim ")) && text.len > 40);
    memcpy(hash, text.ptr + 4, 16);
    hash[16] = 0;
}

static void answers_belong_to_their_question(void **state)
{
    struct bench *b = *state;
    char one[17], again[17], other[17], marked[17], elsewhere[17], escaped[17];
    static const char path[] = "output.message.content.0.text";
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("h\xc3\xbc")), 200);
    assert_answer(b, path, one);
    ask(b, "POST", CONVERSE, SAY("h\\u00fc"));
    assert_answer(b, path, escaped);
    ask(b, "POST", CONVERSE,
        "{ \"messages\" : [{\"role\":\"user\",\"content\":[{\"text\":\"h\xc3\xbc\"}]}]}");
    assert_answer(b, path, again);
    ask(b, "POST", CONVERSE, SAY("ho"));
    assert_answer(b, path, other);
    ask(b, "POST", CONVERSE,
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"h\xc3\xbc\"},"
        "{\"cachePoint\":{\"type\":\"default\"}}]}]}");
    assert_answer(b, path, marked);
    ask(b, "POST", "/model/eu.anthropic.claude-sonnet-4-6/converse", SAY("h\xc3\xbc"));
    assert_answer(b, path, elsewhere);
    assert_string_equal(one, again);
    assert_string_equal(one, escaped);
    assert_string_equal(one, marked);
    assert_string_not_equal(one, other);
    assert_string_not_equal(one, elsewhere);
}

static void counts_and_charges(void **state)
{
    struct bench *b = *state;
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("12345678")), 200);
    /* 8 for the request, 4 for the message, 3 for the block, 8 / 4 for the text */
    assert_str(raw(b, "usage.inputTokens"), S("17"));
    assert_true(b->out.charge.charged && b->out.charge.input == 17);
    assert_str(raw(b, "usage.cacheReadInputTokens"), S("0"));
    assert_str(raw(b, "stopReason"), S("end_turn"));
    assert_str(b->out.account, S("anonymous"));
    ask(b, "POST", "/model/us.anthropic.claude-sonnet-4-6/count-tokens",
        "{\"input\":{\"converse\":" SAY("12345678") "}}");
    assert_str(raw(b, "inputTokens"), S("17"));
    assert_false(b->out.charge.charged);
    ask(b, "POST", CONVERSE,
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}],"
        "\"inferenceConfig\":{\"maxTokens\":3},\"serviceTier\":{\"type\":\"default\"}}");
    assert_str(raw(b, "usage.outputTokens"), S("3"));
    assert_str(raw(b, "stopReason"), S("max_tokens"));
    assert_str(raw(b, "serviceTier.type"), S("default"));
}

static void reads_and_writes_the_cache(void **state)
{
    struct bench *b = *state;
    struct buf body = {0};
    buf_add(&body, S("{\"system\":[{\"text\":\""));
    for (int i = 0; i < 8000; i++)
        buf_add_char(&body, 'y');
    buf_add(&body, S("\"},{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}],\"messages\":"
                     "[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}]}"));
    ask(b, "POST", CONVERSE, buf_cstr(&body));
    assert_str(raw(b, "usage.cacheWriteInputTokens"), S("2011"));
    assert_str(raw(b, "usage.cacheDetails.0.ttl"), S("1h"));
    assert_str(raw(b, "usage.cacheDetails.0.inputTokens"), S("2011"));
    assert_str(raw(b, "usage.inputTokens"), S("8"));
    ask(b, "POST", CONVERSE, buf_cstr(&body));
    assert_str(raw(b, "usage.cacheReadInputTokens"), S("2011"));
    assert_int_equal(at(b, "usage.cacheDetails")->count, 0);
    b->w->cache_offset_ms += 61 * 60000;
    ask(b, "POST", CONVERSE, buf_cstr(&body));
    assert_str(raw(b, "usage.cacheReadInputTokens"), S("0"));
    buf_fini(&body);
}

/* Takes one message off an event stream and returns its payload; headers as "name=value;". */
static struct str next_frame(struct str *stream, struct buf *headers)
{
    const unsigned char *f = (const unsigned char *)stream->ptr;
    size_t total = (size_t)f[2] << 8 | f[3], head = (size_t)f[6] << 8 | f[7];
    assert_true(total <= stream->len && head + 16 <= total);
    buf_clear(headers);
    for (size_t i = 12; i < 12 + head;) {
        buf_add(headers, str_from((const char *)f + i + 1, f[i]));
        i += 1u + f[i];
        size_t len = (size_t)f[i + 1] << 8 | f[i + 2];
        buf_add_char(headers, '=');
        buf_add(headers, str_from((const char *)f + i + 3, len));
        buf_add_char(headers, ';');
        i += 3 + len;
    }
    struct str payload = {stream->ptr + 12 + head, total - head - 16};
    *stream = str_from_offset(*stream, total);
    return payload;
}

static void streams_events(void **state)
{
    struct bench *b = *state;
    struct buf headers = {0}, text = {0};
    const char *last = "";
    assert_int_equal(
        ask(b, "POST", "/model/us.anthropic.claude-sonnet-4-6/converse-stream", SAY("12345678")),
        200);
    assert_str(header(b, "content-type"), S("application/vnd.amazon.eventstream"));
    struct str stream = buf_str(&b->out.reply.body);
    assert_int_equal(b->out.reply.ends[b->out.reply.n_ends - 1], stream.len);
    while (stream.len) {
        struct str payload = next_frame(&stream, &headers);
        struct tree t = {0};
        assert_int_equal(tree_parse(&t, payload), 0);
        assert_non_null(tree_get(&t, tree_root(&t), S("p")));
        const struct node *delta = tree_get(&t, tree_root(&t), S("delta"));
        if (delta)
            buf_add(&text, tree_get(&t, delta, S("text"))->raw);
        const struct node *usage = tree_get(&t, tree_root(&t), S("usage"));
        last = usage ? "usage" : "other";
        if (usage)
            assert_str(tree_get(&t, usage, S("inputTokens"))->raw, S("17"));
        assert_true(str_find(buf_str(&headers), S(":message-type=event")) >= 0);
        tree_fini(&t);
    }
    assert_string_equal(last, "usage");
    ask(b, "POST", CONVERSE, SAY("12345678"));
    assert_str(raw(b, "output.message.content.0.text"), buf_str(&text));
    buf_fini(&headers);
    buf_fini(&text);
}

static void wraps_model_bodies(void **state)
{
    struct bench *b = *state;
    struct buf headers = {0}, json = {0};
    static const char body[] = "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":100,"
                               "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    ask(b, "POST", "/model/us.anthropic.claude-sonnet-4-6/invoke-with-response-stream", body);
    struct str stream = buf_str(&b->out.reply.body), payload = {0};
    while (stream.len)
        payload = next_frame(&stream, &headers);
    struct tree t = {0};
    assert_int_equal(tree_parse(&t, payload), 0);
    assert_true(base64_decode(&json, tree_get(&t, tree_root(&t), S("bytes"))->raw));
    assert_true(str_find(buf_str(&json), S("amazon-bedrock-invocationMetrics")) > 0);
    assert_true(str_starts(buf_str(&json), S("{\"type\":\"message_stop\"")));
    tree_fini(&t);
    buf_fini(&json);
    buf_fini(&headers);
    assert_int_equal(ask(b, "POST", "/model/us.anthropic.claude-sonnet-4-6/invoke", body), 200);
    assert_str(header(b, "x-amzn-bedrock-input-token-count"), raw(b, "usage.input_tokens"));
    assert_str(raw(b, "type"), S("message"));
}

static void speaks_every_dialect(void **state)
{
    static const struct {
        const char *target, *body, *path;
    } rows[] = {
        {"/model/amazon.nova-lite-v1:0/invoke",
         "{\"schemaVersion\":\"messages-v1\",\"messages\":[{\"role\":\"user\",\"content\":"
         "[{\"text\":\"hi\"}]}]}",
         "output.message.content.0.text"},
        {"/model/openai.gpt-oss-120b-1:0/invoke",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", "choices.0.message.content"},
        {"/anthropic/v1/messages",
         "{\"model\":\"us.anthropic.claude-sonnet-4-6\",\"max_tokens\":100,\"messages\":[{\"role\":"
         "\"user\",\"content\":\"hi\"}]}",
         "content.0.text"},
        {"/openai/v1/chat/completions",
         "{\"model\":\"openai.gpt-oss-120b-1:0\",\"messages\":[{\"role\":\"user\",\"content\":"
         "\"hi\"}]}",
         "choices.0.message.content"},
        {"/openai/v1/responses", "{\"model\":\"us.openai.gpt-5.6-sol\",\"input\":\"hi\"}",
         "output.0.content.0.text"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char hash[17];
        if (ask(b, "POST", rows[i].target, rows[i].body) != 200)
            fail_msg("%s: %.*s", rows[i].target, STR_ARG(buf_str(&b->out.reply.body)));
        assert_answer(b, rows[i].path, hash);
        assert_true(b->out.charge.charged);
    }
}

static void keeps_responses(void **state)
{
    struct bench *b = *state;
    char path[128];
    ask(b, "POST", "/openai/v1/responses",
        "{\"model\":\"us.openai.gpt-5.6-sol\",\"input\":\"hi\"}");
    snprintf(path, sizeof path, "/openai/v1/responses/%.*s", STR_ARG(raw(b, "id")));
    assert_int_equal(ask(b, "GET", path, ""), 200);
    assert_str(raw(b, "status"), S("completed"));
    strcat(path, "/cancel");
    assert_int_equal(ask(b, "POST", path, ""), 400);
    path[strlen(path) - 7] = 0;
    assert_int_equal(ask(b, "DELETE", path, ""), 200);
    assert_str(raw(b, "deleted"), S("true"));
    assert_int_equal(ask(b, "GET", path, ""), 404);
    assert_str(raw(b, "error.type"), S("not_found_error"));
}

static void runs_async_jobs(void **state)
{
    struct bench *b = *state;
    char path[256];
    static const char body[] =
        "{\"modelId\":\"amazon.nova-reel-v1:0\",\"clientRequestToken\":\"t1\",\"modelInput\":{},"
        "\"outputDataConfig\":{\"s3OutputDataConfig\":{\"s3Uri\":\"s3://bucket/\"}}}";
    assert_int_equal(ask(b, "POST", "/async-invoke", body), 200);
    struct str arn = raw(b, "invocationArn");
    snprintf(path, sizeof path, "/async-invoke/%.*s", STR_ARG(arn));
    *strrchr(path, '/') = '%';
    memmove(strrchr(path, '%') + 3, strrchr(path, '%') + 1, strlen(strrchr(path, '%') + 1) + 1);
    memcpy(strrchr(path, '%'), "%2F", 3);
    assert_int_equal(ask(b, "GET", path, ""), 200);
    assert_str(raw(b, "status"), S("InProgress"));
    b->w->cache_offset_ms += 5000;
    ask(b, "GET", path, "");
    assert_str(raw(b, "status"), S("Completed"));
    ask(b, "POST", "/async-invoke", body); /* the same token: the same job */
    ask(b, "GET", "/async-invoke?statusEquals=Completed&maxResults=5", "");
    assert_int_equal(at(b, "asyncInvokeSummaries")->count, 1);
    ask(b, "GET", "/async-invoke?statusEquals=Failed", "");
    assert_int_equal(at(b, "asyncInvokeSummaries")->count, 0);
}

static void refuses_in_the_callers_dialect(void **state)
{
    struct bench *b = *state;
    assert_int_equal(ask(b, "POST", CONVERSE, "{"), 400);
    assert_true(str_starts(header(b, "x-amzn-errortype"), S("SerializationException:http://")));
    assert_non_null(at(b, "message"));
    assert_int_equal(ask(b, "POST", "/model/nobody.x/converse", SAY("x")), 400);
    assert_str(raw(b, "message"), S("The provided model identifier is invalid."));
    assert_int_equal(ask(b, "GET", "/nothing/here", ""), 404);
    assert_true(str_starts(header(b, "x-amzn-errortype"), S("UnknownOperationException")));
    assert_int_equal(ask(b, "POST", "/anthropic/v1/messages", "{\"model\":1}"), 400);
    assert_str(raw(b, "error.type"), S("invalid_request_error"));
    assert_str(raw(b, "type"), S("error"));
    assert_int_equal(ask(b, "POST", "/openai/v1/chat/completions", "{}"), 400);
    assert_str(raw(b, "error.message"), S("Missing required parameter: 'model'."));
    assert_int_equal(ask(b, "POST", CONVERSE,
                         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}],"
                         "\"serviceTier\":{\"type\":\"flex\"}}"),
                     400);
    assert_str(raw(b, "message"), S("The provided service tier is not supported for this model."));
    assert_int_equal(b->out.charge.charged, 0);
}

static void fails_on_demand(void **state)
{
    struct bench *b = *state;
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("[[sim:status=503]]")), 503);
    assert_true(str_starts(header(b, "x-amzn-errortype"), S("ServiceUnavailableException")));
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("[[sim:throttle]] [[sim:retry-after=2]]")), 429);
    assert_str(header(b, "retry-after"), S("2"));
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("[[sim:error=ModelNotReadyException]]")), 429);
    assert_true(str_starts(header(b, "x-amzn-errortype"), S("ModelNotReadyException")));
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("[[sim:once=503]]")), 503);
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("[[sim:once=503]]")), 200);
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("[[sim:bytes=5000]] [[sim:cut=100]]")), 200);
    assert_int_equal(raw(b, "output.message.content.0.text").len, 5000);
    assert_int_equal(b->out.fault.cut, FAULT_CUT_AT);
    assert_int_equal(b->out.fault.cut_at, 100);
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("[[sim:nonsense]] [[sim:status]] [[sim:")), 200);
    struct world_fault order = {.left = 2, .match = "/converse"};
    fault_init(&order.fault);
    order.fault.status = 500;
    assert_true(world_order_fault(b->w, &order));
    assert_int_equal(ask(b, "GET", "/async-invoke", ""), 200);
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("x")), 500);
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("x")), 500);
    assert_int_equal(ask(b, "POST", CONVERSE, SAY("x")), 200);
}

static void breaks_streams_on_demand(void **state)
{
    struct bench *b = *state;
    struct buf headers = {0};
    unsigned frames = 0;
    ask(b, "POST", "/model/us.anthropic.claude-sonnet-4-6/converse-stream",
        SAY("[[sim:exception=throttlingException]] [[sim:chunks=5]]"));
    struct str stream = buf_str(&b->out.reply.body);
    while (stream.len) {
        next_frame(&stream, &headers);
        frames++;
    }
    assert_int_equal(frames, 4); /* messageStart, two deltas, the exception */
    assert_true(str_starts(buf_str(&headers), S(":exception-type=throttlingException;")));
    buf_fini(&headers);
}

static void calls_tools(void **state)
{
    struct bench *b = *state;
    ask(b, "POST", CONVERSE,
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}],\"toolConfig\":{"
        "\"toolChoice\":{\"any\":{}},\"tools\":[{\"toolSpec\":{\"name\":\"look\",\"inputSchema\":"
        "{\"json\":{}}}}]}}");
    assert_str(raw(b, "stopReason"), S("tool_use"));
    assert_str(raw(b, "output.message.content.0.toolUse.name"), S("look"));
    assert_int_equal(at(b, "output.message.content.0.toolUse.input.question")->raw.len, 16);
}

/* --- who may come in */

static void sign_in(struct bench *b, const char *authorization, const char *date)
{
    b->fields.n = 0;
    if (authorization)
        fields_add(&b->fields, S("authorization"), str_of(authorization));
    if (date)
        fields_add(&b->fields, S("x-amz-date"), str_of(date));
}

#define SCOPE "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/bedrock/aws4_request, "
#define SIGNED                              \
    SCOPE "SignedHeaders=host;x-amz-date, " \
          "Signature=d4f024349dda9e1d2874db1452c9c0a048c2243b44cd5224666b51754cc7800a"

static int list(struct bench *b, const char *query)
{
    char target[100];
    struct ops_request r = {S("GET"),   {0}, S("bedrock-runtime.us-east-1.amazonaws.com"),
                            &b->fields, {0}, {0}};
    snprintf(target, sizeof target, "/async-invoke?%s", query);
    r.target = str_of(target);
    sha256_of(r.body, r.body_sha256);
    drop_answer(b);
    ops_answer(b->w, &r, &b->out);
    assert_int_equal(tree_parse(&b->tree, buf_str(&b->out.reply.body)), 0);
    return b->out.reply.status;
}

static void lets_in_who_may(void **state)
{
    static const char good[] = "statusEquals=InProgress&maxResults=5";
    struct bench *b = *state;
    b->w->auth.off = false;
    assert_true(
        auth_add_key(&b->w->auth, S("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")));
    assert_true(auth_add_bearer(&b->w->auth, S("ABSKtest")));
    clock_fake(0, 1767323045000 + 240000); /* four minutes later */
    sign_in(b, SIGNED, "20260102T030405Z");
    assert_int_equal(list(b, good), 200);
    assert_str(b->out.account, S("AKIDEXAMPLE"));
    assert_int_equal(list(b, "statusEquals=InProgress&maxResults=6"), 403);
    assert_true(str_starts(raw(b, "message"), S("The request signature we calculated")));
    assert_true(str_starts(header(b, "x-amzn-errortype"), S("InvalidSignatureException")));
    clock_fake(0, 1767323045000 + 301000);
    assert_int_equal(list(b, good), 403);
    assert_true(
        str_starts(raw(b, "message"), S("Signature expired: 20260102T030405Z is now earlier than "
                                        "20260102T030406Z (20260102T030906Z - 5 min.)")));
    clock_fake(0, 1767323045000 - 301000);
    assert_int_equal(list(b, good), 403);
    assert_true(str_starts(raw(b, "message"), S("Signature not yet current")));
    sign_in(b, "Bearer ABSKtest", NULL);
    assert_int_equal(list(b, good), 200);
    sign_in(b, "Bearer ABSKother", NULL);
    assert_int_equal(list(b, good), 403);
    assert_str(raw(b, "Message"),
               S("Authentication failed: Please make sure your API Key is valid."));
    sign_in(b, NULL, NULL);
    assert_int_equal(list(b, good), 403);
    assert_str(raw(b, "Message"), S("Authorization header is missing"));
    sign_in(b, SCOPE "SignedHeaders=host", "20260102T030405Z");
    assert_int_equal(list(b, good), 400);
    fields_add(&b->fields, S("x-api-key"), S("ABSKtest"));
    b->fields.at[0].name = S("x-other");
    assert_int_equal(list(b, good), 403); /* x-api-key is for the Anthropic paths only */
    assert_int_equal(ask(b, "POST", "/anthropic/v1/messages/count_tokens",
                         "{\"model\":\"us.anthropic.claude-sonnet-4-6\",\"messages\":[{\"role\":"
                         "\"user\",\"content\":\"hi\"}]}"),
                     200);
}

static void refuses_unknown_keys(void **state)
{
    struct bench *b = *state;
    b->w->auth.off = false;
    clock_fake(0, 1767323045000);
    sign_in(b, SIGNED, "20260102T030405Z");
    assert_int_equal(list(b, ""), 403);
    assert_true(str_starts(header(b, "x-amzn-errortype"), S("UnrecognizedClientException")));
    auth_add_key(&b->w->auth, S("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY:TOKEN"));
    assert_int_equal(list(b, "statusEquals=InProgress&maxResults=5"), 403);
    assert_true(str_starts(header(b, "x-amzn-errortype"), S("UnrecognizedClientException")));
}

static void writes_a_ledger(void **state)
{
    struct bench *b = *state;
    struct buf out = {0};
    fields_add(&b->fields, S("x-one"), S("a\"b"));
    ask(b, "POST", CONVERSE, SAY("12345678"));
    struct ledger_entry e = {.operation = b->out.operation,
                             .model = buf_str(&b->out.model),
                             .account = b->out.account,
                             .method = S("POST"),
                             .target = S(CONVERSE),
                             .fields = &b->fields,
                             .protocol = "h2",
                             .status = 200,
                             .charge = b->out.charge};
    for (int i = 0; i < 100; i++) {
        e.body = malloc(3);
        memcpy(e.body, "abc", 3);
        e.body_bytes = 3;
        uint64_t id = ledger_add(&b->w->ledger, &e);
        ledger_finish(&b->w->ledger, id, i % 2 ? LEDGER_SENT : LEDGER_CUT, 10);
    }
    ledger_add_summary(&b->w->ledger, &out);
    struct tree t = {0};
    assert_int_equal(tree_parse(&t, buf_str(&out)), 0);
    assert_str(tree_get(&t, tree_root(&t), S("charged"))->raw, S("100"));
    assert_str(tree_get(&t, tree_root(&t), S("input"))->raw, S("1700"));
    assert_str(tree_get(&t, tree_root(&t), S("cut"))->raw, S("50"));
    assert_str(tree_get(&t, tree_root(&t), S("h2"))->raw, S("100"));
    tree_fini(&t);
    buf_clear(&out);
    ledger_add_lines(
        &b->w->ledger, &out,
        &(struct ledger_wish){.most = 2, .after = LEDGER_NEWEST, .charged_only = true});
    assert_int_equal(
        tree_parse(&t, str_sub(buf_str(&out), 0, (size_t)str_chr(buf_str(&out), '\n'))), 0);
    assert_str(tree_get(&t, tree_root(&t), S("id"))->raw, S("99"));
    tree_fini(&t);
    buf_clear(&out);
    assert_true(ledger_add_request(&b->w->ledger, &out, 0));
    assert_true(str_find(buf_str(&out), S("\"body\":\"YWJj\"")) > 0);
    assert_true(str_find(buf_str(&out), S("[\"x-one\",\"a\\\"b\"]")) > 0);
    assert_false(ledger_add_request(&b->w->ledger, &out, 96)); /* four bodies are kept */
    assert_true(ledger_add_request(&b->w->ledger, &out, 97));
    assert_false(ledger_add_request(&b->w->ledger, &out, 30)); /* and 64 rows */
    buf_fini(&out);
}

/* What was open at a reset ends unseen: what came after it is still open. */
static void forgets_what_was_open(void **state)
{
    struct bench *b = *state;
    struct ledger *l = &b->w->ledger;
    struct ledger_entry e = {.operation = "Converse",
                             .method = S("POST"),
                             .fields = &b->fields,
                             .protocol = "h1",
                             .status = 200};
    struct buf out = {0};
    uint64_t before = ledger_add(l, &e);
    ledger_reset(l);
    uint64_t after = ledger_add(l, &e);
    ledger_finish(l, before, LEDGER_LEFT, 10);
    ledger_add_summary(l, &out);
    assert_true(str_find(buf_str(&out), S("\"open\":1,")) > 0);
    assert_true(str_find(buf_str(&out), S("\"left\":0")) > 0);
    ledger_finish(l, after, LEDGER_SENT, 10);
    buf_clear(&out);
    ledger_add_summary(l, &out);
    assert_true(str_find(buf_str(&out), S("\"open\":0,")) > 0);
    buf_fini(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void a_profile_is_what_its_id_says(void **state)
{
    struct bench *b = *state;
#define PROFILE "/inference-profiles/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A"
    assert_int_equal(
        ask(b, "GET", PROFILE "application-inference-profile%2Feu.amazon.nova-lite-v1:0", ""), 200);
    assert_str(raw(b, "type"), S("APPLICATION"));
    assert_str(raw(b, "models.0.modelArn"),
               S("arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-lite-v1:0"));
    assert_str(raw(b, "models.2.modelArn"),
               S("arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0"));
    assert_int_equal(ask(b, "GET", PROFILE "application-inference-profile%2Fabc", ""), 200);
    assert_str(raw(b, "models.0.modelArn"),
               S("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6"));
    assert_int_equal(ask(b, "GET", PROFILE "application-inference-profile%2Fa.b", ""), 200);
    assert_str(raw(b, "models.0.modelArn"), S("arn:aws:bedrock:us-east-1::foundation-model/a.b"));
    assert_null(at(b, "models.1"));
    assert_int_equal(ask(b, "GET", "/inference-profiles/us.amazon.nova-pro-v1:0", ""), 200);
    assert_str(raw(b, "type"), S("SYSTEM_DEFINED"));
    static const struct {
        const char *id;
        int status;
    } refusals[] = {{"missing-1", 404}, {"invalid", 400}, {"denied", 403},
                    {"throttled", 429}, {"broken", 500},  {"", 400}};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char target[200];
        snprintf(target, sizeof target, "%s%s", PROFILE "application-inference-profile%2F",
                 refusals[i].id);
        assert_int_equal(ask(b, "GET", target, ""), refusals[i].status);
    }
    assert_int_equal(ask(b, "GET", PROFILE "custom-model%2Fx", ""), 400);
    assert_false(b->out.charge.charged);
#undef PROFILE
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_belong_to_their_question),
        TEST(counts_and_charges),
        TEST(reads_and_writes_the_cache),
        TEST(streams_events),
        TEST(wraps_model_bodies),
        TEST(speaks_every_dialect),
        TEST(keeps_responses),
        TEST(runs_async_jobs),
        TEST(refuses_in_the_callers_dialect),
        TEST(fails_on_demand),
        TEST(breaks_streams_on_demand),
        TEST(calls_tools),
        TEST(lets_in_who_may),
        TEST(refuses_unknown_keys),
        TEST(writes_a_ledger),
        TEST(forgets_what_was_open),
        cmocka_unit_test_setup_teardown(a_profile_is_what_its_id_says, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("sim/ops", tests, NULL, NULL);
}
