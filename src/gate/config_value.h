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
    CONFIG_TREE, /* a mapping, kept as it stands in the file */
    CONFIG_OTHER,
    CONFIG_FORMAT,
    CONFIG_LEVEL
};

/* Not for CONFIG_TREE, whose field is a struct yaml_node. NULL, or what the value lacks ("wants a
 * size, like 64MiB"; static or the thread's until the next call). `value` is stored as it is: it
 * must outlive the field. */
const char *config_read_value(enum config_kind kind, struct str value, void *field);
/* A text that was not given: it is not printed. */
bool config_is_unset(enum config_kind kind, const void *field);
void config_print_value(enum config_kind kind, const void *field, struct buf *out);

#endif
