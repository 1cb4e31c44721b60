/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may use the admin port: without a token everyone on this machine, since it listens nowhere
 * else; with one who shows it. Health is for all.
 */
#ifndef WEIR_SRC_GATE_ADMIN_GUARD_H
#define WEIR_SRC_GATE_ADMIN_GUARD_H

#include "weir/gate/exchange.h"

/* Of a request's head. The query endpoint lets through what is signed, for admin_guard_query to
 * judge when the body is there. */
bool admin_guard_head(const struct exchange *ex);

/* The token, or the word of this daemon's lock: known to who may read the state directory. */
bool admin_guard_shows_token(const struct exchange *ex);

/* The query endpoint takes the token, or a signature for CloudWatch by an issued admin key. */
enum admin_query { ADMIN_QUERY_MAY, ADMIN_QUERY_EXPIRED, ADMIN_QUERY_REFUSED };
enum admin_query admin_guard_query(const struct exchange *ex);

/* A page in a browser: it sends its Origin with what is not its own, and what it makes its own, by
 * a name that it lets point here, has that name as Host. */
bool admin_guard_is_page(const struct exchange *ex);

#endif
