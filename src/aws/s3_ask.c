/* SPDX-License-Identifier: Apache-2.0
 *
 * One request of S3 with a body that is in memory, and an answer that fits there: sent, judged, and
 * sent again after a pause as long as that may help. A refusal for a wrong clock is learned from,
 * once. Everything that is asked of the bucket names the owner whom it must have.
 */
#include "s3_ask.h"

#include "weir/base/mem.h"
#include "weir/wire/uri.h"

struct s3_ask {
    struct s3 *s3;
    struct arena arena;
    struct aws_request request;
    struct field fields[S3_FIELDS_MOST + 1];
    struct buf target;
    struct str body;
    unsigned char sha256[SHA256_BYTES];
    struct fetch_limits limits;
    struct fetch *fetch;
    struct timer pause;
    struct later refuse;
    struct s3_verdict unsent; /* why */
    unsigned tried;
    bool learned, telling;
    int64_t signed_with_s;
    void (*done)(void *arg, const struct s3_answer *a);
    void *arg;
};

enum { ASK_BYTES = 16 * 1024 };

void s3_add_target(struct buf *b, struct str key, struct str query)
{
    do {
        buf_add_char(b, '/');
        uri_encode_segment(b, str_cut(&key, '/'));
    } while (key.ptr);
    if (query.len) {
        buf_add_char(b, '?');
        buf_add(b, query);
    }
}

static void free_ask(struct s3_ask *a)
{
    timer_stop(&a->pause);
    later_cancel(&a->refuse);
    buf_fini(&a->target);
    arena_fini(&a->arena);
    mem_free(a);
}

static void tell(struct s3_ask *a, const struct s3_answer *answer)
{
    a->telling = true;
    a->done(a->arg, answer);
    free_ask(a);
}

static void send(struct s3_ask *a);

static void on_answer(void *arg, const struct fetch_answer *f)
{
    struct s3_ask *a = arg;
    struct s3_answer answer = {.fields = f->fields, .body = f->body};
    a->fetch = NULL;
    s3_judge(a->s3, f->end, f->why, f->status, f->fields, f->body, &answer.verdict);
    if (!a->learned && s3_learn(a->s3, &answer.verdict, f->fields, a->signed_with_s)) {
        a->learned = true;
        send(a);
    } else if (answer.verdict.again && a->tried < S3_TRIES && !f->too_big) {
        timer_start(&a->pause, s3_pause_ms(a->tried));
    } else {
        tell(a, &answer);
    }
}

static void send(struct s3_ask *a)
{
    struct s3 *s = a->s3;
    struct creds *creds = s3_creds(s, &a->unsent);
    if (!creds) {
        loop_later(s->loop, &a->refuse);
        return;
    }
    a->tried++;
    a->signed_with_s = aws_signer_offset(s->signer);
    a->fetch =
        fetch_start(s->loop, s->signer, &s->target, creds, &a->request, &a->limits, on_answer, a);
    creds_unref(creds);
}

static void on_pause(void *arg)
{
    send(arg);
}

static void on_refuse(void *arg)
{
    static const struct fields none;
    struct s3_ask *a = arg;
    struct s3_answer answer = {.verdict = a->unsent, .fields = &none};
    tell(a, &answer);
}

static void copy(struct s3_ask *a, const struct s3_request *r)
{
    size_t n = 0;
    if (a->s3->o.owner.len)
        a->fields[n++] = (struct field){S("x-amz-expected-bucket-owner"), a->s3->o.owner};
    for (size_t i = 0; i < r->n_fields && i < S3_FIELDS_MOST; i++)
        a->fields[n++] = (struct field){arena_dup(&a->arena, r->fields[i].name),
                                        arena_dup(&a->arena, r->fields[i].value)};
    if (r->body_sha256)
        for (size_t i = 0; i < SHA256_BYTES; i++)
            a->sha256[i] = r->body_sha256[i];
    s3_add_target(&a->target, r->key, r->query);
    a->body = r->body;
    a->request = (struct aws_request){.method = arena_dup(&a->arena, r->method),
                                      .target = buf_str(&a->target),
                                      .fields = a->fields,
                                      .n_fields = n,
                                      .body = &a->body,
                                      .n_body = r->body.len ? 1 : 0,
                                      .body_sha256 = r->body_sha256 ? a->sha256 : NULL};
    a->limits = (struct fetch_limits){
        r->max_bytes ? r->max_bytes : S3_ERROR_BYTES,
        r->try_ms ? r->try_ms : S3_SMALL_MS + (int64_t)r->body.len / S3_BYTES_PER_MS};
}

struct s3_ask *s3_ask_start(struct s3 *s, const struct s3_request *r,
                            void (*done)(void *arg, const struct s3_answer *a), void *arg)
{
    struct s3_ask *a = mem_new(sizeof *a);
    a->s3 = s;
    a->done = done;
    a->arg = arg;
    arena_init(&a->arena, ASK_BYTES);
    timer_init(&a->pause, s->loop, on_pause, a);
    later_init(&a->refuse, on_refuse, a);
    copy(a, r);
    send(a);
    return a;
}

void s3_ask_drop(struct s3_ask *a)
{
    if (!a || a->telling)
        return;
    fetch_drop(a->fetch);
    free_ask(a);
}
