/* SPDX-License-Identifier: Apache-2.0
 *
 * The mark is DIR/crashed with the inode of the data file in it, so that a backup that is put in
 * its place is not suspected. The handler only opens, writes and closes; then whatever handled the
 * signal before gets it.
 */
#include "store_guard.h"

#include "store_place.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT};
enum { DEADLY = sizeof deadly / sizeof *deadly };

static struct {
    char path[PATH_MAX]; /* of the mark; empty: nothing is watched */
    ino_t ino;
    struct sigaction before[DEADLY];
} watched;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local volatile sig_atomic_t inside;

static void leave_mark(void)
{
    int fd = open(watched.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    (void)!write(fd, &watched.ino, sizeof watched.ino);
    (void)close(fd);
}

/* Returning repeats what failed, and whoever was there before meets it then. What was sent is not
 * repeated by itself. */
static void on_death(int signo, siginfo_t *from, void *where)
{
    if (inside > 0 && *watched.path)
        leave_mark();
    for (int i = 0; i < DEADLY; i++)
        if (deadly[i] == signo)
            (void)sigaction(signo, &watched.before[i], NULL);
    if (from->si_code <= 0)
        (void)raise(signo);
}

static void install(void)
{
    struct sigaction act = {.sa_sigaction = on_death, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    sigemptyset(&act.sa_mask);
    for (int i = 0; i < DEADLY; i++)
        (void)sigaction(deadly[i], &act, &watched.before[i]);
}

void guard_watch(const char *dir, const struct stat *data)
{
    (void)pthread_once(&once, install);
    watched.ino = data->st_ino;
    if (!place_path(dir, PLACE_MARK, watched.path))
        *watched.path = 0;
}

void guard_unwatch(void)
{
    *watched.path = 0;
}

void guard_enter(void)
{
    inside++;
}

void guard_leave(void)
{
    inside--;
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
