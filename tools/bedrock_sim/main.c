/* SPDX-License-Identifier: Apache-2.0
 *
 * bedrock_sim: an independent simulator of bedrock-runtime. Options, threads, and one line when it
 * is ready. Each thread has a loop with listeners of its own on the shared addresses; the first
 * one also serves the control port and waits for the signal to end.
 */
#include "desk.h"

#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/net/listener.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { THREADS_MOST = 64, CONNECTIONS_MOST = 200000, ADDRESS = 80 };
enum port { DATA, CONTROL, TLS, PORTS };

struct settings {
    char address[PORTS][ADDRESS]; /* as given, later as bound; empty: none */
    const char *cert, *key_file;
    uint64_t threads, rows, keep;
};

struct thread {
    pthread_t id;
    struct desk data, control;
    struct loop *loop;
    struct listener *listeners[PORTS];
    int fds[PORTS]; /* -1: none */
    struct tls *tls;
};

static _Atomic(int64_t) connections;
static struct settings settings = {
    .address = {[DATA] = "127.0.0.1:0", [CONTROL] = "127.0.0.1:0"},
    .threads = 1,
    .rows = 4096,
    .keep = 8,
};
static struct jobs_settings jobs = {.job_ms = JOBS_JOB_MS,
                                    .quota = JOBS_QUOTA,
                                    .min_records = JOBS_MIN_RECORDS,
                                    .max_records = JOBS_MAX_RECORDS};
static struct world *world;
static struct thread threads[THREADS_MOST];

static int usage(FILE *to, int status)
{
    struct buf words = {0}, orders = {0};
    fault_add_help(&words);
    job_order_add_help(&orders);
    fprintf(to,
            "usage: bedrock_sim [options]\n"
            "An independent simulator of Amazon Bedrock's runtime endpoint, for tests.\n\n"
            "  --listen ADDR:PORT      data port, HTTP/1.1 and HTTP/2 in clear (127.0.0.1:0)\n"
            "  --control ADDR:PORT     control port (127.0.0.1:0)\n"
            "  --tls-listen ADDR:PORT  data port with TLS, ALPN h2 and http/1.1\n"
            "  --cert FILE, --key-file FILE   its certificate and key (PEM)\n"
            "  --key AKID:SECRET[:TOKEN]      a key pair that may sign (repeatable)\n"
            "  --bearer TOKEN          an API key: Authorization: Bearer, or x-api-key on\n"
            "                          /anthropic paths (repeatable)\n"
            "  --no-auth               everybody may\n"
            "  --threads N             threads that serve (1)\n"
            "  --seed N                of the padding in streams (0)\n"
            "  --ledger N              rows kept in the ledger (4096)\n"
            "  --keep N                newest requests kept with their bodies (8)\n"
            "  --s3 URL, --s3-key AK:SK       where batch jobs find their input and leave their\n"
            "                          output: http://HOST:PORT, path style\n"
            "  --job-ms N              a batch job's whole way, in milliseconds (500)\n"
            "  --job-quota N           jobs of one model under way (20)\n"
            "  --min-records N, --max-records N   of a batch job (100, 50000)\n"
            "  --help\n\n"
            "When it is ready it prints one line:\n"
            "  bedrock_sim ready data=HOST:PORT control=HOST:PORT tls=HOST:PORT\n"
            "SIGTERM or SIGINT ends it.\n\n"
            "Words in a prompt, as [[sim:WORD]], or ordered with POST /sim/fault\n"
            "{\"fault\":\"WORD WORD\",\"count\":N,\"match\":\"piece of the path, or operation\"}:\n"
            "%s\n"
            "Orders for batch jobs, with POST /sim/jobs\n"
            "{\"order\":\"WORD WORD\",\"count\":N,\"match\":\"piece of the name or model\"}:\n%s\n"
            "and settings, with the same: job_ms, list_lag_ms, counts_lag_ms, quota, min_records,\n"
            "max_records, same_token (job, empty or conflict), unique_names (true or false).\n\n"
            "Control: GET /sim/ledger?n=N&after=ID&charged=1&headers=0 (JSON lines),\n"
            "/sim/summary,\n"
            "/sim/last?id=N (the request as received, body in base64), /sim/clock,\n"
            "/sim/metrics (what PutMetricData brought, JSON lines), /sim/jobs (JSON lines);\n"
            "POST /sim/reset, /sim/fault, /sim/clock {\"advance_ms\":N} {\"cache_ms\":N}\n"
            "{\"auth_ms\":N}.\n\n"
            "Example:\n"
            "  bedrock_sim --key AKIDEXAMPLE:SECRET --bearer ABSKexample\n",
            buf_cstr(&words), buf_cstr(&orders));
    buf_fini(&words);
    buf_fini(&orders);
    return status;
}

/* --- options */

enum option_id {
    LISTEN = 256,
    CONTROL_LISTEN,
    TLS_LISTEN,
    CERT,
    KEY_FILE,
    KEY,
    BEARER,
    NO_AUTH,
    THREADS,
    SEED,
    LEDGER,
    KEEP,
    S3,
    S3_KEY,
    JOB_MS,
    JOB_QUOTA,
    MIN_RECORDS,
    MAX_RECORDS,
    HELP
};

static const struct option options[] = {
    {"listen", required_argument, NULL, LISTEN},
    {"control", required_argument, NULL, CONTROL_LISTEN},
    {"tls-listen", required_argument, NULL, TLS_LISTEN},
    {"cert", required_argument, NULL, CERT},
    {"key-file", required_argument, NULL, KEY_FILE},
    {"key", required_argument, NULL, KEY},
    {"bearer", required_argument, NULL, BEARER},
    {"no-auth", no_argument, NULL, NO_AUTH},
    {"threads", required_argument, NULL, THREADS},
    {"seed", required_argument, NULL, SEED},
    {"ledger", required_argument, NULL, LEDGER},
    {"keep", required_argument, NULL, KEEP},
    {"s3", required_argument, NULL, S3},
    {"s3-key", required_argument, NULL, S3_KEY},
    {"job-ms", required_argument, NULL, JOB_MS},
    {"job-quota", required_argument, NULL, JOB_QUOTA},
    {"min-records", required_argument, NULL, MIN_RECORDS},
    {"max-records", required_argument, NULL, MAX_RECORDS},
    {"help", no_argument, NULL, HELP},
    {0},
};

static bool set_address(enum port p, const char *text)
{
    return snprintf(settings.address[p], ADDRESS, "%s", text) < ADDRESS;
}

static bool set_number(uint64_t *out, const char *text, uint64_t least, uint64_t most)
{
    return text_u64(str_of(text), out) && *out >= least && *out <= most;
}

static bool take_job_option(int id, const char *value)
{
    uint64_t ms;
    switch (id) {
    case S3:
        return s3_place_url(&jobs.s3, str_of(value));
    case S3_KEY:
        return s3_place_key(&jobs.s3, str_of(value));
    case JOB_MS:
        if (!set_number(&ms, value, 0, INT32_MAX))
            return false;
        jobs.job_ms = (int64_t)ms;
        return true;
    case JOB_QUOTA:
        return set_number(&jobs.quota, value, 0, 1000000);
    case MIN_RECORDS:
        return set_number(&jobs.min_records, value, 0, 10000000);
    case MAX_RECORDS:
        return set_number(&jobs.max_records, value, 1, 10000000);
    default:
        return false;
    }
}

static bool take_option(int id, const char *value, struct auth *auth, uint64_t *seed)
{
    switch (id) {
    case LISTEN:
        return set_address(DATA, value);
    case CONTROL_LISTEN:
        return set_address(CONTROL, value);
    case TLS_LISTEN:
        return set_address(TLS, value);
    case CERT:
        settings.cert = value;
        return true;
    case KEY_FILE:
        settings.key_file = value;
        return true;
    case KEY:
        return auth_add_key(auth, str_of(value));
    case BEARER:
        return auth_add_bearer(auth, str_of(value));
    case NO_AUTH:
        return auth->off = true;
    case THREADS:
        return set_number(&settings.threads, value, 1, THREADS_MOST);
    case SEED:
        return set_number(seed, value, 0, UINT64_MAX);
    case LEDGER:
        return set_number(&settings.rows, value, 1, 10000000);
    case KEEP:
        return set_number(&settings.keep, value, 1, 1000000);
    default:
        return take_job_option(id, value);
    }
}

static bool complain(const char *sentence)
{
    fprintf(stderr, "bedrock_sim: %s (see --help)\n", sentence);
    return false;
}

static bool check_settings(const struct auth *auth)
{
    if (!auth->off && auth->n_keys == 0 && auth->n_bearers == 0)
        return complain("nobody may come in: give --key, --bearer or --no-auth");
    if (settings.address[TLS][0] && (!settings.cert || !settings.key_file))
        return complain("--tls-listen needs --cert and --key-file");
    return true;
}

/* 0: go on; else an exit status plus 1. */
static int read_options(int argc, char **argv, struct auth *auth, uint64_t *seed)
{
    int id;
    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (id == HELP)
            return usage(stdout, 0) + 1;
        if (id == '?')
            return 3;
        if (!take_option(id, optarg, auth, seed)) {
            fprintf(stderr, "bedrock_sim: '%s' does not do here (see --help)\n", optarg);
            return 3;
        }
    }
    if (optind < argc)
        return complain("there are no arguments but options") + 3;
    return check_settings(auth) ? 0 : 3;
}

/* --- ports */

static void note_address(int fd, enum port p)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    char host[INET6_ADDRSTRLEN];
    if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
        return;
    if (a.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)&a;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(settings.address[p], ADDRESS, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const void *)&a;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(settings.address[p], ADDRESS, "%s:%u", host, ntohs(v4->sin_port));
    }
}

static bool bind_ports(struct thread *t, bool first)
{
    char err[256];
    for (int p = 0; p < PORTS; p++) {
        t->fds[p] = -1;
        if (!settings.address[p][0] || (p == CONTROL && !first))
            continue;
        t->fds[p] = listener_bind(str_of(settings.address[p]), p != CONTROL, err, sizeof err);
        if (t->fds[p] < 0) {
            fprintf(stderr, "bedrock_sim: %s: %s\n", settings.address[p], err);
            return false;
        }
        if (first)
            note_address(t->fds[p], (enum port)p);
    }
    return true;
}

static struct tls *load_tls(void)
{
    char err[512];
    struct tls_server_files files = {.cert = settings.cert, .key = settings.key_file};
    struct tls *tls = tls_server_new(&files, NULL, err, sizeof err);
    if (!tls)
        fprintf(stderr, "bedrock_sim: %s\n", err);
    return tls;
}

/* --- threads */

static void listen_on(struct thread *t)
{
    for (int p = 0; p < PORTS; p++) {
        struct listener_options o = {.tls = p == TLS ? t->tls : NULL,
                                     .sink = &desk_sink,
                                     .owner = p == CONTROL ? &t->control : &t->data,
                                     .connections = &connections,
                                     .most_connections = CONNECTIONS_MOST};
        if (t->fds[p] >= 0)
            t->listeners[p] = listener_new(t->loop, t->fds[p], &o);
    }
}

static void *serve(void *arg)
{
    struct thread *t = arg;
    loop_run(t->loop);
    for (int p = 0; p < PORTS; p++)
        if (t->listeners[p])
            listener_free(t->listeners[p]);
    return NULL;
}

struct stop_mail {
    struct mail mail;
    struct loop *loop;
};

static void stop(struct mail *m)
{
    struct stop_mail *s = (struct stop_mail *)(void *)m;
    loop_stop(s->loop);
    mem_free(s);
}

static void on_signal(void *arg, int signo)
{
    (void)arg;
    (void)signo;
    for (uint64_t i = 1; i < settings.threads; i++) {
        struct stop_mail *s = mem_new(sizeof *s);
        s->mail.deliver = stop;
        s->loop = threads[i].loop;
        mailbox_send(loop_mailbox(s->loop), &s->mail);
    }
    loop_stop(threads[0].loop);
}

static bool open_threads(struct tls *tls)
{
    for (uint64_t i = 0; i < settings.threads; i++) {
        struct thread *t = &threads[i];
        t->loop = loop_new();
        t->tls = tls;
        t->data = (struct desk){.world = world, .loop = t->loop};
        t->control = (struct desk){.world = world, .loop = t->loop, .control = true};
        if (!bind_ports(t, i == 0))
            return false;
        listen_on(t);
    }
    return true;
}

static void run_threads(void)
{
    loop_signal(threads[0].loop, SIGTERM, on_signal, NULL);
    loop_signal(threads[0].loop, SIGINT, on_signal, NULL);
    for (uint64_t i = 1; i < settings.threads; i++)
        if (pthread_create(&threads[i].id, NULL, serve, &threads[i]) != 0)
            abort();
    printf("bedrock_sim ready data=%s control=%s tls=%s\n", settings.address[DATA],
           settings.address[CONTROL], settings.address[TLS][0] ? settings.address[TLS] : "none");
    fflush(stdout);
    serve(&threads[0]);
    for (uint64_t i = 1; i < settings.threads; i++)
        pthread_join(threads[i].id, NULL);
    for (uint64_t i = 0; i < settings.threads; i++)
        loop_free(threads[i].loop);
}

int main(int argc, char **argv)
{
    struct auth auth = {0};
    struct tls *tls = NULL;
    uint64_t seed = 0;
    int status = read_options(argc, argv, &auth, &seed);
    if (status)
        return status - 1;
    signal(SIGPIPE, SIG_IGN);
    if (settings.address[TLS][0] && !(tls = load_tls()))
        return 1;
    world = world_new(settings.rows, settings.keep);
    world->auth = auth;
    world->seed = seed;
    world->batch->settings = jobs;
    if (!open_threads(tls))
        return 1;
    run_threads();
    tls_unref(tls);
    world_free(world);
    return 0;
}
