/* SPDX-License-Identifier: Apache-2.0
 *
 * A job's output, read in a stream, in slices: some lines become ends of records, and go to the
 * spool in one transaction with the place up to which the output was read. So after a kill it goes
 * on where it was, and a line counts once. While a slice is being written nothing more is asked
 * for; what is held is one slice and the beginning of a line.
 *
 * Output is outside data: a line must name a record of this very job with its secret. What does not
 * is counted, said once, and dropped. A record that has its answer already, because it left the job
 * in time, is metered as late.
 */
#include "batch_jobs.h"
#include "batch_lines.h"
#include "batch_slice.h"
#include "weir/base/hook.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/json_pick.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    SLICE_BYTES = 1024 * 1024,
    LINE_MOST = 64 * 1024 * 1024, /* input and output of one record; a request's body has 25 MB */
    MANIFEST_MOST = 64 * 1024
};

struct batch_collect {
    struct batch_work *work;
    struct s3_call *call;
    struct batch_lines lines;
    struct batch_slice slice;
    size_t owed; /* bytes that came while a slice was written */
    bool settling, ended;
    bool whole;                  /* it is read from its beginning */
    char failed[BATCH_WHY_MOST]; /* the stream broke off; empty: it did not */
    bool listed;                 /* the output was looked for by its folder */
    uint64_t good, bad;          /* lines with an answer, with an error */
    struct buf manifest;
};

void batch_collect_free(struct batch_collect *c)
{
    if (!c)
        return;
    s3_drop(c->call);
    batch_lines_fini(&c->lines);
    batch_slice_fini(&c->slice);
    buf_fini(&c->manifest);
    mem_free(c);
}

static void end(struct batch_collect *c, enum batch_event event, struct str why)
{
    const struct batch_news n = {.event = event, .why = why};
    batch_work_event(c->work, &n); /* frees it */
}

static struct s3 *s3_of(struct batch_collect *c)
{
    return batch_place_of_work(c->work)->s3;
}

/* The job's folder in our output folder: the last part of its ARN. */
static void add_folder(const struct batch_work *w, struct buf *out)
{
    struct str id = str_of(w->row.arn), rest = id;
    while (rest.ptr)
        id = str_cut(&rest, '/');
    batch_work_key(w, "out/", out);
    buf_addf(out, "%.*s/", STR_ARG(id));
}

/* --- what it says of itself at the end */

static bool reads_count(const struct json_member *m, uint64_t *out)
{
    return m->times == 1 && text_u64(m->raw, out);
}

static void compare(struct batch_collect *c)
{
    struct json_member m[] = {{.name = STR("successRecordCount")},
                              {.name = STR("errorRecordCount")}};
    struct json_pick p;
    uint64_t good, bad;
    json_pick_init(&p, buf_str(&c->manifest), m, 2);
    if (!c->whole || json_pick_step(&p) != JSON_END || !reads_count(&m[0], &good) ||
        !reads_count(&m[1], &bad) || (good == c->good && bad == c->bad))
        return;
    log_say(LOG_WARN, "batch",
            "job %" PRIu64 ": its manifest tells of %" PRIu64 " answers and %" PRIu64
            " errors, its output has %" PRIu64 " and %" PRIu64,
            c->work->row.number, good, bad, c->good, c->bad);
}

static void on_manifest_bytes(void *arg, struct str bytes)
{
    struct batch_collect *c = arg;
    if (buf_len(&c->manifest) < MANIFEST_MOST)
        buf_add(&c->manifest, bytes);
    s3_credit(c->call, bytes.len);
}

static void on_manifest(void *arg, enum s3_end ended, struct str why)
{
    struct batch_collect *c = arg;
    (void)why;
    c->call = NULL;
    if (ended == S3_GOOD)
        compare(c);
    end(c, BATCH_READ_ALL, S(""));
}

static void read_manifest(struct batch_collect *c)
{
    const struct s3_reader r = {on_manifest_bytes, on_manifest, c};
    struct buf key = {0};
    add_folder(c->work, &key);
    buf_add(&key, S("manifest.json.out"));
    c->call = s3_get(s3_of(c), buf_str(&key), 0, &r);
    buf_fini(&key);
}

/* --- slices */

static void say_odd(struct batch_collect *c)
{
    const struct batch_odd *o = &c->slice.odd;
    uint64_t malformed = o->malformed + c->lines.dropped;
    if (malformed + o->unknown + o->twice + o->late == 0)
        return;
    log_say(LOG_WARN, "batch",
            "job %" PRIu64 ": in its output %" PRIu64 " lines are malformed, %" PRIu64
            " of records that it does not have, %" PRIu64 " stand twice, %" PRIu64
            " came late: their records have been answered on demand",
            c->work->row.number, malformed, o->unknown, o->twice, o->late);
}

static void finish(struct batch_collect *c)
{
    say_odd(c);
    read_manifest(c);
}

static void settle(struct batch_collect *c)
{
    struct batch_work *w = c->work;
    struct spool_read *r = spool_read_begin(w->batch->spool);
    struct str line;
    if (!r) {
        end(c, BATCH_READ_FAILED, S("the spool cannot be read now"));
        return;
    }
    batch_slice_begin(&c->slice, w, r);
    while (c->slice.lines < BATCH_SLICE_LINES && c->slice.bytes < SLICE_BYTES &&
           batch_lines_next(&c->lines, &line))
        batch_slice_add(&c->slice, line);
    spool_read_end(r);
    batch_slice_end(&c->slice);
    c->good += c->slice.good;
    c->bad += c->slice.bad;
    const struct batch_news some = {
        .event = BATCH_READ_SOME, .read_bytes = c->lines.at, .answered = c->slice.answers};
    c->settling = true;
    (void)HOOK("batch.read");
    batch_work_settle(w, &some, c->slice.ends, c->slice.n, &c->slice.billed);
}

void batch_collect_settled(struct batch_collect *c)
{
    struct batch *b = c->work->batch;
    c->settling = false;
    b->counts.errors += c->slice.errors;
    b->counts.saved_nanousd += c->slice.billed.saved_nanousd;
}

/* A slice is due, or the end, or more bytes. */
static void next(struct batch_collect *c)
{
    struct batch_lines *l = &c->lines;
    if (c->settling)
        return;
    if (l->n >= BATCH_SLICE_LINES || l->whole >= SLICE_BYTES || (l->n && batch_lines_stuck(l)) ||
        (c->ended && l->n)) {
        settle(c);
        return;
    }
    if (c->ended) {
        finish(c);
        return;
    }
    size_t n = c->owed;
    c->owed = 0;
    if (n)
        s3_credit(c->call, n);
}

void batch_collect_go_on(struct batch_collect *c)
{
    if (c->failed[0])
        end(c, BATCH_READ_FAILED, str_of(c->failed));
    else
        next(c);
}

void batch_collect_break(struct batch_collect *c, const char *why)
{
    s3_drop(c->call);
    c->call = NULL;
    snprintf(c->failed, sizeof c->failed, "%s", why);
}

static void on_bytes(void *arg, struct str bytes)
{
    struct batch_collect *c = arg;
    c->owed += bytes.len;
    batch_lines_add(&c->lines, bytes);
    next(c);
}

/* --- where it is */

static void begin_at(struct batch_collect *c, struct str key);

static void on_listed(void *arg, const struct s3_listed *l)
{
    struct batch_collect *c = arg;
    c->call = NULL;
    if (l->end == S3_FAILED || l->end == S3_REFUSED) {
        end(c, BATCH_READ_FAILED, l->why);
        return;
    }
    for (size_t i = 0; l->end == S3_GOOD && i < l->n; i++)
        if (str_ends(l->keys[i], S(".jsonl.out"))) {
            begin_at(c, l->keys[i]);
            return;
        }
    end(c, BATCH_READ_NOTHING, S("there is no output"));
}

static void look_for(struct batch_collect *c)
{
    struct buf prefix = {0};
    c->listed = true;
    batch_work_key(c->work, "out/", &prefix);
    c->call = s3_list(s3_of(c), buf_str(&prefix), on_listed, c);
    buf_fini(&prefix);
}

static void on_end(void *arg, enum s3_end ended, struct str why)
{
    struct batch_collect *c = arg;
    c->call = NULL;
    if (ended == S3_NONE && !c->listed)
        look_for(c);
    else if (ended == S3_NONE)
        end(c, BATCH_READ_NOTHING, why);
    else if (ended == S3_GOOD) {
        c->ended = true;
        batch_lines_end(&c->lines);
        next(c);
    } else {
        snprintf(c->failed, sizeof c->failed, "%.*s", STR_ARG(why));
        if (!c->settling)
            batch_collect_go_on(c);
    }
}

static void begin_at(struct batch_collect *c, struct str key)
{
    const struct s3_reader r = {on_bytes, on_end, c};
    c->call = s3_get(s3_of(c), key, c->work->row.read_bytes, &r);
}

void batch_collect_begin(struct batch_work *w)
{
    struct batch_collect *c = mem_new(sizeof *c);
    struct buf key = {0};
    w->collect = c;
    c->work = w;
    c->whole = w->row.read_bytes == 0;
    batch_lines_init(&c->lines, w->row.read_bytes, LINE_MOST);
    if (!s3_of(c)) {
        end(c, BATCH_READ_FAILED, S("batch.bucket is not set"));
        return;
    }
    add_folder(w, &key);
    buf_add(&key, S("in.jsonl.out"));
    begin_at(c, buf_str(&key));
    buf_fini(&key);
}
