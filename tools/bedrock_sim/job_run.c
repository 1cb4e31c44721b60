/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread of one job: its way through the states. Of the time that is set for the whole way a
 * tenth goes to each of Submitted, Validating and Scheduled; records are processed evenly over the
 * rest, each with its row in the ledger at that moment. Input and answers are in files without a
 * name; only where each line begins is in memory. The output is written at the end, its lines in an
 * order of their own.
 */
#include "job_line.h"
#include "world.h"

#include "weir/base/mem.h"
#include "weir/base/random.h"
#include "weir/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 5, STOP_SHARE = 10, PUT_TRIES = 5 };

/* A line of the output. */
struct place {
    uint64_t at;
    uint32_t bytes;
};

struct run {
    struct jobs *jobs;
    struct job *job;
    FILE *input, *answers;
    struct place *places;
    size_t n_places, cap_places;
    uint64_t answers_bytes, records;
    bool broken; /* an answer could not be kept */
    bool stopping;
    struct jobs_settings settings; /* when it began */
};

/* --- time; all of this with the lock held */

enum verdict { GO_ON, STOP, EXPIRE, DROP };

static enum verdict verdict_of(const struct run *r)
{
    const struct job *job = r->job;
    if (job->dropped)
        return DROP;
    if (jobs_now_ms(r->jobs) >= job->expires_ms)
        return EXPIRE;
    return job->stop && !r->stopping ? STOP : GO_ON;
}

static void nap(struct run *r)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += TICK_MS * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&r->jobs->moved, &r->jobs->lock, &t);
}

/* Until the simulator's clock shows that, or something else has to be done first. */
static enum verdict wait_until(struct run *r, int64_t ms)
{
    enum verdict v;
    while ((v = verdict_of(r)) == GO_ON && jobs_now_ms(r->jobs) < ms)
        nap(r);
    return v;
}

/* Spends the share (in tenths) of the whole way in this state. */
static enum verdict stay(struct run *r, enum job_state s, int tenth)
{
    struct job *job = r->job;
    if (job->state != s && job->state < JOB_STOPPING)
        jobs_set_state(r->jobs, job, s);
    if (job->order.stall == s)
        return wait_until(r, INT64_MAX);
    return wait_until(r, job->made_ms + job->span_ms * tenth / 10);
}

/* --- the input; without the lock */

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static uint64_t count_same(uint64_t *ids, size_t n)
{
    uint64_t same = 0;
    if (n)
        qsort(ids, n, sizeof *ids, by_number);
    for (size_t i = 1; i < n; i++)
        same += ids[i] == ids[i - 1];
    return same;
}

static struct str without_newline(const char *line, ssize_t n)
{
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        n--;
    return (struct str){line, (size_t)n};
}

/* Counts the records and looks at each. False with a sentence. */
static bool check_lines(struct run *r, uint64_t *same, char *why, size_t room)
{
    char *line = NULL;
    size_t cap = 0, n_ids = 0, most = r->settings.max_records;
    uint64_t *ids = mem_new((most + 1) * sizeof *ids), id;
    const char *fault = NULL;
    ssize_t n;
    rewind(r->input);
    while (!fault && (n = getline(&line, &cap, r->input)) >= 0) {
        struct str record = without_newline(line, n);
        if (record.len == 0)
            continue;
        if (++r->records > most)
            fault = "more records than the maximum for a job";
        else if (job_line_check(record, &id, &fault)) {
            fault = NULL;
            if (id)
                ids[n_ids++] = id;
        }
    }
    *same = count_same(ids, n_ids);
    free(line);
    mem_free(ids);
    if (fault)
        snprintf(why, room, "Record %llu of the input: %s", (unsigned long long)r->records, fault);
    else if (r->records < r->settings.min_records)
        snprintf(why, room,
                 "Batch job %s contains less records (%llu) than the required minimum of: %llu",
                 r->job->arn, (unsigned long long)r->records,
                 (unsigned long long)r->settings.min_records);
    return !fault && r->records >= r->settings.min_records;
}

static bool fetch(struct run *r, char *why, size_t room)
{
    struct s3_name name;
    char what[S3_WHY] = "the input's s3Uri names no file";
    r->input = tmpfile();
    r->answers = tmpfile();
    if (!r->input || !r->answers)
        return snprintf(why, room, "the simulator has no room for files"), false;
    if (s3_name_read(r->job->wish.input_uri, &name) && name.key.len &&
        s3_get(&r->settings.s3, &name, r->input, what) == 200)
        return true;
    snprintf(why, room, "Could not read the input: %s", what);
    return false;
}

/* --- records; without the lock */

static void note_place(struct run *r, uint64_t at, size_t bytes)
{
    if (r->n_places == r->cap_places) {
        r->cap_places = r->cap_places ? r->cap_places * 2 : 256;
        r->places = mem_grow(r->places, r->cap_places * sizeof *r->places);
    }
    r->places[r->n_places++] = (struct place){at, (uint32_t)bytes};
}

static void answer(struct run *r, uint64_t number, struct str line, struct buf *out)
{
    struct job_line told;
    buf_clear(out);
    job_line_answer(r->jobs, r->job, number, line, out, &told);
    for (unsigned i = 0; i < told.copies; i++)
        note_place(r, r->answers_bytes, buf_len(out));
    if (told.copies && fwrite(out->data + out->head, 1, buf_len(out), r->answers) != buf_len(out))
        r->broken = true;
    r->answers_bytes += buf_len(out);
    pthread_mutex_lock(&r->jobs->lock);
    struct job_counts *c = &r->job->counts;
    c->processed++;
    c->succeeded += told.good;
    c->errors += !told.good;
    c->input_tokens += told.input_tokens;
    c->output_tokens += told.output_tokens;
    pthread_mutex_unlock(&r->jobs->lock);
}

/* How many records are processed at most, by what was ordered. */
static uint64_t limit_of(const struct run *r)
{
    const struct job_order *o = &r->job->order;
    if (o->partial >= 0)
        return r->records * (uint64_t)o->partial / 100;
    return o->expire || o->stall == JOB_IN_PROGRESS ? r->records / 2 : r->records;
}

/* When record `i` is due. */
static int64_t due(const struct run *r, uint64_t i)
{
    const struct job *job = r->job;
    int64_t begin = job->made_ms + job->span_ms * 3 / 10,
            rest = job->span_ms - job->span_ms * 3 / 10;
    return begin + (int64_t)((double)rest * (double)i / (double)r->records);
}

/* With the lock held, which is given away while a record is answered. */
static enum verdict process(struct run *r)
{
    char *line = NULL;
    size_t cap = 0;
    struct buf out = {0};
    enum verdict v = GO_ON;
    uint64_t limit = limit_of(r), i = 0;
    rewind(r->input);
    while (v == GO_ON && i < limit && (v = wait_until(r, due(r, i + 1))) == GO_ON) {
        pthread_mutex_unlock(&r->jobs->lock);
        ssize_t n = getline(&line, &cap, r->input);
        struct str record = without_newline(line, n < 0 ? 0 : n);
        if (record.len)
            answer(r, ++i, record, &out);
        pthread_mutex_lock(&r->jobs->lock);
        if (n < 0)
            break;
    }
    buf_fini(&out);
    free(line);
    return v == GO_ON && r->job->order.stall == JOB_IN_PROGRESS ? wait_until(r, INT64_MAX) : v;
}

/* --- the output; without the lock */

static void shuffle(struct run *r)
{
    for (size_t i = r->n_places; i > 1; i--) {
        size_t k = (size_t)random_below(i);
        struct place p = r->places[i - 1];
        r->places[i - 1] = r->places[k];
        r->places[k] = p;
    }
}

static void add_place(void *arg, size_t i, struct buf *out)
{
    struct run *r = arg;
    const struct place *p = &r->places[i];
    char *room = buf_reserve(out, p->bytes);
    ssize_t n = pread(fileno(r->answers), room, p->bytes, (off_t)p->at);
    buf_commit(out, n > 0 ? (size_t)n : 0);
    if (r->job->order.no_newline && i + 1 == r->n_places)
        out->tail--;
}

static void add_manifest(void *arg, size_t i, struct buf *out)
{
    const struct run *r = arg;
    const struct job_counts *c = &r->job->counts;
    (void)i;
    buf_addf(out,
             "{\"totalRecordCount\":%llu,\"processedRecordCount\":%llu,\"successRecordCount\":%llu,"
             "\"errorRecordCount\":%llu,\"inputTokenCount\":%llu,\"outputTokenCount\":%llu}",
             (unsigned long long)c->total, (unsigned long long)c->processed,
             (unsigned long long)c->succeeded, (unsigned long long)c->errors,
             (unsigned long long)c->input_tokens, (unsigned long long)c->output_tokens);
}

/* OUTPUT/{job id}/{file}; true when it is there. */
static bool put_file(struct run *r, struct str file, const char *end,
                     const struct s3_pieces *pieces, char *why, size_t room)
{
    struct buf key = {0};
    struct s3_name name;
    char what[S3_WHY] = "the output's s3Uri is none";
    struct str prefix = r->job->wish.output_uri;
    if (!s3_name_read(prefix, &name))
        return snprintf(why, room, "%s", what), false;
    buf_add(&key, name.key);
    if (name.key.len && name.key.ptr[name.key.len - 1] != '/')
        buf_add_char(&key, '/');
    buf_addf(&key, "%s/%.*s%s", r->job->id, STR_ARG(file), end);
    name.key = buf_str(&key);
    int status = 0;
    for (int i = 0; i < PUT_TRIES && status != 200; i++) {
        if (i)
            usleep(200 * 1000);
        status = s3_put(&r->settings.s3, &name, pieces, what);
    }
    snprintf(why, room, "Could not write the output: %s", what);
    buf_fini(&key);
    return status == 200;
}

static struct str file_name(struct str uri)
{
    struct str name = uri;
    for (ptrdiff_t at; (at = str_chr(name, '/')) >= 0;)
        name = str_from_offset(name, (size_t)at + 1);
    return name;
}

static bool write_output(struct run *r, char *why, size_t room)
{
    struct s3_pieces lines = {add_place, r, r->n_places}, manifest = {add_manifest, r, 1};
    const struct job_order *o = &r->job->order;
    if (o->no_output || r->job->counts.processed == 0)
        return true;
    if (r->broken)
        return snprintf(why, room, "the simulator has no room for the answers"), false;
    fflush(r->answers);
    shuffle(r);
    return put_file(r, file_name(r->job->wish.input_uri), ".out", &lines, why, room) &&
           (o->no_manifest || put_file(r, S("manifest.json"), ".out", &manifest, why, room));
}

/* --- the way; with the lock held */

static void fail(struct run *r, const char *why)
{
    snprintf(r->job->message, sizeof r->job->message, "%s", why);
    jobs_set_state(r->jobs, r->job, JOB_FAILED);
}

static bool validate(struct run *r)
{
    char why[S3_WHY + 100] = "";
    uint64_t same = 0;
    pthread_mutex_unlock(&r->jobs->lock);
    bool good = fetch(r, why, sizeof why) && check_lines(r, &same, why, sizeof why);
    pthread_mutex_lock(&r->jobs->lock);
    r->job->same_ids = same;
    if (good && r->job->order.fail) {
        good = false;
        snprintf(why, sizeof why, "The simulator was told to fail this job.");
    }
    if (!good && !r->job->dropped)
        fail(r, why);
    if (good)
        r->job->counts.total = r->records;
    return good;
}

/* The answers go out, and the job is over. */
static void end(struct run *r, enum job_state s)
{
    char why[S3_WHY + 100] = "";
    struct job *job = r->job;
    if (job->order.wrong_manifest && job->counts.processed) {
        job->counts.succeeded--;
        job->counts.errors++;
        job->counts.output_tokens += 1000;
    }
    if (job->order.late_ms) {
        jobs_set_state(r->jobs, job, s);
        if (wait_until(r, job->ended_ms + job->order.late_ms) == DROP)
            return;
    }
    pthread_mutex_unlock(&r->jobs->lock);
    bool good = write_output(r, why, sizeof why);
    pthread_mutex_lock(&r->jobs->lock);
    if (good && job->state < JOB_COMPLETED)
        jobs_set_state(r->jobs, job, s);
    else if (!good)
        fail(r, why);
}

static void end_early(struct run *r, enum verdict v)
{
    struct job *job = r->job;
    if (v == STOP) {
        r->stopping = true;
        v = wait_until(r, job->order.stops_never
                              ? INT64_MAX
                              : jobs_now_ms(r->jobs) + job->span_ms / STOP_SHARE);
    }
    if (v != DROP)
        end(r, v == EXPIRE ? JOB_EXPIRED : JOB_STOPPED);
}

static void live(struct run *r)
{
    enum verdict v;
    if ((v = stay(r, JOB_SUBMITTED, 1)) != GO_ON || (v = stay(r, JOB_VALIDATING, 2)) != GO_ON)
        return end_early(r, v);
    if (!validate(r))
        return;
    if ((v = stay(r, JOB_SCHEDULED, 3)) != GO_ON)
        return end_early(r, v);
    jobs_set_state(r->jobs, r->job, JOB_IN_PROGRESS);
    if ((v = process(r)) != GO_ON)
        return end_early(r, v);
    end(r, r->job->order.expire         ? JOB_EXPIRED
           : r->job->order.partial >= 0 ? JOB_PARTIAL
                                        : JOB_COMPLETED);
}

void *job_run(void *arg)
{
    struct job_thread *t = arg;
    struct run r = {.jobs = t->jobs, .job = t->job};
    mem_free(t);
    pthread_mutex_lock(&r.jobs->lock);
    r.settings = r.jobs->settings;
    live(&r);
    if (r.input)
        fclose(r.input);
    if (r.answers)
        fclose(r.answers);
    mem_free(r.places);
    r.jobs->running--;
    pthread_cond_broadcast(&r.jobs->moved);
    pthread_mutex_unlock(&r.jobs->lock);
    return NULL;
}
