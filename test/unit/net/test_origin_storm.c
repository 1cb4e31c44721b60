/* SPDX-License-Identifier: Apache-2.0
 *
 * Seeded storms over an origin: calls with bodies that are freed the moment they may be, cancelled,
 * hoarded and started again from their own callbacks, against a far side that answers, resets, goes
 * away, hangs up or talks nonsense, over HTTP/1.1 and HTTP/2. What must hold in each:
 *
 *     every call that was not cancelled ends once
 *     nothing reaches the far side twice, and what ended unsent was not processed there
 *     an answer that is whole is the one to that call
 *
 * A failure prints its seed; WEIR_STORM=<seed> runs that one alone.
 */
#include "storm_side.h"

enum { CALLS = 12, STEPS = 250, SEEDS = 40 };

/* --- the calls */

struct tale {
    struct origin_call call;
    struct field field[2];
    struct str piece[3];
    char *body, *number;
    unsigned id;
    bool running;
    int64_t length;
    size_t got, owed;
};

static struct origin *origin;
static struct tale tales[CALLS];
static bool over;

static const struct origin_sink sink;

static void release(struct tale *t)
{
    free(t->body);
    free(t->number);
    *t = (struct tale){0};
    memset(&t->call, 0x55, sizeof t->call);
}

static void begin(struct tale *t)
{
    if (t->running || over || last_id + 1 >= IDS)
        return;
    static const size_t sizes[] = {0, 7, 4096, 5000, 60000, 400000, 4000000};
    size_t n = sizes[throw(narrow ? 7 : 6)], first = n / 3;
    *t = (struct tale){.running = true, .id = ++last_id, .length = -1};
    t->body = malloc(n + 1);
    memset(t->body, letter(t->id), n);
    t->number = malloc(12);
    snprintf(t->number, 12, "%u", t->id);
    t->field[0] = (struct field){STR("x-id"), str_of(t->number)};
    t->piece[0] = str_from(t->body, first);
    t->piece[1] = str_from(t->body, 0);
    t->piece[2] = str_from(t->body + first, n - first);
    t->call = (struct origin_call){.method = S("POST"),
                                   .target = S("/"),
                                   .authority = S("o"),
                                   .fields = t->field,
                                   .n_fields = 1,
                                   .body = t->piece,
                                   .n_body = 3,
                                   .answer_ms = 5000,
                                   .silence_ms = 3000,
                                   .sink = &sink,
                                   .arg = t};
    origin_start(origin, &t->call);
}

static void cancel(struct tale *t)
{
    if (!t->running)
        return;
    origin_cancel(&t->call);
    release(t);
}

static void pay(struct tale *t, size_t n)
{
    if (!t->running || n == 0)
        return;
    t->owed -= n;
    origin_credit(&t->call, n);
}

/* Something that an owner may do in any callback, to its own call or to another. */
static void meddle(struct tale *t)
{
    struct tale *other = &tales[throw(CALLS)];
    switch (throw(40)) {
    case 0:
        cancel(t);
        break;
    case 1:
        cancel(t);
        begin(t);
        break;
    case 2:
        cancel(other);
        break;
    case 3:
        cancel(other);
        begin(other);
        break;
    case 4:
        begin(other);
        break;
    default:
        break;
    }
}

static void on_head(void *arg, int status, const struct fields *fields, int64_t length)
{
    struct tale *t = arg;
    assert_true(t->running);
    assert_int_equal(status, 200);
    uint64_t said = 0;
    for (size_t i = 0; i < fields->n; i++)
        if (str_eq(fields->at[i].name, S("x-len")))
            said = (uint64_t)atoi(fields->at[i].value.ptr);
    t->length = (int64_t)said;
    meddle(t);
}

static void on_bytes(void *arg, struct str bytes)
{
    struct tale *t = arg;
    assert_true(t->running && t->length >= 0);
    assert_true(all_letters(bytes.ptr, bytes.len, t->id));
    t->got += bytes.len;
    t->owed += bytes.len;
    assert_true(t->owed <= 256 * 1024);
    if (throw(2))
        pay(t, t->owed);
    meddle(t);
}

static void on_end(void *arg, enum origin_end end, const char *why)
{
    struct tale *t = arg;
    unsigned id = t->id;
    assert_true(t->running);
    if (end == ORIGIN_DONE)
        assert_int_equal(t->got, t->length);
    if (end == ORIGIN_UNSENT || end == ORIGIN_UNREACHABLE)
        assert_true(!ledger[id].seen || ledger[id].refused);
    assert_true(strlen(why) < 200);
    release(t);
    ledger[id].unsent = end == ORIGIN_UNSENT && !ledger[id].refused;
    meddle(t);
    if (throw(3) == 0)
        begin(t);
}

static const struct origin_sink sink = {on_head, on_bytes, on_end};

/* --- a storm */

static void listen_somewhere(struct origin_options *o)
{
    struct sockaddr_storage at;
    socklen_t len;
    assert_true(sock_addr_parse(S("127.0.0.1:0"), &at, &len));
    assert_int_equal(sock_listen((struct sockaddr *)&at, len, false, &listener), 0);
    int room = 8192;
    if (narrow)
        (void)setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    len = sizeof at;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    *o = plain_options(ntohs(((struct sockaddr_in *)(void *)&at)->sin_port));
    watch_init(&watch_listener, loop, listener, on_visitor, NULL);
    watch_set(&watch_listener, true, false);
}

static void step(void)
{
    struct tale *t = &tales[throw(CALLS)];
    switch (throw(8)) {
    case 0:
    case 1:
    case 2:
        begin(t);
        break;
    case 3:
        if (throw(8) == 0)
            cancel(t);
        break;
    case 4:
        pay(t, t->owed ? 1 + throw((unsigned)t->owed) : 0);
        break;
    case 5:
        if (throw(4) == 0)
            pass_ms(throw(1500));
        break;
    case 6:
        if (n_visitors && throw(20) == 0 && visitors[n_visitors - 1].c)
            send_off(&visitors[n_visitors - 1]);
        break;
    case 7:
        if (narrow && n_visitors && visitors[n_visitors - 1].c)
            conn_want_read(visitors[n_visitors - 1].c, throw(4) == 0);
        break;
    default:
        break;
    }
    turns(1);
}

/* Nothing is owed any more: every call must end by itself. */
static void calm(void)
{
    over = true;
    for (int i = 0; i < 40; i++) {
        if (n_visitors && visitors[n_visitors - 1].c)
            conn_want_read(visitors[n_visitors - 1].c, true);
        for (int k = 0; k < CALLS; k++)
            pay(&tales[k], tales[k].owed);
        pass_ms(500);
        turns(5);
    }
    for (int k = 0; k < CALLS; k++)
        assert_false(tales[k].running);
}

static void storm(uint64_t seed)
{
    struct origin_options o;
    dice = seed * 0x9e3779b97f4a7c15u;
    h2 = seed % 2;
    narrow = seed % 4 < 2;
    over = false;
    memset(ledger, 0, sizeof ledger);
    last_id = n_visitors = 0;
    begin_world();
    listen_somewhere(&o);
    o.tls = h2 ? client_tls : NULL;
    o.most_connections = throw(2) * 3;
    o.ping_ms = 1000;
    o.idle_ms = 2000;
    origin = origin_new(loop, dns, &o);
    for (int i = 0; i < STEPS; i++)
        step();
    if (throw(4))
        calm();
    over = true;
    origin_free(origin);
    for (int k = 0; k < CALLS; k++)
        assert_false(tales[k].running);
    watch_fini(&watch_listener);
    sock_close(listener);
    for (unsigned i = 0; i < n_visitors; i++) {
        conn_close(visitors[i].c);
        nghttp2_session_del(visitors[i].session);
        buf_fini(&visitors[i].in);
    }
    turns(3);
    pass_ms(3000); /* those that linger */
    end_world();
}

static void storms(void **state)
{
    const char *one = getenv("WEIR_STORM");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1, last = one ? first : SEEDS;
    for (uint64_t seed = first; seed <= last; seed++) {
        fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        storm(seed);
    }
}

int main(void)
{
    struct cert_maker maker;
    char err[256];
    certs_begin(&maker);
    struct cert root = certs_make(&maker, NULL, "root", -1, NULL, 30);
    struct cert leaf = certs_make(&maker, &root, "weir", -1, "IP:127.0.0.1", 30);
    struct tls_server_files files = {.cert = leaf.cert_path, .key = leaf.key_path};
    server_tls = tls_server_new(&files, NULL, err, sizeof err);
    client_tls = tls_client_new(root.cert_path, true, err, sizeof err);
    const struct CMUnitTest tests[] = {cmocka_unit_test(storms)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tls_unref(server_tls);
    tls_unref(client_tls);
    certs_drop(&root);
    certs_drop(&leaf);
    certs_end(&maker);
    return failed;
}
