/* SPDX-License-Identifier: Apache-2.0
 *
 * credential_process: a program that prints credentials as JSON. No shell: the command is split
 * into words as Python's shlex does, and run with standard input empty and standard error thrown
 * away (it may hold secrets). What it prints is read by the loop, up to a limit of bytes and time;
 * past it the program is killed, with all that it started in its process group.
 *
 *     spawn > read until the end of its output > wait for its status > JSON
 */
#include "weir/base/digest.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"

#include "creds_json.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MOST_BYTES = 64 * 1024,
    PIECE_BYTES = 4096,
    LIMIT_MS = 60 * 1000,
    REAP_MS = 20, /* between looks at a program that closed its output and is not gone yet */
    MOST_WORDS = 64,
};

extern char **environ;

struct process_source {
    struct source source;
    char *words[MOST_WORDS + 1]; /* in the arena */
    pid_t pid;                   /* 0: not running */
    int fd;                      /* -1: closed */
    struct watch watch;
    struct timer limit, reap;
    struct buf out;
};

static struct process_source *of(struct source *s)
{
    return (struct process_source *)(void *)s;
}

/* --- the command line */

/* One word off the front, without its quotes, into `at`; false for an open quote. */
static bool take_word(struct str *rest, char **at)
{
    char quote = 0;
    while (rest->len && (quote || (*rest->ptr != ' ' && *rest->ptr != '\t'))) {
        char c = *rest->ptr;
        *rest = str_from_offset(*rest, 1);
        if (c == quote || (!quote && (c == '"' || c == '\''))) {
            quote = quote ? 0 : c;
            continue;
        }
        bool escape = c == '\\' && quote != '\'' && rest->len &&
                      (!quote || *rest->ptr == '"' || *rest->ptr == '\\');
        if (escape) {
            c = *rest->ptr;
            *rest = str_from_offset(*rest, 1);
        }
        *(*at)++ = c;
    }
    *(*at)++ = 0;
    return !quote;
}

/* Words of at most the command's length and a NUL each. NULL or what is wrong. */
static const char *split(struct process_source *p, struct str command)
{
    char *at = arena_new(&p->source.arena, command.len + MOST_WORDS + 1);
    size_t n = 0;
    while (at && (command = str_trim(command)).len) {
        if (n == MOST_WORDS)
            return "too many words";
        p->words[n++] = at;
        if (!take_word(&command, &at))
            return "a quote is not closed";
    }
    return n ? NULL : "it is empty";
}

/* --- the end */

static void close_output(struct process_source *p)
{
    if (p->fd < 0)
        return;
    watch_fini(&p->watch);
    close(p->fd);
    p->fd = -1;
}

static void kill_all(struct process_source *p)
{
    if (p->pid) {
        kill(-p->pid, SIGKILL);
        kill(p->pid, SIGKILL); /* when it left its group */
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    p->pid = 0;
}

static void stop(struct process_source *p)
{
    close_output(p);
    kill_all(p);
    timer_stop(&p->limit);
    timer_stop(&p->reap);
}

static void finish(struct process_source *p)
{
    static const struct creds_names names = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                             "Expiration", false};
    char why[WHY_MAX / 2];
    struct creds *set = NULL;
    cJSON *o = creds_json_parse(buf_str(&p->out), why, sizeof why);
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(o, "Version");
    if (o && !(cJSON_IsNumber(version) && version->valueint == 1))
        snprintf(why, sizeof why, "\"Version\" is not 1");
    else if (o)
        set = creds_json_take(o, &names, p->source.name, why, sizeof why);
    creds_json_free(o);
    stop(p);
    if (set)
        source_give(&p->source, set);
    else
        source_fail(&p->source, "%s printed something else: %s", p->words[0], why);
}

static void on_reap(void *arg)
{
    struct process_source *p = arg;
    int status = 0;
    pid_t got = waitpid(p->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) {
        timer_start(&p->reap, REAP_MS);
        return;
    }
    p->pid = 0;
    if (got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        finish(p);
        return;
    }
    stop(p);
    if (got > 0 && WIFSIGNALED(status))
        source_fail(&p->source, "%s was ended by signal %d", p->words[0], WTERMSIG(status));
    else
        source_fail(&p->source, "%s ended with status %d; run it by hand to see why", p->words[0],
                    got > 0 ? WEXITSTATUS(status) : -1);
}

static void on_limit(void *arg)
{
    struct process_source *p = arg;
    stop(p);
    source_fail(&p->source, "%s took longer than %d s", p->words[0], LIMIT_MS / 1000);
}

/* --- its output */

static void on_output(void *arg, bool readable, bool writable)
{
    struct process_source *p = arg;
    while (buf_len(&p->out) <= MOST_BYTES) {
        ssize_t n = read(p->fd, buf_reserve(&p->out, PIECE_BYTES), PIECE_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            close_output(p);
            on_reap(p);
            return;
        }
        buf_commit(&p->out, (size_t)n);
    }
    stop(p);
    source_fail(&p->source, "%s printed more than %d KiB", p->words[0], MOST_BYTES / 1024);
}

/* --- the beginning */

static void describe(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int out)
{
    sigset_t none, usual;
    sigemptyset(&none);
    sigfillset(&usual);
    posix_spawnattr_init(attr);
    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &usual);
    posix_spawn_file_actions_init(files);
    posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(files, out, 1);
    posix_spawn_file_actions_addopen(files, 2, "/dev/null", O_WRONLY, 0);
}

static int run(struct process_source *p)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return errno;
    describe(&files, &attr, pipe_fd[1]);
    int err_no = posix_spawnp(&p->pid, p->words[0], &files, &attr, p->words, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    close(pipe_fd[1]);
    if (err_no) {
        p->pid = 0;
        close(pipe_fd[0]);
        return err_no;
    }
    p->fd = pipe_fd[0];
    return fcntl(p->fd, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

static void begin(struct source *s)
{
    struct process_source *p = of(s);
    char text[128];
    int err_no = run(p);
    if (err_no) {
        stop(p);
        source_fail(s, "cannot run %s: %s", p->words[0], strerror_r(err_no, text, sizeof text));
        return;
    }
    watch_init(&p->watch, s->tools->loop, p->fd, on_output, p);
    watch_set(&p->watch, true, false);
    timer_start(&p->limit, LIMIT_MS);
}

static void fini(struct source *s)
{
    struct process_source *p = of(s);
    stop(p);
    if (p->out.data)
        secret_wipe(p->out.data, p->out.cap);
    buf_fini(&p->out);
}

struct source *creds_process_new(struct creds_tools *t, struct str command, char *err,
                                 size_t err_size)
{
    struct process_source *p = source_new(t, sizeof *p, "credential_process", begin, fini);
    const char *wrong = split(p, command);
    p->fd = -1;
    (void)buf_reserve(&p->out,
                      MOST_BYTES + 2 * PIECE_BYTES); /* growing would leave unwiped copies behind */
    timer_init(&p->limit, t->loop, on_limit, p);
    timer_init(&p->reap, t->loop, on_reap, p);
    if (!wrong)
        return source_checked(&p->source, err, err_size);
    snprintf(err, err_size, "credential_process: %s", wrong);
    source_free(&p->source);
    return NULL;
}
