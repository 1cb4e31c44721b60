/* SPDX-License-Identifier: Apache-2.0
 *
 * What the programs share that kill a writer at random moments: its process, the pipe through which
 * it says what it has acknowledged, and the kill.
 */
#ifndef WEIR_TEST_TORTURE_KILLS_H
#define WEIR_TEST_TORTURE_KILLS_H

#include "../unit/book/folder.h"
#include "weir/base/buf.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/random.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

enum { PIECE = 4096 };

static struct folder at;
static int journal;      /* in the writer's process: what it says, in writes of a few bytes */
static struct buf heard; /* what writers said */

static void fail(const char *what)
{
    printf("not ok 1 - %s (folder kept: %s)\n", what, at.path);
    exit(1);
}

static int64_t now_us(void)
{
    return clock_mono_ns() / 1000;
}

static void hear(int fd)
{
    char *room = buf_reserve(&heard, PIECE);
    ssize_t n = read(fd, room, PIECE);
    if (n > 0)
        buf_commit(&heard, (size_t)n);
}

static void hear_until(int fd, int64_t until_us)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (int64_t left; (left = until_us - now_us()) > 0;) {
        struct timespec wait = {left / 1000000, left % 1000000 * 1000};
        if (ppoll(&p, 1, &wait, NULL) > 0)
            hear(fd);
    }
}

static void end_it(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return;
    printf("# it ended with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -status);
    fail("the writer ended by itself");
}

/* `write_on` runs in a process of its own, forever; it is killed before `most_us` have passed. */
static void run_and_kill(void (*write_on)(uint32_t round), uint32_t round, uint64_t most_us)
{
    int fds[2];
    int64_t until_us = now_us() + (int64_t)random_below(most_us);
    uint64_t seed = random_u64();
    if (pipe(fds) != 0)
        fail("no pipe");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        journal = fds[1];
        random_seed(seed);
        write_on(round);
    }
    close(fds[1]);
    hear_until(fds[0], until_us);
    end_it(pid);
    struct pollfd p = {.fd = fds[0], .events = POLLIN};
    while (poll(&p, 1, -1) > 0 && p.revents & POLLIN)
        hear(fds[0]);
    close(fds[0]);
}

#endif
