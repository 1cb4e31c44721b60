/* SPDX-License-Identifier: Apache-2.0
 *
 * One origin over clear HTTP/1.1, its other side, and three calls: what the tests of the pool and
 * of the HTTP/1 client start from.
 */
#ifndef WEIR_TEST_ORIGIN_SIDE_H
#define WEIR_TEST_ORIGIN_SIDE_H

#include "far_side.h"

static struct far far;
static struct origin *origin;
static struct asked one, two, three;

static inline int setup(void **state)
{
    begin_world();
    far_begin(&far, "127.0.0.1", 0, NULL);
    struct origin_options o = plain_options(far.port);
    origin = origin_new(loop, dns, &o);
    return 0;
}

static inline int teardown(void **state)
{
    origin_free(origin);
    origin = NULL;
    far_end(&far);
    forget(&one);
    forget(&two);
    forget(&three);
    end_world();
    return 0;
}

/* Another origin for this test. */
static inline void renew(struct origin_options o)
{
    origin_free(origin);
    origin = origin_new(loop, dns, &o);
}

static inline struct origin_counts count(void)
{
    struct origin_counts n;
    origin_count(origin, &n);
    return n;
}

static inline void asked_by(struct asked *a, unsigned peer)
{
    ask(a, origin);
    UNTIL(far.n > peer && heard(&far.peer[peer], "1}"));
}

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

static inline void answers(struct asked *a, struct peer *p)
{
    say(p, ok);
    UNTIL(a->ends);
    assert_int_equal(a->end, ORIGIN_DONE);
}

#endif
