/* SPDX-License-Identifier: Apache-2.0
 *
 * The words for kinds of tokens and for lanes.
 */
#include "weir/plan/usage.h"

struct str usage_word(enum token_kind kind)
{
    static const struct str words[TOKENS] = {
        [TOKEN_INPUT] = STR("input"),
        [TOKEN_OUTPUT] = STR("output"),
        [TOKEN_CACHE_READ] = STR("cache_read"),
        [TOKEN_CACHE_WRITE_5M] = STR("cache_write_5m"),
        [TOKEN_CACHE_WRITE_1H] = STR("cache_write_1h"),
        [TOKEN_CACHE_WRITE_30M] = STR("cache_write_30m"),
    };
    return words[kind];
}

static const struct str lanes[LANES] = {
    [LANE_ONDEMAND] = STR("ondemand"), [LANE_FLEX] = STR("flex"),
    [LANE_PRIORITY] = STR("priority"), [LANE_RESERVED] = STR("reserved"),
    [LANE_BATCH] = STR("batch"),
};

struct str lane_word(enum lane lane)
{
    return lanes[lane];
}

bool lane_of_tier(struct str tier, enum lane *out)
{
    if (str_eq(tier, S("default")) || str_eq(tier, S("standard"))) {
        *out = LANE_ONDEMAND;
        return true;
    }
    for (size_t i = LANE_FLEX; i < LANE_BATCH; i++) {
        if (!str_eq(tier, lanes[i]))
            continue;
        *out = (enum lane)i;
        return true;
    }
    return false;
}
