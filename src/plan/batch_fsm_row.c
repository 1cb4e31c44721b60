/* SPDX-License-Identifier: Apache-2.0
 *
 * A job as a stored row: a version, its numbers as varints in the order of the table below, its
 * texts with their lengths before them, and the words for states and statuses. Whoever adds a field
 * puts it at the row's end and makes the next version. Version 1 ended with `why`.
 */
#include "weir/base/varint.h"
#include "weir/plan/batch_fsm.h"

#include <string.h>

enum { ROW_VERSION = 2 };

static const struct str state_words[BATCH_STATES] = {
    STR("packed"), STR("creating"), STR("running"), STR("reading"), STR("cleaning"), STR("gone")};

/* As the service model names them, November 2026. */
static const struct str status_words[BATCH_STATUSES] = {
    STR("none"),       STR("Submitted"), STR("Validating"), STR("Scheduled"),
    STR("InProgress"), STR("Stopping"),  STR("Stopped"),    STR("PartiallyCompleted"),
    STR("Completed"),  STR("Failed"),    STR("Expired"),    STR("other")};

struct str batch_state_word(enum batch_state s)
{
    return state_words[s];
}

struct str batch_status_word(enum batch_status s)
{
    return status_words[s];
}

enum batch_status batch_status_read(struct str word)
{
    for (int s = BATCH_SUBMITTED; s < BATCH_OTHER; s++)
        if (str_eq(word, status_words[s]))
            return (enum batch_status)s;
    return BATCH_OTHER;
}

bool batch_status_ends(enum batch_status s)
{
    return s == BATCH_STOPPED || s == BATCH_PARTIAL || s == BATCH_COMPLETED || s == BATCH_FAILED ||
           s == BATCH_EXPIRED;
}

/* In the order in which they stand in the row. */
#define NUMBERS(X)    \
    X(number)         \
    X(pool)           \
    X(state)          \
    X(status)         \
    X(records)        \
    X(bytes)          \
    X(expect_nanousd) \
    X(cut_ms)         \
    X(deadline_ms)    \
    X(next_ms)        \
    X(sent_ms)        \
    X(created_ms)     \
    X(ended_ms)       \
    X(stop_ms)        \
    X(unsure)         \
    X(stopping)       \
    X(left)           \
    X(cancelled)      \
    X(tries)          \
    X(absent)         \
    X(total)          \
    X(processed)      \
    X(succeeded)      \
    X(errors)         \
    X(read_bytes)     \
    X(answered)

static void add_number(struct buf *out, uint64_t n)
{
    char bytes[VARINT_MOST];
    buf_add(out, str_from(bytes, (size_t)(varint_put(bytes, n) - bytes)));
}

static void add_text(struct buf *out, const char *text)
{
    struct str s = str_of(text);
    add_number(out, s.len);
    buf_add(out, s);
}

void batch_job_write(const struct batch_job *j, struct buf *out)
{
    buf_add_char(out, ROW_VERSION);
#define ADD(field) add_number(out, (uint64_t)j->field);
    NUMBERS(ADD)
#undef ADD
    add_text(out, j->token);
    add_text(out, j->arn);
    add_text(out, j->why);
    add_text(out, j->bucket);
    add_text(out, j->prefix);
    add_text(out, j->owner);
}

static bool take_text(struct str *in, char *out, size_t most)
{
    uint64_t len;
    if (!varint_take(in, &len) || len > most || len > in->len || memchr(in->ptr, 0, len))
        return false;
    memcpy(out, in->ptr, len);
    out[len] = 0;
    *in = str_from_offset(*in, len);
    return true;
}

static bool take_numbers(struct str *in, struct batch_job *j)
{
    uint64_t n;
#define TAKE(field)                     \
    if (!varint_take(in, &n))           \
        return false;                   \
    j->field = (__typeof__(j->field))n; \
    if ((uint64_t)j->field != n)        \
        return false;
    NUMBERS(TAKE)
#undef TAKE
    return j->state < BATCH_STATES && j->status < BATCH_STATUSES;
}

/* What one may reckon with. */
static bool is_time(int64_t ms)
{
    return ms >= 0 && ms <= INT64_MAX / 8;
}

static bool has_times(const struct batch_job *j)
{
    return j->next_ms >= 0 && j->deadline_ms >= 0 && is_time(j->cut_ms) && is_time(j->sent_ms) &&
           is_time(j->created_ms) && is_time(j->ended_ms) && is_time(j->stop_ms);
}

static bool take_place(struct str *in, struct batch_job *j)
{
    return take_text(in, j->bucket, BATCH_BUCKET_MOST) &&
           take_text(in, j->prefix, BATCH_PREFIX_MOST) && take_text(in, j->owner, BATCH_OWNER_MOST);
}

int batch_job_read(struct str bytes, struct batch_job *out)
{
    struct batch_job j = {0};
    if (!bytes.len || bytes.ptr[0] < 1 || bytes.ptr[0] > ROW_VERSION)
        return ERR_BAD;
    struct str in = str_from_offset(bytes, 1);
    if (!take_numbers(&in, &j) || !take_text(&in, j.token, BATCH_TOKEN_BYTES) ||
        !take_text(&in, j.arn, BATCH_ARN_MOST) || !take_text(&in, j.why, BATCH_WHY_MOST) ||
        (bytes.ptr[0] > 1 && !take_place(&in, &j)) || in.len || !has_times(&j))
        return ERR_BAD;
    *out = j;
    return 0;
}
