/* SPDX-License-Identifier: Apache-2.0
 *
 * A record is in the list that its place says, and in no other: all that moves it goes by its list.
 * List entries have no sum of their own, so when the spool is opened those that are there are held
 * against those that should be, all of them in one number. Where a damaged page made a difference,
 * the places are right: an entry that no place has goes, one that is missing is put back. Without
 * that its record would wait for ever.
 */
#include "spool_private.h"

#include "weir/base/hash.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"

#include <string.h>

void spool_relist_place(struct spool *s, uint64_t number, const struct spool_place *place)
{
    struct spool_key key = spool_key_place(number, place);
    s->unlisted += hash64(0, spool_key_str(&key));
}

void spool_relist_entry(struct spool *s, struct str key)
{
    s->unlisted -= hash64(0, key);
}

/* --- what is wrong */

struct strays {
    struct spool_key *keys;
    size_t n, cap;
};

static void add(struct strays *all, struct str key)
{
    if (all->n == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 64;
        all->keys = mem_grow(all->keys, all->cap * sizeof *all->keys);
    }
    struct spool_key *k = &all->keys[all->n++];
    k->len = key.len < sizeof k->bytes ? key.len : sizeof k->bytes;
    memcpy(k->bytes, key.ptr, k->len);
}

static bool fits(struct spool *s, struct str entry)
{
    struct spool_place place;
    if (entry.len < 8 || spool_table_place(s, spool_key_end(entry), &place) != 0)
        return false;
    struct spool_key key = spool_key_place(spool_key_end(entry), &place);
    return str_eq(spool_key_str(&key), entry);
}

static int find_strays(struct spool *s, struct strays *out)
{
    struct store_walk w;
    store_walk_init(&w, s->txn, TABLE_LISTS);
    int rc = store_walk_from(&w, S(""));
    for (; rc == 0; rc = store_walk_next(&w))
        if (!fits(s, w.key))
            add(out, w.key);
    store_walk_fini(&w);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* --- what is done about it */

/* Its record is in another list, or cannot be read. */
static int drop(struct spool *s, const struct spool_key *entry)
{
    struct spool_place place;
    struct str key = spool_key_str(entry);
    int rc = key.len < 8 ? 0 : spool_table_place(s, spool_key_end(key), &place);
    if (rc == 0)
        return store_delete(s->txn, TABLE_LISTS, key);
    return rc == ERR_BAD || rc == ERR_NOT_FOUND ? spool_table_give_up_listed(s, entry) : rc;
}

static int put_back(struct spool *s, uint64_t number, size_t *count)
{
    struct spool_place place;
    struct str value;
    int rc = spool_table_place(s, number, &place);
    if (rc)
        return rc == ERR_BAD ? spool_table_give_up(s, number) : rc;
    struct spool_key key = spool_key_place(number, &place);
    rc = store_get(s->txn, TABLE_LISTS, spool_key_str(&key), &value);
    if (rc != ERR_NOT_FOUND)
        return rc;
    ++*count;
    return store_put(s->txn, TABLE_LISTS, spool_key_str(&key), S(""));
}

static int mend(struct spool *s)
{
    struct strays all = {0};
    uint64_t *numbers = NULL;
    size_t n = 0, back = 0;
    int rc = find_strays(s, &all);
    for (size_t i = 0; i < all.n && rc == 0; i++)
        rc = drop(s, &all.keys[i]);
    if (rc == 0)
        rc = spool_table_numbers(s->txn, &numbers, &n);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put_back(s, numbers[i], &back);
    log_say(LOG_ERROR, "spool",
            "%zu records were not in their list, and are put back; %zu entries were of none", back,
            all.n);
    mem_free(all.keys);
    mem_free(numbers);
    return rc;
}

int spool_relist(struct spool *s)
{
    int rc = spool_batch_begin(s);
    return rc ? rc : spool_batch_commit(s, mend(s));
}
