/* SPDX-License-Identifier: Apache-2.0
 *
 * A line is for a record of this job, or for nobody: number and secret of its id must be the
 * record's, and the record this job's. What becomes of it:
 *
 *     it waits for this job      an answer; an error goes on demand while its deadline allows
 *     it left this job           its answer came from elsewhere: this one is metered as late
 *     this job answered it       the line stands twice
 */
#include "batch_slice.h"
#include "weir/base/clock.h"

void batch_slice_begin(struct batch_slice *s, struct batch_work *w, struct spool_read *read)
{
    s->work = w;
    s->read = read;
    s->now_ms = clock_wall_ms();
    s->n = s->lines = s->bytes = 0;
    s->good = s->bad = s->answers = s->errors = 0;
    s->billed = (struct batch_billed){0};
    buf_clear(&s->room);
}

void batch_slice_fini(struct batch_slice *s)
{
    buf_fini(&s->room);
}

static struct spool_end *add_end(struct batch_slice *s, const struct spool_record *rec)
{
    size_t i = s->n++;
    s->rows[i] = s->late_rows[i] = s->bodies[i] = (struct batch_span){0};
    s->ends[i] = (struct spool_end){.number = rec->id.number};
    return &s->ends[i];
}

static struct batch_span bill(struct batch_slice *s, const struct spool_record *rec, int status,
                              struct str output, bool late, struct batch_billed *out)
{
    const struct batch_answered a = {.lane = LANE_BATCH,
                                     .status = status,
                                     .output = output,
                                     .now_ms = s->now_ms,
                                     .attempts = 1,
                                     .late = late};
    size_t at = buf_len(&s->room);
    batch_bill(s->work->batch, rec, &a, &s->room, out);
    s->billed.cost_nanousd += out->cost_nanousd;
    s->billed.saved_nanousd += out->saved_nanousd;
    s->billed.rate_tokens += out->rate_tokens;
    return (struct batch_span){at, buf_len(&s->room) - at};
}

static void end_well(struct batch_slice *s, const struct spool_record *rec, struct str output)
{
    struct batch_billed billed = {0};
    struct spool_end *e = add_end(s, rec);
    size_t i = s->n - 1;
    e->status = 200;
    e->body = output;
    e->flags = SPOOL_BY_BATCH;
    s->rows[i] = bill(s, rec, 200, output, false, &billed);
    e->cost_nanousd = billed.cost_nanousd;
    e->saved_nanousd = billed.saved_nanousd;
    s->answers++;
    shared_lanes_used(s->work->batch->lanes, rec->client, rec->model, billed.output_tokens);
}

static void end_badly(struct batch_slice *s, const struct spool_record *rec,
                      const struct batch_answer *a)
{
    struct batch_billed billed = {0};
    struct spool_end *e = add_end(s, rec);
    size_t i = s->n - 1, at = buf_len(&s->room);
    if (s->now_ms < rec->deadline_ms) {
        e->goes_direct = true;
        return;
    }
    e->status = a->error_code >= 400 && a->error_code < 600 ? a->error_code : 500;
    e->error_type = batch_error_type(e->status);
    e->flags = SPOOL_BY_BATCH;
    batch_error_body(a->error, &s->room);
    s->bodies[i] = (struct batch_span){at, buf_len(&s->room) - at};
    s->rows[i] = bill(s, rec, e->status, S(""), false, &billed);
    s->answers++;
    s->errors++;
}

/* What Bedrock did for it costs, whoever answered. */
static void end_late(struct batch_slice *s, const struct spool_record *rec,
                     const struct batch_answer *a)
{
    struct batch_billed billed = {0};
    s->odd.late++;
    if (a->output.len == 0)
        return;
    (void)add_end(s, rec);
    s->late_rows[s->n - 1] = bill(s, rec, 200, a->output, true, &billed);
}

static bool stands_in_slice(const struct batch_slice *s, uint64_t number)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->ends[i].number == number)
            return true;
    return false;
}

static bool find(struct batch_slice *s, struct str id_text, struct spool_record *out)
{
    struct spool_id id;
    return spool_id_read(id_text, &id) && spool_find(s->read, id.number, out) == 0 &&
           digest_equal(id.secret, out->id.secret, sizeof id.secret);
}

void batch_slice_add(struct batch_slice *s, struct str line)
{
    struct batch_answer a;
    struct spool_record rec;
    s->lines++;
    s->bytes += line.len;
    if (str_trim(line).len == 0)
        return;
    if (batch_answer_read(line, &a) < 0) {
        s->odd.malformed++;
        return;
    }
    s->good += !a.has_error;
    s->bad += a.has_error;
    if (!find(s, a.id, &rec) || rec.state == SPOOL_POOLED)
        s->odd.unknown++;
    else if (stands_in_slice(s, rec.id.number))
        s->odd.twice++;
    else if (rec.state == SPOOL_IN_JOB && rec.list != s->work->row.number)
        s->odd.unknown++;
    else if (rec.state == SPOOL_IN_JOB && a.output.len && !a.has_error)
        end_well(s, &rec, a.output);
    else if (rec.state == SPOOL_IN_JOB)
        end_badly(s, &rec, &a);
    else if (rec.flags & SPOOL_BY_BATCH)
        s->odd.twice++;
    else
        end_late(s, &rec, &a);
}

void batch_slice_end(struct batch_slice *s)
{
    struct str room = buf_str(&s->room);
    for (size_t i = 0; i < s->n; i++) {
        struct spool_end *e = &s->ends[i];
        e->outbox = str_sub(room, s->rows[i].at, s->rows[i].len);
        e->late_outbox = str_sub(room, s->late_rows[i].at, s->late_rows[i].len);
        if (s->bodies[i].len)
            e->body = str_sub(room, s->bodies[i].at, s->bodies[i].len);
    }
}
