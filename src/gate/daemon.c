/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's life: lock, bind, start, serve, drain. This thread becomes the office; every other
 * thread is a worker that learns of changes by mail. A new configuration: daemon_reload.c.
 */
#include "weir/gate/daemon.h"

#include "bind.h"
#include "cache_keeper.h"
#include "daemon_private.h"
#include "order.h"
#include "spooling.h"
#include "volatile_news.h"
#include "weir/base/clock.h"
#include "weir/base/environ.h"
#include "weir/base/log.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/book/spool.h"
#include "weir/gate/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOG_RING_BYTES = 4 * 1024 * 1024,
    LOG_EVERY_MS = 50,
    LIMITS_EVERY_MS = 1000,
    BOOK_OPENS_MS = 10000
};

/* --- the lock */

/* A state directory that cannot be used is no reason not to serve; another daemon in it is. */
static bool take_lock(struct daemon *s, struct str state)
{
    char why[512];
    s->lock_fd = -1;
    int rc = state_hold(state, &s->lock_fd, why, sizeof why);
    if (rc == 0)
        return true;
    if (rc != ERR_BUSY) {
        log_say(LOG_WARN, "state", "%s; Weir serves without it", why);
        return true;
    }
    log_say(LOG_ERROR, "state",
            "another weir serves with the state directory %s; stop it, or give this one another "
            "state",
            state.ptr);
    return false;
}

/* --- the book */

/* The writers try again what could not be had at the start. */
int daemon_hold_state(void *daemon, char *why, size_t why_size)
{
    struct daemon *s = daemon;
    pthread_mutex_lock(&s->lock_lock);
    int err = state_hold(buf_str(&s->state), &s->lock_fd, why, why_size);
    pthread_mutex_unlock(&s->lock_lock);
    return err;
}

static void book_trouble(void *arg, const char *sentence)
{
    if (sentence)
        log_say(LOG_ERROR, "book", "%s", sentence);
    else
        log_say(LOG_INFO, "book", "the book is written again");
}

static void open_book(struct daemon *s)
{
    const struct config *c = s->setups->config;
    char dir[4096];
    s->joins = joins_new();
    s->limits = limits_new();
    s->names = names_new(s->office.loop, s->office.dns);
    names_follow(s->names, s->setups);
    buf_add(&s->state, c->state);
    s->lanes = shared_lanes_new();
    s->cache = shared_cache_new(c->cache_bytes);
    levers_lead(&s->levers, s->cache);
    if (s->cache)
        s->keeper = cache_keeper_new(s);
    else
        log_say(LOG_WARN, "prefixes", "there is no memory for cache.memory: nothing is cached");
    s->volatile_news = volatile_news_new(s);
    if (c->metering == METERING_OFF) {
        spooling_open(s);
        return;
    }
    snprintf(dir, sizeof dir, "%.*s/meter", STR_ARG(c->state));
    const struct clerk_options o = {.dir = dir,
                                    .size_bytes = c->book_bytes,
                                    .keep_requests_ms = c->keep_requests_ms,
                                    .ready = daemon_hold_state,
                                    .trouble = book_trouble,
                                    .arg = s};
    s->clerk = clerk_new(&o);
    spooling_open(s);
    s->exporters = exporters_new(s);
}

/* Budgets begin with what the book says: until it is open it is asked again. */
void daemon_follow_limits(struct daemon *s)
{
    const struct config *c = s->setups->config;
    s->limits_follow = limits_follow(s->limits, c, s->clerk, clock_wall_ms());
    s->limits_asked_ms = loop_now_ms(s->office.loop);
    if (s->spool)
        spool_tell_waits(s->spool);
}

/* Before anyone comes in. A disk that hangs is not waited for longer than a service may start. */
static void begin_limits(struct daemon *s)
{
    if (s->clerk && s->setups->config->n_clients)
        clerk_wait_open(s->clerk, BOOK_OPENS_MS);
    if (s->spool && s->setups->config->n_clients)
        (void)spool_wait_open(s->spool, BOOK_OPENS_MS);
    daemon_follow_limits(s);
}

static void look_at_limits(struct daemon *s)
{
    if (!s->limits_follow && loop_now_ms(s->office.loop) - s->limits_asked_ms >= LIMITS_EVERY_MS)
        daemon_follow_limits(s);
}

/* When the workers' threads have ended and their last records are on the way. */
static void close_book(struct daemon *s)
{
    exporters_end(s->exporters);
    mailbox_read(loop_mailbox(s->office.loop)); /* records that want a name */
    spooling_close(s);
    names_free(s->names);
    if (s->clerk)
        clerk_free(s->clerk);
    exporters_free(s->exporters);
    keeper_free(s->keeper);
    shared_lanes_free(s->lanes);
    volatile_news_free(s->volatile_news);
    shared_cache_free(s->cache);
    buf_fini(&s->state);
}

/* --- issued keys */

void daemon_set_keyring(struct daemon *s, struct keyring *ring)
{
    worker_take_keyring(&s->office, ring);
    for (unsigned w = 0; w < s->n_workers; w++) {
        struct order *o = order_new(s->workers[w]);
        o->ring = keyring_ref(ring);
        order_send(o);
    }
}

/* Keys that cannot be read would lock out their clients without a word: then Weir does not start.
 */
static bool load_keys(struct daemon *s)
{
    const struct config *c = s->setups->config;
    char err[512];
    s->office.keyring = keyring_load(c->state, c->seal_file, err, sizeof err);
    if (!s->office.keyring)
        log_say(LOG_ERROR, "keys", "the issued keys cannot be read: %s", err);
    return s->office.keyring;
}

/* --- credentials */

/* Not before it is known whether there are credentials: what comes earlier would be refused. */
static void become_ready(struct daemon *s)
{
    if (!atomic_exchange(&s->ready, true))
        log_say(LOG_INFO, "ready", "weir %s serves with %u workers", WEIR_VERSION, s->n_workers);
}

/* While new ones are looked for after a reload, those in hand serve. */
static void look_at_credentials(struct daemon *s)
{
    struct creds_chain *chain = s->setups->creds;
    struct creds *set = creds_get(chain);
    if (set || creds_settled(chain))
        atomic_store(&s->can_sign, set || !chain); /* none of its own: its clients bring theirs */
    creds_unref(set);
}

void daemon_creds_changed(void *arg)
{
    struct daemon *s = arg;
    struct creds_chain *chain = s->setups ? s->setups->creds : NULL;
    const char *trouble = creds_trouble(chain);
    if (*trouble)
        log_say(LOG_WARN, "credentials", "%s", trouble);
    struct creds *set = creds_get(chain);
    if (set && !*trouble) {
        struct log_line l;
        log_begin(&l, LOG_INFO, "credentials");
        log_str(&l, "source", str_of(set->source));
        char ends[21] = "never";
        if (set->expires_s)
            text_iso_time(set->expires_s, ends);
        log_str(&l, "expires", str_of(ends));
        log_end(&l);
    }
    creds_unref(set);
    look_at_credentials(s);
    become_ready(s);
}

/* --- drain */

bool daemon_ready(struct daemon *s)
{
    return atomic_load(&s->ready) && atomic_load(&s->can_sign) && !atomic_load(&s->draining);
}

static void force_out(struct daemon *s)
{
    for (unsigned w = 0; w < s->n_workers; w++) {
        struct order *o = order_new(s->workers[w]);
        o->force = true;
        order_send(o);
    }
}

static void drain_over(void *arg)
{
    log_say(LOG_WARN, "drain", "timeouts.drain passed; what still runs is cut");
    force_out(arg);
}

void daemon_drain(struct daemon *s)
{
    if (atomic_exchange(&s->draining, true))
        return;
    log_say(LOG_INFO, "drain", "no new work is taken; what runs may finish");
    for (unsigned w = 0; w < s->n_workers; w++)
        order_send(order_new(s->workers[w]));
    timer_init(&s->drain_timer, s->office.loop, drain_over, s);
    timer_start(&s->drain_timer, s->setups->config->drain_ms);
}

static void stop_waiting(struct daemon *s)
{
    timer_stop(&s->drain_timer);
    force_out(s);
}

static void on_signal(void *arg, int signo)
{
    struct daemon *s = arg;
    struct buf faults = {0};
    if (signo == SIGHUP)
        (void)daemon_reload(s, &faults);
    else if (atomic_load(&s->draining))
        stop_waiting(s);
    else
        daemon_drain(s);
    buf_fini(&faults);
}

/* --- threads */

static void all_ended(void *arg)
{
    struct daemon *s = arg;
    loop_stop(s->office.loop);
}

static void calls_ended(void *arg)
{
    struct daemon *s = arg;
    exporters_finish(s->exporters, all_ended, s);
}

static void worker_ended(struct mail *m)
{
    struct order *o = LIST_OF(m, struct order, mail);
    struct daemon *s = o->worker->daemon;
    mem_free(o);
    if (atomic_fetch_sub(&s->running, 1) == 1)
        spooling_finish(s, calls_ended);
}

static void *run_worker(void *arg)
{
    struct worker *w = arg;
    (void)prctl(PR_SET_NAME, "weir-worker"); /* for top -H */
    loop_run(w->loop);
    struct order *o = order_new(w);
    o->mail.deliver = worker_ended;
    mailbox_send(loop_mailbox(w->daemon->office.loop), &o->mail);
    return NULL;
}

static void look_after(void *arg)
{
    struct daemon *s = arg;
    (void)log_drain(STDERR_FILENO);
    look_at_credentials(s); /* they expire without a word */
    look_at_limits(s);
    setup_reap(&s->setups, false);
    timer_start(&s->log_timer, LOG_EVERY_MS);
}

static unsigned count_workers(const struct config *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = c->workers ? c->workers : cores > 0 ? (unsigned)cores : 1;
    return n < BIND_MOST ? n : BIND_MOST;
}

static bool open_admin(struct daemon *s, char *err, size_t err_size)
{
    struct str address = s->setups->config->admin_address;
    int fd;
    if (!bind_address(address, "admin", &fd, 1, err, err_size))
        return false;
    worker_open(&s->office, fd, s->setups, 0, REALM_ADMIN);
    return true;
}

static bool open_ports(struct daemon *s, char *err, size_t err_size)
{
    static int fds[CONFIG_MOST_LISTENERS][BIND_MOST];
    const struct config *c = s->setups->config;
    if (!bind_listeners(NULL, c, fds, s->n_workers, err, err_size))
        return false;
    if (!open_admin(s, err, err_size)) {
        for (size_t i = 0; i < c->n_listen; i++)
            bind_close(fds[i], s->n_workers);
        return false;
    }
    for (unsigned w = 0; w < s->n_workers; w++)
        for (size_t i = 0; i < c->n_listen; i++)
            worker_open(s->workers[w], fds[i][w], s->setups, i, REALM_DATA);
    return true;
}

static void start_threads(struct daemon *s)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the office's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_store(&s->running, s->n_workers);
    for (unsigned w = 0; w < s->n_workers; w++)
        if (pthread_create(&s->workers[w]->thread, NULL, run_worker, s->workers[w]) != 0)
            abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A standard file that is closed would be the next one that is opened, the book perhaps, and what
 * is said to it would go there. */
static void hold_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* Keys and prompts are in this process: no core, no tracing by others of the same user. */
static void close_process(void)
{
#ifndef WEIR_HOOKS
    (void)prctl(PR_SET_DUMPABLE, 0);
#endif
    environ_hide();
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
}

static void serve(struct daemon *s)
{
    const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < 3; i++)
        loop_signal(s->office.loop, signals[i], on_signal, s);
    log_ring(LOG_RING_BYTES);
    timer_init(&s->log_timer, s->office.loop, look_after, s);
    timer_start(&s->log_timer, LOG_EVERY_MS);
    start_threads(s);
    if (!s->setups->creds)
        become_ready(s);
    loop_run(s->office.loop);
    for (unsigned w = 0; w < s->n_workers; w++)
        pthread_join(s->workers[w]->thread, NULL);
    log_say(LOG_INFO, "stopped", "weir has stopped");
}

static int start(struct daemon *s)
{
    char err[512];
    struct config *config = s->setups->config;
    s->n_workers = count_workers(config);
    s->workers = mem_new(s->n_workers * sizeof *s->workers);
    for (unsigned w = 0; w < s->n_workers; w++) {
        s->workers[w] = mem_new(sizeof **s->workers);
        worker_init(s->workers[w], s, s->setups);
        s->workers[w]->keyring = keyring_ref(s->office.keyring);
    }
    s->office.setup = setup_ref(s->setups);
    open_book(s);
    begin_limits(s);
    int status = 1;
    if (open_ports(s, err, sizeof err)) {
        serve(s);
        status = 0;
    } else {
        log_say(LOG_ERROR, "listen", "%s", err);
    }
    for (unsigned w = 0; w < s->n_workers; w++)
        worker_close(s->workers[w]);
    close_book(s);
    for (unsigned w = 0; w < s->n_workers; w++) {
        worker_fini(s->workers[w]);
        mem_free(s->workers[w]);
    }
    joins_free(s->joins);
    limits_free(s->limits);
    mem_free(s->workers);
    return status;
}

int daemon_run(const char *config_path)
{
    struct buf faults = {0};
    char err[512];
    hold_standard_files();
    close_process(); /* before the first secret is read */
    struct config *config = config_load(config_path, &faults);
    if (!config) {
        fprintf(stderr, "%s", buf_cstr(&faults));
        buf_fini(&faults);
        return 2;
    }
    log_setup(config->log_level, config->log_format);
    struct daemon *s = mem_new(sizeof *s);
    s->config_path = config_path;
    pthread_mutex_init(&s->lock_lock, NULL);
    s->bodies.most_bytes = (int64_t)config->bodies_bytes;
    levers_follow(&s->levers, config->levers, config->levers);
    int status = 2;
    if (take_lock(s, config->state)) {
        worker_init(&s->office, s, NULL);
        s->setups = setup_new(config, NULL, s->office.loop, s->office.dns, daemon_creds_changed, s,
                              err, sizeof err);
        if (!s->setups)
            log_say(LOG_ERROR, "config", "%s", err);
        else if (load_keys(s))
            status = start(s);
        worker_close(&s->office);
        setup_reap(&s->setups, true); /* the credentials live on the office's loop */
        worker_fini(&s->office);
    } else {
        config_free(config);
        status = 1;
    }
    (void)log_drain(STDERR_FILENO);
    mem_free(s);
    return status;
}
