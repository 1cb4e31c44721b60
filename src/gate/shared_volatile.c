/* SPDX-License-Identifier: Apache-2.0
 *
 * Volatile places by client and model, in a bounded table. A prompt is compared under the table's
 * lock, some microseconds; nobody waits for that: a prompt that meets the lock taken is passed
 * over, since what is volatile shows in the next one as well.
 *
 * Nothing of it is kept: after a restart it shows again within three prompts.
 */
#include "shared_cache_private.h"
#include "weir/base/limits.h"
#include "weir/base/mem.h"
#include "weir/base/random.h"

struct watched {
    alignas(16) unsigned char memory[VOLATILE_BYTES];
    bool ready;
};

void shared_volatile_init(struct shared_cache *c)
{
    named_init(&c->watches, LIMIT_CACHE_WATCHES, sizeof(struct watched));
}

void shared_volatile_fini(struct shared_cache *c)
{
    named_fini(&c->watches);
}

void shared_cache_watch(struct shared_cache *c, struct str client, struct str model,
                        const struct ask *a, size_t known, uint32_t least_tokens, int64_t now_s)
{
    struct buf name = {0};
    if (pthread_mutex_trylock(&c->watches.lock) != 0)
        return;
    buf_add(&name, client);
    buf_add_char(&name, '\0');
    buf_add(&name, model);
    struct watched *w = named_put(&c->watches, buf_str(&name));
    if (!w->ready)
        (void)volatile_init(w->memory, random_u64());
    w->ready = true;
    volatile_note((struct volatile_watch *)(void *)w->memory, a, known, least_tokens, now_s);
    pthread_mutex_unlock(&c->watches.lock);
    buf_fini(&name);
}

struct telling {
    struct str model, client;
    void (*each)(void *arg, struct str model, struct str client, const struct volatile_place *p);
    void *arg;
};

static void tell(void *arg, const struct volatile_place *p)
{
    struct telling *t = arg;
    t->each(t->arg, t->model, t->client, p);
}

void shared_cache_each_volatile(struct shared_cache *c,
                                void (*each)(void *arg, struct str model, struct str client,
                                             const struct volatile_place *p),
                                void *arg)
{
    struct telling t = {.each = each, .arg = arg};
    struct watched *copy = mem_new(sizeof *copy);
    struct buf name = {0};
    for (size_t i = 0; named_copy(&c->watches, i, &name, copy); i++) {
        t.model = buf_str(&name);
        t.client = str_cut(&t.model, '\0');
        volatile_each((struct volatile_watch *)(void *)copy->memory, tell, &t);
    }
    buf_fini(&name);
    mem_free(copy);
}
