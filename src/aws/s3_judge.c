/* SPDX-License-Identifier: Apache-2.0
 *
 * What an answer of S3 means. Errors are XML with a Code; a HEAD's have no body, and some servers
 * leave the Message empty. CompleteMultipartUpload may say 200 and then tell an error in its body,
 * because it answers before it knows (API reference, November 2026).
 *
 * The sentence names bucket, status and code, and what to do where that is known.
 */
#include "s3_ask.h"

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/wire/xml_pick.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_PAUSE_MS = 250 };

/* Error codes of S3 (API reference, "List of error codes", November 2026). */
static const struct row {
    struct str code;
    enum s3_end end;
    bool again;
    const char *hint;
    bool clear; /* S3's own message would say it once more */
} rows[] = {
    {STR("NoSuchKey"), S3_NONE, false, "there is no such object"},
    {STR("NoSuchBucket"), S3_REFUSED, false, "there is no such bucket", .clear = true},
    {STR("InvalidBucketName"), S3_REFUSED, false, "no bucket can have that name"},
    {STR("AccessDenied"), S3_REFUSED, false,
     "these credentials may not do this, or the bucket belongs to another account"},
    {STR("InvalidAccessKeyId"), S3_REFUSED, false, "S3 does not know the access key"},
    {STR("SignatureDoesNotMatch"), S3_REFUSED, false,
     "the secret key is not that of the access key"},
    {STR("AuthorizationHeaderMalformed"), S3_REFUSED, false, "the bucket is in another Region"},
    {STR("PermanentRedirect"), S3_REFUSED, false, "the bucket is in another Region"},
    {STR("NoSuchUpload"), S3_FAILED, false, "the upload is gone"},
    {STR("ExpiredToken"), S3_FAILED, false, "the credentials have expired"},
    {STR("RequestTimeTooSkewed"), S3_FAILED, false, "the clocks differ"},
    {STR("RequestTimeout"), S3_FAILED, true, NULL},
    {STR("BadDigest"), S3_FAILED, true, NULL},
    {STR("XAmzContentSHA256Mismatch"), S3_FAILED, true, NULL},
    {STR("ConditionalRequestConflict"), S3_FAILED, true, NULL},
    {STR("OperationAborted"), S3_FAILED, true, NULL},
    {STR("PreconditionFailed"), S3_FAILED, false, NULL},
    {STR("SlowDown"), S3_FAILED, true, NULL},
    {STR("InternalError"), S3_FAILED, true, NULL},
    {STR("ServiceUnavailable"), S3_FAILED, true, NULL},
};

/* Of what tells no code, and of codes that nobody has told us of. */
static struct row row_of_status(int status)
{
    if (status == 404)
        return (struct row){.end = S3_NONE};
    if (status == 301 || status == 307)
        return (struct row){.end = S3_REFUSED, .hint = "the bucket is in another Region"};
    if (status == 403)
        return (struct row){.end = S3_REFUSED,
                            .hint = "these credentials may not do this, or the bucket belongs to "
                                    "another account"};
    if (status == 412)
        return (struct row){.end = S3_FAILED};
    if (status == 408 || status == 409 || status == 429 || (status >= 500 && status != 501))
        return (struct row){.end = S3_FAILED, .again = true};
    return (struct row){.end = S3_REFUSED};
}

/* Of its key S3 tells KMS's own codes, some with "KMS." in front; throttling is a 400 (AWS re:Post,
 * "KMS ThrottlingException", November 2026). */
static struct row row_of(int status, struct str code)
{
    if (str_ends(code, S("ThrottlingException")) || str_ends(code, S("KMSInternalException")))
        return (struct row){.end = S3_FAILED, .again = true};
    if (str_starts(code, S("KMS.")))
        return (struct row){.end = S3_REFUSED, .hint = "KMS refuses the key"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq(rows[i].code, code))
            return rows[i];
    return row_of_status(status);
}

static struct str pick(struct str body, const char *name, struct buf *room)
{
    size_t before = buf_len(room);
    if (xml_pick(body, str_of(name), room) != 0)
        return (struct str){NULL, 0};
    return str_from_offset(buf_str(room), before);
}

/* <?xml ...?> may stand before it. */
static bool is_error(struct str body)
{
    while (body.len && (body.ptr[0] <= ' '))
        body = str_from_offset(body, 1);
    if (str_starts(body, S("<?"))) {
        (void)str_cut(&body, '>');
        while (body.len && (body.ptr[0] <= ' '))
            body = str_from_offset(body, 1);
    }
    return str_starts(body, S("<Error>"));
}

static void say(const struct s3 *s, struct s3_verdict *v, struct str message, struct str region,
                const char *hint)
{
    if (message.len > 200 || !text_is_plain(message))
        message.len = 0;
    int n = snprintf(v->why, sizeof v->why, "bucket \"%.*s\": %d%s%s", STR_ARG(s->o.bucket),
                     v->status, v->code[0] ? " " : "", v->code);
    size_t at = n > 0 && (size_t)n < sizeof v->why ? (size_t)n : sizeof v->why - 1;
    snprintf(v->why + at, sizeof v->why - at, "%s%.*s%s%s%s%.*s", message.len ? ": " : "",
             STR_ARG(message), hint ? ": " : "", hint ? hint : "", region.len ? ", " : "",
             STR_ARG(region));
}

static void judge_error(const struct s3 *s, const struct fields *fields, struct str body,
                        struct s3_verdict *v)
{
    struct buf room = {.max = S3_ERROR_BYTES};
    (void)buf_reserve(&room, body.len < S3_ERROR_BYTES ? body.len : S3_ERROR_BYTES);
    struct str code = pick(body, "Code", &room), message = pick(body, "Message", &room);
    struct str region = fields_get(fields, S("x-amz-bucket-region"));
    if (code.len >= S3_CODE_MOST || !text_is_plain(code))
        code.len = 0;
    snprintf(v->code, sizeof v->code, "%.*s", STR_ARG(code));
    struct row row = row_of(v->status, code);
    bool elsewhere = v->status == 301 || v->status == 307 || v->status == 400;
    v->end = row.end;
    v->again = row.again;
    if (row.clear)
        message.len = 0;
    say(s, v, message, elsewhere ? str_sub(region, 0, 40) : (struct str){NULL, 0}, row.hint);
    buf_fini(&room);
}

void s3_judge(const struct s3 *s, enum origin_end end, const char *origin_why, int status,
              const struct fields *fields, struct str body, struct s3_verdict *out)
{
    *out = (struct s3_verdict){.end = S3_GOOD, .status = status};
    if (end != ORIGIN_DONE) {
        out->end = S3_FAILED;
        out->again = true;
        snprintf(out->why, sizeof out->why, "bucket \"%.*s\": no answer: %s", STR_ARG(s->o.bucket),
                 origin_why ? origin_why : "unknown");
    } else if (status < 200 || status >= 300 || is_error(body)) {
        judge_error(s, fields, body, out);
    }
}

void s3_judge_unsent(const struct s3 *s, enum s3_end end, const char *why, struct s3_verdict *out)
{
    *out = (struct s3_verdict){.end = end};
    snprintf(out->why, sizeof out->why, "bucket \"%.*s\": %s", STR_ARG(s->o.bucket), why);
}

struct creds *s3_creds(const struct s3 *s, struct s3_verdict *out)
{
    struct creds *creds = s->o.creds(s->o.arg);
    bool good = creds && !creds->bearer.len && !s->tls_why[0];
    if (good)
        return creds;
    if (s->tls_why[0])
        s3_judge_unsent(s, S3_REFUSED, s->tls_why, out);
    else if (creds)
        s3_judge_unsent(s, S3_REFUSED, "S3 takes access keys, not a Bedrock API key", out);
    else
        s3_judge_unsent(s, S3_FAILED, "there are no credentials", out);
    creds_unref(creds);
    return NULL;
}

bool s3_learn(struct s3 *s, const struct s3_verdict *v, const struct fields *fields,
              int64_t signed_with_s)
{
    /* The other services tell the kind of error in a field: the signer looks there. */
    struct fields seen = {.n = 0};
    (void)fields_add(&seen, S("x-amzn-errortype"), str_of(v->code));
    (void)fields_add(&seen, S("date"), fields_get(fields, S("date")));
    return s->trusted && aws_signer_learn(s->signer, v->status, &seen, signed_with_s);
}

int64_t s3_pause_ms(unsigned tried)
{
    uint64_t most = (uint64_t)FIRST_PAUSE_MS << (tried - 1);
    return (int64_t)(most / 2 + random_below(most / 2));
}
