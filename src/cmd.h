/* SPDX-License-Identifier: Apache-2.0
 *
 * The front door's own door: every subcommand, and the one option that most of them have.
 */
#ifndef WEIR_SRC_CMD_H
#define WEIR_SRC_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses of every command. */
enum { CMD_DONE = 0, CMD_FAILED = 1, CMD_USAGE = 2 };

#define COMMAND(name, ...) int cmd_##name(int argc, char **argv);
#include "commands.def"
#undef COMMAND

/* Reads "NAME VALUE" pairs from argv[first] on into the values of those names. False after a
 * sentence on stderr: exit with CMD_USAGE. */
struct cmd_option {
    const char *name;
    const char **value;
};
bool cmd_options(int argc, char **argv, int first, const struct cmd_option *options, size_t n);

/* Takes argv[i] out of the arguments. */
const char *cmd_take(int *argc, char **argv, int i);
/* Takes out the first word behind argv[1] that is neither an option nor its value, wherever it
 * stands; NULL: there is none. What has no value must be taken out before. */
const char *cmd_take_word(int *argc, char **argv);

/* /etc/weir/weir.yaml where it exists, else NULL for the built-in defaults. */
const char *cmd_default_config(void);
/* Reads "-c FILE" and nothing else. *out_path is FILE, else /etc/weir/weir.yaml where it exists,
 * else NULL for the built-in defaults. False after a sentence on stderr: exit with CMD_USAGE. */
bool cmd_config_path(int argc, char **argv, const char **out_path);

/* Did all that was printed go out? The status to exit with. */
int cmd_printed(void);

/* Opens the book of that configuration for reading, beside a daemon or alone. Else the status to
 * exit with, after a sentence on stderr. */
struct store;
int cmd_book_open(const char *config_path, struct store **out);
/* A sentence on stderr: it was open, and reading on failed. */
void cmd_book_unreadable(const char *command, int err);

/* What --since and --until say, in milliseconds; *out_until is now without --until. False after a
 * sentence on stderr. */
bool cmd_span(const char *since, const char *until, int64_t *out_since_ms, int64_t *out_until_ms);

#endif
