/* SPDX-License-Identifier: Apache-2.0
 *
 * The named points of test builds, read once from the environment. In an ordinary build this file
 * is empty.
 */
#include "weir/base/hook.h"

#ifdef WEIR_HOOKS
#include "weir/base/str.h"
#include "weir/base/text.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_HOOKS = 16 };

static struct hook {
    struct str name, act;
    uint64_t nth; /* 0: each time */
    bool onward;  /* the nth and all that follow */
    atomic_ullong hits;
} hooks[MOST_HOOKS];
static size_t n_hooks;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_environment(void)
{
    struct str rest = str_of(getenv("WEIR_HOOK"));
    while (rest.len && n_hooks < MOST_HOOKS) {
        struct str act = str_cut(&rest, ',');
        struct str point = str_cut(&act, '=');
        struct hook *h = &hooks[n_hooks++];
        h->name = str_cut(&point, ':');
        h->act = act;
        h->onward = str_ends(point, S("+"));
        if (!text_u64(str_sub(point, 0, point.len - h->onward), &h->nth))
            h->nth = 0;
    }
}

static int errno_of(struct str name)
{
    static const struct {
        struct str name;
        int value;
    } known[] = {
        {STR("ECONNRESET"), ECONNRESET}, {STR("EPIPE"), EPIPE},   {STR("EIO"), EIO},
        {STR("ENOSPC"), ENOSPC},         {STR("EINTR"), EINTR},   {STR("EAGAIN"), EAGAIN},
        {STR("EMFILE"), EMFILE},         {STR("ENOMEM"), ENOMEM}, {STR("ETIMEDOUT"), ETIMEDOUT}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(known[i].name, name))
            return known[i].value;
    return EIO;
}

int hook_hit(const char *name)
{
    pthread_once(&once, read_environment);
    for (size_t i = 0; i < n_hooks; i++) {
        struct hook *h = &hooks[i];
        if (!str_eq(h->name, str_of(name)))
            continue;
        uint64_t hit = atomic_fetch_add(&h->hits, 1) + 1;
        if (h->onward ? hit < h->nth : h->nth && hit != h->nth)
            continue;
        uint64_t ms;
        if (str_eq(h->act, S("kill")))
            kill(getpid(), SIGKILL);
        else if (str_starts(h->act, S("fail:")))
            return errno_of(str_from_offset(h->act, 5));
        else if (str_starts(h->act, S("sleep:")) && text_u64(str_from_offset(h->act, 6), &ms))
            usleep((unsigned)ms * 1000);
    }
    return 0;
}
#else
typedef int weir_no_hooks; /* an empty file is not ISO C */
#endif
