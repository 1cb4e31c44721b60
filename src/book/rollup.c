/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of records. How a record counts is written in rollup_add and, for people, in
 * docs/METRICS.md. The bytes:
 *
 *     version 3 | CRC-32 of what follows 4 | n, counts | n, tokens | cost untouched | n, histograms
 *               | unmarked | n, lost | n, groups | n, observed | n, of lane batch
 *               | n, of what waited
 *
 * Each list is preceded by its length, so that a later Weir with longer lists reads what an older
 * one wrote; version 1 ends behind the histograms, version 2 behind what was observed. Without a
 * control group n is 0, as where nothing was observed, was in a batch, or waited. Sums saturate.
 */
#include "weir/book/rollup.h"

#include "weir/base/digest.h"
#include "weir/base/varint.h"
#include "weir/book/store.h"

#include <string.h>

enum { VERSION = 3, HEAD_BYTES = 5, GROUPS = CONTROL_ARMS * CONTROL_GROUPS };
enum {
    OBSERVED = 3,
    BATCH = 2,
    QUEUE = 7,
    LAST = 6 + ROLLUP_LEVERS + 2 * GROUPS + OBSERVED + BATCH + QUEUE
}; /* numbers behind the histograms */
enum { NUMBERS = ROLLUP_COUNTS + TOKENS + 5 };

_Static_assert((int)ROLLUP_BYTES_MOST <= (int)STORE_VALUE_MOST, "a rollup fits into one value");
_Static_assert(HEAD_BYTES + (NUMBERS + LAST) * VARINT_MOST <= 1024, "what is not histograms");
_Static_assert((int)RECORD_GROUPS == (int)CONTROL_GROUPS, "a record's group is one of control.h");
_Static_assert(RECORD_ARM_TREATED - 1 == (int)CONTROL_TREATED &&
                   RECORD_ARM_CONTROL - 1 == (int)CONTROL_CONTROL,
               "a record's arm is one more than that of control.h");

static void add(uint64_t *sum, uint64_t n)
{
    *sum = n > UINT64_MAX - *sum ? UINT64_MAX : *sum + n;
}

void rollup_fini(struct rollup *r)
{
    for (size_t i = 0; i < ROLLUP_HISTOGRAMS; i++)
        histogram_fini(&r->histograms[i]);
    *r = (struct rollup){0};
}

static bool has_tokens(const struct usage *u)
{
    for (size_t i = 0; i < TOKENS; i++)
        if (u->tokens[i])
            return true;
    return false;
}

static void add_usage(struct usage *sum, const struct usage *u)
{
    for (size_t i = 0; i < TOKENS; i++)
        add(&sum->tokens[i], u->tokens[i]);
}

static void add_invocation(struct rollup *r, const struct record *record)
{
    add(&r->counts[ROLLUP_INVOCATIONS], 1);
    add(&r->counts[ROLLUP_CLIENT_ERRORS], record->end == RECORD_CLIENT_ERROR);
    add(&r->counts[ROLLUP_SERVER_ERRORS], record->end == RECORD_SERVER_ERROR);
    if (record->lane == LANE_BATCH)
        return; /* nobody knows how long Bedrock worked at it */
    histogram_add(&r->histograms[ROLLUP_LATENCY_US], record->latency_us, 1);
    histogram_add(&r->histograms[ROLLUP_ADDED_US], record->added_us, 1);
    if (record->flags & RECORD_STREAM && record->first_us)
        histogram_add(&r->histograms[ROLLUP_FIRST_US], record->first_us, 1);
}

/* By number, over both arms. */
static struct control_group *group_of(const struct rollup *r, size_t i)
{
    const struct control_group *g = &r->groups[i / CONTROL_GROUPS][i % CONTROL_GROUPS];
    return (struct control_group *)(uintptr_t)g;
}

static void add_group(struct control_group *g, uint64_t input, uint64_t plain)
{
    add(&g->input, input);
    add(&g->plain, plain);
}

static void add_lost(uint64_t *sum, uint64_t with, uint64_t without)
{
    add(sum, with > without ? with - without : 0);
}

static void add_observed(struct rollup_observed *sum, const struct rollup_observed *o)
{
    add(&sum->requests, o->requests);
    add(&sum->cost_nanousd, o->cost_nanousd);
    add(&sum->would_nanousd, o->would_nanousd);
}

static void add_money(struct rollup *r, const struct record *record)
{
    add(&r->cost_nanousd, record->cost_nanousd);
    add(&r->unmarked_nanousd, record->unmarked_nanousd);
    add(&r->untouched_nanousd, record->untouched_nanousd);
    add_lost(&r->lost_nanousd[ROLLUP_CACHE], record->cost_nanousd, record->unmarked_nanousd);
    bool batch = record->lane == LANE_BATCH;
    add_lost(&r->lost_nanousd[batch ? ROLLUP_BATCH : ROLLUP_FLEX], record->unmarked_nanousd,
             record->untouched_nanousd);
    add(&r->batch_unmarked_nanousd, batch ? record->unmarked_nanousd : 0);
    add(&r->batch_untouched_nanousd, batch ? record->untouched_nanousd : 0);
    if (record->arm != RECORD_ARM_NONE)
        add_group(&r->groups[record->arm - 1][record->group % CONTROL_GROUPS],
                  record->input_nanousd, record->plain_nanousd);
    if (record->flags & RECORD_OBSERVED)
        add_observed(&r->observed,
                     &(struct rollup_observed){1, record->cost_nanousd, record->observed_nanousd});
}

static void merge_gauge(struct rollup_gauge *g, const struct rollup_gauge *o, bool first)
{
    add(&g->sum, o->sum);
    g->least = first || o->least < g->least ? o->least : g->least;
    g->most = o->most > g->most ? o->most : g->most;
}

static void merge_queue(struct rollup_queue *q, const struct rollup_queue *o)
{
    if (!o->samples)
        return;
    merge_gauge(&q->depth, &o->depth, !q->samples);
    merge_gauge(&q->age_us, &o->age_us, !q->samples);
    add(&q->samples, o->samples);
}

static void add_sample(struct rollup *r, const struct record *record)
{
    uint64_t depth = record->attempts, age = record->latency_us;
    merge_queue(&r->queue, &(struct rollup_queue){1, {depth, depth, depth}, {age, age, age}});
}

void rollup_add(struct rollup *r, const struct record *record)
{
    unsigned flags = record->flags;
    if (flags & RECORD_SAMPLE) {
        add_sample(r, record);
        return;
    }
    bool tokens = has_tokens(&record->usage);
    add(&r->counts[ROLLUP_REQUESTS], 1);
    if (flags & RECORD_INVOCATION && record->end == RECORD_THROTTLED)
        add(&r->counts[ROLLUP_THROTTLES], 1);
    else if (flags & RECORD_INVOCATION)
        add_invocation(r, record);
    add(&r->counts[ROLLUP_ESTIMATED], !!(flags & RECORD_ESTIMATED));
    add(&r->counts[ROLLUP_UNPRICED], flags & RECORD_UNPRICED && tokens);
    add(&r->counts[ROLLUP_PROVISIONAL], !!(flags & RECORD_PROVISIONAL));
    add(&r->counts[ROLLUP_JOINED], !!(flags & RECORD_JOINED));
    add(&r->counts[ROLLUP_UNREADABLE], !!(flags & RECORD_UNREADABLE));
    add(&r->counts[ROLLUP_TREATED], record->arm == RECORD_ARM_TREATED);
    add(&r->counts[ROLLUP_CONTROL], record->arm == RECORD_ARM_CONTROL);
    add(&r->counts[ROLLUP_MARKED], record->marks > 0);
    add(&r->counts[ROLLUP_REFUSED], !!(flags & RECORD_REFUSED));
    add(&r->counts[ROLLUP_MAYBE_TWICE], !!(flags & RECORD_MAYBE_TWICE));
    add(&r->counts[ROLLUP_BATCH_FIT], !!(flags & RECORD_BATCH_FIT));
    add_usage(&r->usage, &record->usage);
    if (!(flags & RECORD_UNPRICED)) /* else its cost says nothing */
        add_money(r, record);
}

void rollup_merge(struct rollup *r, const struct rollup *other)
{
    for (size_t i = 0; i < ROLLUP_COUNTS; i++)
        add(&r->counts[i], other->counts[i]);
    add_usage(&r->usage, &other->usage);
    add(&r->cost_nanousd, other->cost_nanousd);
    add(&r->unmarked_nanousd, other->unmarked_nanousd);
    add(&r->untouched_nanousd, other->untouched_nanousd);
    add(&r->batch_unmarked_nanousd, other->batch_unmarked_nanousd);
    add(&r->batch_untouched_nanousd, other->batch_untouched_nanousd);
    for (size_t i = 0; i < ROLLUP_LEVERS; i++)
        add(&r->lost_nanousd[i], other->lost_nanousd[i]);
    for (size_t i = 0; i < GROUPS; i++)
        add_group(group_of(r, i), group_of(other, i)->input, group_of(other, i)->plain);
    add_observed(&r->observed, &other->observed);
    merge_queue(&r->queue, &other->queue);
    for (size_t i = 0; i < ROLLUP_HISTOGRAMS; i++)
        histogram_merge(&r->histograms[i], &other->histograms[i]);
}

/* Differences in whole nano-dollars: a saving is small beside what it is taken from. */
int64_t rollup_saved(const struct rollup *r, enum rollup_lever lever)
{
    uint64_t batch = r->batch_untouched_nanousd - r->batch_unmarked_nanousd;
    switch (lever) {
    case ROLLUP_CACHE:
        return (int64_t)(r->unmarked_nanousd - r->cost_nanousd);
    case ROLLUP_FLEX:
        return (int64_t)(r->untouched_nanousd - r->unmarked_nanousd - batch);
    case ROLLUP_BATCH:
    case ROLLUP_LEVERS:
        break;
    }
    return (int64_t)batch;
}

int64_t rollup_saved_all(const struct rollup *r)
{
    return (int64_t)(r->untouched_nanousd - r->cost_nanousd);
}

struct str rollup_lever_word(enum rollup_lever lever)
{
    static const struct str words[ROLLUP_LEVERS] = {STR("cache"), STR("flex"), STR("batch")};
    return words[lever];
}

static char *write_list(char *at, const uint64_t *numbers, size_t n)
{
    at = varint_put(at, n);
    for (size_t i = 0; i < n; i++)
        at = varint_put(at, numbers[i]);
    return at;
}

/* None, or all of them. */
static char *write_groups(char *at, const struct rollup *r)
{
    uint64_t any = 0;
    for (size_t i = 0; i < GROUPS; i++)
        any |= group_of(r, i)->input | group_of(r, i)->plain;
    at = varint_put(at, any ? GROUPS : 0);
    for (size_t i = 0; any && i < GROUPS; i++) {
        at = varint_put(at, group_of(r, i)->input);
        at = varint_put(at, group_of(r, i)->plain);
    }
    return at;
}

static char *write_observed(char *at, const struct rollup_observed *o)
{
    const uint64_t numbers[OBSERVED] = {o->requests, o->cost_nanousd, o->would_nanousd};
    return write_list(at, numbers, o->requests ? OBSERVED : 0);
}

static char *write_batch(char *at, const struct rollup *r)
{
    const uint64_t numbers[BATCH] = {r->batch_unmarked_nanousd, r->batch_untouched_nanousd};
    return write_list(at, numbers, numbers[0] || numbers[1] ? BATCH : 0);
}

static char *write_queue(char *at, const struct rollup_queue *q)
{
    const uint64_t numbers[QUEUE] = {q->samples,    q->depth.sum,    q->depth.least, q->depth.most,
                                     q->age_us.sum, q->age_us.least, q->age_us.most};
    return write_list(at, numbers, q->samples ? QUEUE : 0);
}

void rollup_write(const struct rollup *r, struct buf *out)
{
    size_t before = buf_len(out);
    char *begin = buf_reserve(out, HEAD_BYTES + NUMBERS * VARINT_MOST);
    if (!begin)
        return;
    char *at = write_list(begin + HEAD_BYTES, r->counts, ROLLUP_COUNTS);
    at = write_list(at, r->usage.tokens, TOKENS);
    at = varint_put(at, r->cost_nanousd);
    at = varint_put(at, r->untouched_nanousd);
    at = varint_put(at, ROLLUP_HISTOGRAMS);
    buf_commit(out, (size_t)(at - begin));
    for (size_t i = 0; i < ROLLUP_HISTOGRAMS; i++)
        histogram_write(&r->histograms[i], out);
    begin = buf_reserve(out, LAST * VARINT_MOST);
    if (!begin)
        return;
    at = varint_put(begin, r->unmarked_nanousd);
    at = write_list(at, r->lost_nanousd, ROLLUP_LEVERS);
    at = write_groups(at, r);
    at = write_observed(at, &r->observed);
    at = write_batch(at, r);
    buf_commit(out, (size_t)(write_queue(at, &r->queue) - begin));
    begin = out->data + out->head + before; /* the buffer may have moved */
    struct str all = str_from_offset(buf_str(out), before);
    uint32_t crc = crc32_add(0, str_from_offset(all, HEAD_BYTES));
    begin[0] = VERSION;
    memcpy(begin + 1, &crc, sizeof crc);
}

/* An older version's list may be shorter. */
static bool read_list(struct str *in, uint64_t *numbers, size_t most)
{
    uint64_t n;
    if (!varint_take(in, &n) || n > most)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!varint_take(in, &numbers[i]))
            return false;
    return true;
}

static bool read_groups(struct str *in, struct rollup *r)
{
    uint64_t n;
    if (!varint_take(in, &n) || n > GROUPS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!varint_take(in, &group_of(r, i)->input) || !varint_take(in, &group_of(r, i)->plain))
            return false;
    return true;
}

static bool read_observed(struct str *in, struct rollup_observed *o)
{
    uint64_t numbers[OBSERVED] = {0};
    if (!read_list(in, numbers, OBSERVED))
        return false;
    *o = (struct rollup_observed){numbers[0], numbers[1], numbers[2]};
    return true;
}

static bool read_batch(struct str *in, struct rollup *r)
{
    uint64_t numbers[BATCH] = {0};
    if (!read_list(in, numbers, BATCH))
        return false;
    r->batch_unmarked_nanousd = numbers[0];
    r->batch_untouched_nanousd = numbers[1];
    return true;
}

static bool read_queue(struct str *in, struct rollup_queue *q)
{
    uint64_t n[QUEUE] = {0};
    if (!read_list(in, n, QUEUE))
        return false;
    *q = (struct rollup_queue){n[0], {n[1], n[2], n[3]}, {n[4], n[5], n[6]}};
    return true;
}

static bool read_all(struct str in, unsigned char version, struct rollup *r)
{
    uint64_t n;
    if (!read_list(&in, r->counts, ROLLUP_COUNTS) || !read_list(&in, r->usage.tokens, TOKENS) ||
        !varint_take(&in, &r->cost_nanousd) || !varint_take(&in, &r->untouched_nanousd) ||
        !varint_take(&in, &n) || n > ROLLUP_HISTOGRAMS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (histogram_read(&r->histograms[i], &in))
            return false;
    r->unmarked_nanousd = r->untouched_nanousd;
    if (version > 1 && (!varint_take(&in, &r->unmarked_nanousd) ||
                        !read_list(&in, r->lost_nanousd, ROLLUP_LEVERS) || !read_groups(&in, r) ||
                        !read_observed(&in, &r->observed)))
        return false;
    if (version > 2 && (!read_batch(&in, r) || !read_queue(&in, &r->queue)))
        return false;
    return in.len == 0;
}

int rollup_read(struct str bytes, struct rollup *out)
{
    uint32_t crc;
    if (bytes.len < HEAD_BYTES)
        return ERR_BAD;
    unsigned char version = (unsigned char)bytes.ptr[0];
    if (version > VERSION)
        return ERR_UNSUPPORTED;
    memcpy(&crc, bytes.ptr + 1, sizeof crc);
    struct str rest = str_from_offset(bytes, HEAD_BYTES);
    if (!version || crc32_add(0, rest) != crc)
        return ERR_BAD;
    if (read_all(rest, version, out))
        return ERR_OK;
    rollup_fini(out);
    return ERR_BAD;
}
