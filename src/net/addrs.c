/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of an origin's addresses.
 */
#include "addrs.h"

#include <netinet/in.h>
#include <string.h>

enum { OUT_FIRST_MS = 1000, OUT_MOST_MS = 30 * 1000 };

socklen_t addrs_len(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static struct addr *find(struct addrs *a, const struct sockaddr_storage *at)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->at[i].at.ss_family == at->ss_family && memcmp(&a->at[i].at, at, addrs_len(at)) == 0)
            return &a->at[i];
    return NULL;
}

void addrs_update(struct addrs *a, const struct dns_answer *found)
{
    struct addrs old = *a;
    a->n = 0;
    for (size_t i = 0; i < found->n; i++) {
        const struct addr *known = find(&old, &found->addr[i]);
        if (find(a, &found->addr[i]))
            continue;
        a->at[a->n++] = known ? *known : (struct addr){.at = found->addr[i]};
    }
}

static size_t add_those(const struct addrs *a, bool out, size_t first, struct sockaddr_storage *to)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct addr *x = &a->at[(first + i) % a->n];
        if ((x->failures > 0) == out)
            to[n++] = x->at;
    }
    return n;
}

/* Families alternate in the list: steps of two keep the family that comes first. */
static size_t step_of(const struct addrs *a)
{
    return a->n > 1 && a->at[0].at.ss_family != a->at[1].at.ss_family ? 2 : 1;
}

size_t addrs_order(struct addrs *a, struct sockaddr_storage out[DNS_MOST])
{
    if (a->n == 0)
        return 0;
    size_t first = a->turn++ * step_of(a) % a->n;
    size_t n = add_those(a, false, first, out);
    return n + add_those(a, true, first, out + n);
}

unsigned addrs_out(const struct addrs *a)
{
    unsigned n = 0;
    for (size_t i = 0; i < a->n; i++)
        n += a->at[i].failures > 0;
    return n;
}

bool addrs_trial(struct addrs *a, int64_t now_ms, struct sockaddr_storage *out)
{
    if (addrs_out(a) == a->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        struct addr *x = &a->at[i];
        if (x->failures == 0 || x->on_trial || now_ms < x->out_until_ms)
            continue;
        x->on_trial = true;
        *out = x->at;
        return true;
    }
    return false;
}

void addrs_failed(struct addrs *a, const struct sockaddr_storage *at, int64_t now_ms)
{
    struct addr *x = find(a, at);
    if (!x)
        return;
    x->on_trial = false;
    if (x->failures && now_ms < x->out_until_ms)
        return; /* many attempts at once are one failure */
    int64_t out_ms = OUT_FIRST_MS;
    for (unsigned i = 0; i < x->failures && out_ms < OUT_MOST_MS; i++)
        out_ms *= 2;
    x->failures++;
    x->out_until_ms = now_ms + (out_ms < OUT_MOST_MS ? out_ms : OUT_MOST_MS);
}

void addrs_worked(struct addrs *a, const struct sockaddr_storage *at)
{
    struct addr *x = find(a, at);
    if (!x)
        return;
    x->failures = 0;
    x->on_trial = false;
}

void addrs_trial_over(struct addrs *a, const struct sockaddr_storage *at)
{
    struct addr *x = find(a, at);
    if (x)
        x->on_trial = false;
}
