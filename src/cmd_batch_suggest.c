/* SPDX-License-Identifier: Apache-2.0
 *
 * weir batch suggest, accept, revoke: nightly work found in the book, beside a daemon or without
 * one. A rule is made by the daemon that holds the state directory, or here when none runs. Hours
 * are those of this machine's zone, as cron's are: TZ, else /etc/localtime, else UTC.
 */
#include "cmd_batch.h"
#include "weir/base/clock.h"
#include "weir/base/file.h"
#include "weir/gate/accepted.h"
#include "weir/gate/admin_ask.h"
#include "weir/gate/setup.h"
#include "weir/gate/state.h"
#include "weir/gate/suggestions.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo/"

enum { ZONE_MOST_BYTES = 64 * 1024 };

/* --- the zone */

struct zone {
    char name[128]; /* empty: UTC */
    struct buf file;
    struct tzif rules;
};

static void name_zone(char *out, size_t size)
{
    char link[PATH_MAX];
    const char *tz = getenv("TZ");
    ssize_t n = tz ? -1 : readlink("/etc/localtime", link, sizeof link - 1);
    if (tz)
        snprintf(out, size, "%s", tz + (*tz == ':'));
    if (n <= 0)
        return;
    link[n] = 0;
    const char *at = strstr(link, "zoneinfo/");
    snprintf(out, size, "%s", at ? at + sizeof "zoneinfo/" - 1 : "");
}

/* What is no zone of the tz database is UTC. */
static void find_zone(struct zone *z)
{
    static const char *const utc[] = {"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Universal", "Zulu"};
    char path[sizeof z->name + sizeof ZONES], why[256];
    name_zone(z->name, sizeof z->name);
    for (size_t i = 0; i < sizeof utc / sizeof *utc; i++)
        if (strcmp(z->name, utc[i]) == 0)
            z->name[0] = 0;
    snprintf(path, sizeof path, ZONES "%s", z->name);
    if (!z->name[0] || z->name[0] == '/' || strstr(z->name, "..") ||
        file_read(path, ZONE_MOST_BYTES, &z->file, why, sizeof why) < 0 ||
        tzif_read(buf_str(&z->file), &z->rules) < 0)
        z->name[0] = 0;
}

/* --- the book */

struct found {
    struct zone zone;
    struct catalogue *catalogue;
    struct suggestions all;
};

static void found_fini(struct found *f)
{
    suggestions_fini(&f->all);
    catalogue_free(f->catalogue);
    buf_fini(&f->zone.file);
}

static int read_all(struct store *s, const struct batch_args *a, struct found *f)
{
    const struct suggestions_terms t = {.config = a->config,
                                        .callers = {.now_ms = clock_wall_ms(),
                                                    .zone = f->zone.name[0] ? &f->zone.rules : NULL,
                                                    .catalogue = f->catalogue},
                                        .zone = str_of(f->zone.name)};
    int err = suggestions_read(s, &t, &f->all);
    if (err == ERR_TOO_BIG)
        fprintf(stderr, "weir batch: the book has more callers than can be looked at\n");
    else if (err)
        cmd_book_unreadable("batch", err);
    return err ? CMD_FAILED : CMD_DONE;
}

static int find(const struct batch_args *a, struct found *f)
{
    struct buf faults = {0};
    struct store *s;
    *f = (struct found){0};
    find_zone(&f->zone);
    f->catalogue = setup_load_catalogue(a->config, &faults);
    if (!f->catalogue)
        fputs(buf_cstr(&faults), stderr);
    buf_fini(&faults);
    if (!f->catalogue)
        return CMD_USAGE;
    int status = cmd_book_open(a->path, &s);
    if (status)
        return status;
    status = read_all(s, a, f);
    store_close(s);
    return status;
}

int cmd_batch_suggest(const struct batch_args *a)
{
    struct found f;
    struct buf out = {0};
    int status = find(a, &f);
    if (status == CMD_DONE) {
        if (strcmp(a->format, "json") == 0)
            suggestions_add_json(&f.all, &out);
        else
            suggestions_add_text(&f.all, &out);
        fputs(buf_cstr(&out), stdout);
        status = cmd_printed();
    }
    buf_fini(&out);
    found_fini(&f);
    return status;
}

/* --- a rule is made, or taken back */

static int ask_daemon(const struct batch_args *a, struct str body)
{
    char err[512], target[64];
    struct admin_answer answer;
    struct buf said = {0};
    snprintf(target, sizeof target, "/api/v1/batches/%s", a->word);
    bool came = admin_ask(a->config, S("POST"), str_of(target), body, &answer, err, sizeof err);
    bool good = came && answer.status == 200;
    if (came && !good)
        admin_answer_add_refusal(&answer, &said);
    if (!good)
        fprintf(stderr, "weir batch: %s\n", came ? buf_cstr(&said) : err);
    admin_answer_fini(&answer);
    buf_fini(&said);
    return good ? CMD_DONE : CMD_FAILED;
}

/* What the whole configuration says of it is known when it is loaded again. */
static int write_alone(const struct batch_args *a, const struct accepted *add)
{
    char why[512];
    struct str name = str_of(a->name);
    bool known = accepted_find(a->config, name);
    if (known == (add != NULL)) {
        fprintf(stderr, "weir batch: %s is %s\n", a->name,
                known ? "accepted already" : "no accepted rule; weir batch suggest shows them");
        return CMD_FAILED;
    }
    if (accepted_write(a->config, add ? S("") : name, add, why, sizeof why) < 0) {
        fprintf(stderr, "weir batch: %s\n", why);
        return CMD_FAILED;
    }
    if (!add)
        return CMD_DONE;
    struct config *c = cmd_book_config(a->path);
    bool good = c && accepted_find(c, name);
    if (!good && c)
        fprintf(stderr, "weir batch: %.*s", STR_ARG(c->left_out));
    if (!good && accepted_write(a->config, S(""), NULL, why, sizeof why) < 0)
        fprintf(stderr, "weir batch: %s\n", why);
    config_free(c);
    return good ? CMD_DONE : CMD_FAILED;
}

static int put_in_force(const struct batch_args *a, const struct accepted *add, struct str body)
{
    char why[512];
    int lock = -1, err = state_hold(a->config->state, &lock, why, sizeof why);
    if (err && err != ERR_BUSY) {
        fprintf(stderr, "weir batch: %s; run this as the user that weir runs as\n", why);
        return CMD_FAILED;
    }
    int status = err ? ask_daemon(a, body) : write_alone(a, add);
    if (!err)
        close(lock);
    if (status == CMD_DONE)
        printf("%s: %s%s\n", a->word, a->name, err ? "" : "; it holds when weir serves");
    return status;
}

static int accept_one(const struct batch_args *a, const struct suggestion *s)
{
    const struct series *names = &s->caller->series;
    const struct accepted rule = {.name = str_of(a->name),
                                  .client = names->client,
                                  .workload = names->workload,
                                  .model = names->model,
                                  .hours = str_of(s->hours),
                                  .deadline = str_of(a->deadline),
                                  .reply = str_of(a->reply)};
    bool retries = strcmp(a->reply, "retry") == 0;
    struct buf text = {0};
    int status = CMD_FAILED;
    if (s->found.bar == SUGGEST_FREE || (s->found.bar == SUGGEST_ONE_BY_ONE && retries)) {
        accepted_add_json(&rule, &text);
        status = put_in_force(a, &rule, buf_str(&text));
    } else {
        suggest_add_bar(&s->caller->sums, s->found.bar, &text);
        fprintf(stderr, "weir batch: %s is not batchable as it is: %s\n", a->name, buf_cstr(&text));
    }
    buf_fini(&text);
    return status;
}

int cmd_batch_accept(const struct batch_args *a)
{
    struct found f;
    int status = find(a, &f);
    const struct suggestion *s =
        status == CMD_DONE ? suggestions_find(&f.all, str_of(a->name)) : NULL;
    if (s) {
        status = accept_one(a, s);
    } else if (status == CMD_DONE) {
        fprintf(stderr,
                "weir batch: nothing that is suggested is called %s; see weir batch suggest\n",
                a->name);
        status = CMD_FAILED;
    }
    found_fini(&f);
    return status;
}

int cmd_batch_revoke(const struct batch_args *a)
{
    struct buf body = {0};
    buf_addf(&body, "{\"name\":\"%s\"}", a->name);
    int status = put_in_force(a, NULL, buf_str(&body));
    buf_fini(&body);
    return status;
}
