/* SPDX-License-Identifier: Apache-2.0
 *
 * weir book export: the single records of a span, one a line. A transaction is over before its
 * lines are written, so that a slow reader of them holds nothing.
 */
#include "cmd_book.h"
#include "weir/book/record.h"
#include "weir/book/store.h"

#include <stdio.h>
#include <string.h>

enum { SLICE = 1000 };

struct export
{
    struct store *store;
    uint64_t until_ms;
    bool csv;
    char key[STORE_KEY_MOST]; /* to go on from */
    size_t key_len;
    struct buf lines;
};

static int add_line(struct export *e, struct str bytes)
{
    struct record r;
    int err = record_read(bytes, &r);
    if (err || r.flags & RECORD_SAMPLE)
        return err;
    if (e->csv) {
        record_add_csv(&r, &e->lines);
    } else {
        record_add_json(&r, &e->lines);
        buf_add_char(&e->lines, '\n');
    }
    return ERR_OK;
}

/* The key right behind that one. */
static void go_on_behind(struct export *e, struct str key)
{
    memcpy(e->key, key.ptr, key.len);
    e->key[key.len] = 0;
    e->key_len = key.len + 1;
}

/* 1: there is more. */
static int read_slice(struct export *e, struct store_txn *t)
{
    struct store_walk w;
    store_walk_init(&w, t, TABLE_RECORDS);
    int err = store_walk_from(&w, str_from(e->key, e->key_len));
    for (size_t n = 0; !err && n < SLICE; n++) {
        if (w.key.len < 8 || w.key.len >= sizeof e->key)
            err = ERR_BAD;
        else if (store_get_u64(w.key.ptr) >= e->until_ms)
            err = ERR_NOT_FOUND;
        else
            err = add_line(e, w.value);
        if (err)
            break;
        go_on_behind(e, w.key);
        err = store_walk_next(&w);
    }
    store_walk_fini(&w);
    if (err)
        return err == ERR_NOT_FOUND ? 0 : err;
    return 1;
}

static int step(struct export *e)
{
    struct store_txn *t;
    int more = store_begin(e->store, false, &t);
    if (more)
        return more;
    more = read_slice(e, t);
    store_abort(t);
    return more;
}

static int run(struct export *e)
{
    int more = 1;
    if (e->csv)
        record_add_csv_head(&e->lines);
    while (more == 1) {
        more = step(e);
        fputs(buf_cstr(&e->lines), stdout);
        if (fflush(stdout) != 0 || ferror(stdout)) {
            perror("weir book export: cannot write");
            return CMD_FAILED;
        }
        buf_clear(&e->lines);
    }
    if (more)
        cmd_book_unreadable("book export", more);
    return more ? CMD_FAILED : CMD_DONE;
}

int cmd_book_export(int argc, char **argv)
{
    const char *config = cmd_default_config(), *since = "7d", *until = NULL, *format = "json";
    const struct cmd_option options[] = {
        {"-c", &config}, {"--since", &since}, {"--until", &until}, {"--format", &format}};
    struct export e = {.key_len = 8};
    int64_t since_ms, until_ms;
    if (!cmd_options(argc, argv, 3, options, sizeof options / sizeof *options) ||
        !cmd_span(since, until, &since_ms, &until_ms))
        return CMD_USAGE;
    e.csv = strcmp(format, "csv") == 0;
    if (!e.csv && strcmp(format, "json") != 0) {
        fprintf(stderr, "weir book export: --format takes json or csv, not \"%s\"\n", format);
        return CMD_USAGE;
    }
    store_put_u64((unsigned char *)e.key, (uint64_t)since_ms);
    e.until_ms = (uint64_t)until_ms;
    int status = cmd_book_open(config, &e.store);
    if (status)
        return status;
    status = run(&e);
    buf_fini(&e.lines);
    store_close(e.store);
    return status;
}
