/* SPDX-License-Identifier: Apache-2.0
 *
 * Names to addresses. Each name that was ever asked for has one entry with its last good answer,
 * its last failure, and those who wait; c-ares is asked at most once at a time per name:
 *
 *     asked > fresh (its TTL) > stale (5 minutes: served when a new question fails or is slow)
 *
 * An address literal and "localhost" are entries that stay fresh for ever. Answers are always given
 * from the end of a turn, so nobody is called back from inside dns_resolve. Names come from the
 * configuration, so their number has no limit here.
 *
 * IPv4 and IPv6 are two questions: servers that answer only one of them exist. Whoever has one
 * answer does not wait long for the other.
 */
#include "weir/net/dns.h"

#include "weir/base/mem.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

enum {
    HOST_MOST = 255, /* RFC 1035 2.3.4 */
    FRESH_LEAST_S = 1,
    FRESH_MOST_S = 60,
    STALE_MS = 5 * 60 * 1000,
    FAILED_MS = 1000,
    /* How long a new question may take before the stale answer is given meanwhile, and the other
     * family's when one has answered (RFC 8305 3, "Resolution Delay"). */
    PATIENCE_MS = 200,
    OTHER_FAMILY_MS = 50,
    /* c-ares waits 5 s for a datagram, longer than a whole connect may take. Twice as long at each
     * try. */
    ASK_MS = 800,
    ASK_TRIES = 3
};

struct dns_query {
    struct list node;
    struct name *name;
    uint16_t port;
    void (*done)(void *arg, const struct dns_answer *a);
    void *arg;
};

enum family { SIX, FOUR, FAMILIES };

/* What one family said to the last question. */
struct half {
    struct name *name;
    size_t n;
    int ttl;
    struct sockaddr_storage addr[DNS_MOST];
};

struct name {
    struct list node;
    struct dns *dns;
    char host[HOST_MOST + 1];
    struct list waiters;
    struct half half[FAMILIES];
    unsigned asked;         /* questions on their way */
    bool impatient;         /* they have been for long */
    struct dns_answer good; /* ports are 0 */
    const char *error;      /* of the last question; static */
    int64_t fresh_until_ms, stale_until_ms, failed_until_ms;
    struct timer patience;
    struct later tell;
};

/* A socket of c-ares. Never freed before the resolver: c-ares ends them from their own callback. */
struct socket {
    struct list node;
    struct dns *dns;
    int fd;
    struct watch watch;
};

struct dns {
    struct loop *loop;
    ares_channel channel;
    struct list names, open, closed; /* struct name; struct socket */
    struct timer timer;              /* when c-ares wants to look at its own time-outs */
    unsigned on_the_way;
    bool doubtful; /* a server did not answer: resolv.conf may have changed */
    char *servers; /* dns_use_servers */
};

/* --- c-ares on the loop */

static void set_timer(struct dns *d)
{
    struct timeval tv, *next = ares_timeout(d->channel, NULL, &tv);
    if (next)
        timer_start(&d->timer, next->tv_sec * 1000 + next->tv_usec / 1000 + 1);
    else
        timer_stop(&d->timer);
}

static void on_socket(void *arg, bool readable, bool writable)
{
    struct socket *s = arg;
    struct dns *d = s->dns;
    int fd = s->fd;
    ares_process_fd(d->channel, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
    set_timer(d);
}

static void on_timer(void *arg)
{
    struct dns *d = arg;
    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(d);
}

static struct socket *find_socket(struct dns *d, int fd)
{
    for (struct list *node = d->open.next; node != &d->open; node = node->next) {
        struct socket *s = LIST_OF(node, struct socket, node);
        if (s->fd == fd)
            return s;
    }
    return NULL;
}

static struct socket *add_socket(struct dns *d, int fd)
{
    struct list *node = list_take(&d->closed);
    struct socket *s = node ? LIST_OF(node, struct socket, node) : mem_new(sizeof *s);
    *s = (struct socket){.dns = d, .fd = fd};
    list_init(&s->node);
    list_append(&d->open, &s->node);
    watch_init(&s->watch, d->loop, fd, on_socket, s);
    return s;
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns *d = arg;
    struct socket *s = find_socket(d, fd);
    if (!s && (readable || writable))
        s = add_socket(d, fd);
    if (!s)
        return;
    watch_set(&s->watch, readable != 0, writable != 0);
    if (readable || writable)
        return;
    watch_fini(&s->watch);
    list_remove(&s->node);
    list_append(&d->closed, &s->node);
}

static void start_library(void)
{
    (void)ares_library_init(ARES_LIB_INIT_ALL);
}

static bool open_channel(struct dns *d)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_library);
    char lookups[] = "fb"; /* /etc/hosts, then the servers */
    struct ares_options o = {.timeout = ASK_MS,
                             .tries = ASK_TRIES,
                             .lookups = lookups,
                             .sock_state_cb = on_socket_state,
                             .sock_state_cb_data = d};
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(&d->channel, &o, mask) != ARES_SUCCESS) {
        d->channel = NULL;
        return false;
    }
    return !d->servers || ares_set_servers_ports_csv(d->channel, d->servers) == ARES_SUCCESS;
}

static void close_channel(struct dns *d)
{
    timer_stop(&d->timer);
    if (d->channel)
        ares_destroy(d->channel);
    d->channel = NULL;
}

/* A daemon lives for years, and c-ares 1.18 reads resolv.conf only once per channel. */
static void renew_channel(struct dns *d)
{
    if (d->channel && (!d->doubtful || d->on_the_way))
        return;
    close_channel(d);
    d->doubtful = false;
    (void)open_channel(d);
}

/* --- an answer */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static void take_addresses(struct half *half, const struct ares_addrinfo *found)
{
    half->ttl = FRESH_MOST_S;
    for (const struct ares_addrinfo_cname *c = found->cnames; c; c = c->next)
        half->ttl = least(half->ttl, c->ttl);
    for (const struct ares_addrinfo_node *n = found->nodes; n; n = n->ai_next) {
        half->ttl = least(half->ttl, n->ai_ttl);
        if (half->n < DNS_MOST && n->ai_addrlen <= sizeof *half->addr)
            memcpy(&half->addr[half->n++], n->ai_addr, n->ai_addrlen);
    }
}

/* RFC 8305 4: families alternate, IPv6 first, each in the order of the server. */
static void interleave(const struct name *n, struct dns_answer *out)
{
    const struct half *six = &n->half[SIX], *four = &n->half[FOUR];
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < DNS_MOST; i++) {
        if (i < six->n && out->n < DNS_MOST)
            out->addr[out->n++] = six->addr[i];
        if (i < four->n && out->n < DNS_MOST)
            out->addr[out->n++] = four->addr[i];
    }
}

static int ttl_of(const struct name *n)
{
    int ttl = FRESH_MOST_S;
    for (int i = 0; i < FAMILIES; i++)
        if (n->half[i].n)
            ttl = least(ttl, n->half[i].ttl);
    return ttl < FRESH_LEAST_S ? FRESH_LEAST_S : ttl;
}

/* With the halves that are there. */
static void conclude(struct name *n)
{
    int64_t now = loop_now_ms(n->dns->loop);
    if (n->half[SIX].n + n->half[FOUR].n) {
        interleave(n, &n->good);
        n->fresh_until_ms = now + ttl_of(n) * 1000;
        n->stale_until_ms = n->fresh_until_ms + STALE_MS;
    } else {
        n->failed_until_ms = now + FAILED_MS;
    }
    n->impatient = false;
    timer_stop(&n->patience);
    loop_later(n->dns->loop, &n->tell); /* c-ares may answer from inside the question */
}

static void note_failure(struct name *n, int status)
{
    n->error = ares_strerror(status);
    if (status != ARES_ENOTFOUND && status != ARES_ENODATA)
        n->dns->doubtful = true;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    struct half *half = arg;
    struct name *n = half->name;
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
        return;
    if (status == ARES_SUCCESS)
        take_addresses(half, found);
    if (half->n == 0)
        note_failure(n, status == ARES_SUCCESS ? ARES_ENODATA : status);
    if (found)
        ares_freeaddrinfo(found);
    n->asked--;
    n->dns->on_the_way--;
    if (n->asked == 0)
        conclude(n);
    else if (half->n)
        timer_start(&n->patience, OTHER_FAMILY_MS);
}

static void ask_half(struct name *n, enum family family)
{
    struct half *half = &n->half[family];
    struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT,
                                        .ai_family = family == SIX ? AF_INET6 : AF_INET,
                                        .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(n->dns->channel, n->host, NULL, &hints, on_answer, half);
}

static void ask(struct name *n)
{
    struct dns *d = n->dns;
    renew_channel(d);
    for (int i = 0; i < FAMILIES; i++)
        n->half[i] = (struct half){.name = n};
    if (!d->channel) {
        note_failure(n, ARES_ENOTINITIALIZED);
        conclude(n);
        return;
    }
    n->asked = FAMILIES;
    d->on_the_way += FAMILIES;
    if (n->good.n)
        timer_start(&n->patience, PATIENCE_MS);
    ask_half(n, FOUR);
    ask_half(n, SIX);
    set_timer(d);
}

/* --- those who wait */

static void set_port(struct sockaddr_storage *a, uint16_t port)
{
    if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)a)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)(void *)a)->sin_port = htons(port);
}

static void give(struct dns_query *q, struct dns_answer *a)
{
    for (size_t i = 0; i < a->n; i++)
        set_port(&a->addr[i], q->port);
    void (*done)(void *arg, const struct dns_answer *answer) = q->done;
    void *arg = q->arg;
    mem_free(q);
    done(arg, a);
}

static void tell(void *arg)
{
    struct name *n = arg;
    struct dns_answer answer = {.error = n->error ? n->error : "no answer"};
    if (loop_now_ms(n->dns->loop) < n->stale_until_ms)
        answer = n->good;
    struct list waiters;
    list_init(&waiters);
    struct list *node;
    while ((node = list_take(&n->waiters)))
        list_append(&waiters, node);
    while ((node = list_take(&waiters)))
        give(LIST_OF(node, struct dns_query, node), &answer);
}

static void on_impatience(void *arg)
{
    struct name *n = arg;
    if (n->half[SIX].n + n->half[FOUR].n) {
        conclude(n);
        return;
    }
    n->impatient = true;
    if (loop_now_ms(n->dns->loop) < n->stale_until_ms)
        loop_later(n->dns->loop, &n->tell);
}

static void need(struct name *n)
{
    int64_t now_ms = loop_now_ms(n->dns->loop);
    bool usable = now_ms < n->stale_until_ms;
    if (now_ms < n->fresh_until_ms || now_ms < n->failed_until_ms || (n->impatient && usable))
        loop_later(n->dns->loop, &n->tell);
    else if (!n->asked)
        ask(n);
    else if (usable && !timer_running(&n->patience))
        timer_start(&n->patience, PATIENCE_MS);
}

/* --- names */

static void add_literal(struct name *n, int family, const char *text)
{
    struct sockaddr_storage *a = &n->good.addr[n->good.n];
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)a;
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)a;
    void *bytes = family == AF_INET6 ? (void *)&six->sin6_addr : (void *)&four->sin_addr;
    if (inet_pton(family, text, bytes) != 1)
        return;
    a->ss_family = (sa_family_t)family;
    n->good.n++;
}

/* What nobody needs to be asked about. */
static void know(struct name *n)
{
    if (strcmp(n->host, "localhost") == 0) {
        add_literal(n, AF_INET6, "::1");
        add_literal(n, AF_INET, "127.0.0.1");
    } else {
        add_literal(n, AF_INET6, n->host);
        add_literal(n, AF_INET, n->host);
    }
    if (n->good.n)
        n->fresh_until_ms = n->stale_until_ms = INT64_MAX;
}

/* Into `out`, lower-cased. What is no name becomes the empty one, which is never found. */
static void copy_host(char out[HOST_MOST + 1], struct str host)
{
    memset(out, 0, HOST_MOST + 1);
    if (host.len > HOST_MOST || memchr(host.ptr, 0, host.len))
        return;
    for (size_t i = 0; i < host.len; i++)
        out[i] =
            (char)(host.ptr[i] >= 'A' && host.ptr[i] <= 'Z' ? host.ptr[i] | 0x20 : host.ptr[i]);
}

static struct name *add_name(struct dns *d, const char *host)
{
    struct name *n = mem_new(sizeof *n);
    n->dns = d;
    memcpy(n->host, host, sizeof n->host);
    list_init(&n->node);
    list_init(&n->waiters);
    timer_init(&n->patience, d->loop, on_impatience, n);
    later_init(&n->tell, tell, n);
    list_append(&d->names, &n->node);
    know(n);
    if (!n->host[0]) {
        n->error = "not a host name";
        n->failed_until_ms = INT64_MAX;
    }
    return n;
}

static struct name *find_name(struct dns *d, struct str host)
{
    char key[HOST_MOST + 1];
    copy_host(key, host);
    for (struct list *node = d->names.next; node != &d->names; node = node->next) {
        struct name *n = LIST_OF(node, struct name, node);
        if (strcmp(n->host, key) == 0)
            return n;
    }
    return add_name(d, key);
}

static void free_name(struct name *n)
{
    struct list *node;
    while ((node = list_take(&n->waiters)))
        mem_free(LIST_OF(node, struct dns_query, node));
    timer_stop(&n->patience);
    later_cancel(&n->tell);
    mem_free(n);
}

/* --- the door */

struct dns *dns_new(struct loop *l)
{
    struct dns *d = mem_new(sizeof *d);
    d->loop = l;
    list_init(&d->names);
    list_init(&d->open);
    list_init(&d->closed);
    timer_init(&d->timer, l, on_timer, d);
    if (open_channel(d))
        return d;
    dns_free(d);
    return NULL;
}

void dns_free(struct dns *d)
{
    if (!d)
        return;
    close_channel(d);
    struct list *node;
    while ((node = list_take(&d->names)))
        free_name(LIST_OF(node, struct name, node));
    while ((node = list_take(&d->closed)))
        mem_free(LIST_OF(node, struct socket, node));
    mem_free(d->servers);
    mem_free(d);
}

struct dns_query *dns_resolve(struct dns *d, struct str host, uint16_t port,
                              void (*done)(void *arg, const struct dns_answer *a), void *arg)
{
    struct dns_query *q = mem_new(sizeof *q);
    *q = (struct dns_query){.name = find_name(d, host), .port = port, .done = done, .arg = arg};
    list_init(&q->node);
    list_append(&q->name->waiters, &q->node);
    need(q->name);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (!q)
        return;
    list_remove(&q->node);
    mem_free(q);
}

void dns_use_servers(struct dns *d, const char *servers)
{
    mem_free(d->servers);
    d->servers = mem_new(strlen(servers) + 1);
    memcpy(d->servers, servers, strlen(servers) + 1);
    close_channel(d);
}
