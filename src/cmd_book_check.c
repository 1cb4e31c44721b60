/* SPDX-License-Identifier: Apache-2.0
 *
 * weir book check: reads every row of the book, holds sums against what they are the sums of, and
 * tells how large it is. Exit status 1 when something is wrong.
 */
#include "cmd_book.h"
#include "weir/base/buf.h"
#include "weir/base/text.h"
#include "weir/book/check.h"

#include <inttypes.h>
#include <stdio.h>

enum { WORTH_A_RATIO = 1024 * 1024 }; /* below that it is LMDB's first pages */

static void print_finding(void *arg, const char *sentence)
{
    printf("wrong: %s\n", sentence);
}

static void print_rows(const struct check_result *r)
{
    static const char *const words[TABLES] = {
        [TABLE_RECORDS] = "requests", [TABLE_SERIES] = "series", [TABLE_MINUTES] = "minutes",
        [TABLE_HOURS] = "hours",      [TABLE_DAYS] = "days",     [TABLE_GAPS] = "gaps"};
    for (int i = 0; i < TABLES; i++)
        if (words[i])
            printf("%-9s %12" PRIu64 "\n", words[i], r->rows[i]);
    if (r->lost)
        printf("%-9s %12" PRIu64 " requests were not recorded\n", "lost", r->lost);
}

static void print_size(const struct store_size *size, uint64_t live)
{
    double file = (double)size->file_bytes, limit = (double)size->limit_bytes;
    printf("%-9s %12" PRIu64 " bytes\n", "file", size->file_bytes);
    printf("%-9s %12" PRIu64 " bytes in use, %.1f %% of book.size\n", "pages", size->used_bytes,
           limit > 0 ? 100 * (double)size->used_bytes / limit : 0);
    printf("%-9s %12" PRIu64 " bytes of keys and values", "live", live);
    if (live >= WORTH_A_RATIO)
        printf("; the file is %.2f times that", file / (double)live);
    printf("\n");
}

static int check(struct store *s)
{
    struct check_result r;
    struct store_size size;
    int err = check_run(s, print_finding, NULL, &r);
    if (err == 0)
        err = store_measure(s, &size);
    if (err) {
        cmd_book_unreadable("book check", err);
        return CMD_FAILED;
    }
    print_rows(&r);
    print_size(&size, r.live_bytes);
    if (r.findings) {
        printf("%" PRIu64
               " things are wrong; sums that are wrong stay so: move STATE/meter away (Weir "
               "then begins a new book) or put a backup there\n",
               r.findings);
        return CMD_FAILED;
    }
    printf("good: every sum is that of its parts\n");
    return CMD_DONE;
}

int cmd_book_check(int argc, char **argv)
{
    const char *config = cmd_default_config();
    const struct cmd_option option = {"-c", &config};
    struct store *s;
    if (!cmd_options(argc, argv, 3, &option, 1))
        return CMD_USAGE;
    int status = cmd_book_open(config, &s);
    if (status)
        return status;
    status = check(s);
    store_close(s);
    return status;
}
