/* SPDX-License-Identifier: Apache-2.0
 *
 * Two chained tables that grow by doubling: claims by number, and keys by their first 8 bytes. A
 * key is there as long as a claim of it is.
 */
#include "spool_claims.h"

#include "weir/base/mem.h"

#include <string.h>

struct claim {
    struct claim_node node;
    struct list timed;
    int64_t until_ns;
    struct claim_waiter *waiters;
    unsigned handed;
    unsigned told; /* to come again; 0: it has no time */
    unsigned char key[SPOOL_HASH];
};

struct claim_key {
    struct claim_node node;
    unsigned char key[SPOOL_HASH];
    uint64_t from;
    size_t claims;
};

/* --- tables */

/* Numbers come in order, and what came last is asked for most: so it lies together. Keys are
 * hashes. */
static size_t slot_of(const struct claim_nodes *t, uint64_t id)
{
    return id & (t->cap - 1);
}

static void grow(struct claim_nodes *t)
{
    struct claim_nodes old = *t;
    t->cap = old.cap ? 2 * old.cap : 64;
    t->slots = mem_new(t->cap * sizeof *t->slots);
    for (size_t i = 0; i < old.cap; i++)
        for (struct claim_node *n = old.slots[i], *next; n; n = next) {
            struct claim_node **to = &t->slots[slot_of(t, n->id)];
            next = n->next;
            n->next = *to;
            *to = n;
        }
    mem_free(old.slots);
}

static void add(struct claim_nodes *t, struct claim_node *n)
{
    if (t->n >= t->cap)
        grow(t);
    struct claim_node **to = &t->slots[slot_of(t, n->id)];
    n->next = *to;
    *to = n;
    t->n++;
}

static void take_out(struct claim_nodes *t, struct claim_node *n)
{
    struct claim_node **at = &t->slots[slot_of(t, n->id)];
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    t->n--;
}

static struct claim_node *first(const struct claim_nodes *t, uint64_t id)
{
    return t->cap ? t->slots[slot_of(t, id)] : NULL;
}

/* --- finding */

static struct claim *claim_of(const struct claims *c, uint64_t number)
{
    for (struct claim_node *n = first(&c->records, number); n; n = n->next)
        if (n->id == number)
            return LIST_OF(n, struct claim, node);
    return NULL;
}

static uint64_t id_of(const unsigned char key[SPOOL_HASH])
{
    uint64_t id;
    memcpy(&id, key, sizeof id);
    return id;
}

static struct claim_key *key_of(const struct claims *c, const unsigned char key[SPOOL_HASH])
{
    for (struct claim_node *n = first(&c->keys, id_of(key)); n; n = n->next) {
        struct claim_key *k = LIST_OF(n, struct claim_key, node);
        if (memcmp(k->key, key, SPOOL_HASH) == 0)
            return k;
    }
    return NULL;
}

static void count_key(struct claims *c, const unsigned char key[SPOOL_HASH])
{
    struct claim_key *k = key_of(c, key);
    if (!k) {
        k = mem_new(sizeof *k);
        k->node.id = id_of(key);
        memcpy(k->key, key, SPOOL_HASH);
        add(&c->keys, &k->node);
    }
    k->claims++;
}

static void uncount_key(struct claims *c, const struct claim *claim)
{
    struct claim_key *k = key_of(c, claim->key);
    if (claim->node.id < k->from)
        k->from = claim->node.id;
    if (--k->claims)
        return;
    take_out(&c->keys, &k->node);
    mem_free(k);
}

static struct claim *claim_for(struct claims *c, uint64_t number, const unsigned char *key)
{
    struct claim *x = claim_of(c, number);
    if (x)
        return x;
    x = mem_new(sizeof *x);
    x->node.id = number;
    list_init(&x->timed);
    memcpy(x->key, key, SPOOL_HASH);
    add(&c->records, &x->node);
    count_key(c, key);
    return x;
}

static void drop_if_nobodys(struct claims *c, struct claim *x)
{
    if (x->waiters || x->handed || x->told)
        return;
    list_remove(&x->timed);
    take_out(&c->records, &x->node);
    uncount_key(c, x);
    mem_free(x);
}

/* --- the door */

void claims_init(struct claims *c)
{
    *c = (struct claims){.records = {0}};
    list_init(&c->timed);
}

void claims_fini(struct claims *c)
{
    for (size_t i = 0; i < c->records.cap; i++)
        for (struct claim_node *n = c->records.slots[i], *next; n; n = next) {
            next = n->next;
            mem_free(LIST_OF(n, struct claim, node));
        }
    for (size_t i = 0; i < c->keys.cap; i++)
        for (struct claim_node *n = c->keys.slots[i], *next; n; n = next) {
            next = n->next;
            mem_free(LIST_OF(n, struct claim_key, node));
        }
    mem_free(c->records.slots);
    mem_free(c->keys.slots);
}

bool claims_has(const struct claims *c, uint64_t number)
{
    return claim_of(c, number) != NULL;
}

bool claims_held(const struct claims *c, uint64_t number)
{
    const struct claim *x = claim_of(c, number);
    return x && (x->waiters || x->handed);
}

uint64_t claims_from(const struct claims *c, const unsigned char key[SPOOL_HASH])
{
    const struct claim_key *k = key_of(c, key);
    return k ? k->from : 0;
}

void claims_passed(struct claims *c, const unsigned char key[SPOOL_HASH], uint64_t below)
{
    struct claim_key *k = key_of(c, key);
    if (k && below > k->from)
        k->from = below;
}

void claims_wait(struct claims *c, uint64_t number, const unsigned char key[SPOOL_HASH],
                 const struct spool_waiter *w)
{
    struct claim *x = claim_for(c, number, key);
    struct claim_waiter *one = mem_new(sizeof *one), **at = &x->waiters;
    one->waiter = *w;
    while (*at)
        at = &(*at)->next;
    *at = one;
}

void claims_hand(struct claims *c, uint64_t number, const unsigned char key[SPOOL_HASH])
{
    claim_for(c, number, key)->handed++;
}

void claims_time(struct claims *c, uint64_t number, const unsigned char key[SPOOL_HASH],
                 int64_t until_ns)
{
    struct claim *x = claim_for(c, number, key);
    x->told++;
    x->until_ns = until_ns;
    list_remove(&x->timed);
    list_append(&c->timed, &x->timed);
}

void claims_untime(struct claims *c, uint64_t number)
{
    struct claim *x = claim_of(c, number);
    if (!x || !x->told || --x->told)
        return;
    list_remove(&x->timed);
    drop_if_nobodys(c, x);
}

bool claims_leave(struct claims *c, uint64_t number, const void *arg, struct spool_waiter *out)
{
    struct claim *x = claim_of(c, number);
    if (!x)
        return false;
    for (struct claim_waiter **at = &x->waiters; *at; at = &(*at)->next) {
        struct claim_waiter *one = *at;
        if (one->waiter.arg != arg)
            continue;
        *out = one->waiter;
        *at = one->next;
        mem_free(one);
        drop_if_nobodys(c, x);
        return true;
    }
    return false;
}

void claims_unhand(struct claims *c, uint64_t number)
{
    struct claim *x = claim_of(c, number);
    if (!x || !x->handed)
        return;
    x->handed--;
    drop_if_nobodys(c, x);
}

struct claim_waiter *claims_take(struct claims *c, uint64_t number)
{
    struct claim *x = claim_of(c, number);
    if (!x)
        return NULL;
    struct claim_waiter *all = x->waiters;
    for (const struct claim_waiter *w = all; w; w = w->next)
        x->handed++;
    x->waiters = NULL;
    return all;
}

void claims_tick(struct claims *c, int64_t now_ns)
{
    while (!list_empty(&c->timed)) {
        struct claim *x = LIST_OF(c->timed.next, struct claim, timed);
        if (x->until_ns > now_ns)
            return;
        x->told = 0;
        list_remove(&x->timed);
        drop_if_nobodys(c, x);
    }
}

void claims_each(struct claims *c, void (*each)(void *arg, uint64_t number), void *arg)
{
    uint64_t *numbers = mem_new((c->records.n + 1) * sizeof *numbers);
    size_t n = 0;
    for (size_t i = 0; i < c->records.cap; i++)
        for (struct claim_node *at = c->records.slots[i]; at; at = at->next)
            if (LIST_OF(at, struct claim, node)->waiters)
                numbers[n++] = at->id;
    for (size_t i = 0; i < n; i++)
        each(arg, numbers[i]);
    mem_free(numbers);
}
