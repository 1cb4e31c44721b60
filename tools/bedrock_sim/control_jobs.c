/* SPDX-License-Identifier: Apache-2.0
 *
 *     {"order":"stall=Scheduled","count":1,"match":"piece of name or model"}   "" clears the orders
 *     {"job_ms":N,"list_lag_ms":N,"counts_lag_ms":N,"quota":N,"min_records":N,"max_records":N,
 *      "same_token":"job|empty|conflict","unique_names":true}
 */
#include "control_jobs.h"

#include "weir/base/text.h"

#include <stddef.h>

static void add_job(struct jobs *j, const struct job *job, struct buf *b)
{
    const struct job_counts *c = &job->counts;
    buf_addf(b, "{\"number\":%llu,\"arn\":\"%s\",\"name\":\"%.*s\",\"token\":\"%.*s\",",
             (unsigned long long)job->number, job->arn, STR_ARG(job->wish.name),
             STR_ARG(job->wish.token));
    buf_addf(b, "\"model\":\"%.*s\",\"kind\":\"%s\",\"state\":\"%s\",", STR_ARG(job->wish.model_id),
             job->wish.converse ? "Converse" : "InvokeModel", job_state_word(job->state));
    buf_addf(b, "\"input\":\"%.*s\",\"output\":\"%.*s\",\"message\":\"",
             STR_ARG(job->wish.input_uri), STR_ARG(job->wish.output_uri));
    text_add_json(b, str_of(job->message), SIZE_MAX);
    buf_addf(b, "\",\"age_ms\":%lld,", (long long)(jobs_now_ms(j) - job->made_ms));
    buf_addf(b,
             "\"records\":%llu,\"processed\":%llu,\"succeeded\":%llu,\"errors\":%llu,"
             "\"same_ids\":%llu,\"token_came\":%llu,\"token_with_other_wish\":%llu}\n",
             (unsigned long long)c->total, (unsigned long long)c->processed,
             (unsigned long long)c->succeeded, (unsigned long long)c->errors,
             (unsigned long long)job->same_ids, (unsigned long long)job->came,
             (unsigned long long)job->other);
}

void control_jobs_list(struct jobs *j, struct buf *out)
{
    pthread_mutex_lock(&j->lock);
    for (uint64_t done = 0;;) {
        const struct job *next = NULL;
        for (const struct job *job = j->newest; job && job->number > done; job = job->next)
            next = job;
        if (!next)
            break;
        add_job(j, next, out);
        done = next->number;
    }
    pthread_mutex_unlock(&j->lock);
}

static bool read_numbers(struct jobs_settings *s, const struct tree *t, struct refusal *why)
{
    static const struct {
        struct str name;
        size_t offset;
    } numbers[] = {
        {STR("job_ms"), offsetof(struct jobs_settings, job_ms)},
        {STR("list_lag_ms"), offsetof(struct jobs_settings, list_lag_ms)},
        {STR("counts_lag_ms"), offsetof(struct jobs_settings, counts_lag_ms)},
        {STR("quota"), offsetof(struct jobs_settings, quota)},
        {STR("min_records"), offsetof(struct jobs_settings, min_records)},
        {STR("max_records"), offsetof(struct jobs_settings, max_records)},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct node *n = tree_have(t, tree_root(t), numbers[i].name);
        int64_t value = -1;
        if (!n)
            continue;
        if (!tree_integer(n, &value) || value < 0 || value > INT32_MAX)
            return refusal_invalid(why, "%s is a whole number.", numbers[i].name.ptr);
        *(int64_t *)(void *)((char *)s + numbers[i].offset) = value;
    }
    return true;
}

static bool read_words(struct jobs_settings *s, const struct tree *t, struct refusal *why)
{
    static const struct str sames[] = {[JOB_SAME_JOB] = STR("job"),
                                       [JOB_SAME_EMPTY] = STR("empty"),
                                       [JOB_SAME_CONFLICT] = STR("conflict")};
    const struct node *same = tree_have(t, tree_root(t), S("same_token"));
    const struct node *unique = tree_have(t, tree_root(t), S("unique_names"));
    size_t i = 0;
    if (unique)
        s->unique_names = unique->kind == TREE_TRUE;
    while (same && i < 3 && !tree_says(same, sames[i]))
        i++;
    if (same && i == 3)
        return refusal_invalid(why, "same_token is job, empty or conflict.");
    if (same)
        s->same_token = (enum job_same)i;
    return true;
}

static bool read_order(const struct tree *t, struct job_order *o, int64_t *count, struct str *match,
                       struct refusal *why)
{
    const struct node *root = tree_root(t), *words = tree_have(t, root, S("order"));
    const struct node *piece = tree_have(t, root, S("match"));
    struct str bad = {0};
    *count = 1;
    if (!tree_is(words, TREE_STRING) || (piece && piece->kind != TREE_STRING))
        return refusal_invalid(why, "order and match are strings.");
    if (!job_order_read(o, words->raw, &bad))
        return refusal_invalid(why, "No order: '%.*s'.", (int)(bad.len < 60 ? bad.len : 60),
                               bad.ptr);
    if (tree_have(t, root, S("count")) &&
        (!tree_integer(tree_get(t, root, S("count")), count) || *count < 1))
        return refusal_invalid(why, "count is a whole number from 1.");
    *match = piece ? piece->raw : (struct str){0};
    return true;
}

static bool set_orders(struct jobs *j, const struct tree *t, struct refusal *why)
{
    const struct node *words = tree_have(t, tree_root(t), S("order"));
    struct job_order order;
    struct str match;
    int64_t count;
    if (!words)
        return true;
    job_order_init(&order);
    if (!read_order(t, &order, &count, &match, why))
        return false;
    if (words->raw.len == 0) {
        j->orders.n = 0;
        return true;
    }
    return job_orders_add(&j->orders, &order, count, match) ||
           refusal_invalid(why, "Too many orders, or match is too long.");
}

bool control_jobs_set(struct jobs *j, const struct tree *t, struct refusal *why)
{
    pthread_mutex_lock(&j->lock);
    struct jobs_settings s = j->settings;
    bool good = tree_is(tree_root(t), TREE_OBJECT) ||
                refusal_invalid(why, "The body is an object with orders or settings (see --help).");
    good = good && read_numbers(&s, t, why) && read_words(&s, t, why) && set_orders(j, t, why);
    if (good)
        j->settings = s;
    pthread_mutex_unlock(&j->lock);
    return good;
}
