/* SPDX-License-Identifier: Apache-2.0
 *
 * The versions of the network libraries in use, for `weir version`.
 */
#ifndef WEIR_NET_LIBRARY_H
#define WEIR_NET_LIBRARY_H

#include "weir/base/buf.h"

/* Appends "nghttp2 1.52.0, OpenSSL 3.0.17, c-ares 1.18.1, libev 4.33". */
void library_versions(struct buf *out);

#endif
