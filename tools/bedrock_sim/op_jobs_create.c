/* SPDX-License-Identifier: Apache-2.0
 *
 * CreateModelInvocationJob, of the control plane: the request's shape and patterns, then the table
 * of jobs. The patterns are the service model's (bedrock 2023-04-20), read by hand: as regular
 * expressions some of them would take for ever.
 */
#include "call.h"

#include "weir/base/text.h"

#include <ctype.h>
#include <string.h>

static bool all_of(struct str s, const char *more)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && (!s.ptr[i] || !strchr(more, s.ptr[i])))
            return false;
    return true;
}

/* [a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\+\-\.]){0,63} */
static bool is_name(struct str s)
{
    return s.len && isalnum((unsigned char)s.ptr[0]) && all_of(s, "+-.");
}

/* [a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256} */
static bool is_token(struct str s)
{
    return s.len && isalnum((unsigned char)s.ptr[0]) && isalnum((unsigned char)s.ptr[s.len - 1]) &&
           all_of(s, "-");
}

static bool is_digits(struct str s, size_t n)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isdigit((unsigned char)s.ptr[i]))
            return false;
    return s.len == n;
}

/* arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+ */
static bool is_role(struct str s)
{
    struct str rest = s, arn = str_cut(&rest, ':'), partition = str_cut(&rest, ':');
    struct str service = str_cut(&rest, ':'), region = str_cut(&rest, ':');
    struct str account = str_cut(&rest, ':');
    return str_eq(arn, S("arn")) && str_starts(partition, S("aws")) &&
           (partition.len == 3 || str_starts(partition, S("aws-"))) && str_eq(service, S("iam")) &&
           region.len == 0 && (account.len == 0 || is_digits(account, 12)) &&
           str_starts(rest, S("role/")) && rest.len > 5;
}

/* s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/? */
static bool is_s3_uri(struct str s)
{
    struct str key = str_from_offset(s, 5), bucket = str_cut(&key, '/');
    if (!str_starts(s, S("s3://")) || bucket.len < 3 || bucket.len > 63 || !all_of(bucket, "-."))
        return false;
    for (size_t i = 0; i < bucket.len; i++)
        if (isupper((unsigned char)bucket.ptr[i]))
            return false;
    if (!isalnum((unsigned char)bucket.ptr[0]) ||
        !isalnum((unsigned char)bucket.ptr[bucket.len - 1]))
        return false;
    if (str_ends(key, S("/")))
        key.len--;
    while (key.len) {
        struct str segment = str_cut(&key, '/');
        if (segment.len == 0 || !all_of(segment, "-!_*'()."))
            return false;
    }
    return true;
}

static bool broken(struct call *c, const char *where, struct str value, const char *pattern)
{
    return refusal_invalid(&c->refusal,
                           "1 validation error detected: Value '%.*s' at '%s' failed to satisfy "
                           "constraint: Member must satisfy regular expression pattern: %s",
                           (int)(value.len < 60 ? value.len : 60), value.ptr, where, pattern);
}

static struct str text_at(struct call *c, const struct node *n, struct str name)
{
    const struct node *found = tree_have(&c->tree, n, name);
    return tree_is(found, TREE_STRING) ? found->raw : (struct str){0};
}

static bool check_patterns(struct call *c, const struct job_wish *w)
{
    static const char uri[] = "s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+"
                              "(?:/[-!_*'().a-z0-9A-Z]+)*)?/?";
    if (!is_name(w->name))
        return broken(c, "jobName", w->name, "[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\\+\\-\\.]){0,63}");
    if (w->token.ptr && !is_token(w->token))
        return broken(c, "clientRequestToken", w->token,
                      "[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}");
    if (!is_role(w->role))
        return broken(c, "roleArn", w->role, "arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+");
    if (!is_s3_uri(w->input_uri))
        return broken(c, "inputDataConfig.s3InputDataConfig.s3Uri", w->input_uri, uri);
    return is_s3_uri(w->output_uri) ||
           broken(c, "outputDataConfig.s3OutputDataConfig.s3Uri", w->output_uri, uri);
}

/* An id as the service tells it: always an ARN. */
static void add_model_arn(const struct call *c, struct buf *b)
{
    struct str id = c->ref.id;
    if (c->ref.form == MODEL_BARE)
        buf_add(b, S("arn:aws:bedrock:us-east-1::foundation-model/"));
    else if (c->ref.form == MODEL_GEO)
        buf_add(b, S("arn:aws:bedrock:us-east-1:123456789012:inference-profile/"));
    buf_add(b, id);
}

static bool read_wish(struct call *c, struct job_wish *w)
{
    const struct node *root = tree_root(&c->tree);
    const struct node *in = tree_get(&c->tree, root, S("inputDataConfig"));
    const struct node *out = tree_get(&c->tree, root, S("outputDataConfig"));
    const struct node *vpc = tree_have(&c->tree, root, S("vpcConfig"));
    int64_t hours = 24;
    (void)tree_integer(tree_get(&c->tree, root, S("timeoutDurationInHours")), &hours);
    *w = (struct job_wish){
        .name = text_at(c, root, S("jobName")),
        .token = text_at(c, root, S("clientRequestToken")),
        .role = text_at(c, root, S("roleArn")),
        .model_id = text_at(c, root, S("modelId")),
        .account = c->out->account,
        .input_uri = text_at(c, tree_get(&c->tree, in, S("s3InputDataConfig")), S("s3Uri")),
        .output_uri = text_at(c, tree_get(&c->tree, out, S("s3OutputDataConfig")), S("s3Uri")),
        .input = in->raw,
        .output = out->raw,
        .vpc = vpc ? vpc->raw : (struct str){0},
        .converse = tree_says(tree_get(&c->tree, root, S("modelInvocationType")), S("Converse")),
        .hours = (unsigned)hours};
    return check_patterns(c, w);
}

static bool read_model(struct call *c, const struct job_wish *w)
{
    buf_add(&c->out->model, w->model_id);
    if (!call_model(c, buf_str(&c->out->model)))
        return false;
    return model_batches(&c->ref) ||
           refusal_invalid(&c->refusal,
                           "The provided model %.*s is not supported for batch inference.",
                           STR_ARG(str_sub(w->model_id, 0, 200)));
}

static bool refuse(struct call *c, enum jobs_made how, const struct job_wish *w)
{
    struct refusal *r = &c->refusal;
    switch (how) {
    case JOBS_CONFLICT:
        return refusal_set(r, 400, "ConflictException",
                           "A request with this client request token is being, or was, processed.");
    case JOBS_NAME_TAKEN:
        return refusal_set(r, 400, "ConflictException", "The job name is in use: %.*s",
                           STR_ARG(w->name));
    case JOBS_NO_ROLE:
        return refusal_set(r, 403, "AccessDeniedException",
                           "User: arn:aws:iam::123456789012:user/sim is not authorized to perform: "
                           "iam:PassRole on resource: %.*s because no identity-based policy allows "
                           "the iam:PassRole action",
                           STR_ARG(str_sub(w->role, 0, 200)));
    case JOBS_NO_ACCOUNT:
        return refusal_invalid(r, "Your account is not authorized to perform this action. Please "
                                  "create a support case");
    case JOBS_NO_QUOTA:
    case JOBS_MADE:
    case JOBS_KNOWN:
    case JOBS_EMPTY:
        break;
    }
    return refusal_set(r, 400, "ServiceQuotaExceededException",
                       "Sum of in-progress and submitted batch inference jobs: the quota for this "
                       "model is reached.");
}

bool op_job_create(struct call *c)
{
    struct job_wish w;
    struct buf model_arn = {0}, arn = {0};
    if (!call_parse(c) ||
        !shape_check(&c->tree, tree_root(&c->tree), &shape_create_job, &c->refusal) ||
        !read_wish(c, &w) || !read_model(c, &w))
        return false;
    add_model_arn(c, &model_arn);
    w.model_arn = buf_str(&model_arn);
    enum jobs_made how = jobs_create(c->world->batch, &w, &arn);
    bool good = how <= JOBS_EMPTY || refuse(c, how, &w);
    struct buf *b = &c->out->reply.body;
    if (good && how == JOBS_EMPTY)
        buf_add(b, S("{}"));
    else if (good)
        buf_addf(b, "{\"jobArn\":\"%s\"}", buf_cstr(&arn));
    reply_field(&c->out->reply, S("content-type"), S("application/json"));
    buf_fini(&model_arn);
    buf_fini(&arn);
    return good;
}
