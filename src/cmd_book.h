/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of weir book, one cmd_book_NAME.c each.
 */
#ifndef WEIR_SRC_CMD_BOOK_H
#define WEIR_SRC_CMD_BOOK_H

#include "cmd.h"

struct config;

int cmd_book_check(int argc, char **argv);
int cmd_book_compact(int argc, char **argv);
int cmd_book_export(int argc, char **argv);

/* The configuration, whose region nobody needs here; NULL after a sentence on stderr. */
struct config *cmd_book_config(const char *config_path);

#endif
