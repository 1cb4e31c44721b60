/* SPDX-License-Identifier: Apache-2.0
 *
 * A bucket for tests of aws/s3: answers come from a script, what was asked is kept as text, and
 * pauses pass at once, because the clock is moved.
 */
#ifndef WEIR_TEST_AWS_S3_DOUBLE_H
#define WEIR_TEST_AWS_S3_DOUBLE_H

#include "signed_double.h"

#include "weir/aws/s3.h"

enum { REPLIES = 16 };

static struct {
    struct loop *loop;
    struct s3 *s3;
    struct creds creds;
    bool no_creds;
    struct reply replies[REPLIES];
    unsigned calls, told;
    struct buf heard;  /* "METHOD target [length]\n" each */
    struct buf fields; /* of the newest, "name: value\n" each */
    char authority[300];
    enum s3_end end;
    char why[500];
    int64_t mono_ns;
} t;

static void heard_field(struct field f)
{
    buf_addf(&t.fields, "%.*s: %.*s\n", STR_ARG(f.name), STR_ARG(f.value));
}

static void serve_s3(const struct heard *h, struct reply *out)
{
    buf_addf(&t.heard, "%.*s %.*s", STR_ARG(h->call->method), STR_ARG(h->call->target));
    if (h->body.len)
        buf_addf(&t.heard, " [%zu]", h->body.len);
    buf_add(&t.heard, S("\n"));
    buf_clear(&t.fields);
    for (size_t i = 0; i < h->call->n_fields; i++)
        heard_field(h->call->fields[i]);
    snprintf(t.authority, sizeof t.authority, "%.*s", STR_ARG(h->call->authority));
    assert_true(t.calls < REPLIES);
    *out = t.replies[t.calls++];
}

static struct creds *s3_creds(void *arg)
{
    return t.no_creds ? NULL : creds_ref(&t.creds);
}

static void on_told(void *arg, enum s3_end end, struct str why)
{
    t.told++;
    t.end = end;
    snprintf(t.why, sizeof t.why, "%.*s", STR_ARG(why));
}

static void open_bucket(const char *url, const char *bucket)
{
    struct s3_options o = {.at = signed_endpoint(url),
                           .region = STR("eu-west-1"),
                           .bucket = str_of(bucket),
                           .owner = STR("123456789012"),
                           .creds = s3_creds};
    s3_free(t.s3);
    t.s3 = s3_new(t.loop, NULL, &o);
}

static int setup(void **state)
{
    memset(&t, 0, sizeof t);
    t.loop = signed_begin(&t.creds, serve_s3);
    t.mono_ns = SIGNED_MONO_NS;
    open_bucket("http://127.0.0.1:7480", "acme");
    return 0;
}

static int teardown(void **state)
{
    s3_free(t.s3);
    signed_end(t.loop, &t.creds);
    buf_fini(&t.heard);
    buf_fini(&t.fields);
    return 0;
}

static void begin(void)
{
    t.calls = t.told = 0;
    buf_clear(&t.heard);
}

static void some_turns(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        t.mono_ns += 500 * 1000000LL;
        clock_fake(t.mono_ns, signed_wall_ms);
        loop_turn(t.loop, 0);
    }
}

/* Until it was told. */
static void turn(void)
{
    assert_int_equal(t.told, 0);
    for (int i = 0; i < 500 && !t.told; i++)
        some_turns(1);
    assert_int_equal(t.told, 1);
}

static struct reply says(int status, const char *body)
{
    return (struct reply){.status = status, .body = str_of(body)};
}

static inline void sent_field(const char *line)
{
    if (!strstr(buf_cstr(&t.fields), line))
        fail_msg("no %s in\n%s", line, buf_cstr(&t.fields));
}

static inline void never_sent(const char *word)
{
    if (strstr(buf_cstr(&t.fields), word))
        fail_msg("%s is in\n%s", word, buf_cstr(&t.fields));
}

#define ERROR_OF(code) \
    "<?xml version=\"1.0\"?>\n<Error><Code>" code "</Code><Message></Message></Error>"

#endif
