/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of calls that may be joined: a chained hash by key. A join is in it from its first
 * caller until it cannot be joined any more; it lives until the last one has left. What is kept is
 * also in a list by age, from whose front it is forgotten.
 */
#include "weir/gate/joins.h"

#include "weir/base/list.h"
#include "weir/base/mem.h"

#include <pthread.h>
#include <string.h>

enum { SLOTS = 4096 };

struct join_wait {
    struct mail mail;
    struct list node;
    struct mailbox *box;
    void (*woken)(void *arg);
    void *arg; /* its own thread's; NULL: it left */
};

struct join {
    struct joins *joins;
    struct join *next; /* in its slot */
    struct list age;   /* of joins->kept; out of any list when it is not kept */
    unsigned char key[SHA256_BYTES];
    unsigned users; /* callers, and one for being kept */
    bool listed;    /* it is in the table */
    bool over;
    struct list waits;
    struct join_answer *answer;
    size_t held; /* of kept_bytes, for an answer that comes in */
    int64_t ended_ms;
};

struct joins {
    pthread_mutex_t lock;
    struct join *slots[SLOTS];
    struct list kept;  /* oldest first */
    size_t kept_bytes; /* and of those that come in */
};

struct joins *joins_new(void)
{
    struct joins *j = mem_new(sizeof *j);
    pthread_mutex_init(&j->lock, NULL);
    list_init(&j->kept);
    return j;
}

/* --- answers */

struct join_answer *join_answer_new(int status, const struct field *fields, size_t n)
{
    struct join_answer *a = mem_new(sizeof *a);
    size_t at = 0;
    a->status = status;
    a->n_fields = n < FIELDS_MOST ? n : FIELDS_MOST;
    for (size_t i = 0; i < a->n_fields; i++) {
        buf_add(&a->names, fields[i].name);
        buf_add(&a->names, fields[i].value);
    }
    for (size_t i = 0; i < a->n_fields; i++) { /* it does not move any more */
        a->fields[i].name = str_sub(buf_str(&a->names), at, fields[i].name.len);
        at += fields[i].name.len;
        a->fields[i].value = str_sub(buf_str(&a->names), at, fields[i].value.len);
        at += fields[i].value.len;
    }
    return a;
}

void join_answer_free(struct join_answer *a)
{
    if (!a)
        return;
    buf_fini(&a->names);
    buf_fini(&a->body);
    mem_free(a);
}

static size_t size_of(const struct join_answer *a)
{
    return sizeof *a + a->names.cap + a->body.cap;
}

/* --- the table; all under the lock */

static struct join **slot_of(struct joins *j, const unsigned char *key)
{
    uint16_t n;
    memcpy(&n, key, sizeof n);
    return &j->slots[n % SLOTS];
}

static struct join *find(struct joins *j, const unsigned char *key)
{
    for (struct join *k = *slot_of(j, key); k; k = k->next)
        if (memcmp(k->key, key, SHA256_BYTES) == 0)
            return k;
    return NULL;
}

static void unlist(struct join *k)
{
    if (!k->listed)
        return;
    struct join **at = slot_of(k->joins, k->key);
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    k->listed = false;
}

static void let_go(struct join *k)
{
    if (--k->users)
        return;
    unlist(k);
    join_answer_free(k->answer);
    mem_free(k);
}

static void forget(struct join *k)
{
    k->joins->kept_bytes -= size_of(k->answer);
    list_remove(&k->age);
    unlist(k);
    let_go(k);
}

static void forget_old(struct joins *j, int64_t now_ms)
{
    while (!list_empty(&j->kept)) {
        struct join *oldest = LIST_OF(j->kept.next, struct join, age);
        if (now_ms - oldest->ended_ms < JOINS_KEEP_MS && j->kept_bytes <= JOINS_KEPT_MOST)
            return;
        forget(oldest);
    }
}

void joins_free(struct joins *j)
{
    if (!j)
        return;
    while (!list_empty(&j->kept))
        forget(LIST_OF(j->kept.next, struct join, age));
    pthread_mutex_destroy(&j->lock);
    mem_free(j);
}

/* --- waiting */

static void deliver(struct mail *m)
{
    struct join_wait *w = LIST_OF(m, struct join_wait, mail);
    if (w->arg)
        w->woken(w->arg);
    mem_free(w);
}

static struct join_wait *add_wait(struct join *k, struct mailbox *box, void (*woken)(void *arg),
                                  void *arg)
{
    struct join_wait *w = mem_new(sizeof *w);
    *w = (struct join_wait){.mail.deliver = deliver, .box = box, .woken = woken, .arg = arg};
    list_init(&w->node);
    list_append(&k->waits, &w->node);
    return w;
}

static struct join *add(struct joins *j, const unsigned char *key)
{
    struct join *k = mem_new(sizeof *k), **slot = slot_of(j, key);
    k->joins = j;
    memcpy(k->key, key, SHA256_BYTES);
    list_init(&k->age);
    list_init(&k->waits);
    k->listed = true;
    k->next = *slot;
    *slot = k;
    return k;
}

enum join_result join_enter(struct joins *j, const unsigned char key[SHA256_BYTES], int64_t now_ms,
                            struct mailbox *box, void (*woken)(void *arg), void *arg,
                            struct join **out, struct join_wait **out_wait)
{
    enum join_result r = JOIN_OWN;
    pthread_mutex_lock(&j->lock);
    forget_old(j, now_ms);
    struct join *k = find(j, key);
    if (!k) {
        k = add(j, key);
    } else if (k->over) {
        r = JOIN_READY;
    } else {
        r = JOIN_WAIT;
        *out_wait = add_wait(k, box, woken, arg);
    }
    k->users++;
    pthread_mutex_unlock(&j->lock);
    *out = k;
    return r;
}

const struct join_answer *join_answer_of(const struct join *k)
{
    return k->answer;
}

bool join_head(struct join *k, bool alone)
{
    pthread_mutex_lock(&k->joins->lock);
    bool keep = alone || !list_empty(&k->waits);
    if (!keep)
        unlist(k);
    pthread_mutex_unlock(&k->joins->lock);
    return keep;
}

static bool hold(struct join *k, size_t bytes)
{
    struct joins *j = k->joins;
    pthread_mutex_lock(&j->lock);
    j->kept_bytes -= k->held;
    while (j->kept_bytes + bytes > JOINS_KEPT_MOST && !list_empty(&j->kept))
        forget(LIST_OF(j->kept.next, struct join, age));
    k->held = j->kept_bytes + bytes <= JOINS_KEPT_MOST ? bytes : 0;
    j->kept_bytes += k->held;
    pthread_mutex_unlock(&j->lock);
    return k->held;
}

bool join_add(struct join *k, struct join_answer *a, struct str bytes)
{
    size_t len = buf_len(&a->body) + bytes.len, room = 2 * len; /* a buffer doubles */
    if (room > JOINS_ANSWER_MOST)
        room = JOINS_ANSWER_MOST;
    room += sizeof *a + a->names.cap;
    if (len > JOINS_ANSWER_MOST) {
        (void)hold(k, 0);
        return false;
    }
    if (room > k->held && !hold(k, room))
        return false;
    buf_add(&a->body, bytes);
    return true;
}

void join_end(struct join *k, struct join_answer *a, bool keep, int64_t now_ms)
{
    struct joins *j = k->joins;
    pthread_mutex_lock(&j->lock);
    k->over = true;
    k->answer = a;
    k->ended_ms = now_ms;
    j->kept_bytes -= k->held;
    k->held = 0;
    if (a && keep && k->listed) {
        k->users++;
        j->kept_bytes += size_of(a);
        list_append(&j->kept, &k->age);
        forget_old(j, now_ms);
    } else {
        unlist(k);
    }
    for (struct list *node; (node = list_take(&k->waits));) {
        struct join_wait *w = LIST_OF(node, struct join_wait, node);
        mailbox_send(w->box, &w->mail);
    }
    pthread_mutex_unlock(&j->lock);
}

void join_leave(struct join *k, struct join_wait *wait)
{
    struct joins *j = k->joins;
    pthread_mutex_lock(&j->lock);
    if (wait && list_empty(&wait->node)) {
        wait->arg = NULL; /* its mail is on the way, to this thread */
    } else if (wait) {
        list_remove(&wait->node);
        mem_free(wait);
    }
    let_go(k);
    pthread_mutex_unlock(&j->lock);
}
