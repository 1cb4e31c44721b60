/* SPDX-License-Identifier: Apache-2.0
 *
 * A trunk that speaks HTTP/1.1, over an open connection, which is its own from now on.
 */
#ifndef WEIR_SRC_NET_H1_CLIENT_H
#define WEIR_SRC_NET_H1_CLIENT_H

#include "trunk.h"

struct trunk *h1_client_new(struct origin *o, struct conn *conn);

#endif
