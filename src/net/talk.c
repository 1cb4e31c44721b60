/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to a call on a connection, whatever the protocol: its head and bytes are passed on,
 * its silence is timed, and it ends once, with a word for how far it got.
 */
#include "talk.h"

#include "weir/base/clock.h"

#include <assert.h>

/* Silence is not the origin's while the client has not taken half of what may be owed. */
enum { OWED_LOW = TALK_OWED_MOST / 2 };

char *trunk_read_buffer(void)
{
    static _Thread_local char buffer[TRUNK_READ];
    return buffer;
}

/* --- the request */

size_t talk_body_size(const struct origin_call *c)
{
    size_t size = 0;
    for (size_t i = 0; i < c->n_body; i++)
        size += c->body[i].len;
    return size;
}

bool talk_says_length(const struct origin_call *c, size_t size)
{
    return size > 0 || str_eq(c->method, S("POST")) || str_eq(c->method, S("PUT")) ||
           str_eq(c->method, S("PATCH"));
}

void talk_begin(struct talk *t, struct trunk *k, struct origin_call *c)
{
    *t = (struct talk){.trunk = k, .call = c};
    c->stream = t;
    c->reused = k->used;
    k->used = true;
    k->idle = false;
    k->talks++;
}

void talk_sent(struct talk *t)
{
    if (t->call && !t->call->sent_ns)
        t->call->sent_ns = clock_mono_ns();
}

/* --- the answer */

/* RFC 9110 7.6.1, and what HTTP/1 proxies made up. Trailers are dropped, so their announcement is.
 */
static bool is_hop_by_hop(struct str name)
{
    switch (name.len) {
    case 2:
        return str_eq(name, S("te"));
    case 7:
        return str_eq(name, S("trailer")) || str_eq(name, S("upgrade"));
    case 10:
        return str_eq(name, S("connection")) || str_eq(name, S("keep-alive"));
    case 16:
        return str_eq(name, S("proxy-connection"));
    case 17:
        return str_eq(name, S("transfer-encoding"));
    case 18:
        return str_eq(name, S("proxy-authenticate"));
    default:
        return false;
    }
}

/* The fields that a Connection field names lose their names. */
static void unname(struct fields *f, struct str options)
{
    while (options.ptr) {
        struct str option = str_trim(str_cut(&options, ','));
        for (size_t i = 0; i < f->n; i++)
            if (str_ieq(f->at[i].name, option))
                f->at[i].name.len = 0;
    }
}

static void strip(struct fields *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->at[i].name, S("connection")))
            unname(f, f->at[i].value);
    for (size_t i = 0; i < f->n; i++)
        if (f->at[i].name.len && !is_hop_by_hop(f->at[i].name))
            f->at[kept++] = f->at[i];
    f->n = kept;
}

bool talk_head(struct talk *t, int status, struct fields *fields, int64_t content_length)
{
    struct origin_call *c = t->call;
    strip(fields);
    t->head = true;
    t->last_ms = loop_now_ms(origin_loop(t->trunk->origin));
    c->head_ns = clock_mono_ns();
    c->sink->on_head(c->arg, status, fields, content_length);
    return t->call == c;
}

bool talk_bytes(struct talk *t, struct str bytes)
{
    struct origin_call *c = t->call;
    t->owed += bytes.len;
    t->last_ms = loop_now_ms(origin_loop(t->trunk->origin));
    c->sink->on_bytes(c->arg, bytes);
    return t->call == c;
}

void talk_wait(struct talk *t)
{
    struct origin_call *c = t->call;
    if (t->silence)
        return;
    t->silence = true;
    if (c->silence_ms > 0)
        timer_start(&c->timer, c->silence_ms);
    else
        timer_stop(&c->timer);
}

bool talk_thirsty(const struct talk *t)
{
    return t->owed < OWED_LOW;
}

void talk_credit(struct talk *t, size_t n)
{
    assert(n <= t->owed);
    bool was_thirsty = talk_thirsty(t);
    t->owed -= n;
    if (!was_thirsty && talk_thirsty(t))
        t->last_ms = loop_now_ms(origin_loop(t->trunk->origin));
}

/* --- the end */

static void end_call(struct origin_call *c, enum origin_end end, const char *why)
{
    const struct origin_sink *sink = c->sink;
    void *arg = c->arg;
    origin_forget(c);
    sink->on_end(arg, end, why);
}

void talk_end(struct talk *t, enum origin_end end, const char *why)
{
    struct origin_call *c = t->call;
    t->call = NULL;
    end_call(c, end, why);
}

void talk_lost(struct talk *t, bool written, const char *why)
{
    struct origin_call *c = t->call;
    if (!written && c->reused) {
        t->call = NULL;
        origin_requeue(c);
        return;
    }
    talk_end(t, written ? ORIGIN_GONE : ORIGIN_UNSENT, why);
}

static void time_out(struct origin_call *c, const char *why)
{
    struct talk *t = c->stream;
    if (t) {
        t->call = NULL;
        t->trunk->ops->drop(t);
    }
    end_call(c, ORIGIN_TIMEOUT, why);
}

static void look_at_silence(struct origin_call *c, const struct talk *t)
{
    int64_t silent_ms = loop_now_ms(origin_loop(c->origin)) - t->last_ms;
    if (!talk_thirsty(t))
        timer_start(&c->timer, c->silence_ms);
    else if (silent_ms < c->silence_ms)
        timer_start(&c->timer, c->silence_ms - silent_ms);
    else
        time_out(c, "the origin fell silent inside its answer");
}

void talk_on_time(void *call)
{
    struct origin_call *c = call;
    struct origin *o = c->origin;
    const struct talk *t = c->stream;
    origin_enter(o);
    if (!t)
        time_out(c, "no connection was free in time");
    else if (!t->head)
        time_out(c, "the origin did not answer in time");
    else if (t->silence)
        look_at_silence(c, t);
    origin_leave(o);
}
