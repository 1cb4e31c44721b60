/* SPDX-License-Identifier: Apache-2.0
 *
 * weir explain: what Weir would do with a request's body and why. What was learned is read beside a
 * running daemon, or of one that has ended; nothing is asked of anybody and nothing is changed.
 */
#include "cmd_book.h"
#include "weir/base/clock.h"
#include "weir/base/file.h"
#include "weir/book/keeper.h"
#include "weir/book/report.h"
#include "weir/gate/body.h"
#include "weir/gate/explain.h"
#include "weir/gate/setup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MINUTE_MS = 60 * 1000, WEEK_MINUTES = 7 * 24 * 60, SLICE = 5000 };

static bool read_stdin(struct buf *out)
{
    char piece[64 * 1024];
    size_t n;
    out->max = BODY_MOST_BYTES;
    while (!out->overflow && (n = fread(piece, 1, sizeof piece, stdin)) > 0)
        buf_add(out, str_from(piece, n));
    if (!out->overflow && !ferror(stdin))
        return true;
    fprintf(stderr, "weir explain: stdin %s\n",
            out->overflow ? "has more than any body may" : "cannot be read");
    return false;
}

static bool read_body(const char *path, struct buf *out)
{
    char why[512];
    if (strcmp(path, "-") == 0)
        return read_stdin(out);
    int err = file_read(path, BODY_MOST_BYTES, out, why, sizeof why);
    if (err == 0)
        return true;
    fprintf(stderr, "weir explain: %s%s\n", why,
            err == ERR_UNSUPPORTED ? "; \"-\" reads what comes through a pipe" : "");
    return false;
}

static void take_prefix(void *arg, const struct prefix *p)
{
    shared_cache_restore(arg, p, 1);
}

static void take_named(void *arg, struct str name, struct str bytes)
{
    shared_cache_restore_named(arg, name, bytes);
}

/* Without anything that was learned it is as for a new Weir. */
static struct shared_cache *read_known(const struct config *c)
{
    struct shared_cache *known = shared_cache_new(c->cache_bytes);
    struct buf dir = {0};
    char why[512] = "";
    if (!known) {
        fprintf(stderr, "weir explain: there is no memory for cache.memory\n");
        return NULL;
    }
    buf_addf(&dir, "%.*s/prefixes", STR_ARG(c->state));
    int err = keeper_read(buf_cstr(&dir), take_prefix, take_named, known, why, sizeof why);
    if (err == ERR_NOT_FOUND)
        fprintf(stderr, "weir explain: %s is not there: nothing is known of earlier prompts\n",
                buf_cstr(&dir));
    else if (err)
        fprintf(stderr, "weir explain: %s; nothing is known of earlier prompts\n", why);
    buf_fini(&dir);
    return known;
}

/* --- the last week's answers */

static uint64_t mean_output(const struct report *r, struct str client, struct str model)
{
    size_t n;
    const struct report_row *rows = report_rows(r, &n);
    for (size_t i = 0; i < n; i++) {
        const struct rollup *sum = &rows[i].sum;
        uint64_t calls = sum->counts[ROLLUP_INVOCATIONS];
        if (calls && str_eq(rows[i].series.client, client) && str_eq(rows[i].series.model, model))
            return sum->usage.tokens[TOKEN_OUTPUT] / calls;
    }
    return 0;
}

/* Of a book that is not there, or cannot be read, nothing is known. */
static uint64_t read_output(void *arg, struct str client, struct str model)
{
    const struct config *c = arg;
    uint32_t now = (uint32_t)(clock_wall_ms() / MINUTE_MS);
    const struct report_query q = {
        .from = now - WEEK_MINUTES, .until = now + 1, .by = REPORT_BY_CLIENT | REPORT_BY_MODEL};
    struct store *s = NULL;
    struct buf dir = {0};
    char why[512];
    uint64_t mean = 0;
    buf_addf(&dir, "%.*s/meter", STR_ARG(c->state));
    struct store_options o = {.dir = buf_cstr(&dir), .read_only = true};
    if (store_open(&o, &s, why, sizeof why) == 0) {
        struct report *r = report_new(&q);
        int more;
        while ((more = report_step(r, s, SLICE)) == 1) {
        }
        mean = more == 0 ? mean_output(r, client, model) : 0;
        report_free(r);
        store_close(s);
    }
    buf_fini(&dir);
    return mean;
}

/* --- */

static int print(const struct explain *e, bool body)
{
    struct buf out = {0};
    const char *why = NULL;
    if (body)
        explain_add_body(e, &out, &why);
    else
        explain_print(e, &out);
    if (why)
        fprintf(stderr, "weir explain: the body is as it came: %s\n", why);
    bool good = fwrite(out.data + out.head, 1, buf_len(&out), stdout) == buf_len(&out) &&
                fflush(stdout) == 0;
    buf_fini(&out);
    return good && !explain_unreadable(e) ? CMD_DONE : CMD_FAILED;
}

static int explain(const struct config *c, const struct explain_options *o, bool body)
{
    struct buf faults = {0};
    int status = CMD_USAGE;
    struct catalogue *catalogue = setup_load_catalogue(c, &faults);
    struct shared_cache *known = catalogue ? read_known(c) : NULL;
    struct explain *e = known ? explain_new(c, catalogue, known, o, &faults) : NULL;
    if (e)
        status = print(e, body);
    else if (buf_len(&faults))
        fprintf(stderr, "weir explain: %s\n", buf_cstr(&faults));
    explain_free(e);
    shared_cache_free(known);
    catalogue_free(catalogue);
    buf_fini(&faults);
    return status;
}

/* Takes "--body" out of the arguments. */
static bool take_body(int *argc, char **argv)
{
    for (int i = 2; i < *argc; i++)
        if (strcmp(argv[i], "--body") == 0)
            return cmd_take(argc, argv, i);
    return false;
}

int cmd_explain(int argc, char **argv)
{
    const char *path = cmd_default_config(), *model = "", *op = "", *client = "", *deadline = "";
    const struct cmd_option options[] = {{"-c", &path},
                                         {"--model", &model},
                                         {"--op", &op},
                                         {"--client", &client},
                                         {"--deadline", &deadline}};
    bool body = take_body(&argc, argv);
    const char *file = cmd_take_word(&argc, argv);
    if (!file) {
        fprintf(stderr, "weir explain: say the file of a request's body, or -; see weir explain "
                        "--help\n");
        return CMD_USAGE;
    }
    if (!cmd_options(argc, argv, 2, options, sizeof options / sizeof *options))
        return CMD_USAGE;
    struct buf text = {0};
    if (!read_body(file, &text)) {
        buf_fini(&text);
        return CMD_FAILED;
    }
    struct config *c = cmd_book_config(path);
    struct explain_options o = {.body = buf_str(&text),
                                .model = str_of(model),
                                .op = str_of(op),
                                .client = str_of(client),
                                .deadline = str_of(deadline),
                                .now_ms = clock_wall_ms(),
                                .output_tokens = read_output,
                                .arg = c};
    int status = c ? explain(c, &o, body) : CMD_USAGE;
    config_free(c);
    buf_fini(&text);
    return status;
}
