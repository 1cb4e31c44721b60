/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts an object out of pieces that are pulled one after the other. One part is in memory at a
 * time; what ends within the first goes as one request, more as an upload in parts.
 *
 *     pull --the last, and the first--> PUT
 *      | ^
 *      | `--------------------------.
 *      v                             \
 *     CreateMultipartUpload -> UploadPart ... -> CompleteMultipartUpload
 *
 * PUT and Complete ask that nothing be there. When something is (412), perhaps it is what an
 * earlier try put whose answer was lost: each object is marked, with its hash or, where that is not
 * known at the beginning, with a number of the upload. A HEAD that shows mark and length is as good
 * as the answer. Anything else is replaced.
 */
#include "s3_ask.h"

#include "weir/base/hook.h"
#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/wire/xml_pick.h"

#include <stdio.h>

enum {
    PARTS_MOST = 10000, /* S3's */
    MARK_BYTES = 16,
    ID_MOST = 1024,
    PART_ROOM = S3_PART_BYTES + 1024 * 1024,
};
#define MARK "x-amz-meta-weir-put"

struct put {
    struct s3_call call;
    int (*more)(void *arg, struct buf *out);
    s3_told *done;
    void *arg;
    struct buf key, content_type;
    struct later pull;
    struct s3_ask *ask;
    struct buf part;
    uint64_t length; /* of all that was pulled */
    bool last;       /* nothing comes behind `part` */
    bool replaces;   /* something else is there, and may go */
    char mark[SHA256_HEX];
    size_t mark_len;
    struct sha256 hash;                 /* of `part`, as it grows: 8 MiB at once take 20 ms */
    unsigned char sha256[SHA256_BYTES]; /* of `part` */
    struct buf checksum;                /* of `part`, in base64 */
    struct buf upload;                  /* its id; empty: there is none */
    struct buf parts;                   /* as Complete wants them */
    unsigned n_parts;
};

/* --- giving up an upload: a call of its own, of which nobody is told */

struct abort {
    struct s3_call call;
    struct s3_ask *ask;
};

static void stop_abort(struct s3_call *c)
{
    s3_ask_drop(LIST_OF(c, struct abort, call)->ask);
}

static void on_aborted(void *arg, const struct s3_answer *a)
{
    s3_call_end(arg);
}

static void abort_upload(struct put *p)
{
    if (!buf_len(&p->upload))
        return;
    struct buf query = {0};
    s3_add_upload_query(&query, buf_str(&p->upload));
    struct s3_request r = {
        .method = S("DELETE"), .key = buf_str(&p->key), .query = buf_str(&query)};
    struct abort *a = s3_call_new(p->call.s3, sizeof *a, stop_abort, NULL);
    a->ask = s3_ask_start(p->call.s3, &r, on_aborted, a);
    buf_fini(&query);
    buf_clear(&p->upload);
}

/* --- ends */

static void stop_put(struct s3_call *c)
{
    struct put *p = LIST_OF(c, struct put, call);
    later_cancel(&p->pull);
    s3_ask_drop(p->ask);
    abort_upload(p);
}

static void fini_put(struct s3_call *c)
{
    struct put *p = LIST_OF(c, struct put, call);
    struct buf *bufs[] = {&p->key, &p->content_type, &p->part, &p->checksum, &p->upload, &p->parts};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_fini(bufs[i]);
}

static void end(struct put *p, enum s3_end how, const char *why)
{
    if (how != S3_GOOD)
        abort_upload(p);
    s3_call_end(&p->call);
    /* A 404 without a code: whatever is missing, an object cannot be put there. */
    p->done(p->arg, how == S3_NONE ? S3_REFUSED : how,
            how == S3_GOOD ? (struct str){NULL, 0} : str_of(why));
}

static void ask(struct put *p, const struct s3_request *r,
                void (*answered)(void *arg, const struct s3_answer *a))
{
    struct s3_request with_key = *r;
    with_key.key = buf_str(&p->key);
    p->ask = s3_ask_start(p->call.s3, &with_key, answered, p);
}

/* --- what is there already? */

static void put_single(struct put *p);
static void complete(struct put *p);

static bool is_ours(const struct put *p, const struct s3_answer *a)
{
    uint64_t length;
    return text_u64(fields_get(a->fields, S("content-length")), &length) && length == p->length &&
           str_eq(fields_get(a->fields, S(MARK)), str_from(p->mark, p->mark_len));
}

static void on_head(void *arg, const struct s3_answer *a)
{
    struct put *p = arg;
    p->ask = NULL;
    if (a->verdict.end != S3_GOOD && a->verdict.end != S3_NONE) {
        end(p, a->verdict.end, a->verdict.why);
        return;
    }
    if (a->verdict.end == S3_GOOD && is_ours(p, a)) {
        end(p, S3_GOOD, "");
        return;
    }
    p->replaces = true;
    if (p->n_parts)
        complete(p);
    else
        put_single(p);
}

static void look(struct put *p)
{
    struct s3_request r = {.method = S("HEAD")};
    ask(p, &r, on_head);
}

/* --- one request */

static size_t add_kms(const struct put *p, struct field *fields, size_t n)
{
    struct str key = p->call.s3->o.kms_key;
    if (!key.len)
        return n;
    fields[n++] = (struct field){S("x-amz-server-side-encryption"), S("aws:kms")};
    fields[n++] = (struct field){S("x-amz-server-side-encryption-aws-kms-key-id"), key};
    return n;
}

static void end_hash(struct put *p)
{
    sha256_end(&p->hash, p->sha256);
    sha256_init(&p->hash);
    buf_clear(&p->checksum);
    text_add_base64(&p->checksum, str_from((const char *)p->sha256, SHA256_BYTES));
}

/* What the server says it stored, where it says so. */
static bool checksum_ok(const struct put *p, const struct s3_answer *a)
{
    struct str theirs = fields_get(a->fields, S("x-amz-checksum-sha256"));
    return theirs.len == 0 || str_eq(theirs, buf_str(&p->checksum));
}

static void on_single(void *arg, const struct s3_answer *a)
{
    struct put *p = arg;
    p->ask = NULL;
    if (a->verdict.status == 412 && !p->replaces)
        look(p);
    else if (a->verdict.end == S3_GOOD && !checksum_ok(p, a))
        end(p, S3_FAILED, "S3 stored other bytes than were sent");
    else
        end(p, a->verdict.end, a->verdict.why);
}

static void put_single(struct put *p)
{
    struct field fields[S3_FIELDS_MOST];
    size_t n = 0;
    fields[n++] = (struct field){S("content-type"), buf_str(&p->content_type)};
    fields[n++] = (struct field){S("x-amz-checksum-sha256"), buf_str(&p->checksum)};
    fields[n++] = (struct field){S(MARK), str_from(p->mark, p->mark_len)};
    if (!p->replaces)
        fields[n++] = (struct field){S("if-none-match"), S("*")};
    n = add_kms(p, fields, n);
    struct s3_request r = {.method = S("PUT"),
                           .fields = fields,
                           .n_fields = n,
                           .body = buf_str(&p->part),
                           .body_sha256 = p->sha256};
    ask(p, &r, on_single);
}

static void begin_single(struct put *p)
{
    sha256_hex(p->sha256, p->mark);
    p->mark_len = SHA256_HEX;
    put_single(p);
}

/* --- an upload in parts */

static void on_completed(void *arg, const struct s3_answer *a)
{
    struct put *p = arg;
    p->ask = NULL;
    bool gone = str_eq(str_of(a->verdict.code), S("NoSuchUpload"));
    if (gone)
        buf_clear(&p->upload);
    if (a->verdict.end != S3_GOOD && !p->replaces && (gone || a->verdict.status == 412))
        look(p);
    else
        end(p, a->verdict.end, a->verdict.why);
}

static void complete(struct put *p)
{
    static const struct field fields[] = {{STR("content-type"), STR("application/xml")},
                                          {STR("if-none-match"), STR("*")}};
    if (!buf_len(&p->upload)) {
        end(p, S3_FAILED, "the upload is gone, and the object is not there");
        return;
    }
    struct buf query = {0};
    s3_add_upload_query(&query, buf_str(&p->upload));
    struct s3_request r = {.method = S("POST"),
                           .query = buf_str(&query),
                           .fields = fields,
                           .n_fields = p->replaces ? 1 : 2,
                           .body = buf_str(&p->parts),
                           .try_ms = S3_COMPLETE_MS};
    ask(p, &r, on_completed);
    buf_fini(&query);
}

static void last_part_is_there(struct put *p)
{
    buf_add(&p->parts, S("</CompleteMultipartUpload>"));
    complete(p);
}

static void on_part(void *arg, const struct s3_answer *a)
{
    struct put *p = arg;
    struct str etag = fields_get(a->fields, S("etag"));
    p->ask = NULL;
    (void)HOOK("s3.part");
    if (a->verdict.end != S3_GOOD) {
        end(p, a->verdict.end, a->verdict.why);
        return;
    }
    if (!etag.len || !checksum_ok(p, a)) {
        end(p, S3_FAILED, "S3 stored other bytes than were sent");
        return;
    }
    buf_addf(&p->parts, "<Part><PartNumber>%u</PartNumber><ETag>", p->n_parts);
    text_add_xml(&p->parts, etag);
    buf_addf(&p->parts, "</ETag><ChecksumSHA256>%.*s</ChecksumSHA256></Part>",
             STR_ARG(buf_str(&p->checksum)));
    buf_clear(&p->part);
    if (p->last)
        last_part_is_there(p);
    else
        loop_next_turn(p->call.s3->loop, &p->pull);
}

static void put_part(struct put *p)
{
    if (++p->n_parts > PARTS_MOST) {
        end(p, S3_REFUSED, "the object is too large: it has more than 10,000 parts");
        return;
    }
    struct field checksum = {S("x-amz-checksum-sha256"), buf_str(&p->checksum)};
    struct buf query = {0};
    buf_addf(&query, "partNumber=%u&", p->n_parts);
    s3_add_upload_query(&query, buf_str(&p->upload));
    struct s3_request r = {.method = S("PUT"),
                           .query = buf_str(&query),
                           .fields = &checksum,
                           .n_fields = 1,
                           .body = buf_str(&p->part),
                           .body_sha256 = p->sha256};
    ask(p, &r, on_part);
    buf_fini(&query);
}

static void on_created(void *arg, const struct s3_answer *a)
{
    struct put *p = arg;
    p->ask = NULL;
    p->upload.max = ID_MOST;
    if (a->verdict.end != S3_GOOD)
        end(p, a->verdict.end, a->verdict.why);
    else if (xml_pick(a->body, S("UploadId"), &p->upload) != 0 || !buf_len(&p->upload))
        end(p, S3_FAILED, "the answer tells no upload");
    else
        put_part(p);
}

static void begin_upload(struct put *p)
{
    struct field fields[S3_FIELDS_MOST];
    unsigned char number[MARK_BYTES];
    size_t n = 0;
    random_bytes(number, sizeof number);
    for (size_t i = 0; i < sizeof number; i++)
        snprintf(p->mark + 2 * i, 3, "%02x", number[i]);
    p->mark_len = 2 * sizeof number;
    buf_add(&p->parts, S("<CompleteMultipartUpload "
                         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    fields[n++] = (struct field){S("content-type"), buf_str(&p->content_type)};
    fields[n++] = (struct field){S("x-amz-checksum-algorithm"), S("SHA256")};
    fields[n++] = (struct field){S(MARK), str_from(p->mark, p->mark_len)};
    n = add_kms(p, fields, n);
    struct s3_request r = {
        .method = S("POST"), .query = S("uploads="), .fields = fields, .n_fields = n};
    ask(p, &r, on_created);
}

/* --- pulling */

static void on_pulled(struct put *p)
{
    if (!buf_len(&p->part) && p->n_parts) {
        last_part_is_there(p);
        return;
    }
    p->length += buf_len(&p->part);
    end_hash(p);
    if (p->n_parts)
        put_part(p);
    else if (p->last)
        begin_single(p);
    else
        begin_upload(p);
}

static void pull(void *arg)
{
    struct put *p = arg;
    size_t before = buf_len(&p->part);
    p->call.busy = true;
    int rc = p->more(p->arg, &p->part);
    p->call.busy = false;
    if (p->call.over)
        return;
    sha256_add(&p->hash, str_from_offset(buf_str(&p->part), before));
    if (rc < 0) {
        end(p, S3_FAILED, "who puts it has given up");
        return;
    }
    p->last = rc == 0;
    if (p->last || buf_len(&p->part) >= S3_PART_BYTES)
        on_pulled(p);
    else
        loop_next_turn(p->call.s3->loop, &p->pull);
}

struct s3_call *s3_put(struct s3 *s, struct str key, struct str content_type,
                       int (*more)(void *arg, struct buf *out), s3_told *done, void *arg)
{
    struct put *p = s3_call_new(s, sizeof *p, stop_put, fini_put);
    p->more = more;
    p->done = done;
    p->arg = arg;
    buf_add(&p->key, key);
    buf_add(&p->content_type, content_type);
    sha256_init(&p->hash);
    (void)buf_reserve(&p->part, PART_ROOM); /* growing would move it */
    later_init(&p->pull, pull, p);
    loop_next_turn(s->loop, &p->pull);
    return &p->call;
}
