/* SPDX-License-Identifier: Apache-2.0
 *
 * The collector. A fetch ends in one of three places: the origin says so, the answer grows too
 * large, or the time is over; whichever comes first tells the owner and takes the rest down. What
 * was collected may be credentials, so it is wiped.
 */
#include "weir/aws/fetch.h"

#include "weir/base/buf.h"
#include "weir/base/mem.h"

enum { HEAD_MOST_BYTES = 256 * 1024, FIRST_BYTES = 64 * 1024 };

struct fetch {
    struct loop *loop;
    struct arena arena;
    struct origin_call call;
    struct timer deadline;
    struct later unsent, bury;
    void (*done)(void *arg, const struct fetch_answer *a);
    void *arg;
    struct fetch_answer answer;
    struct fields fields;
    struct buf body;
    bool ended; /* the owner was told: only the burial is left */
};

static void bury(void *arg)
{
    struct fetch *f = arg;
    if (f->body.data)
        secret_wipe(f->body.data, f->body.cap);
    buf_fini(&f->body);
    arena_wipe(&f->arena);
    arena_fini(&f->arena);
    mem_free(f);
}

static void stop(struct fetch *f)
{
    f->ended = true;
    timer_stop(&f->deadline);
    later_cancel(&f->unsent);
}

static void end(struct fetch *f, enum origin_end how, const char *why)
{
    stop(f);
    loop_later(f->loop, &f->bury); /* whoever called is still on the stack */
    f->answer.end = how;
    f->answer.why = why;
    f->answer.body = buf_str(&f->body);
    f->done(f->arg, &f->answer);
}

static void on_head(void *arg, int status, const struct fields *fields, int64_t content_length)
{
    struct fetch *f = arg;
    f->answer.status = status;
    for (size_t i = 0; i < fields->n; i++)
        (void)fields_add(&f->fields, arena_dup(&f->arena, fields->at[i].name),
                         arena_dup(&f->arena, fields->at[i].value));
    if (f->arena.full)
        f->fields.n = 0; /* the body is still worth having */
}

static void on_bytes(void *arg, struct str bytes)
{
    struct fetch *f = arg;
    buf_add(&f->body, bytes);
    if (!f->body.overflow) {
        origin_credit(&f->call, bytes.len);
        return;
    }
    origin_cancel(&f->call);
    f->answer.too_big = true;
    end(f, ORIGIN_BAD, "the answer is larger than expected");
}

static void on_end(void *arg, enum origin_end how, const char *why)
{
    end(arg, how, why);
}

static void on_deadline(void *arg)
{
    struct fetch *f = arg;
    origin_cancel(&f->call);
    end(f, ORIGIN_TIMEOUT, "no whole answer in time");
}

static void on_unsent(void *arg)
{
    end(arg, ORIGIN_UNSENT, "the head of the request is too large");
}

struct fetch *fetch_start(struct loop *l, struct aws_signer *s, const struct aws_target *t,
                          struct creds *creds, const struct aws_request *r,
                          const struct fetch_limits *limits,
                          void (*done)(void *arg, const struct fetch_answer *a), void *arg)
{
    static const struct origin_sink sink = {on_head, on_bytes, on_end};
    struct fetch *f = mem_new(sizeof *f);
    f->loop = l;
    f->done = done;
    f->arg = arg;
    f->answer.fields = &f->fields;
    f->body.max = limits->max_bytes;
    /* Growing would leave unwiped copies behind. */
    (void)buf_reserve(&f->body, limits->max_bytes < FIRST_BYTES ? limits->max_bytes : FIRST_BYTES);
    arena_init(&f->arena, HEAD_MOST_BYTES);
    timer_init(&f->deadline, l, on_deadline, f);
    later_init(&f->unsent, on_unsent, f);
    later_init(&f->bury, bury, f);
    if (aws_send(s, t, creds, r, &f->arena, &sink, f, &f->call) == 0)
        timer_start(&f->deadline, limits->whole_ms);
    else
        loop_later(l, &f->unsent);
    return f;
}

void fetch_drop(struct fetch *f)
{
    if (!f || f->ended)
        return;
    if (timer_running(&f->deadline))
        origin_cancel(&f->call);
    stop(f);
    bury(f);
}
