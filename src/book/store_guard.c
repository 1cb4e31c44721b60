/* SPDX-License-Identifier: Apache-2.0
 *
 * The mark is DIR/crashed with the inode of the data file in it, so that a backup that is put in
 * its place is not suspected. The handler only opens, writes and closes; then whatever handled the
 * signal before gets it.
 */
#include "store_guard.h"

#include "store_place.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT};
enum { DEADLY = sizeof deadly / sizeof *deadly };

static struct guard {
    char path[PATH_MAX]; /* of the mark; empty: nothing is watched */
    ino_t ino;
    bool taken;
} guards[GUARDS];
static struct sigaction before[DEADLY];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local volatile sig_atomic_t inside[GUARDS];

static void leave_mark(const struct guard *g)
{
    int fd = open(g->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    (void)!write(fd, &g->ino, sizeof g->ino);
    (void)close(fd);
}

/* Returning repeats what failed, and whoever was there before meets it then. What was sent is not
 * repeated by itself. */
static void on_death(int signo, siginfo_t *from, void *where)
{
    for (int i = 0; i < GUARDS; i++)
        if (inside[i] > 0 && *guards[i].path)
            leave_mark(&guards[i]);
    for (int i = 0; i < DEADLY; i++)
        if (deadly[i] == signo)
            (void)sigaction(signo, &before[i], NULL);
    if (from->si_code <= 0)
        (void)raise(signo);
}

static void install(void)
{
    struct sigaction act = {.sa_sigaction = on_death, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    sigemptyset(&act.sa_mask);
    for (int i = 0; i < DEADLY; i++)
        (void)sigaction(deadly[i], &act, &before[i]);
}

static struct guard *take_one(void)
{
    struct guard *g = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < GUARDS && !g; i++)
        if (!guards[i].taken)
            g = &guards[i];
    assert(g);
    g->taken = true;
    pthread_mutex_unlock(&lock);
    return g;
}

struct guard *guard_watch(const char *dir, const struct stat *data)
{
    (void)pthread_once(&once, install);
    struct guard *g = take_one();
    g->ino = data->st_ino;
    if (!place_path(dir, PLACE_MARK, g->path))
        *g->path = 0;
    return g;
}

void guard_unwatch(struct guard *g)
{
    if (!g)
        return;
    *g->path = 0;
    pthread_mutex_lock(&lock);
    g->taken = false;
    pthread_mutex_unlock(&lock);
}

void guard_enter(struct guard *g)
{
    if (g)
        inside[g - guards]++;
}

void guard_leave(struct guard *g)
{
    if (g)
        inside[g - guards]--;
}

bool guard_is_marked(const char *dir, const struct stat *data)
{
    char path[PATH_MAX];
    ino_t ino = 0;
    if (!place_path(dir, PLACE_MARK, path))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool same = read(fd, &ino, sizeof ino) == sizeof ino && ino == data->st_ino;
    close(fd);
    if (!same)
        (void)unlink(path);
    return same;
}
