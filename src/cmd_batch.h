/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of weir batch that have a file of their own.
 */
#ifndef WEIR_SRC_CMD_BATCH_H
#define WEIR_SRC_CMD_BATCH_H

#include "cmd_book.h"
#include "weir/gate/config.h"

struct batch_args {
    const char *word, *name; /* name: NULL without one */
    const char *path, *format, *deadline, *reply;
    struct config *config;
};

int cmd_batch_suggest(const struct batch_args *a);
int cmd_batch_accept(const struct batch_args *a);
int cmd_batch_revoke(const struct batch_args *a);

#endif
