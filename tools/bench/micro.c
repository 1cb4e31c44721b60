/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast the inner loops are on this machine, one row each:
 *
 *     weir-micro [PREFIX]        rows whose name begins so; all of them without
 *
 * Prints `name value unit` lines: GB/s, or nanoseconds for one answer or one message of a stream.
 * To add a row: a function that makes its text, a function that goes through it once, a line in the
 * table. Each row runs for about 0.2 s in turns and the best turn counts, since on a shared machine
 * everything else only makes a turn slower.
 */
#include "micro_index.h"
#include "micro_plan.h"
#include "weir/base/buf.h"
#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/text.h"
#include "weir/gate/tap.h"
#include "weir/plan/ask.h"
#include "weir/wire/json_edit.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/sigv4_claim.h"

#include <stdio.h>
#include <stdlib.h>

enum { MIB = 1 << 20, KIB = 1 << 10 };

struct row {
    struct str name;
    size_t size_bytes;
    void (*make)(struct buf *b, size_t size_bytes);
    void (*once)(struct str text);
    unsigned messages; /* the figure is nanoseconds for one of these; 0: GB/s */
};

/* --- texts */

static void add_often(struct buf *b, struct str open, struct str unit, struct str close,
                      size_t size_bytes)
{
    buf_add(b, open);
    while (buf_len(b) + unit.len + close.len <= size_bytes)
        buf_add(b, unit);
    buf_add(b, close);
}

static void string_plain(struct buf *b, size_t size_bytes)
{
    add_often(b, S("\""), S("The quick brown fox jumps over the lazy dog. "), S("\""), size_bytes);
}

/* Every eighth byte begins an escape. */
static void string_escapes(struct buf *b, size_t size_bytes)
{
    add_often(b, S("\""), S("abcdef\\nghijkl\\\"mnopqr\\\\stuvwx\\t"), S("\""), size_bytes);
}

/* A program's source as json.dumps writes it. */
static void string_source(struct buf *b, size_t size_bytes)
{
    add_often(b, S("\""),
              S("    if (name == NULL)\\n        return say(\\\"no name\\\\n\\\");\\n\\n"
                "    for (size_t i = 0; i < n; i++)\\n        total += row[i];\\n"),
              S("\""), size_bytes);
}

/* Chinese as boto3 sends it: escapes only. */
static void string_u_escapes(struct buf *b, size_t size_bytes)
{
    add_often(b, S("\""), S("\\u6c34\\u5229\\u5de5\\u7a0b\\uff0c"), S("\""), size_bytes);
}

/* Chinese and German as the JavaScript SDK sends them. */
static void string_cjk(struct buf *b, size_t size_bytes)
{
    add_often(b, S("\""), S("水利工程是为了控制和调配自然界的地表水。"), S("\""), size_bytes);
}

static void string_german(struct buf *b, size_t size_bytes)
{
    add_often(b, S("\""), S("Für größere Flüsse genügt ein einfaches Wehr häufig nicht. "), S("\""),
              size_bytes);
}

static void string_emoji(struct buf *b, size_t size_bytes)
{
    add_often(b, S("\""), S("🌊🌊 water 🏞️ "), S("\""), size_bytes);
}

static void zeros(struct buf *b, size_t size_bytes)
{
    add_often(b, S("[0"), S(",0"), S("]"), size_bytes);
}

static void empty_strings(struct buf *b, size_t size_bytes)
{
    add_often(b, S("[\"\""), S(",\"\""), S("]"), size_bytes);
}

static void short_members(struct buf *b, size_t size_bytes)
{
    add_often(b, S("[{}"), S(",{\"id\":17,\"name\":\"left bank\",\"open\":true,\"level\":-1.25e2}"),
              S("]"), size_bytes);
}

/* Tool schemas are like this: small, nested, indented. */
static void indented(struct buf *b, size_t size_bytes)
{
    add_often(b, S("[\n  null"),
              S(",\n  {\n    \"type\": \"object\",\n    \"properties\": {\n"
                "      \"city\": {\n        \"type\": \"string\",\n"
                "        \"description\": \"The name of the city\"\n      }\n    }\n  }"),
              S("\n]"), size_bytes);
}

/* A Converse request of an agent: a system prompt, tools, a conversation with source and results.
 */
static void converse(struct buf *b, size_t size_bytes)
{
    buf_add(b,
            S("{\"system\":[{\"text\":\"You are a careful assistant. Answer in the language of "
              "the question.\\n\\nUse the tools when they help.\"}],\"inferenceConfig\":"
              "{\"maxTokens\":4096,\"temperature\":0.2,\"topP\":0.9},\"toolConfig\":{\"tools\":["));
    for (int i = 0; i < 12; i++) {
        buf_addf(b, "%s{\"toolSpec\":{\"name\":\"tool_%d\",\"description\":\"", i ? "," : "", i);
        buf_add(b, S("Looks the thing up and says what is known about it. Takes a path and an "
                     "optional range of lines, and gives the text with line numbers.\","
                     "\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{\"path\":"
                     "{\"type\":\"string\",\"description\":\"Absolute path\"},\"from\":{\"type\":"
                     "\"integer\",\"minimum\":0},\"to\":{\"type\":\"integer\"}},\"required\":"
                     "[\"path\"]}}}}"));
    }
    buf_add(b, S("]},\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Begin.\"}]}"));
    for (int i = 0; buf_len(b) < size_bytes - KIB; i++) {
        buf_addf(b,
                 ",{\"role\":\"assistant\",\"content\":[{\"text\":\"I look at file %d.\"},"
                 "{\"toolUse\":{\"toolUseId\":\"tooluse_%08x\",\"name\":\"tool_1\",\"input\":"
                 "{\"path\":\"/src/part_%d.c\",\"from\":%d,\"to\":%d}}}]},",
                 i, i * 7919, i, i, i + 40);
        buf_add(
            b, S("{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":\"t\",\"content\":"
                 "[{\"text\":\""));
        for (int line = 0; line < 12; line++)
            buf_addf(b,
                     "%d\\t    if (rows[%d] == NULL)\\n%d\\t        return fail(\\\"row\\\");\\n",
                     line, i, line + 1);
        buf_add(b, S("\"}],\"status\":\"success\"}}]}"));
    }
    buf_add(b, S("]}"));
}

/* A prompt of so many blocks, tools and turns, each some 1,000 bytes of text with a few escapes, as
 * people write. */
static void add_text(struct buf *b, size_t size_bytes)
{
    size_t from = buf_len(b);
    while (buf_len(b) - from < size_bytes)
        buf_add(b, S("The keeper wrote: \\\"the gate stands open, and the water is high\\\".\\n"
                     "He had measured it twice that morning, with the same result; nobody asked "
                     "him for the reason, and he did not give one. "));
}

static void prompt(struct buf *b, size_t size_bytes, int turns)
{
    size_t each = size_bytes / (size_t)turns;
    buf_add(b, S("{\"system\":[{\"text\":\""));
    add_text(b, each);
    buf_add(b, S("\"}],\"messages\":["));
    for (int i = 0; i < turns - 1; i++) {
        buf_addf(b, "%s{\"role\":\"%s\",\"content\":[{\"text\":\"", i ? "," : "",
                 i % 2 ? "assistant" : "user");
        add_text(b, each - 60);
        buf_add(b, S("\"}]}"));
    }
    buf_add(b, S("]}"));
}

static void prompt_60(struct buf *b, size_t size_bytes)
{
    prompt(b, size_bytes, 60);
}

static void prompt_500(struct buf *b, size_t size_bytes)
{
    prompt(b, size_bytes, 500);
}

/* --- answers for the tap */

enum { DELTAS = 200 };

static void answer_converse(struct buf *b, size_t size_bytes)
{
    buf_add(
        b,
        S("{\"metrics\":{\"latencyMs\":551},\"output\":{\"message\":{\"content\":[{\"text\":\""));
    while (buf_len(b) < size_bytes - 240)
        buf_add(b, S("the weir lowers the river\\n"));
    buf_add(
        b,
        S("\"}],\"role\":\"assistant\"}},\"stopReason\":\"end_turn\",\"usage\":{"
          "\"cacheDetails\":[{\"inputTokens\":300,\"ttl\":\"5m\"}],\"cacheReadInputTokens\":2048,"
          "\"cacheWriteInputTokens\":300,\"inputTokens\":12,\"outputTokens\":88,"
          "\"totalTokens\":2448}}"));
}

static void answer_image(struct buf *b, size_t size_bytes)
{
    add_often(b, S("{\"images\":[\""), S("iVBORw0KGgoAAAANSUhEUgAABAAAAAQACAIAAADwf7zU"), S("\"]}"),
              size_bytes);
}

static void answer_vector(struct buf *b, size_t size_bytes)
{
    add_often(b, S("{\"inputTextTokenCount\":9,\"embedding\":[0"), S(",-0.0123456789"), S("]}"),
              size_bytes);
}

static void add_frame(struct buf *b, struct str type, struct str json)
{
    struct event_header headers[] = {
        {STR(":event-type"), EVENT_STRING, 0, type},
        {STR(":content-type"), EVENT_STRING, 0, STR("application/json")},
        {STR(":message-type"), EVENT_STRING, 0, STR("event")}};
    if (event_stream_add(b, headers, 3, json))
        abort();
}

/* A frame is about 200 bytes. */
static void stream_converse(struct buf *b, size_t size_bytes)
{
    while (size_bytes--)
        add_frame(b, S("contentBlockDelta"),
                  S("{\"contentBlockIndex\":0,\"delta\":{\"text\":\" the weir lowers\"},\"p\":"
                    "\"abcdefghijklmnopqrstuvwxyz\"}"));
}

static void stream_invoke(struct buf *b, size_t size_bytes)
{
    struct buf chunk = {0};
    buf_add(&chunk, S("{\"bytes\":\""));
    text_add_base64(&chunk, S("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
                              "\"text_delta\",\"text\":\" the weir lowers\"}}"));
    buf_add(&chunk, S("\",\"p\":\"abcdefghijklmnopqrstuvwxyz\"}"));
    while (size_bytes--)
        add_frame(b, S("chunk"), buf_str(&chunk));
    buf_fini(&chunk);
}

static void stream_messages(struct buf *b, size_t size_bytes)
{
    add_often(b, S(""),
              S("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                "\"delta\":{\"type\":\"text_delta\",\"text\":\" the weir lowers\"}}\n\n"),
              S(""), size_bytes * 142);
}

static void stream_chat(struct buf *b, size_t size_bytes)
{
    add_often(b, S(""),
              S("data: {\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\","
                "\"created\":1767225600,\"model\":\"openai.gpt-oss-120b-1:0\",\"choices\":[{"
                "\"index\":0,\"delta\":{\"content\":\" the weir lowers\"},\"finish_reason\":null}]}"
                "\n\n"),
              S(""), size_bytes * 217);
}

/* --- signed requests, as captured in November 2026; their pair is AWS's example */

static const char converse_target[] =
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic."
    "claude-sonnet-4-20250514-v1%3A0/converse";

/* Authority, the body's hash, then "name:value" lines. */
static void claim_boto3(struct buf *b, size_t size_bytes)
{
    (void)size_bytes;
    buf_add(b, S("127.0.0.1:44051\n"
                 "c483ea2f25e43968e08f060ff71b4c23523939713f3c3348326337705bc07ba1\n"
                 "accept-encoding:identity\n"
                 "content-type:application/json\n"
                 "user-agent:Boto3/1.40.72 md/Botocore#1.43.117 md/awscrt#1.0.0.dev0 ua/2.1 "
                 "os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.2 md/pyimpl#CPython m/g,D,b,Z,N "
                 "cfg/retry-mode#legacy Botocore/1.43.117\n"
                 "host:127.0.0.1:44051\n"
                 "x-amz-date:20261120T041913Z\n"
                 "authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/bedrock/"
                 "aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature="
                 "04bdb9dc5c4a3e8047236a5dc27c226366db43d0b51ff5df86e2bbb30cafe90c\n"
                 "amz-sdk-invocation-id:2750c89b-adee-4cf2-a6b7-72941e2e9092\n"
                 "amz-sdk-request:attempt=1\n"
                 "content-length:75\n"));
}

static void claim_js(struct buf *b, size_t size_bytes)
{
    (void)size_bytes;
    buf_add(
        b, S("127.0.0.1:46419\n"
             "0c3c3176c3935932b24fd03947d4928fb663f617d0070c805c331f091e5e85ec\n"
             "content-type:application/json\n"
             "content-length:98\n"
             "x-amz-user-agent:aws-sdk-js/3.1161.0\n"
             "user-agent:aws-sdk-js/3.1161.0 ua/2.1 os/linux#6.1.0 lang/js md/nodejs#20.20.2 "
             "api/bedrock-runtime#3.1161.0 m/N,E,e\n"
             "amz-sdk-invocation-id:bc64c1e5-4cad-4b17-9236-e051cd43b7c5\n"
             "amz-sdk-request:attempt=1; max=1\n"
             "x-amz-date:20261120T041710Z\n"
             "x-amz-content-sha256:0c3c3176c3935932b24fd03947d4928fb663f617d0070c805c331f091e5e85ec"
             "\n"
             "authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/bedrock/"
             "aws4_request, SignedHeaders=:authority;amz-sdk-invocation-id;amz-sdk-request;"
             "content-length;content-type;x-amz-content-sha256;x-amz-date;x-amz-user-agent, "
             "Signature=e662467fef66f0bf1409fec689da1db2d0f041b467a36579772769289f4c5ed9\n"));
}

/* --- passes */

static void scan_tokens(struct str text)
{
    struct json_scan s;
    json_init(&s, text);
    enum json_token t = json_next(&s);
    while (t > JSON_END)
        t = json_next(&s);
    if (t != JSON_END)
        abort();
}

static void scan_skip(struct str text)
{
    struct json_scan s;
    json_init(&s, text);
    if (json_skip(&s) == JSON_BAD || json_skip(&s) != JSON_END)
        abort();
}

/* What the road asks of every body. */
static void pick(struct str text)
{
    struct json_member want[] = {
        {.name = STR("model")}, {.name = STR("serviceTier")}, {.name = STR("messages")}};
    struct json_pick p;
    json_pick_init(&p, text, want, 3);
    if (json_pick_step(&p) != JSON_END || want[2].times != 1)
        abort();
}

/* The blocks and hashes of a prompt; its parts are known (gate/facts). */
static void ask(struct str text)
{
    static struct ask_block room[ASK_BLOCKS_MOST];
    static struct json_member parts[] = {
        {.name = STR("toolConfig")}, {.name = STR("system")}, {.name = STR("messages")}};
    static size_t known;
    static struct ask_parts in;
    struct ask a;
    if (known != text.len) {
        struct json_member tools[] = {{.name = STR("tools")}};
        struct json_pick p;
        json_pick_init(&p, text, parts, 3);
        json_pick_step(&p);
        json_pick_init(&p, parts[0].times ? parts[0].raw : S("{}"), tools, 1);
        json_pick_step(&p);
        in = (struct ask_parts){text, tools[0].raw, parts[1].raw, parts[2].raw};
        known = text.len;
    }
    ask_begin(&a, ASK_CONVERSE, 1, &in, room, ASK_BLOCKS_MOST);
    while (ask_step(&a) == ASK_MORE)
        ;
    if (a.state != ASK_GOOD)
        abort();
}

static void hash(struct str text)
{
    unsigned char digest[SHA256_BYTES];
    sha256_of(text, digest);
}

/* One insertion near the end, as a cache marker is, and the hash of what comes of it. */
static void edit_insert(struct str text)
{
    struct json_edit edit = {text.len - 4, 0, S(",{\"cachePoint\":{\"type\":\"default\"}}")};
    struct str pieces[JSON_EDIT_PIECES(1)];
    unsigned char digest[SHA256_BYTES];
    struct sha256 h;
    ssize_t n = json_edit_pieces(&edit, 1, text, pieces, JSON_EDIT_PIECES(1));
    if (n != 3)
        abort();
    sha256_init(&h);
    for (ssize_t i = 0; i < n; i++)
        sha256_add(&h, pieces[i]);
    sha256_end(&h, digest);
}

static void tap(enum operation_id op, struct str type, struct str text)
{
    static struct fields fields;
    fields.n = 0;
    fields_add(&fields, S("content-type"), type);
    fields_add(&fields, S("date"), S("Mon, 02 Nov 2026 10:00:00 GMT"));
    struct tap *t = tap_new(operation_row(op), 200, &fields);
    tap_feed(t, text);
    tap_end(t);
    tap_free(t);
}

static void tap_converse(struct str text)
{
    tap(OP_CONVERSE, S("application/json"), text);
}

static void tap_invoke(struct str text)
{
    tap(OP_INVOKE, S("application/json"), text);
}

static void tap_converse_stream(struct str text)
{
    tap(OP_CONVERSE_STREAM, S("application/vnd.amazon.eventstream"), text);
}

static void tap_invoke_stream(struct str text)
{
    tap(OP_INVOKE_STREAM, S("application/vnd.amazon.eventstream"), text);
}

static void tap_messages_stream(struct str text)
{
    tap(OP_MESSAGES, S("text/event-stream"), text);
}

static void tap_chat_stream(struct str text)
{
    tap(OP_CHAT, S("text/event-stream"), text);
}

/* The fields are made once: a front has them already. */
static void read_received(struct str text, struct sigv4_received *r, struct fields *fields)
{
    r->method = S("POST");
    r->target = str_of(converse_target);
    r->authority = str_cut(&text, '\n');
    r->body_sha256 = str_cut(&text, '\n').ptr;
    r->fields = fields;
    fields->n = 0;
    while (text.len) {
        struct str value = str_cut(&text, '\n'), name = str_cut(&value, ':');
        fields_add(fields, name, value);
    }
}

static void claim(struct str text)
{
    static struct fields fields;
    static struct sigv4_received r;
    static size_t made_of;
    struct sigv4_claim c;
    if (made_of != text.len)
        read_received(text, &r, &fields);
    made_of = text.len;
    if (sigv4_claim_read(&r, S("bedrock"), 1795148300, &c) != SIGV4_CLAIMED ||
        !sigv4_claim_holds(&r, &c, S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")))
        abort();
}

static const struct row rows[] = {
    {STR("json.string.plain.1MiB"), MIB, string_plain, scan_skip, 0},
    {STR("json.string.escapes.1MiB"), MIB, string_escapes, scan_skip, 0},
    {STR("json.string.source.1MiB"), MIB, string_source, scan_skip, 0},
    {STR("json.string.u-escapes.1MiB"), MIB, string_u_escapes, scan_skip, 0},
    {STR("json.string.chinese.1MiB"), MIB, string_cjk, scan_skip, 0},
    {STR("json.string.german.1MiB"), MIB, string_german, scan_skip, 0},
    {STR("json.string.emoji.1MiB"), MIB, string_emoji, scan_skip, 0},
    {STR("json.converse.64KiB"), 64 * KIB, converse, scan_skip, 0},
    {STR("json.converse.tokens.64KiB"), 64 * KIB, converse, scan_tokens, 0},
    {STR("json.converse.pick.64KiB"), 64 * KIB, converse, pick, 0},
    {STR("json.indented.1MiB"), MIB, indented, scan_skip, 0},
    {STR("json.members.1MiB"), MIB, short_members, scan_skip, 0},
    {STR("json.zeros.1MiB"), MIB, zeros, scan_skip, 0},
    {STR("json.zeros.tokens.1MiB"), MIB, zeros, scan_tokens, 0},
    {STR("json.empty-strings.1MiB"), MIB, empty_strings, scan_skip, 0},
    {STR("ask.agent.64KiB"), 64 * KIB, converse, ask, 1},
    {STR("ask.agent.1MiB"), MIB, converse, ask, 1},
    {STR("ask.prompt.60-blocks.64KiB"), 64 * KIB, prompt_60, ask, 1},
    {STR("ask.prompt.500-blocks.1MiB"), MIB, prompt_500, ask, 1},
    {STR("index.find.64MiB"), 64 * MIB, index_make, index_find, INDEX_BLOCKS},
    {STR("index.fetch-find.64MiB"), 64 * MIB, index_make, index_fetch_find, INDEX_BLOCKS},
    {STR("index.find.512MiB"), 512 * MIB, index_make, index_find, INDEX_BLOCKS},
    {STR("index.fetch-find.512MiB"), 512 * MIB, index_make, index_fetch_find, INDEX_BLOCKS},
    {STR("index.see.64MiB"), 64 * MIB, index_share, index_see, INDEX_BLOCKS},
    {STR("index.see.512MiB"), 512 * MIB, index_share, index_see, INDEX_BLOCKS},
    {STR("sha256.1MiB"), MIB, string_plain, hash, 0},
    {STR("edit.insert.1MiB"), MIB, string_plain, edit_insert, 0},
    {STR("claim.boto3"), 0, claim_boto3, claim, 1},
    {STR("claim.js"), 0, claim_js, claim, 1},
    {STR("tap.converse.500B"), 500, answer_converse, tap_converse, 1},
    {STR("tap.converse.1MiB"), MIB, answer_converse, tap_converse, 0},
    {STR("tap.image.1MiB"), MIB, answer_image, tap_invoke, 0},
    {STR("tap.vector.64KiB"), 64 * KIB, answer_vector, tap_invoke, 0},
    {STR("tap.delta.converse"), DELTAS, stream_converse, tap_converse_stream, DELTAS},
    {STR("tap.delta.invoke"), DELTAS, stream_invoke, tap_invoke_stream, DELTAS},
    {STR("tap.delta.messages"), DELTAS, stream_messages, tap_messages_stream, DELTAS},
    {STR("tap.delta.chat"), DELTAS, stream_chat, tap_chat_stream, DELTAS},
};

/* --- the clock around them */

static double best_ns(const struct row *row, struct str text)
{
    const int64_t turn_ns = 10000000;
    double best = 0;
    for (int turn = 0; turn < 20; turn++) {
        int64_t start = clock_mono_ns(), ns = 0;
        int times = 0;
        for (; ns < turn_ns; times++, ns = clock_mono_ns() - start)
            row->once(text);
        if (turn == 0 || (double)ns / times < best)
            best = (double)ns / times;
    }
    return best;
}

int main(int argc, char **argv)
{
    struct str prefix = str_of(argc > 1 ? argv[1] : "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = {0};
        if (!str_starts(rows[i].name, prefix))
            continue;
        rows[i].make(&b, rows[i].size_bytes);
        double ns = best_ns(&rows[i], buf_str(&b));
        if (rows[i].messages)
            printf("%-32.*s %8.1f ns\n", STR_ARG(rows[i].name), ns / rows[i].messages);
        else
            printf("%-32.*s %8.3f GB/s\n", STR_ARG(rows[i].name), (double)buf_len(&b) / ns);
        buf_fini(&b);
    }
    plan_rows(prefix);
    return 0;
}
