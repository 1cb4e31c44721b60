/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads that were begun and never ended: the answer that told their number was lost, or who began
 * them was killed. Their parts cost money and are in no list of keys. Here they are listed, and
 * aborted one after the other.
 */
#include "s3_ask.h"

#include "weir/wire/uri.h"
#include "weir/wire/xml_pick.h"

enum { LIST_BYTES_MOST = 4 * 1024 * 1024 }; /* S3 lists a thousand at a time */

struct uploads {
    struct s3_call call;
    struct s3_ask *ask;
    struct buf prefix;
    struct buf list; /* the answer, from `rest` on not aborted yet */
    struct str rest;
    s3_told *done;
    void *arg;
};

static void stop_uploads(struct s3_call *c)
{
    s3_ask_drop(LIST_OF(c, struct uploads, call)->ask);
}

static void fini_uploads(struct s3_call *c)
{
    struct uploads *u = LIST_OF(c, struct uploads, call);
    buf_fini(&u->prefix);
    buf_fini(&u->list);
}

static void end(struct uploads *u, enum s3_end how, struct str why)
{
    s3_call_end(&u->call);
    u->done(u->arg, how, why);
}

int s3_read_upload(struct str *rest, struct buf *key, struct buf *id)
{
    struct str inside;
    int rc = xml_pick_next(rest, S("Upload"), &inside);
    if (rc)
        return rc;
    bool whole = xml_pick(inside, S("Key"), key) == 0 && xml_pick(inside, S("UploadId"), id) == 0;
    return whole && buf_len(id) ? 0 : ERR_BAD;
}

void s3_add_upload_query(struct buf *query, struct str id)
{
    buf_add(query, S("uploadId="));
    uri_encode_segment(query, id);
}

static void abort_next(struct uploads *u);

static void on_aborted(void *arg, const struct s3_answer *a)
{
    struct uploads *u = arg;
    u->ask = NULL;
    bool gone = a->verdict.status == 404; /* ended meanwhile */
    if (a->verdict.end == S3_GOOD || gone)
        abort_next(u);
    else
        end(u, a->verdict.end, str_of(a->verdict.why));
}

static void abort_one(struct uploads *u, struct str key, struct str id)
{
    struct buf query = {0};
    s3_add_upload_query(&query, id);
    struct s3_request r = {.method = S("DELETE"), .key = key, .query = buf_str(&query)};
    u->ask = s3_ask_start(u->call.s3, &r, on_aborted, u);
    buf_fini(&query);
}

/* Of those below the prefix: some servers list all of the bucket. */
static int next_of_ours(struct uploads *u, struct buf *key, struct buf *id)
{
    int rc;
    do {
        buf_clear(key);
        buf_clear(id);
        rc = s3_read_upload(&u->rest, key, id);
    } while (rc == 0 && !str_starts(buf_str(key), buf_str(&u->prefix)));
    return rc;
}

static void abort_next(struct uploads *u)
{
    struct buf key = {0}, id = {0};
    int rc = next_of_ours(u, &key, &id);
    if (rc == 0)
        abort_one(u, buf_str(&key), buf_str(&id));
    else if (rc != ERR_NOT_FOUND)
        end(u, S3_FAILED, S("the answer is not a list of uploads"));
    else if (s3_is_truncated(buf_str(&u->list)))
        end(u, S3_FAILED, S("there are more uploads than one list has"));
    else
        end(u, S3_GOOD, (struct str){NULL, 0});
    buf_fini(&key);
    buf_fini(&id);
}

static void on_listed(void *arg, const struct s3_answer *a)
{
    struct uploads *u = arg;
    u->ask = NULL;
    bool none = a->verdict.end == S3_NONE;
    if (a->verdict.end != S3_GOOD) {
        end(u, none ? S3_REFUSED : a->verdict.end, str_of(a->verdict.why));
        return;
    }
    buf_add(&u->list, a->body);
    u->rest = buf_str(&u->list);
    abort_next(u);
}

struct s3_call *s3_abort_uploads(struct s3 *s, struct str prefix, s3_told *done, void *arg)
{
    struct uploads *u = s3_call_new(s, sizeof *u, stop_uploads, fini_uploads);
    struct buf query = {0};
    u->done = done;
    u->arg = arg;
    buf_add(&u->prefix, prefix);
    buf_add(&query, S("uploads=&prefix="));
    uri_encode_segment(&query, prefix);
    struct s3_request r = {
        .method = S("GET"), .query = buf_str(&query), .max_bytes = LIST_BYTES_MOST};
    u->ask = s3_ask_start(s, &r, on_listed, u);
    buf_fini(&query);
    return &u->call;
}
