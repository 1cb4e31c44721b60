/* SPDX-License-Identifier: Apache-2.0
 *
 * A way to one of the services that the office talks to: where it answers, TLS, a pool of
 * connections. Made from a setup, and counted: a call that a reload finds under way ends on the way
 * that it took.
 */
#ifndef WEIR_GATE_WAY_H
#define WEIR_GATE_WAY_H

#include "weir/aws/call.h"
#include "weir/gate/setup.h"

struct way {
    struct endpoint at;
    struct aws_target target; /* service and region are what was asked for */
    struct tls *tls;
    bool trusted; /* TLS, or this machine: its Date can be believed */
    /* Its own. */
    char region[64];
    unsigned users;
    struct loop *loop;
    struct later bury;
};

enum way_proxy { WAY_DIRECT, WAY_BY_PROXY }; /* by the setup's egress proxy, when it has one */

/* NULL with a sentence in err: a URL that is none, a CA file that cannot be read.
 * Connections are closed after two seconds of rest: an old one may be closed by the other side just
 * when a call goes out on it, and then nobody knows what became of the call. */
struct way *way_new(struct loop *l, struct dns *dns, const struct setup *setup, struct str url,
                    struct str service, enum way_proxy proxy, char *err, size_t err_size);
struct way *way_ref(struct way *w);
/* Any time but when its loop is gone; NULL is fine. Freed at the end of the turn. */
void way_unref(struct way *w);
/* At the end, by its last user, at once and not from inside a callback. */
void way_close(struct way *w);

#endif
