/* SPDX-License-Identifier: Apache-2.0
 *
 * Converse has one shape for all makers; of InvokeModel's bodies each maker has its own, so the
 * model's id tells it. What a token costs here is a share of what plain input costs, so a discount
 * on everything changes no plan. A model that only its family stands for is marked, too: what it
 * refuses or ignores is learned from its first answers (plan/verdict).
 */
#include "weir/gate/cache_terms.h"

/* "anthropic." at the beginning, or behind a geo prefix or an ARN's head: "us.anthropic.". */
static bool is_of(struct str model, struct str maker)
{
    ptrdiff_t dot = str_chr(model, '.');
    return str_starts(model, maker) ||
           (dot > 0 && str_starts(str_from_offset(model, (size_t)dot + 1), maker));
}

enum ask_dialect cache_dialect(const struct operation *op, struct str model)
{
    bool claude = is_of(model, S("anthropic.")), nova = is_of(model, S("amazon.nova-"));
    switch (op->usage) {
    case USAGE_CONVERSE:
        return claude || nova ? ASK_CONVERSE : ASK_NONE;
    case USAGE_INVOKE:
        return claude ? ASK_CLAUDE : nova ? ASK_NOVA : ASK_NONE;
    case USAGE_MESSAGES:
        return claude ? ASK_CLAUDE : ASK_NONE;
    case USAGE_CHAT:
        return ASK_CHAT;
    case USAGE_RESPONSES:
        return ASK_RESPONSES;
    case NO_USAGE:
        break;
    }
    return ASK_NONE;
}

/* A time to live that the model does not have is nobody's wish. */
static enum cache_ttl ttl_of(enum cache_ttl wanted, unsigned has)
{
    if ((wanted == CACHE_TTL_5M && !(has & TTL_5M)) || (wanted == CACHE_TTL_1H && !(has & TTL_1H)))
        return CACHE_TTL_AUTO;
    return wanted;
}

static float share(const struct price *p, enum token_kind kind)
{
    return (float)((double)p->nanousd_per_mtok[kind] / (double)p->nanousd_per_mtok[TOKEN_INPUT]);
}

bool cache_is_implicit(const struct catalogue_model *m)
{
    return m->implicit && m->ttls == TTL_30M;
}

bool cache_terms_of(const struct catalogue_model *m, const struct price *price,
                    const struct config *c, enum cache_mode mode, struct cache_terms *out)
{
    if (mode == CACHE_OFF || m->least_tokens == 0 || m->most_markers == 0 || m->fields == 0 ||
        m->ttls == 0 || price->nanousd_per_mtok[TOKEN_INPUT] == 0)
        return false;
    bool implicit = cache_is_implicit(m);
    if (implicit && mode == CACHE_AUTO)
        return false;
    *out = (struct cache_terms){
        .mode = mode,
        .implicit = implicit,
        .ttl = ttl_of(c->cache_ttl, m->ttls),
        .retime = c->cache_retime,
        .fields = m->fields,
        .ttls = m->ttls,
        .most_markers = m->most_markers < ASK_MARKERS_MOST ? m->most_markers : ASK_MARKERS_MOST,
        .least_tokens = m->least_tokens,
        .most_tokens = m->most_tokens,
        .after_tool_result = m->after_tool_result,
        .read = share(price, TOKEN_CACHE_READ),
        .write_5m = share(price, TOKEN_CACHE_WRITE_5M),
        .write_30m = share(price, TOKEN_CACHE_WRITE_30M),
        .write_1h = share(price, TOKEN_CACHE_WRITE_1H),
        .hit = 1,
        .exploring = (float)c->explore_parts / PRICE_ONE,
    };
    return true;
}
