/* SPDX-License-Identifier: Apache-2.0
 *
 * The front door's own door: every subcommand, and the one option that most of them have.
 */
#ifndef WEIR_SRC_CMD_H
#define WEIR_SRC_CMD_H

#include <stdbool.h>

/* Exit statuses of every command. */
enum { CMD_DONE = 0, CMD_FAILED = 1, CMD_USAGE = 2 };

#define COMMAND(name, ...) int cmd_##name(int argc, char **argv);
#include "commands.def"
#undef COMMAND

/* Reads "-c FILE" and nothing else. *out_path is FILE, else /etc/weir/weir.yaml where it exists,
 * else NULL for the built-in defaults. False after a sentence on stderr: exit with CMD_USAGE. */
bool cmd_config_path(int argc, char **argv, const char **out_path);

#endif
