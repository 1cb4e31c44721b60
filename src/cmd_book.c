/* SPDX-License-Identifier: Apache-2.0
 *
 * weir book: what can be done with the book by hand, a table of its own; and how every command
 * opens the book for reading.
 */
#include "cmd_book.h"

#include "weir/base/clock.h"
#include "weir/book/report.h"
#include "weir/gate/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} parts[] = {
    {"check", cmd_book_check},
    {"compact", cmd_book_compact},
    {"export", cmd_book_export},
};

int cmd_book(int argc, char **argv)
{
    for (size_t i = 0; argc > 2 && i < sizeof parts / sizeof *parts; i++)
        if (strcmp(argv[2], parts[i].name) == 0)
            return parts[i].run(argc, argv);
    if (argc > 2)
        fprintf(stderr, "weir book: cannot do \"%s\"; see weir book --help\n", argv[2]);
    else
        fprintf(stderr, "weir book: check, compact or export? See weir book --help\n");
    return CMD_USAGE;
}

struct config *cmd_book_config(const char *config_path)
{
    struct buf faults = {0};
    /* The daemon's environment has a region; the one who asks the book needs none. */
    (void)setenv("AWS_DEFAULT_REGION", "us-east-1", 0);
    struct config *c = config_load(config_path, &faults);
    if (!c)
        fputs(buf_cstr(&faults), stderr);
    buf_fini(&faults);
    return c;
}

/* STATE/meter of a configuration. */
static bool find_folder(const char *config_path, struct buf *out)
{
    struct config *c = cmd_book_config(config_path);
    if (c)
        buf_addf(out, "%.*s/meter", STR_ARG(c->state));
    config_free(c);
    return c;
}

static void print_failure(const char *folder, int err, const char *why)
{
    if (access(folder, R_OK | X_OK) != 0 && errno == EACCES)
        fprintf(stderr, "weir: %s: permission denied; run this as the daemon's user\n", folder);
    else if (err == ERR_NOT_FOUND)
        fprintf(stderr,
                "weir: %s: there is no book yet; weir serve begins one (metering: on), and -c "
                "names its configuration\n",
                folder);
    else
        fprintf(stderr, "weir: %s\n", why);
}

int cmd_book_open(const char *config_path, struct store **out)
{
    struct buf folder = {0};
    char why[512] = "";
    if (!find_folder(config_path, &folder)) {
        buf_fini(&folder);
        return CMD_USAGE;
    }
    struct store_options o = {.dir = buf_cstr(&folder), .read_only = true};
    int err = store_open(&o, out, why, sizeof why);
    if (err)
        print_failure(o.dir, err, why);
    buf_fini(&folder);
    return err ? CMD_FAILED : CMD_DONE;
}

void cmd_book_unreadable(const char *command, int err)
{
    fprintf(stderr, "weir %s: the book cannot be read (%s)%s\n", command, err_word(err),
            err == ERR_BAD
                ? "; move STATE/meter away (Weir then begins a new book) or put a backup "
                  "there"
                : "");
}

static bool read_moment(const char *option, const char *text, int64_t *out_ms)
{
    if (report_read_time(str_of(text), clock_wall_ms(), out_ms))
        return true;
    fprintf(stderr,
            "weir: %s takes a time ago (7d, 12h, 30m), a day (2026-11-20) or a moment "
            "(2026-11-20T08:00:00Z), not \"%s\"\n",
            option, text);
    return false;
}

bool cmd_span(const char *since, const char *until, int64_t *out_since_ms, int64_t *out_until_ms)
{
    if (!read_moment("--since", since, out_since_ms) ||
        !read_moment("--until", until ? until : "0", out_until_ms))
        return false;
    if (*out_since_ms < *out_until_ms)
        return true;
    fprintf(stderr, "weir: --since %s is not before --until %s\n", since, until ? until : "now");
    return false;
}
