/* SPDX-License-Identifier: Apache-2.0
 *
 * weir book compact: rewrites the book without its free pages. Alone it takes the state directory's
 * lock and does it; when a daemon has that, it asks the daemon's admin port and waits.
 */
#include "cmd_book.h"
#include "weir/base/buf.h"
#include "weir/book/store.h"
#include "weir/gate/admin_ask.h"
#include "weir/gate/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* --- alone */

static int rewrite(const struct store_options *o, char *why, size_t why_size)
{
    struct store *s;
    struct store_size before, after;
    int err = store_open(o, &s, why, why_size);
    if (err)
        return err;
    err = store_measure(s, &before);
    if (err == 0)
        err = store_compact(s, why, why_size);
    store_close(s);
    if (err == 0)
        err = store_swap(o->dir, why, why_size);
    if (err == 0)
        err = store_open(o, &s, why, why_size);
    if (err)
        return err;
    err = store_measure(s, &after);
    store_close(s);
    if (err == 0)
        printf("compacted from %" PRIu64 " to %" PRIu64 " bytes\n", before.file_bytes,
               after.file_bytes);
    return err;
}

static int compact_alone(const struct config *c)
{
    struct buf dir = {0}, data = {0};
    char why[512] = "it cannot be read";
    buf_addf(&dir, "%.*s/meter", STR_ARG(c->state));
    buf_addf(&data, "%s/data.mdb", buf_cstr(&dir));
    const struct store_options o = {.dir = buf_cstr(&dir), .size_bytes = c->book_bytes};
    bool there = access(buf_cstr(&data), F_OK) == 0;
    int err = there ? rewrite(&o, why, sizeof why) : ERR_NOT_FOUND;
    if (!there)
        fprintf(stderr, "weir: %s: there is no book\n", o.dir);
    else if (err)
        fprintf(stderr, "weir: %s\n", why);
    buf_fini(&dir);
    buf_fini(&data);
    return err ? CMD_FAILED : CMD_DONE;
}

/* --- through the daemon */

static int ask_daemon(const struct config *c)
{
    struct admin_answer answer;
    char err[512];
    int status = CMD_FAILED;
    if (!admin_ask(c, S("POST"), S("/api/v1/book/compact"), S(""), &answer, err, sizeof err)) {
        fprintf(stderr, "weir: %s\n", err);
    } else if (answer.status == 200) {
        printf("compacted by the running daemon\n");
        status = CMD_DONE;
    } else {
        struct buf said = {0};
        admin_answer_add_refusal(&answer, &said);
        fprintf(stderr, "weir: %s\n", buf_cstr(&said));
        buf_fini(&said);
    }
    admin_answer_fini(&answer);
    return status;
}

int cmd_book_compact(int argc, char **argv)
{
    const char *path = cmd_default_config();
    const struct cmd_option option = {"-c", &path};
    char why[512];
    int lock, status = CMD_FAILED;
    if (!cmd_options(argc, argv, 3, &option, 1))
        return CMD_USAGE;
    struct config *c = cmd_book_config(path);
    if (!c)
        return CMD_USAGE;
    int err = state_lock(c->state, &lock, why, sizeof why);
    if (err == 0) {
        status = compact_alone(c);
        close(lock);
    } else if (err == ERR_BUSY) {
        status = ask_daemon(c);
    } else if (err == ERR_NOT_FOUND) {
        fprintf(stderr, "weir: %.*s: there is no book\n", STR_ARG(c->state));
    } else {
        fprintf(stderr, "weir: %s\n", why);
    }
    config_free(c);
    return status;
}
