/* SPDX-License-Identifier: Apache-2.0
 *
 * What other threads do with the spool: they put letters into its box, and look at its sums. A
 * letter has its bytes behind it and is the spool's once it is sent. One for which there is no
 * memory is sent without them: the answer comes in the spool's thread all the same.
 */
#include "spool_private.h"

#include "weir/base/list.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"

#include <stdio.h>
#include <string.h>

/* --- words */

struct str spool_state_word(enum spool_state s)
{
    static const struct str words[SPOOL_STATES] = {STR("pooled"), STR("in-job"), STR("direct"),
                                                   STR("done")};
    return s < SPOOL_STATES ? words[s] : S("");
}

struct str spool_reply_word(enum spool_reply r)
{
    static const struct str words[] = {STR("wait"), STR("retry"), STR("ticket")};
    return r <= SPOOL_TICKET ? words[r] : S("");
}

void spool_id_write(const struct spool_id *id, char out[SPOOL_ID_CHARS + 1])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[8 + SPOOL_SECRET_BYTES];
    store_put_u64(bytes, id->number);
    memcpy(bytes + 8, id->secret, sizeof id->secret);
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[SPOOL_ID_CHARS] = 0;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool spool_id_read(struct str text, struct spool_id *out)
{
    char bytes[8 + SPOOL_SECRET_BYTES];
    if (text.len != SPOOL_ID_CHARS)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++) {
        int high = digit_of(text.ptr[2 * i]), low = digit_of(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high << 4 | low);
    }
    out->number = store_get_u64(bytes);
    memcpy(out->secret, bytes + 8, sizeof out->secret);
    return true;
}

/* --- letters */

static void arrive(struct mail *mail)
{
    struct spool_mail *m = LIST_OF(mail, struct spool_mail, mail);
    m->next = NULL;
    *m->spool->last = m;
    m->spool->last = &m->next;
}

struct spool_mail *spool_letter(struct spool *s, enum spool_task task, size_t bytes)
{
    bool room = bytes && atomic_load(&s->waiting) + bytes <= SPOOL_WAITING_MOST;
    struct spool_mail *m = room ? mem_try(sizeof *m + bytes) : NULL;
    bool none = bytes && !m;
    if (!m) {
        bytes = 0;
        m = mem_new(sizeof *m);
    }
    memset(m, 0, sizeof *m);
    m->mail.deliver = arrive;
    m->spool = s;
    m->task = task;
    m->no_room = none;
    m->bytes = bytes;
    atomic_fetch_add(&s->waiting, sizeof *m + bytes);
    return m;
}

void spool_send(struct spool_mail *m)
{
    mailbox_send(&m->spool->box, &m->mail);
}

static char *end_of(char *at, struct str *s)
{
    if (s->len)
        memcpy(at, s->ptr, s->len);
    s->ptr = at;
    return at + s->len;
}

/* --- requests */

void spool_admit(struct spool *s, const struct spool_ask *ask, const struct spool_waiter *w)
{
    struct spool_ask copy = *ask;
    struct str *parts[] = {&copy.client, &copy.workload,   &copy.model,  &copy.operation,
                           &copy.role,   &copy.invocation, &copy.accept, &copy.content_type,
                           &copy.target, &copy.body};
    size_t bytes = 0;
    if (copy.known_only) /* its key is enough */
        copy.body = S("");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        bytes += parts[i]->len;
    struct spool_mail *m = spool_letter(s, SPOOL_DO_ADMIT, bytes);
    char *at = m->data;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !m->no_room; i++)
        at = end_of(at, parts[i]);
    m->u.admit.ask = copy;
    m->u.admit.waiter = *w;
    spool_send(m);
}

static void send_leave(struct spool *s, enum spool_task task, uint64_t number, const void *arg)
{
    struct spool_mail *m = spool_letter(s, task, 0);
    m->number = number;
    m->u.waiter_arg = arg;
    spool_send(m);
}

void spool_leave(struct spool *s, uint64_t number, const void *arg)
{
    send_leave(s, SPOOL_DO_LEAVE, number, arg);
}

void spool_withdraw(struct spool *s, uint64_t number, const void *arg)
{
    send_leave(s, SPOOL_DO_WITHDRAW, number, arg);
}

void spool_delivered(struct spool *s, uint64_t number, bool whole)
{
    struct spool_mail *m = spool_letter(s, SPOOL_DO_DELIVERED, 0);
    m->number = number;
    m->u.good = whole;
    spool_send(m);
}

void spool_ticket(struct spool *s, const struct spool_id *id, struct str client,
                  void (*told)(void *arg, const struct spool_ticket_told *t), void *arg)
{
    struct spool_mail *m = spool_letter(s, SPOOL_DO_TICKET, client.len);
    if (!m->no_room)
        (void)end_of(m->data, &client);
    m->u.ticket.id = *id;
    m->u.ticket.client = m->no_room ? S("") : client;
    m->u.ticket.told = told;
    m->arg = arg;
    spool_send(m);
}

/* --- moves */

void spool_cut(struct spool *s, uint32_t pool, uint32_t n, uint64_t bytes,
               const struct batch_job *job,
               void (*told)(void *arg, const struct batch_job *job, bool good), void *arg)
{
    struct spool_mail *m = spool_letter(s, SPOOL_DO_CUT, 0);
    m->pool = pool;
    m->n = n;
    m->arg = arg;
    m->u.cut.job = *job;
    m->u.cut.most_bytes = bytes;
    m->u.cut.told = told;
    spool_send(m);
}

void spool_job(struct spool *s, const struct batch_job *job, enum batch_members members,
               spool_done *done, void *arg)
{
    struct spool_mail *m = spool_letter(s, SPOOL_DO_JOB, 0);
    m->arg = arg;
    m->u.job.job = *job;
    m->u.job.members = members;
    m->u.job.done = done;
    spool_send(m);
}

void spool_pool_direct(struct spool *s, uint32_t pool, uint32_t n, spool_done *done, void *arg)
{
    struct spool_mail *m = spool_letter(s, SPOOL_DO_POOL_DIRECT, 0);
    m->pool = pool;
    m->n = n;
    m->arg = arg;
    m->u.some.done = done;
    spool_send(m);
}

void spool_sent(struct spool *s, const uint64_t *numbers, size_t n, spool_done *done, void *arg)
{
    struct spool_mail *m = spool_letter(s, SPOOL_DO_SENT, n * sizeof *numbers);
    m->n = (uint32_t)n;
    m->arg = arg;
    m->u.some.done = done;
    m->u.some.numbers = (uint64_t *)(void *)m->data;
    if (n && !m->no_room)
        memcpy(m->data, numbers, n * sizeof *numbers);
    spool_send(m);
}

void spool_settle(struct spool *s, const struct batch_job *job, const struct spool_end *ends,
                  size_t n, void (*done)(void *arg, size_t answered, bool good), void *arg)
{
    size_t bytes = n * sizeof(struct spool_ending);
    for (size_t i = 0; i < n; i++)
        bytes += ends[i].error_type.len + ends[i].body.len + ends[i].outbox.len +
                 ends[i].late_outbox.len;
    struct spool_mail *m = spool_letter(s, SPOOL_DO_SETTLE, bytes);
    m->n = (uint32_t)n;
    m->arg = arg;
    m->u.settle.done = done;
    m->u.settle.has_job = job != NULL;
    if (job)
        m->u.settle.job = *job;
    m->u.settle.ends = (struct spool_ending *)(void *)m->data;
    char *at = m->data + n * sizeof(struct spool_ending);
    for (size_t i = 0; i < n && !m->no_room; i++) {
        struct spool_ending *x = &m->u.settle.ends[i];
        *x = (struct spool_ending){.end = ends[i]};
        at = end_of(at, &x->end.error_type);
        at = end_of(at, &x->end.body);
        at = end_of(at, &x->end.outbox);
        at = end_of(at, &x->end.late_outbox);
    }
    spool_send(m);
}

void spool_cancel_pool(struct spool *s, uint32_t pool, int status, struct str error_type,
                       struct str body, spool_done *done, void *arg)
{
    struct spool_mail *m = spool_letter(s, SPOOL_DO_CANCEL, error_type.len + body.len);
    if (!m->no_room)
        (void)end_of(end_of(m->data, &error_type), &body);
    m->pool = pool;
    m->arg = arg;
    m->u.some.done = done;
    m->u.some.end = (struct spool_end){
        .status = status, .error_type = error_type, .body = body, .flags = SPOOL_CANCELLED};
    spool_send(m);
}

/* --- terms */

void spool_keep(struct spool *s, int64_t keep_ms, int64_t replay_ms)
{
    atomic_store(&s->keep_ms, keep_ms);
    atomic_store(&s->replay_ms, replay_ms);
}

bool spool_wait_open(struct spool *s, int64_t most_ms)
{
    bell_wait(&s->tried, SPOOL_TRIED, most_ms);
    pthread_mutex_lock(&s->lock);
    bool open = s->counts.open;
    pthread_mutex_unlock(&s->lock);
    return open;
}

struct str spool_instance(struct spool *s)
{
    pthread_mutex_lock(&s->lock);
    struct str instance = str_of(s->instance);
    pthread_mutex_unlock(&s->lock);
    return instance;
}

/* --- sums */

static bool has_job(const struct spool *s, uint32_t pool)
{
    for (size_t i = 0; i < s->n_jobs; i++)
        if (s->jobs[i].job.pool == pool)
            return true;
    return false;
}

void spool_each_pool(struct spool *s, void (*each)(void *arg, const struct spool_pool *p),
                     void *arg)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n_pools; i++) {
        const struct spool_pool *p = &s->pools[i]->pool;
        if (p->view.count || has_job(s, p->number))
            each(arg, p);
    }
    pthread_mutex_unlock(&s->lock);
}

void spool_each_job(struct spool *s,
                    void (*each)(void *arg, const struct batch_job *j, uint32_t waits), void *arg)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n_jobs; i++)
        each(arg, &s->jobs[i].job, s->jobs[i].waits);
    pthread_mutex_unlock(&s->lock);
}
