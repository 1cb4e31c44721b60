/* SPDX-License-Identifier: Apache-2.0
 *
 * Both sides of an exchange as doubles: the client's (net/front), the listener's and the origin's.
 * A test plays all three, event by event, in whatever order it likes. Included once by a test
 * program; its definitions take the place of the library's.
 */
#ifndef WEIR_TEST_GATE_SIDES_H
#define WEIR_TEST_GATE_SIDES_H

#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/gate/daemon.h"
#include "weir/gate/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MONO_MS = 1000000, WALL_S = 1767323045 };

/* --- listeners: only what they were told */

struct listener {
    struct listener_options o;
    int fd;
    size_t busy;
    bool drained;
};

static int listeners_open;

int listener_bind(struct str address, bool shared, char *err, size_t err_size)
{
    return dup(0);
}

struct listener *listener_new(struct loop *l, int fd, const struct listener_options *o)
{
    struct listener *s = mem_new(sizeof *s);
    s->o = *o;
    s->fd = fd;
    listeners_open++;
    return s;
}

void listener_update(struct listener *s, const struct listener_options *o)
{
    s->o = *o;
}

void listener_drain(struct listener *s)
{
    s->drained = true;
}

size_t listener_busy(const struct listener *s)
{
    return s->busy;
}

void listener_free(struct listener *s)
{
    listeners_open--;
    mem_free(s);
}

/* --- the client */

struct front {
    struct front_request request;
    void *ex;
    bool taken, answered, ended, aborted, refused, held, half_closed;
    unsigned resumed;
    int status;
    size_t unsent;
    struct buf fields, body; /* "name: value\n"...; what was sent */
};

static struct front client;

void front_take_body(struct front *f, uint64_t max_bytes)
{
    f->taken = true;
}

void front_resume(struct front *f)
{
    f->resumed++;
}

void front_answer(struct front *f, int status, const struct field *fields, size_t n, bool end)
{
    assert_false(f->answered);
    f->answered = true;
    f->status = status;
    for (size_t i = 0; i < n; i++)
        buf_addf(&f->fields, "%.*s: %.*s\n", STR_ARG(fields[i].name), STR_ARG(fields[i].value));
}

void front_send(struct front *f, struct str bytes, bool end)
{
    assert_true(f->answered && !f->ended && !f->aborted && !f->refused);
    buf_add(&f->body, bytes);
    f->ended = end;
}

size_t front_unsent(const struct front *f)
{
    return f->unsent;
}

bool front_half_closed(const struct front *f)
{
    return f->half_closed;
}

void front_abort(struct front *f)
{
    assert_true(f->answered && !f->ended);
    f->aborted = true;
}

void front_hold(struct front *f, bool on)
{
    f->held = on;
}

void front_refuse(struct front *f)
{
    assert_true(f->answered && !f->ended);
    f->refused = true;
}

/* --- the origin */

struct origin {
    struct buf name; /* host:port */
    bool retired;
};

static struct {
    struct origin_call *call; /* the one that is on; NULL: none */
    unsigned started, cancelled, origins;
    size_t credited;
    struct buf head, body; /* of the last request: "METHOD authority target\n", its fields */
    struct origin_counts counts;
} far;

struct origin *origin_new(struct loop *l, struct dns *dns, const struct origin_options *o)
{
    struct origin *origin = mem_new(sizeof *origin);
    buf_addf(&origin->name, "%.*s:%u", STR_ARG(o->host), (unsigned)o->port);
    far.origins++;
    return origin;
}

void origin_free(struct origin *o)
{
    buf_fini(&o->name);
    far.origins--;
    mem_free(o);
}

void origin_retire(struct origin *o)
{
    origin_free(o);
}

void origin_start(struct origin *o, struct origin_call *c)
{
    assert_null(far.call);
    far.call = c;
    far.started++;
    buf_clear(&far.head);
    buf_clear(&far.body);
    buf_addf(&far.head, "%s %.*s %.*s %.*s\n", buf_cstr(&o->name), STR_ARG(c->method),
             STR_ARG(c->authority), STR_ARG(c->target));
    for (size_t i = 0; i < c->n_fields; i++)
        buf_addf(&far.head, "%.*s: %.*s\n", STR_ARG(c->fields[i].name),
                 STR_ARG(c->fields[i].value));
    for (size_t i = 0; i < c->n_body; i++)
        buf_add(&far.body, c->body[i]);
}

void origin_credit(struct origin_call *c, size_t n)
{
    assert_ptr_equal(c, far.call);
    far.credited += n;
}

void origin_cancel(struct origin_call *c)
{
    assert_ptr_equal(c, far.call);
    far.call = NULL;
    far.cancelled++;
}

void origin_count(const struct origin *o, struct origin_counts *out)
{
    *out = far.counts;
}

/* --- the worker between them */

static struct daemon daemon_;
static struct worker worker;
static struct loop *office;
static struct dns *office_dns;
static int64_t mono_ms;

static inline void pass_ms(int64_t ms)
{
    mono_ms += ms;
    clock_fake(mono_ms * 1000000, (int64_t)WALL_S * 1000 + mono_ms - MONO_MS);
}

/* Turns of both loops, without waiting. */
static inline void turn(void)
{
    for (int i = 0; i < 3; i++) {
        loop_turn(office, 0);
        loop_turn(worker.loop, 0);
    }
}

static inline void on_changed(void *arg)
{
}

static inline struct setup *make_setup(const char *yaml)
{
    struct buf faults = {0};
    char err[512];
    struct config *c = config_parse(S("t.yaml"), str_of(yaml), &faults);
    if (!c)
        fail_msg("%s", buf_cstr(&faults));
    struct setup *s =
        setup_new(c, daemon_.setups, office, office_dns, on_changed, NULL, err, sizeof err);
    if (!s)
        fail_msg("%s", err);
    daemon_.setups = s;
    return s;
}

#define ONE_ORIGIN "region: us-east-1\nendpoints: {runtime: 'http://127.0.0.1:1'}\n"

/* Who runs this may have credentials and a profile of their own. */
static inline void forget_aws_of_who_runs_this(void)
{
    for (char **e = environ; *e;) {
        char name[128];
        if (strncmp(*e, "AWS_", 4) == 0 && strcspn(*e, "=") < sizeof name) {
            memccpy(name, *e, '=', sizeof name);
            name[strcspn(*e, "=")] = 0;
            unsetenv(name);
            e = environ;
        } else {
            e++;
        }
    }
}

static inline int set_up_with(const char *yaml)
{
    /* Here and not in tear_down, which a test that failed may not reach the end of. */
    memset(&client, 0, sizeof client);
    memset(&far, 0, sizeof far);
    memset(&worker, 0, sizeof worker);
    memset(&daemon_, 0, sizeof daemon_);
    listeners_open = 0;
    forget_aws_of_who_runs_this();
    setenv("AWS_ACCESS_KEY_ID", "AKIDTEST", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("HOME", "/nonexistent", 1);
    mono_ms = MONO_MS;
    pass_ms(0);
    daemon_.lanes = shared_lanes_new();
    office = loop_new();
    office_dns = dns_new(office);
    atomic_store(&daemon_.bodies.most_bytes, 64 << 20);
    struct setup *s = make_setup(yaml);
    worker_init(&worker, &daemon_, s);
    worker_open(&worker, -1, s, 0, REALM_DATA);
    turn();
    return 0;
}

static inline int set_up(void **state)
{
    return set_up_with(ONE_ORIGIN);
}

static inline int tear_down(void **state)
{
    assert_null(far.call); /* no call outlives its exchange */
    assert_int_equal(worker.active, 0);
    worker_close(&worker);
    setup_reap(&daemon_.setups, true);
    assert_null(daemon_.setups); /* nobody kept a reference */
    worker_fini(&worker);
    dns_free(office_dns);
    loop_free(office);
    shared_lanes_free(daemon_.lanes);
    assert_int_equal(daemon_.bodies.used_bytes, 0);
    assert_int_equal(far.origins, 0);
    assert_int_equal(listeners_open, 0);
    buf_fini(&client.fields);
    buf_fini(&client.body);
    buf_fini(&far.head);
    buf_fini(&far.body);
    clock_real();
    return 0;
}

/* --- what a test plays */

static inline void prepare(const char *method, const char *target, bool has_body)
{
    buf_clear(&client.fields);
    buf_clear(&client.body);
    struct buf fields = client.fields, body = client.body;
    client = (struct front){.fields = fields, .body = body};
    client.request = (struct front_request){.version = FRONT_H1_1,
                                            .method = str_of(method),
                                            .target = str_of(target),
                                            .has_body = has_body,
                                            .content_length = -1,
                                            .peer_addr = S("127.0.0.1:9"),
                                            .began_ns = mono_ms * 1000000};
    (void)fields_add(&client.request.fields, S("content-type"), S("application/json"));
}

static inline struct exchange *begin_at(struct port *port, const char *method, const char *target,
                                        bool has_body)
{
    prepare(method, target, has_body);
    client.ex = exchange_sink.on_request(port, &client, &client.request);
    return client.ex;
}

static inline struct exchange *begin_with(const char *method, const char *target, bool has_body)
{
    return begin_at(worker.ports, method, target, has_body);
}

static inline struct exchange *begin(void)
{
    return begin_with("POST", "/model/m/converse", true);
}

/* As much as there is room for; how much that was. */
static inline size_t give(struct str bytes)
{
    size_t given = 0, room = 0;
    while (given < bytes.len) {
        char *at = exchange_sink.body_room(client.ex, bytes.len - given, &room);
        if (!at)
            break;
        size_t n = bytes.len - given < room ? bytes.len - given : room;
        memcpy(at, bytes.ptr + given, n);
        exchange_sink.on_body(client.ex, n);
        given += n;
    }
    return given;
}

static inline void give_whole(struct str bytes)
{
    assert_int_equal(give(bytes), bytes.len);
    exchange_sink.on_body_end(client.ex);
}

static inline void gone(enum front_gone why)
{
    exchange_sink.on_gone(client.ex, why);
    client.ex = NULL;
}

static inline void head(int status, const char *type, int64_t length)
{
    struct fields f = {0};
    struct origin_call *c = far.call;
    (void)fields_add(&f, S("content-type"), str_of(type));
    c->head_ns = clock_mono_ns();
    c->sink->on_head(c->arg, status, &f, length);
}

static inline void bytes(struct str s)
{
    far.call->sink->on_bytes(far.call->arg, s);
}

static inline void end(enum origin_end how)
{
    struct origin_call *c = far.call;
    far.call = NULL;
    c->sink->on_end(c->arg, how, "the test says so");
}

static inline void sent(void)
{
    far.call->sent_ns = clock_mono_ns();
}

static inline bool has(struct buf *b, const char *what)
{
    return str_find(buf_str(b), str_of(what)) >= 0;
}

static inline uint64_t ended_as(enum operation_id op, enum outcome o)
{
    return worker.metrics.requests[op][o];
}

#endif
