/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of values in the configuration: how each is read from text and printed again.
 */
#ifndef WEIR_SRC_GATE_CONFIG_VALUE_H
#define WEIR_SRC_GATE_CONFIG_VALUE_H

#include "weir/base/buf.h"

enum config_kind {
    CONFIG_TEXT,
    CONFIG_ADDRESS,
    CONFIG_PREFIX,
    CONFIG_URL,
    CONFIG_PROXY,
    CONFIG_BOOL,
    CONFIG_WORKERS,
    CONFIG_COUNT,
    CONFIG_SIZE,
    CONFIG_DURATION,
    CONFIG_METERING,
    CONFIG_SHARE,
    CONFIG_TARGET,
    CONFIG_LIMIT,       /* a number; none: no limit */
    CONFIG_LIMIT_BYTES, /* a size; none: no limit */
    CONFIG_MONEY,       /* dollars; none: no budget */
    CONFIG_THEN,
    CONFIG_PERSIST,
    CONFIG_PASSTHROUGH,
    CONFIG_LEVERS,
    CONFIG_CACHE,
    CONFIG_CACHE_TTL,
    CONFIG_CACHE_SHARE,
    CONFIG_CLIENT_MARKERS,
    CONFIG_RULE_CACHE, /* as CONFIG_CACHE; none: CONFIG_NOT_SET */
    CONFIG_RULE_TIME,  /* as CONFIG_DURATION; none: 0 */
    CONFIG_RULE_REPLY, /* none: CONFIG_NOT_SET */
    CONFIG_PERCENT,
    /* Kept as they stand in the file: */
    CONFIG_TREE,  /* a mapping */
    CONFIG_PAIRS, /* a mapping of names to one value each */
    CONFIG_WORDS, /* a list of values */
    CONFIG_OTHER,
    CONFIG_FORMAT,
    CONFIG_LEVEL
};

/* Its field is a pointer to a struct yaml_node. */
static inline bool config_is_tree(enum config_kind kind)
{
    return kind == CONFIG_TREE || kind == CONFIG_PAIRS || kind == CONFIG_WORDS;
}

/* NULL, or what the value lacks ("wants a size, like 64MiB"; static or the thread's until the next
 * call). `value` is stored as it is: it must outlive the field. A tree's field becomes NULL. */
const char *config_read_value(enum config_kind kind, struct str value, void *field);
/* A text, a tree or a limit that was not given: it is not printed. */
bool config_is_unset(enum config_kind kind, const void *field);
void config_print_value(enum config_kind kind, const void *field, struct buf *out);

#endif
