/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a job's input, in the order of its members, a piece at a time: a short reading
 * transaction takes so many members, and gives their bodies as lines. The same members give the
 * same bytes, so that an upload may be begun anew. A member whose body cannot be read gets no line:
 * at the end it has no answer, and goes on demand.
 */
#include "batch_jobs.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/plan/batch_line.h"

#include <inttypes.h>

enum { PIECE_MEMBERS = 64, PIECE_BYTES = 256 * 1024 };

struct batch_pack {
    struct batch_work *work;
    uint64_t next; /* from this member on */
    bool told;     /* that one was left out */
    struct spool_id ids[PIECE_MEMBERS];
    size_t n;
    uint64_t bytes;
    struct buf body;
};

struct batch_pack *batch_pack_new(struct batch_work *w)
{
    struct batch_pack *p = mem_new(sizeof *p);
    p->work = w;
    return p;
}

void batch_pack_free(struct batch_pack *p)
{
    if (!p)
        return;
    buf_fini(&p->body);
    mem_free(p);
}

static bool take(void *arg, const struct spool_record *rec)
{
    struct batch_pack *p = arg;
    p->ids[p->n++] = rec->id;
    p->bytes += rec->body_bytes;
    return p->n < PIECE_MEMBERS && p->bytes < PIECE_BYTES;
}

static void leave_out(struct batch_pack *p, uint64_t number)
{
    if (!p->told)
        log_say(LOG_WARN, "batch",
                "job %" PRIu64 ": the body of record %" PRIu64
                " cannot be read, or not be batched: it goes on demand",
                p->work->row.number, number);
    p->told = true;
}

static void add_line(struct batch_pack *p, struct spool_read *r, const struct spool_id *id,
                     struct buf *out)
{
    const struct batch_pool *pool = p->work->pool;
    char text[SPOOL_ID_CHARS + 1];
    spool_id_write(id, text);
    buf_clear(&p->body);
    if (spool_read_body(r, id->number, &p->body) < 0 ||
        batch_line_add(pool->kind, pool->model, str_of(text), buf_str(&p->body), out) < 0)
        leave_out(p, id->number);
}

int batch_pack_more(void *arg, struct buf *out)
{
    struct batch_work *w = arg;
    struct batch_pack *p = w->pack;
    struct spool_read *r = spool_read_begin(w->batch->spool);
    if (!r)
        return -1;
    p->n = 0;
    p->bytes = 0;
    int err = spool_walk(r, SPOOL_LIST_JOB, w->row.number, p->next, take, p);
    for (size_t i = 0; err == 0 && i < p->n; i++) {
        add_line(p, r, &p->ids[i], out);
        p->next = p->ids[i].number + 1;
    }
    spool_read_end(r);
    return err < 0 ? -1 : p->n > 0;
}
