/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads an object in a stream, as fast as its reader takes it. A connection that breaks is taken up
 * again behind the last byte that the reader got, with the ETag of the first answer, so that all
 * bytes are of one object; a try that brought something starts the count anew.
 *
 *     asked:         [offset - 1 ........................ end)
 *     the reader's:   (not this one) [offset .......... end)
 *
 * One byte more is asked for in front: a range that begins at the very end is an error for S3, and
 * the same one as a range beyond it.
 */
#include "s3_ask.h"

#include "weir/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ANSWER_MS = 30 * 1000,
    SILENCE_MS = 60 * 1000,
    HEAD_BYTES = 64 * 1024,
    ETAG_MOST = 128,
    FIELDS = 3,
};

struct get {
    struct s3_call call;
    struct s3_reader reader;
    struct buf target, range, error;
    char etag[ETAG_MOST]; /* of the first answer; empty: not told */
    uint64_t next;        /* the reader's next byte */
    uint64_t total;       /* of the object; UINT64_MAX: not known */
    bool drops_one;       /* the byte in front is still to come */
    uint64_t owed, stale; /* without credit: of this connection, of earlier ones */
    unsigned tried;
    bool sending, streams, learned;
    int64_t signed_with_s;
    struct timer pause;
    struct later refuse;
    struct s3_verdict unsent; /* why */
    /* of a try */
    struct arena arena;
    struct origin_call request;
    struct field fields[FIELDS];
    int status;
    struct fields seen; /* the two that an error needs */
};

static void clear_try(struct get *g)
{
    g->sending = false;
    g->stale += g->owed;
    g->owed = 0;
    g->seen.n = 0;
    buf_clear(&g->error);
    arena_fini(&g->arena);
    arena_init(&g->arena, HEAD_BYTES);
}

static void stop_get(struct s3_call *c)
{
    struct get *g = LIST_OF(c, struct get, call);
    if (g->sending)
        origin_cancel(&g->request);
    g->sending = false;
    timer_stop(&g->pause);
    later_cancel(&g->refuse);
}

static void fini_get(struct s3_call *c)
{
    struct get *g = LIST_OF(c, struct get, call);
    buf_fini(&g->target);
    buf_fini(&g->range);
    buf_fini(&g->error);
    arena_fini(&g->arena);
}

static void end(struct get *g, enum s3_end how, const char *why)
{
    stop_get(&g->call);
    s3_call_end(&g->call);
    g->reader.done(g->reader.arg, how, str_of(why));
}

static void fail(struct get *g, const char *why)
{
    struct s3_verdict v;
    s3_judge_unsent(g->call.s3, S3_FAILED, why, &v);
    end(g, v.end, v.why);
}

/* --- an answer */

/* "bytes 5-9/10": true when it begins where it shall. */
static bool read_range(struct str range, uint64_t wanted, uint64_t *out_total)
{
    uint64_t first, total;
    if (!str_starts(range, S("bytes ")))
        return false;
    range = str_from_offset(range, 6);
    bool good = text_u64(str_cut(&range, '-'), &first) && first == wanted;
    (void)str_cut(&range, '/');
    if (!good || !text_u64(range, &total))
        return false;
    *out_total = total;
    return true;
}

/* NULL, or why this answer is not what was asked for. */
static const char *wrong_head(struct get *g, const struct fields *fields, int64_t content_length)
{
    struct str etag = fields_get(fields, S("etag"));
    if (g->etag[0] && !str_eq(etag, str_of(g->etag)))
        return "the object has changed while it was read";
    if (etag.len < ETAG_MOST)
        snprintf(g->etag, sizeof g->etag, "%.*s", STR_ARG(etag));
    if (g->next == 0) {
        g->total = content_length < 0 ? UINT64_MAX : (uint64_t)content_length;
        return g->status == 200 ? NULL : "a part was sent, and the whole was asked for";
    }
    if (g->status != 206 ||
        !read_range(fields_get(fields, S("content-range")), g->next - 1, &g->total))
        return "another part was sent than was asked for";
    g->drops_one = true;
    return NULL;
}

static void keep_field(struct get *g, const struct fields *fields, struct str name)
{
    (void)fields_add(&g->seen, name, arena_dup(&g->arena, fields_get(fields, name)));
}

static void on_head(void *arg, int status, const struct fields *fields, int64_t content_length)
{
    struct get *g = arg;
    g->status = status;
    g->streams = status == 200 || status == 206;
    keep_field(g, fields, S("date"));
    keep_field(g, fields, S("x-amz-bucket-region"));
    const char *why = g->streams ? wrong_head(g, fields, content_length) : NULL;
    if (why)
        fail(g, why);
}

static void on_bytes(void *arg, struct str bytes)
{
    struct get *g = arg;
    if (!g->streams) {
        buf_add(&g->error, bytes);
        origin_credit(&g->request, bytes.len);
        return;
    }
    if (g->drops_one && bytes.len) {
        g->drops_one = false;
        bytes = str_from_offset(bytes, 1);
        origin_credit(&g->request, 1);
    }
    if (!bytes.len)
        return;
    g->next += bytes.len;
    g->owed += bytes.len;
    g->tried = 1;
    g->call.busy = true;
    g->reader.bytes(g->reader.arg, bytes);
    g->call.busy = false;
}

static void send(struct get *g);

static void again(struct get *g, const struct s3_verdict *v)
{
    clear_try(g);
    if (v->again && g->tried < S3_TRIES)
        timer_start(&g->pause, s3_pause_ms(g->tried));
    else
        end(g, v->end, v->why);
}

static void on_error(struct get *g, enum origin_end how, const char *why)
{
    struct s3_verdict v;
    struct str body = g->streams ? (struct str){NULL, 0} : buf_str(&g->error);
    s3_judge(g->call.s3, how, why, g->status, &g->seen, body, &v);
    if (v.status == 412 || v.status == 416) {
        fail(g, v.status == 412 ? "the object has changed while it was read"
                                : "the object is shorter than what was read of it");
    } else if (!g->learned && s3_learn(g->call.s3, &v, &g->seen, g->signed_with_s)) {
        g->learned = true;
        clear_try(g);
        send(g);
    } else {
        again(g, &v);
    }
}

static void on_end(void *arg, enum origin_end how, const char *why)
{
    struct get *g = arg;
    g->sending = false;
    bool whole = g->total == UINT64_MAX || g->next == g->total;
    if (how == ORIGIN_DONE && g->streams && whole)
        end(g, S3_GOOD, "");
    else if (how == ORIGIN_DONE && g->streams)
        on_error(g, ORIGIN_GONE, "the answer is shorter than it says");
    else
        on_error(g, how, why);
}

/* --- the question */

static size_t write_fields(struct get *g)
{
    const struct s3 *s = g->call.s3;
    size_t n = 0;
    if (s->o.owner.len)
        g->fields[n++] = (struct field){S("x-amz-expected-bucket-owner"), s->o.owner};
    if (g->next) {
        buf_clear(&g->range);
        buf_addf(&g->range, "bytes=%" PRIu64 "-", g->next - 1);
        g->fields[n++] = (struct field){S("range"), buf_str(&g->range)};
    }
    if (g->etag[0])
        g->fields[n++] = (struct field){S("if-match"), str_of(g->etag)};
    return n;
}

static void send_with(struct get *g, struct creds *creds, const struct aws_request *r)
{
    static const struct origin_sink sink = {on_head, on_bytes, on_end};
    struct s3 *s = g->call.s3;
    if (aws_send(s->signer, &s->target, creds, r, &g->arena, &sink, g, &g->request) == 0)
        g->sending = true;
    else
        s3_judge_unsent(s, S3_REFUSED, "the request cannot be signed", &g->unsent);
}

static void send(struct get *g)
{
    struct s3 *s = g->call.s3;
    struct creds *creds = s3_creds(s, &g->unsent);
    struct aws_request r = {.method = S("GET"),
                            .target = buf_str(&g->target),
                            .fields = g->fields,
                            .n_fields = write_fields(g),
                            .answer_ms = ANSWER_MS,
                            .silence_ms = SILENCE_MS};
    g->tried++;
    g->status = 0;
    g->streams = g->drops_one = false;
    g->signed_with_s = aws_signer_offset(s->signer);
    if (creds)
        send_with(g, creds, &r);
    creds_unref(creds);
    if (!g->sending)
        loop_later(s->loop, &g->refuse);
}

static void on_pause(void *arg)
{
    send(arg);
}

static void on_refuse(void *arg)
{
    struct get *g = arg;
    end(g, g->unsent.end, g->unsent.why);
}

static void credit(struct s3_call *c, size_t n)
{
    struct get *g = LIST_OF(c, struct get, call);
    uint64_t of_stale = n < g->stale ? n : g->stale;
    uint64_t of_owed = n - of_stale < g->owed ? n - of_stale : g->owed;
    g->stale -= of_stale;
    g->owed -= of_owed;
    if (g->sending && of_owed)
        origin_credit(&g->request, (size_t)of_owed);
}

struct s3_call *s3_get(struct s3 *s, struct str key, uint64_t offset, const struct s3_reader *r)
{
    struct get *g = s3_call_new(s, sizeof *g, stop_get, fini_get);
    g->reader = *r;
    g->call.credit = credit;
    g->next = offset;
    g->error.max = S3_ERROR_BYTES;
    arena_init(&g->arena, HEAD_BYTES);
    timer_init(&g->pause, s->loop, on_pause, g);
    later_init(&g->refuse, on_refuse, g);
    s3_add_target(&g->target, key, (struct str){NULL, 0});
    send(g);
    return &g->call;
}
