/* SPDX-License-Identifier: Apache-2.0
 *
 * A sorted array for each model; they are short.
 */
#include "batch_queue.h"

#include "weir/base/mem.h"

#include <string.h>

void batch_queue_init(struct batch_queue *q)
{
    list_init(&q->models);
    q->n_models = 0;
}

static void drop(struct batch_queue *q, struct batch_queue_model *m)
{
    list_remove(&m->node);
    mem_free(m->items);
    mem_free(m);
    q->n_models--;
}

void batch_queue_fini(struct batch_queue *q)
{
    while (!list_empty(&q->models))
        drop(q, LIST_OF(q->models.next, struct batch_queue_model, node));
}

static struct batch_queue_model *find(const struct batch_queue *q, struct str name)
{
    for (struct list *n = q->models.next; n != &q->models; n = n->next) {
        struct batch_queue_model *m = LIST_OF(n, struct batch_queue_model, node);
        if (str_eq(m->name, name))
            return m;
    }
    return NULL;
}

static struct batch_queue_model *add(struct batch_queue *q, struct str name)
{
    struct batch_queue_model *m = mem_new(sizeof *m + name.len);
    if (name.len)
        memcpy(m->text, name.ptr, name.len);
    m->name = str_from(m->text, name.len);
    list_init(&m->node);
    list_append(&q->models, &m->node);
    q->n_models++;
    return m;
}

static bool is_before(const struct batch_item *a, const struct batch_item *b)
{
    return a->deadline_ms < b->deadline_ms ||
           (a->deadline_ms == b->deadline_ms && a->number < b->number);
}

/* Where it is or belongs. */
static size_t place_of(const struct batch_queue_model *m, const struct batch_item *item)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (is_before(&m->items[middle], item))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(struct batch_queue_model *m, size_t at, const struct batch_item *item)
{
    m->items = mem_grow(m->items, (m->n + 1) * sizeof *m->items);
    memmove(m->items + at + 1, m->items + at, (m->n - at) * sizeof *m->items);
    m->items[at] = *item;
    m->n++;
}

static void take_out(struct batch_queue_model *m, size_t at)
{
    m->n--;
    memmove(m->items + at, m->items + at + 1, (m->n - at) * sizeof *m->items);
}

/* Room for one at this place: the last one that was never tried goes, if it is behind it. */
static bool make_room(struct batch_queue_model *m, size_t at)
{
    size_t last = m->n;
    if (m->n < BATCH_QUEUE_ITEMS)
        return true;
    while (last > at && m->items[last - 1].tries)
        last--;
    if (last == at)
        return false;
    take_out(m, last - 1);
    return true;
}

bool batch_queue_see(struct batch_queue *q, struct str model, const struct batch_item *item)
{
    struct batch_queue_model *m = find(q, model);
    if (!m && q->n_models >= BATCH_QUEUE_MODELS)
        return false; /* when one of them is done with */
    if (!m)
        m = add(q, model);
    size_t at = place_of(m, item);
    if (at < m->n && m->items[at].number == item->number)
        return true;
    if (!make_room(m, at))
        return false;
    insert(m, at, item);
    return true;
}

void batch_queue_put(struct batch_queue *q, struct str model, const struct batch_item *item)
{
    struct batch_queue_model *m = find(q, model);
    if (!m)
        m = add(q, model);
    insert(m, place_of(m, item), item);
}

bool batch_queue_take(struct batch_queue_model *m, int64_t now_ms, struct batch_item *out,
                      int64_t *out_ms)
{
    *out_ms = INT64_MAX;
    for (size_t i = 0; i < m->n; i++) {
        if (m->items[i].next_ms <= now_ms) {
            *out = m->items[i];
            take_out(m, i);
            return true;
        }
        if (m->items[i].next_ms < *out_ms)
            *out_ms = m->items[i].next_ms;
    }
    return false;
}

bool batch_queue_has(const struct batch_queue *q, struct str model)
{
    const struct batch_queue_model *m = find(q, model);
    return m && m->n;
}

void batch_queue_trim(struct batch_queue *q)
{
    struct list *next;
    for (struct list *n = q->models.next; n != &q->models; n = next) {
        struct batch_queue_model *m = LIST_OF(n, struct batch_queue_model, node);
        next = n->next;
        if (m->n == 0)
            drop(q, m);
    }
}
