/* SPDX-License-Identifier: Apache-2.0
 *
 * net/h1_client and net/h2_client: an origin that says anything, in any cut, to calls that are
 * credited at once, late or never, and cancelled at any time. The first byte chooses the protocol
 * and how the rest is cut, the second what the sinks do. Whatever is said, each call ends exactly
 * once unless it was cancelled, and no more is handed out than was credited.
 */
#include "../../src/net/h1_client.h"
#include "../../src/net/h2_client.h"
#include "weir/base/clock.h"
#include "weir/base/mem.h"
#include "weir/net/dns.h"

#include <assert.h>
#include <string.h>

enum { CALLS = 3, OWED_MOST = 256 * 1024 };

struct asked {
    struct origin_call call;
    char *body; /* gone as soon as it may be */
    struct str piece;
    unsigned heads;
    size_t owed;
    bool running;
};

static struct loop *loop;
static struct dns *dns;
static struct origin *origin;
static struct conn *far;
static size_t heard; /* by the far side */
static struct asked asked[CALLS];
static unsigned sinks; /* what they do */
static bool h2;

static void let_go(struct asked *a)
{
    a->running = false;
    mem_free(a->body);
    a->body = NULL;
    memset(&a->call, 0x55, sizeof a->call);
}

static void cancel(struct asked *a)
{
    if (!a->running)
        return;
    origin_cancel(&a->call);
    let_go(a);
}

static void on_head(void *arg, int status, const struct fields *fields, int64_t length)
{
    struct asked *a = arg;
    assert(a->running && a->heads == 0 && status >= 200 && status <= 999 && length >= -1);
    for (size_t i = 0; i < fields->n; i++)
        assert(fields_name_ok(fields->at[i].name) && fields_value_ok(fields->at[i].value));
    a->heads++;
    if (sinks & 1)
        cancel(a);
}

static void on_bytes(void *arg, struct str bytes)
{
    struct asked *a = arg;
    assert(a->running && a->heads == 1 && bytes.len > 0);
    a->owed += bytes.len;
    assert(a->owed <= OWED_MOST);
    if (sinks & 2)
        cancel(a);
    else if (sinks & 4)
        cancel(&asked[0]);
    if (!a->running || (sinks & 8))
        return;
    size_t n = a->owed;
    a->owed = 0;
    origin_credit(&a->call, n);
}

static void on_end(void *arg, enum origin_end end, const char *why)
{
    struct asked *a = arg;
    assert(a->running && strlen(why) < 200);
    assert(end != ORIGIN_DONE || a->heads);
    assert(end != ORIGIN_UNSENT || h2 || heard == 0);
    let_go(a);
    if (sinks & 16)
        cancel(&asked[CALLS - 1]);
}

static const struct origin_sink sink = {on_head, on_bytes, on_end};

static void ask(struct asked *a, const char *method, size_t size)
{
    *a = (struct asked){.running = true, .body = mem_new(size)};
    a->piece = str_from(a->body, size);
    a->call = (struct origin_call){.method = str_of(method),
                                   .target = S("/"),
                                   .authority = S("a"),
                                   .body = &a->piece,
                                   .n_body = 1,
                                   .answer_ms = 5000,
                                   .silence_ms = 5000,
                                   .sink = &sink,
                                   .arg = a};
    origin_start(origin, &a->call);
}

static void on_far(void *arg, enum conn_event event)
{
    char bytes[4096];
    ssize_t n = ERR_AGAIN;
    while (event == CONN_READABLE && !(sinks & 32) && (n = conn_read(far, bytes, sizeof bytes)) > 0)
        heard += (size_t)n;
    if (event == CONN_READABLE && n != ERR_AGAIN)
        conn_want_read(far, false);
}

static void turns(int n)
{
    while (n--)
        loop_turn(loop, 0);
}

static void say(struct str bytes, size_t cut)
{
    while (bytes.len) {
        struct str part = str_sub(bytes, 0, cut);
        conn_write(far, part);
        bytes = str_from_offset(bytes, part.len);
        turns(2);
    }
}

static void pass_s(int64_t s)
{
    static int64_t now_s;
    now_s += s;
    clock_fake((1000 + now_s) * 1000000000, 0);
    turns(4);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    if (n < 2 || n > 8192)
        return 0;
    h2 = bytes[0] & 1;
    sinks = bytes[1];
    heard = 0;
    size_t cut = bytes[0] & 8 ? 1 + (bytes[0] >> 4) : 8192;
    loop = loop ? loop : loop_new();
    dns = dns ? dns : dns_new(loop);
    pass_s(0);
    /* An empty name is never found: there is no other connection than ours. */
    struct origin_options o = {.connect_ms = 1000, .idle_ms = 30000, .ping_ms = 4000};
    struct conn *ours;
    origin = origin_new(loop, dns, &o);
    conn_pair(loop, &far, &ours);
    conn_owner(far, on_far, NULL);
    origin_enter(origin);
    origin_offer(h2 ? h2_client_new(origin, ours) : h1_client_new(origin, ours), true);
    origin_leave(origin);
    ask(&asked[0], "POST", 20000);
    if (h2) {
        ask(&asked[1], "GET", 0);
        ask(&asked[2], "POST", 10);
    }
    turns(2);
    say((struct str){(const char *)bytes + 2, n - 2}, cut);
    pass_s(0);
    if (sinks & 64) {
        conn_close(far);
        far = NULL;
        turns(2);
    }
    for (int i = 0; i < 4; i++)
        pass_s(5);
    for (int i = 0; i < CALLS; i++)
        assert(!asked[i].running || asked[i].owed > OWED_MOST / 2);
    origin_free(origin);
    for (int i = 0; i < CALLS; i++)
        assert(!asked[i].running);
    conn_close(far);
    far = NULL;
    pass_s(5);
    return 0;
}
