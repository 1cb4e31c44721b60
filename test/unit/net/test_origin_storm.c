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
#include "certs.h"
#include "far_side.h"

#include <nghttp2/nghttp2.h>

enum { CALLS = 12, STEPS = 250, SEEDS = 40, IDS = 4000, PEERS = 400 };

static uint64_t dice;

static unsigned throw(unsigned sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (unsigned)(dice >> 33) % sides;
}

/* What the far side saw of each call. */
static struct {
    bool seen, refused, unsent;
} ledger[IDS];
static unsigned last_id;

/* --- the far side */

struct visitor {
    struct conn *c;
    nghttp2_session *session; /* NULL: HTTP/1.1 */
    struct buf in;
    int32_t last; /* of our GOAWAY; 0: none */
    unsigned id;  /* HTTP/1.1: of the request that is being read or answered */
    bool answered;
};

static struct visitor visitors[PEERS];
static unsigned n_visitors;
static struct tls *server_tls, *client_tls;
static bool h2, narrow; /* narrow: the far side reads slowly, so that queues fill */
static int listener;
static struct watch watch_listener;

static void note_seen(unsigned id)
{
    assert_true(id > 0 && id <= last_id);
    assert_false(ledger[id].seen || ledger[id].unsent);
    ledger[id].seen = true;
}

static void send_off(struct visitor *v)
{
    conn_close(v->c);
    v->c = NULL;
}

static char letter(unsigned id)
{
    return (char)('a' + id % 26);
}

static bool all_letters(const char *bytes, size_t n, unsigned id)
{
    return n == 0 || (bytes[0] == letter(id) && memcmp(bytes, bytes + 1, n - 1) == 0);
}

static struct str answer_of(unsigned id, size_t n)
{
    static char bytes[200 * 1024];
    memset(bytes, letter(id), n);
    return str_from(bytes, n);
}

static size_t some_length(void)
{
    static const size_t lengths[] = {0, 1, 100, 5000, 70000, 200 * 1024};
    return lengths[throw(6)];
}

static void h1_say(struct visitor *v, const char *text)
{
    conn_write(v->c, str_of(text));
}

static void h1_answer(struct visitor *v)
{
    size_t n = some_length();
    char head[256];
    v->answered = true;
    switch (throw(12)) {
    case 0:
        send_off(v);
        return;
    case 1:
        return; /* never */
    case 2:
        h1_say(v, "nonsense\r\n\r\n");
        return;
    case 3: /* cut */
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nx-len: 9\r\ncontent-length: 9\r\n\r\n%c",
                 letter(v->id));
        h1_say(v, head);
        conn_finish(v->c);
        v->c = NULL;
        return;
    case 4:
        h1_say(v, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
        break;
    case 5: /* with surplus */
        h1_say(v,
               "HTTP/1.1 200 OK\r\nx-len: 0\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
        return;
    default:
        break;
    }
    if (throw(2)) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nx-len: %zu\r\ncontent-length: %zu\r\n%s\r\n", n, n,
                 throw(8) ? "" : "connection: close\r\n");
        h1_say(v, head);
        conn_write(v->c, answer_of(v->id, n));
    } else {
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nx-len: %zu\r\ntransfer-encoding: chunked\r\n\r\n", n);
        h1_say(v, head);
        for (size_t left = n; left;) {
            size_t part = 1 + throw(left > 30000 ? 30000 : (unsigned)left);
            snprintf(head, sizeof head, "%zx\r\n", part);
            h1_say(v, head);
            conn_write(v->c, answer_of(v->id, part));
            h1_say(v, "\r\n");
            left -= part;
        }
        h1_say(v, "0\r\n\r\n");
    }
}

/* One request at a time: a client that pipelines would be wrong. */
static void h1_take(struct visitor *v)
{
    for (;;) {
        char text[300];
        snprintf(text, sizeof text, "%.*s", STR_ARG(str_sub(buf_str(&v->in), 0, 299)));
        const char *end = strstr(text, "\r\n\r\n");
        const char *id = strstr(text, "x-id: "), *length = strstr(text, "content-length: ");
        if (!end || !v->c)
            return;
        assert_non_null(id);
        assert_non_null(length);
        unsigned number = (unsigned)atoi(id + 6);
        if (v->id != number) {
            v->answered = false;
            v->id = number;
            note_seen(number);
        }
        size_t head = (size_t)(end - text) + 4, size = (size_t)atoi(length + 16);
        bool whole = buf_len(&v->in) >= head + size;
        if (!v->answered && (whole || throw(3) == 0))
            h1_answer(v);
        if (!whole || !v->c)
            return;
        assert_true(all_letters(v->in.data + v->in.head + head, size, number));
        buf_consume(&v->in, head + size);
    }
}

static void h2_push(struct visitor *v)
{
    const uint8_t *bytes;
    ssize_t n;
    while (v->c && v->session && conn_unwritten(v->c) < 100000 &&
           (n = nghttp2_session_mem_send(v->session, &bytes)) > 0)
        conn_write(v->c, str_from((const char *)bytes, (size_t)n));
}

/* A stream's user data: its call's id, and how much of the answer is left. */
struct reply {
    unsigned id;
    size_t left;
    bool answered, cut;
};

static struct reply replies[IDS];

static ssize_t reply_bytes(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct reply *r = source->ptr;
    size_t n = r->left < room ? r->left : room;
    memset(to, letter(r->id), n);
    r->left -= n;
    if (r->left == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (r->cut && r->left == 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return (ssize_t)n;
}

static nghttp2_nv nv_of(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), 0};
}

static void refuse_above(struct visitor *v, int32_t last)
{
    for (int32_t i = last + 2; i < nghttp2_session_get_last_proc_stream_id(v->session) + 200;
         i += 2) {
        struct reply *r = nghttp2_session_get_stream_user_data(v->session, i);
        if (r)
            ledger[r->id].refused = true;
    }
}

static void h2_answer(struct visitor *v, int32_t stream, struct reply *r)
{
    static const uint32_t codes[] = {NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR,
                                     NGHTTP2_NO_ERROR, NGHTTP2_CANCEL};
    char length[24];
    uint32_t code;
    r->answered = true;
    r->left = some_length();
    snprintf(length, sizeof length, "%zu", r->left);
    nghttp2_nv nv[] = {nv_of(":status", "200"), nv_of("x-len", length)};
    nghttp2_data_provider from = {.source.ptr = r, .read_callback = reply_bytes};
    switch (throw(16)) {
    case 0:
        return; /* never */
    case 1:
        code = codes[throw(4)];
        ledger[r->id].refused |= code == NGHTTP2_REFUSED_STREAM;
        nghttp2_submit_rst_stream(v->session, NGHTTP2_FLAG_NONE, stream, code);
        return;
    case 2: {
        int32_t last = nghttp2_session_get_last_proc_stream_id(v->session);
        last -= 2 * (int32_t) throw(3);
        last = last > 1 ? last : 1;
        last = v->last && v->last < last ? v->last : last;
        v->last = last;
        refuse_above(v, last);
        nghttp2_submit_goaway(v->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
        break;
    }
    case 3: {
        nghttp2_nv early[] = {nv_of(":status", "103")};
        nghttp2_submit_headers(v->session, NGHTTP2_FLAG_NONE, stream, NULL, early, 1, NULL);
        break;
    }
    case 4:
        conn_write(v->c, S("nonsense, and enough of it for one frame head"));
        return;
    case 5:
        r->cut = true;
        break;
    default:
        break;
    }
    nghttp2_submit_response(v->session, stream, nv, 2, &from);
}

static int h2_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    struct visitor *v = arg;
    if (name_len != 4 || memcmp(name, "x-id", 4) != 0)
        return 0;
    unsigned id = (unsigned)atoi((const char *)value);
    note_seen(id);
    ledger[id].refused = v->last && frame->hd.stream_id > v->last;
    replies[id] = (struct reply){.id = id};
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, &replies[id]);
    return 0;
}

static int h2_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t n, void *arg)
{
    struct reply *r = nghttp2_session_get_stream_user_data(session, id);
    assert_true(!r || all_letters((const char *)bytes, n, r->id));
    return 0;
}

static int h2_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct visitor *v = arg;
    struct reply *r = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (r && of_request && (last || (frame->hd.type == NGHTTP2_HEADERS && throw(4) == 0)) &&
        !r->answered)
        h2_answer(v, frame->hd.stream_id, r);
    return 0;
}

static void h2_open(struct visitor *v)
{
    nghttp2_session_callbacks *calls;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_header_callback(calls, h2_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, h2_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, h2_frame);
    nghttp2_session_server_new(&v->session, calls, v);
    nghttp2_session_callbacks_del(calls);
    nghttp2_settings_entry some[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1 + throw(9)},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, narrow ? 1 << 24 : 1 + throw(100000)}};
    nghttp2_submit_settings(v->session, NGHTTP2_FLAG_NONE, some, narrow ? 2 : throw(3));
    if (narrow)
        nghttp2_session_set_local_window_size(v->session, NGHTTP2_FLAG_NONE, 0, 1 << 24);
}

static void visit(void *arg, enum conn_event event)
{
    struct visitor *v = arg;
    static char bytes[65536];
    if (event == CONN_OPEN && h2)
        h2_open(v);
    while (event == CONN_READABLE && v->c) {
        ssize_t n = conn_read(v->c, bytes, 1 + throw(sizeof bytes));
        if (n == ERR_AGAIN)
            break;
        if (n < 0 ||
            (h2 && nghttp2_session_mem_recv(v->session, (const uint8_t *)bytes, (size_t)n) < 0)) {
            send_off(v);
        } else if (!h2) {
            buf_add(&v->in, str_from(bytes, (size_t)n));
            h1_take(v);
        }
    }
    if (event == CONN_BROKEN)
        send_off(v);
    h2_push(v);
}

static void on_visitor(void *arg, bool readable, bool writable)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int fd = sock_accept(listener, &from, &len);
    if (fd < 0)
        return;
    assert_true(n_visitors < PEERS);
    struct visitor *v = &visitors[n_visitors++];
    *v = (struct visitor){0};
    if (throw(10) == 0) {
        sock_close(fd); /* not today */
        return;
    }
    v->c = conn_accept(loop, fd, h2 ? server_tls : NULL, visit, v);
}

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
