/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of outcomes.def as answers: one sentence, in the words that the caller's SDK turns into
 * an exception.
 */
#include "weir/gate/outcome.h"

#include "weir/base/text.h"
#include "weir/wire/event_stream.h"

#include <assert.h>

static const struct outcome_row rows[OUTCOMES] = {
#define OUTCOME(name_, word_, status_, blame_, aws_, anthropic_, openai_, sentence_) \
    [OUTCOME_##name_] = {STR(word_),      status_,      STR(blame_),   STR(aws_),    \
                         STR(anthropic_), STR(openai_), STR(sentence_)},
#include "weir/gate/outcomes.def"
#undef OUTCOME
};

const struct outcome_row *outcome_row(enum outcome o)
{
    return &rows[o];
}

struct str outcome_type(enum outcome o, enum dialect d)
{
    switch (d) {
    case DIALECT_ANTHROPIC:
        return rows[o].anthropic_type;
    case DIALECT_OPENAI:
        return rows[o].openai_type;
    case DIALECT_AWS:
        return rows[o].aws_type;
    }
    return rows[o].aws_type;
}

static void add_string(struct buf *b, struct str s)
{
    buf_add_char(b, '"');
    text_add_json(b, s, s.len);
    buf_add_char(b, '"');
}

static void add_error(struct buf *b, enum dialect d, struct str type, struct str sentence)
{
    switch (d) {
    case DIALECT_AWS:
        buf_add(b, S("{\"message\":"));
        add_string(b, sentence);
        buf_add(b, S("}"));
        return;
    case DIALECT_ANTHROPIC:
        buf_add(b, S("{\"type\":\"error\",\"error\":{\"type\":"));
        add_string(b, type);
        buf_add(b, S(",\"message\":"));
        add_string(b, sentence);
        buf_add(b, S("}}"));
        return;
    case DIALECT_OPENAI:
        buf_add(b, S("{\"error\":{\"message\":"));
        add_string(b, sentence);
        buf_add(b, S(",\"type\":"));
        add_string(b, type);
        buf_add(b, S(",\"param\":null,\"code\":null}}"));
        return;
    }
}

void outcome_add_body(struct buf *b, enum outcome o, enum dialect d, struct str sentence)
{
    add_error(b, d, outcome_type(o, d), sentence.len ? sentence : rows[o].sentence);
}

/* The names under which a stream carries an error: those of the modelled stream exceptions. */
static struct str stream_type(enum outcome o, enum dialect d)
{
    bool silent = o == OUTCOME_STREAM_SILENT;
    switch (d) {
    case DIALECT_AWS:
        return silent ? S("modelStreamErrorException") : S("internalServerException");
    case DIALECT_ANTHROPIC:
        return silent ? S("timeout_error") : S("api_error");
    case DIALECT_OPENAI:
        return S("server_error");
    }
    return S("api_error");
}

static void add_exception(struct buf *b, struct str type, struct str body)
{
    const struct event_header headers[] = {
        {STR(":message-type"), EVENT_STRING, 0, STR("exception")},
        {STR(":exception-type"), EVENT_STRING, 0, type},
        {STR(":content-type"), EVENT_STRING, 0, STR("application/json")}};
    int err = event_stream_add(b, headers, 3, body);
    assert(err == 0); /* names and sizes are ours */
    (void)err;
}

void outcome_add_in_stream(struct buf *b, enum outcome o, enum dialect d, enum stream_shape s)
{
    struct buf body = {0};
    struct str type = stream_type(o, d);
    add_error(&body, d, type, rows[o].sentence);
    if (s == STREAM_EVENTS) {
        add_exception(b, type, buf_str(&body));
    } else if (s == STREAM_SSE) {
        if (d == DIALECT_ANTHROPIC)
            buf_add(b, S("event: error\n"));
        buf_add(b, S("data: "));
        buf_add(b, buf_str(&body));
        buf_add(b, S("\n\n"));
    }
    buf_fini(&body);
}
