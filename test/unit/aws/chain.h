/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of credential sources share: a chain on a loop with a clock that the test sets, an
 * environment and a home directory of its own, and everything that was asked of the network as
 * text.
 */
#ifndef WEIR_TEST_AWS_CHAIN_H
#define WEIR_TEST_AWS_CHAIN_H

#include "weir/aws/creds.h"
#include "weir/base/clock.h"

#include "origin_double.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW = 1767323045 }; /* 2026-01-02T03:04:05Z */

static struct {
    struct loop *loop;
    struct creds_chain *chain;
    struct creds_options o;
    char home[64], err[1024];
    char env[16][2][256];
    size_t n_env;
    struct buf asked; /* one line for each call */
    unsigned calls, changes;
    int64_t wall_ms, mono_ms;
} t;

static inline const char *fake_getenv(const char *name)
{
    for (size_t i = t.n_env; i-- > 0;)
        if (strcmp(t.env[i][0], name) == 0)
            return t.env[i][1];
    return NULL;
}

static inline void set_env(const char *name, const char *value)
{
    assert(t.n_env < 16);
    snprintf(t.env[t.n_env][0], sizeof t.env[0][0], "%s", name);
    snprintf(t.env[t.n_env++][1], sizeof t.env[0][1], "%s", value);
}

static inline const char *in_home(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", t.home, name);
    return path;
}

static inline void put_file(const char *name, const char *text)
{
    FILE *f = fopen(in_home(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* "METHOD http://authority/target [name: value]... body" */
static inline void write_down(const struct heard *h)
{
    const struct origin_call *c = h->call;
    buf_addf(&t.asked, "%.*s %s%.*s%.*s", STR_ARG(c->method),
             h->origin->o.tls ? "https://" : "http://", STR_ARG(c->authority), STR_ARG(c->target));
    if (h->origin->proxy[0])
        buf_addf(&t.asked, " via %s:%u", h->origin->proxy, h->origin->o.proxy_port);
    for (size_t i = 0; i < c->n_fields; i++)
        buf_addf(&t.asked, " [%.*s: %.*s]", STR_ARG(c->fields[i].name),
                 STR_ARG(c->fields[i].value));
    if (h->body.len)
        buf_addf(&t.asked, " %.*s", STR_ARG(h->body));
    buf_add_char(&t.asked, '\n');
    t.calls++;
}

static inline void on_changed(void *arg)
{
    t.changes++;
}

static void set_clock(void)
{
    clock_fake(t.mono_ms * 1000000, t.wall_ms);
}

static inline int chain_setup(void **state)
{
    memset(&t, 0, sizeof t);
    t.wall_ms = (int64_t)NOW * 1000;
    t.mono_ms = 1000000;
    set_clock();
    snprintf(t.home, sizeof t.home, "/tmp/weir-aws-XXXXXX");
    if (!mkdtemp(t.home) || mkdir(in_home(".aws"), 0700) != 0)
        return -1;
    t.loop = loop_new();
    t.o.getenv = fake_getenv;
    t.o.region = S("us-east-1");
    set_env("HOME", t.home);
    set_env("AWS_EC2_METADATA_DISABLED", "true");
    return 0;
}

static inline int chain_teardown(void **state)
{
    char command[128];
    creds_free(t.chain);
    loop_turn(t.loop, 0);
    loop_free(t.loop);
    buf_fini(&t.asked);
    clock_real();
    snprintf(command, sizeof command, "rm -rf %s", t.home);
    return system(command) != 0 || origins_open || calls_open || the_tls.users;
}

/* Turns the loop until nothing is left to do at this time. */
static inline void settle(void)
{
    for (int i = 0; i < 40; i++)
        loop_turn(t.loop, 0);
}

/* Lets time pass in one jump. */
static inline void pass_ms(int64_t ms)
{
    t.mono_ms += ms;
    t.wall_ms += ms;
    set_clock();
    settle();
}

/* In small steps, so that timers fire when they are due. */
static inline void pass_s(int64_t seconds)
{
    for (int64_t s = 0; s < seconds; s++)
        pass_ms(1000);
}

static inline bool start_chain(void)
{
    t.err[0] = 0;
    t.chain = creds_new(t.loop, NULL, &t.o, on_changed, NULL, t.err, sizeof t.err);
    settle();
    return t.chain != NULL;
}

static inline void assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static inline void assert_has(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("\"%s\" does not have \"%s\"", text ? text : "", part);
}

/* The set in hand: "source key/secret/token @expiry" */
static inline const char *in_hand(void)
{
    static char text[512];
    struct creds *set = creds_get(t.chain);
    if (!set)
        return "none";
    assert_int_equal(set->version, creds_version(t.chain));
    if (set->bearer.len)
        snprintf(text, sizeof text, "%s %.*s", set->source, STR_ARG(set->bearer));
    else
        snprintf(text, sizeof text, "%s %.*s/%.*s/%.*s", set->source, STR_ARG(set->access_key),
                 STR_ARG(set->secret_key), STR_ARG(set->session_token));
    if (set->expires_s)
        snprintf(text + strlen(text), sizeof text - strlen(text), " +%lld",
                 (long long)set->expires_s - t.wall_ms / 1000);
    creds_unref(set);
    return text;
}

#endif
