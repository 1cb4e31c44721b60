/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of weir book, one cmd_book_NAME.c each.
 */
#ifndef WEIR_SRC_CMD_BOOK_H
#define WEIR_SRC_CMD_BOOK_H

#include "cmd.h"

int cmd_book_export(int argc, char **argv);

#endif
