/* SPDX-License-Identifier: Apache-2.0
 *
 * weir report: usage, spend and savings out of the book, as a table, JSON or CSV. It reads the
 * book beside a running daemon, in transactions of a moment.
 */
#include "cmd.h"
#include "weir/book/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SLICE = 5000, MINUTE_MS = 60 * 1000 };

/* 0: any. COLUMNS is asked first. */
static size_t terminal_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (columns && *columns)
        return strtoul(columns, NULL, 10);
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        return size.ws_col;
    return 0;
}

static void add_text(struct report *r, const char *format, struct buf *out)
{
    if (strcmp(format, "csv") == 0)
        report_add_csv(r, out);
    else if (strcmp(format, "table") == 0)
        report_add_table(r, terminal_width(), out);
    else
        while (report_add_json(r, SLICE, out)) {
        }
}

static int print(const struct report_query *q, struct store *s, const char *format)
{
    struct report *r = report_new(q);
    struct buf out = {0};
    int more;
    while ((more = report_step(r, s, SLICE)) == 1) {
    }
    bool good = more == 0;
    if (good) {
        add_text(r, format, &out);
        fputs(buf_cstr(&out), stdout);
        good = fflush(stdout) == 0 && !ferror(stdout);
        if (!good)
            perror("weir report: cannot write");
    } else if (more == ERR_TOO_BIG) {
        fprintf(stderr, "weir report: more than %d rows; group by less (--by)\n", REPORT_ROWS_MOST);
    } else {
        cmd_book_unreadable("report", more);
    }
    buf_fini(&out);
    report_free(r);
    return good ? CMD_DONE : CMD_FAILED;
}

static bool read_query(const char *since, const char *until, const char *by,
                       struct report_query *out)
{
    int64_t since_ms, until_ms;
    struct str bad;
    if (!cmd_span(since, until, &since_ms, &until_ms))
        return false;
    if (!report_read_by(str_of(by), &out->by, &bad)) {
        fprintf(
            stderr,
            "weir report: --by takes client, workload, model and lane, commas between them, not "
            "\"%s\"\n",
            by);
        return false;
    }
    out->from = (uint32_t)(since_ms / MINUTE_MS);
    out->until = (uint32_t)((until_ms + MINUTE_MS - 1) / MINUTE_MS);
    return true;
}

int cmd_report(int argc, char **argv)
{
    const char *config = cmd_default_config(), *since = "7d", *until = NULL;
    const char *by = "model,lane", *format = "table";
    const struct cmd_option options[] = {
        {"-c", &config}, {"--since", &since},   {"--until", &until},
        {"--by", &by},   {"--format", &format},
    };
    struct report_query q = {0};
    struct store *s;
    if (!cmd_options(argc, argv, 2, options, sizeof options / sizeof *options) ||
        !read_query(since, until, by, &q))
        return CMD_USAGE;
    if (strcmp(format, "table") && strcmp(format, "json") && strcmp(format, "csv")) {
        fprintf(stderr, "weir report: --format takes table, json or csv, not \"%s\"\n", format);
        return CMD_USAGE;
    }
    int status = cmd_book_open(config, &s);
    if (status)
        return status;
    status = print(&q, s, format);
    store_close(s);
    return status;
}
