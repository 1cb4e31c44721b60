/* SPDX-License-Identifier: Apache-2.0
 *
 * weir book compact: rewrites the book without its free pages. Alone it takes the state directory's
 * lock and does it; when a daemon has that, it asks the daemon's admin port and waits.
 */
#include "cmd_book.h"
#include "weir/aws/endpoint.h"
#include "weir/aws/fetch.h"
#include "weir/base/buf.h"
#include "weir/book/store.h"
#include "weir/gate/config.h"
#include "weir/gate/state.h"
#include "weir/net/dns.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { ANSWER_MOST = 64 * 1024, WAIT_MS = 3600 * 1000, CONNECT_MS = 5000 };

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

struct ask {
    struct loop *loop;
    int status;
};

/* The sentence in {"message": ...}. */
static void print_refusal(const struct fetch_answer *a)
{
    cJSON *json = cJSON_ParseWithLength(a->body.ptr, a->body.len);
    const char *said = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "message"));
    if (said)
        fprintf(stderr, "weir: the daemon answered %d: %s\n", a->status, said);
    else
        fprintf(stderr, "weir: the daemon answered %d\n", a->status);
    cJSON_Delete(json);
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct ask *ask = arg;
    if (a->end != ORIGIN_DONE)
        fprintf(stderr, "weir: the daemon does not answer: %s\n", a->why);
    else if (a->status == 200)
        printf("compacted by the running daemon\n");
    else
        print_refusal(a);
    ask->status = a->end == ORIGIN_DONE && a->status == 200 ? CMD_DONE : CMD_FAILED;
    loop_stop(ask->loop);
}

static int ask_at(const struct endpoint *e)
{
    struct ask ask = {.loop = loop_new(), .status = CMD_FAILED};
    struct dns *dns = dns_new(ask.loop);
    struct aws_signer *signer = aws_signer_new();
    const struct origin_options o = {
        .host = str_of(e->host), .port = e->port, .connect_ms = CONNECT_MS, .idle_ms = CONNECT_MS};
    const struct aws_target target = {.origin = origin_new(ask.loop, dns, &o),
                                      .authority = str_of(e->authority)};
    const struct aws_request request = {.method = S("POST"), .target = S("/api/v1/book/compact")};
    const struct fetch_limits limits = {ANSWER_MOST, WAIT_MS};
    (void)fetch_start(ask.loop, signer, &target, NULL, &request, &limits, on_answer, &ask);
    loop_run(ask.loop);
    origin_free(target.origin);
    aws_signer_free(signer);
    dns_free(dns);
    loop_free(ask.loop);
    return ask.status;
}

static int ask_daemon(const struct config *c)
{
    struct buf url = {0};
    struct endpoint e;
    char err[256];
    buf_addf(&url, "http://%.*s", STR_ARG(c->admin_address));
    bool good = endpoint_parse(buf_str(&url), &e, err, sizeof err);
    buf_fini(&url);
    if (good)
        return ask_at(&e);
    fprintf(stderr, "weir: a daemon holds %.*s, and admin.address %.*s cannot be asked\n",
            STR_ARG(c->state), STR_ARG(c->admin_address));
    return CMD_FAILED;
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
