/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool as a double: it notes what it is asked, and says what the test plays, in the test's
 * thread. Included once by a test program; its definitions take the place of the library's.
 */
#ifndef WEIR_TEST_GATE_SPOOL_DOUBLE_H
#define WEIR_TEST_GATE_SPOOL_DOUBLE_H

#include "weir/base/mem.h"
#include "weir/book/spool.h"

#include <stdlib.h>
#include <string.h>

enum { SPOOL_DOUBLE_ASKS = 8 };

struct spool_double_ask {
    struct spool_ask as; /* its strings are gone but for those kept here */
    char client[32], model[64], operation[32], invocation[64], body[64];
    struct spool_waiter w;
};

static struct {
    struct spool_double_ask asks[SPOOL_DOUBLE_ASKS];
    unsigned n_asks, left, withdrawn, whole, broken, frees;
    uint64_t left_number, delivered_number;
    /* a ticket that was asked for */
    struct spool_id ticket;
    char ticket_client[32];
    void (*told)(void *arg, const struct spool_ticket_told *t);
    void *told_arg;
    struct spool_counts counts;
    const char *trouble; /* NULL: none */
} den;

static inline void spool_double_keep(char *out, size_t size, struct str s)
{
    assert_true(s.len < size);
    memcpy(out, s.ptr ? s.ptr : "", s.len);
    out[s.len] = 0;
}

void spool_admit(struct spool *s, const struct spool_ask *ask, const struct spool_waiter *w)
{
    assert_true(den.n_asks < SPOOL_DOUBLE_ASKS);
    struct spool_double_ask *a = &den.asks[den.n_asks++];
    a->as = *ask;
    a->w = *w;
    spool_double_keep(a->client, sizeof a->client, ask->client);
    spool_double_keep(a->model, sizeof a->model, ask->model);
    spool_double_keep(a->operation, sizeof a->operation, ask->operation);
    spool_double_keep(a->invocation, sizeof a->invocation, ask->invocation);
    spool_double_keep(a->body, sizeof a->body, ask->body);
}

void spool_leave(struct spool *s, uint64_t number, const void *arg)
{
    const struct spool_double_ask *a = &den.asks[number - 1];
    assert_ptr_equal(arg, a->as.reply == SPOOL_WAIT ? a->w.arg : NULL);
    den.left++;
    den.left_number = number;
}

void spool_withdraw(struct spool *s, uint64_t number, const void *arg)
{
    den.withdrawn++;
    spool_leave(s, number, arg);
}

void spool_delivered(struct spool *s, uint64_t number, bool whole)
{
    den.delivered_number = number;
    if (whole)
        den.whole++;
    else
        den.broken++;
}

void spool_ticket(struct spool *s, const struct spool_id *id, struct str whose,
                  void (*told)(void *arg, const struct spool_ticket_told *t), void *arg)
{
    den.ticket = *id;
    spool_double_keep(den.ticket_client, sizeof den.ticket_client, whose);
    den.told = told;
    den.told_arg = arg;
}

void spool_answer_free(struct spool_answer *a)
{
    if (!a)
        return;
    den.frees++;
    buf_fini(&a->bytes);
    mem_free(a);
}

void spool_count(struct spool *s, struct spool_counts *out)
{
    *out = den.counts;
}

bool spool_trouble(struct spool *s, struct buf *out)
{
    buf_add(out, str_of(den.trouble ? den.trouble : ""));
    return den.trouble;
}

void spool_id_write(const struct spool_id *id, char out[SPOOL_ID_CHARS + 1])
{
    memset(out, 'a', SPOOL_ID_CHARS);
    out[0] = (char)('0' + id->number);
    out[SPOOL_ID_CHARS] = 0;
}

bool spool_id_read(struct str text, struct spool_id *out)
{
    if (text.len != SPOOL_ID_CHARS || text.ptr[0] < '0' || text.ptr[0] > '9')
        return false;
    *out = (struct spool_id){.number = (uint64_t)(text.ptr[0] - '0')};
    return true;
}

/* --- what these tests never come to */

#define NOT_ASKED(type, name, ...) \
    type name(__VA_ARGS__)         \
    {                              \
        fail_msg(#name);           \
        abort();                   \
    }
NOT_ASKED(struct str, spool_state_word, enum spool_state s)
NOT_ASKED(struct str, spool_reply_word, enum spool_reply r)
NOT_ASKED(struct spool *, spool_new, const struct spool_options *o)
NOT_ASKED(void, spool_free, struct spool *s)
NOT_ASKED(void, spool_keep, struct spool *s, int64_t keep_ms, int64_t replay_ms)
NOT_ASKED(bool, spool_wait_open, struct spool *s, int64_t most_ms)
NOT_ASKED(void, spool_tell_waits, struct spool *s)
NOT_ASKED(struct str, spool_instance, struct spool *s)
NOT_ASKED(void, spool_cut, struct spool *s, uint32_t pool, uint32_t n, uint64_t bytes,
          const struct batch_job *job,
          void (*told)(void *arg, const struct batch_job *job, bool good), void *arg)
NOT_ASKED(void, spool_job, struct spool *s, const struct batch_job *job, enum batch_members members,
          spool_done *done, void *arg)
NOT_ASKED(void, spool_pool_direct, struct spool *s, uint32_t pool, uint32_t n, spool_done *done,
          void *arg)
NOT_ASKED(void, spool_sent, struct spool *s, const uint64_t *numbers, size_t n, spool_done *done,
          void *arg)
NOT_ASKED(void, spool_settle, struct spool *s, const struct batch_job *job,
          const struct spool_end *ends, size_t n,
          void (*done)(void *arg, size_t answered, bool good), void *arg)
NOT_ASKED(void, spool_cancel_pool, struct spool *s, uint32_t pool, int status,
          struct str error_type, struct str body, spool_done *done, void *arg)
NOT_ASKED(void, spool_each_pool, struct spool *s,
          void (*each)(void *arg, const struct spool_pool *p), void *arg)
NOT_ASKED(void, spool_each_job, struct spool *s,
          void (*each)(void *arg, const struct batch_job *j, uint32_t waits), void *arg)
NOT_ASKED(struct spool_read *, spool_read_begin, struct spool *s)
NOT_ASKED(void, spool_read_end, struct spool_read *r)
NOT_ASKED(int, spool_walk, struct spool_read *r, enum spool_list list, uint64_t of, uint64_t from,
          bool (*each)(void *arg, const struct spool_record *rec), void *arg)
NOT_ASKED(int, spool_find, struct spool_read *r, uint64_t number, struct spool_record *out)
NOT_ASKED(int, spool_read_body, struct spool_read *r, uint64_t number, struct buf *out)
NOT_ASKED(int, spool_open_read, const char *dir, const unsigned char *key, struct spool **out,
          char *why, size_t why_size)
NOT_ASKED(void, spool_close_read, struct spool *s)

/* --- what the spool says to the n-th who asked */

static inline struct spool_answer *spool_double_answer(uint64_t number, int status,
                                                       const char *type, const char *body)
{
    struct spool_answer *a = mem_new(sizeof *a);
    buf_add(&a->bytes, str_of(type));
    buf_add(&a->bytes, str_of(body));
    struct str all = buf_str(&a->bytes);
    a->id.number = number;
    a->status = status;
    a->error_type = str_sub(all, 0, strlen(type));
    a->body = str_from_offset(all, strlen(type));
    a->flags = SPOOL_BY_BATCH;
    a->cost_nanousd = 1500000;
    a->saved_nanousd = 1500000;
    return a;
}

static inline void spool_double_says(unsigned n, struct spool_admitted said)
{
    den.asks[n].w.admitted(den.asks[n].w.arg, &said);
}

static inline void spool_double_holds(unsigned n, int64_t deadline_ms)
{
    spool_double_says(n, (struct spool_admitted){.said = SPOOL_HELD,
                                                 .id = {.number = n + 1},
                                                 .fresh = true,
                                                 .deadline_ms = deadline_ms});
}

static inline void spool_double_wakes(unsigned n, struct spool_answer *a)
{
    den.asks[n].w.woken(den.asks[n].w.arg, a);
}

#endif
