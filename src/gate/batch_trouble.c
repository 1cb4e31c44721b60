/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator must know now: one sentence for each thing that is in trouble (the bucket, a
 * pool, a model), from the moment it began to the moment it was over. Who met it tells it as often
 * as he meets it; that it is new, and that it is over, is the answer, and worth a line in the log.
 */
#include "batch_jobs.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"

#include <string.h>

enum { TROUBLES_MOST = 100 }; /* the oldest gives way: what lasts is told again */

struct trouble {
    struct list node;
    int64_t since_ms;
    struct buf about, why;
};

static struct trouble *find(struct batch *b, struct str about)
{
    for (struct list *n = b->troubles.next; n != &b->troubles; n = n->next) {
        struct trouble *t = LIST_OF(n, struct trouble, node);
        if (str_eq(buf_str(&t->about), about))
            return t;
    }
    return NULL;
}

static void drop(struct batch *b, struct trouble *t)
{
    b->counts.troubles--;
    list_remove(&t->node);
    buf_fini(&t->about);
    buf_fini(&t->why);
    mem_free(t);
}

static struct trouble *begin(struct batch *b, struct str about)
{
    struct trouble *t = mem_new(sizeof *t);
    if (b->counts.troubles == TROUBLES_MOST)
        drop(b, LIST_OF(b->troubles.next, struct trouble, node));
    list_init(&t->node);
    list_append(&b->troubles, &t->node);
    t->since_ms = clock_wall_ms();
    buf_add(&t->about, about);
    b->counts.troubles++;
    return t;
}

bool batch_trouble_tell(struct batch *b, struct str about, struct str why)
{
    struct trouble *t = find(b, about);
    bool fresh = !t;
    if (fresh)
        t = begin(b, about);
    buf_clear(&t->why);
    buf_add(&t->why, why);
    return fresh;
}

bool batch_trouble_over(struct batch *b, struct str about, int64_t *out_since_ms)
{
    struct trouble *t = find(b, about);
    if (!t)
        return false;
    if (out_since_ms)
        *out_since_ms = t->since_ms;
    drop(b, t);
    return true;
}

/* Nobody is batched then, and not by the bucket's or a pool's fault. */
void batch_trouble_see_spool(struct batch *b)
{
    struct buf why = {0};
    struct spool_counts c;
    spool_count(b->spool, &c);
    if (spool_trouble(b->spool, &why))
        buf_add(&why, S("; what could wait goes on demand"));
    else if (c.full)
        buf_add(&why, S("the spool is full; what does not fit goes on demand; set a larger "
                        "batch.spool_max, and start Weir again"));
    if (buf_len(&why))
        (void)batch_trouble_tell(b, S("spool"), buf_str(&why));
    else
        (void)batch_trouble_over(b, S("spool"), NULL);
    buf_fini(&why);
}

void batch_trouble_free(struct batch *b)
{
    while (!list_empty(&b->troubles))
        drop(b, LIST_OF(b->troubles.next, struct trouble, node));
}

void batch_troubles(struct batch *b, void (*each)(void *arg, const struct batch_trouble *t),
                    void *arg)
{
    for (struct list *n = b->troubles.next; n != &b->troubles; n = n->next) {
        const struct trouble *t = LIST_OF(n, struct trouble, node);
        const struct batch_trouble told = {buf_str(&t->about), buf_str(&t->why), t->since_ms};
        each(arg, &told);
    }
}
