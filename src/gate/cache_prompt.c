/* SPDX-License-Identifier: Apache-2.0
 *
 * Nothing here knows of exchanges or of what is shared between threads.
 */
#include "weir/gate/cache_prompt.h"

#include "weir/base/hash.h"
#include "weir/plan/price.h"

enum { SEED_PROMPTS = 1, SEED_DRAWS = 2 };

/* arn:aws:iam::123456789012:role/name */
static struct str account_of(struct str role_arn)
{
    for (int i = 0; i < 4; i++)
        (void)str_cut(&role_arn, ':');
    return str_cut(&role_arn, ':');
}

/* Where a client's calls come from its own account nobody else can read what it wrote. Of a key
 * that passes through nobody knows the account. */
static struct str who_learns(const struct config *c, struct str client)
{
    const struct config_client *k = config_find_client(c, client);
    if (!c->cache_share_all || (k && k->passthrough))
        return client;
    return k && k->role_arn.len ? account_of(k->role_arn) : S("");
}

uint64_t cache_prompt_seed(const struct config *c, struct str client, struct str model)
{
    return hash64(hash64(SEED_PROMPTS, who_learns(c, client)), model);
}

/* Their sum is calibrated as one number, so that rounding does not add up. */
uint64_t cache_prompt_sites(const struct ask *a, const struct cache_terms *terms,
                            const struct tokens_scale *scale, struct cache_site *out)
{
    uint64_t estimated = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct ask_block *b = &a->blocks[i];
        estimated += b->tokens;
        out[i] = (struct cache_site){
            .key = b->hash,
            .tokens = tokens_scaled(scale, estimated),
            .section = b->section,
            .own = b->own,
            .open = terms && ask_open(b, terms->after_tool_result, terms->fields),
        };
    }
    return estimated;
}

uint64_t cache_prompt_draw(const struct ask *a)
{
    uint64_t first = a->blocks[0].hash;
    return hash64(SEED_DRAWS, str_from((const char *)&first, sizeof first));
}

bool cache_prompt_is_control(const struct config *c, uint64_t draw)
{
    return (draw >> 32) % PRICE_ONE < c->holdout_parts;
}

size_t cache_prompt_edits(const struct ask *a, const struct cache_plan *plan,
                          struct json_edit out[CACHE_EDITS_MOST])
{
    struct ask_splice at[2];
    size_t n = 0;
    for (size_t i = 0; i < plan->n; i++) {
        const struct cache_mark *m = &plan->marks[i];
        if (m->reason == CACHE_OWN)
            continue;
        if (m->reason == CACHE_RETIMED) {
            n += ask_retime(a, m->block, m->ttl, &out[n].at, &out[n].len, &out[n].with);
            continue;
        }
        size_t splices = ask_mark(a, m->block, m->ttl, at);
        for (size_t k = 0; k < splices; k++)
            out[n++] = (struct json_edit){.at = at[k].at, .with = at[k].text};
    }
    return n;
}
