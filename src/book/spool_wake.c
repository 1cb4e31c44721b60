/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that wait are told: of an answer, each a copy of its own; or of nothing, when what
 * they wait for is not there any more, or the spool ends.
 */
#include "spool_private.h"

#include "weir/base/mem.h"

static struct spool_answer *copy_of(const struct spool_answer *a)
{
    struct spool_answer *copy = spool_answer_make(&a->id, a->status, a->error_type, a->body.len);
    buf_add(&copy->bytes, a->body);
    copy->error_type = str_sub(buf_str(&copy->bytes), 0, a->error_type.len);
    copy->body = str_from_offset(buf_str(&copy->bytes), a->error_type.len);
    copy->flags = a->flags;
    copy->cost_nanousd = a->cost_nanousd;
    copy->saved_nanousd = a->saved_nanousd;
    return copy;
}

void spool_wake(struct spool *s, uint64_t number, const struct spool_answer *answer)
{
    struct claim_waiter *w = claims_take(&s->claims, number), *next;
    for (; w; w = next) {
        next = w->next;
        if (!answer)
            claims_unhand(&s->claims, number);
        w->waiter.woken(w->waiter.arg, answer ? copy_of(answer) : NULL);
        mem_free(w);
    }
}

/* Somebody waits for what is not there any more, or for what is done already. */
static void check_one(void *arg, uint64_t number)
{
    struct spool *s = arg;
    struct spool_place place;
    struct spool_answer *answer = NULL;
    int rc = spool_table_place(s, number, &place);
    if (rc == 0 && place.state != SPOOL_DONE)
        return;
    if (rc == 0)
        rc = spool_table_answer(s, number, &answer);
    spool_wake(s, number, rc ? NULL : answer);
    spool_answer_free(answer);
}

void spool_wake_lost(struct spool *s)
{
    s->gave_up = false;
    if (store_begin(s->store, false, &s->txn) != 0)
        return;
    claims_each(&s->claims, check_one, s);
    store_abort(s->txn);
}

static void wake_one(void *arg, uint64_t number)
{
    spool_wake(arg, number, NULL);
}

void spool_wake_all(struct spool *s)
{
    claims_each(&s->claims, wake_one, s);
}
