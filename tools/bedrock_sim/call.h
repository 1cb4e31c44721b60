/* SPDX-License-Identifier: Apache-2.0
 *
 * One call inside the service: what the operations (op_*.c) share. Steps return false when they
 * have set `refusal`; then the operation returns false too.
 */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "answer.h"
#include "ops.h"
#include "shape.h"

/* How the events of a stream are wrapped. */
enum call_emit {
    CALL_CONVERSE, /* event-stream messages of their own type, padded */
    CALL_CHUNK,    /* event-stream messages of type chunk with base64 inside, padded */
    CALL_SSE,      /* event: and data: lines */
    CALL_SSE_DATA  /* data: lines only */
};

struct call {
    struct world *world;
    const struct ops_request *ask;
    struct ops_result *out;
    struct refusal refusal;
    struct buf args[2]; /* the path's variable segments, decoded */
    struct str query;   /* raw */
    struct tree tree;   /* of the body, after call_parse */
    struct model_ref ref;
    struct prompt prompt;
    struct promptcache_use use;
    unsigned char question[SHA256_BYTES];
    struct answer answer;
    struct str latency; /* asked for; empty: not */
    enum call_emit emit;
    uint64_t pad_state;
    size_t events;
    bool batch; /* a record of a job: no cache, tier "batch" */
};

/* One operation of the table in ops.c. */
typedef bool call_run(struct call *c);
call_run op_converse, op_converse_stream, op_invoke, op_invoke_stream, op_messages,
    op_messages_count, op_chat, op_responses, op_response_get, op_response_delete,
    op_response_cancel, op_count_tokens, op_apply_guardrail, op_guardrail_checks, op_async_start,
    op_async_get, op_async_list, op_put_metrics, op_get_profile, op_job_create, op_job_get,
    op_job_list, op_job_stop;

/* --- steps */

/* Parses the body: strict JSON, or refused. */
bool call_parse(struct call *c);
/* Finds the model by id and readies the prompt for it. */
bool call_model(struct call *c, struct str id);
/* The body's member `model`, kept in the result, then call_model. */
bool call_body_model(struct call *c);
/* The tier that the request asks for, in its header or its body; empty: none. Borrowed. */
struct str call_tier_asked(struct call *c);
/* Refuses as the fault says. */
bool call_fault(struct call *c);
/* Takes the tier asked for, or refuses it; empty is none. */
bool call_tier(struct call *c, struct str tier);
/* After the prompt is read: question, cache, answer and charge. */
void call_think(struct call *c);
/* What latency is served: "standard" unless the model has the optimised kind. */
struct str call_latency_served(const struct call *c);
uint64_t call_latency_ms(const struct call *c);
uint64_t call_written(const struct call *c); /* tokens written to the cache, all TTLs */

/* --- streams */

/* Begins a stream: headers and wrapping. */
void call_stream(struct call *c, enum call_emit emit);
/* One event; json is an object. */
void call_event(struct call *c, struct str type, struct str json);
void call_eventf(struct call *c, struct str type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Before the i-th delta: true when a fault ends the stream here. */
bool call_breaks(struct call *c, size_t i);

/* --- bodies of one model family, used by more than one operation */

/* The events or the one answer of Anthropic's Messages. `model_shown` goes into the body. */
void claude_answer(struct call *c, struct str model_shown);
void claude_stream(struct call *c, struct str model_shown);
/* Chat completions. */
void chat_answer(struct call *c, struct str model_shown);
void chat_stream(struct call *c, struct str model_shown, bool with_usage);

/* The answer's text as the inside of a JSON string, and its i-th delta. */
void call_add_text(const struct call *c, struct buf *b);
void call_add_delta(const struct call *c, struct buf *b, size_t i);

#endif
