/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for nghttp2's server sessions.
 */
#ifndef WEIR_SRC_NET_H2_MEMORY_H
#define WEIR_SRC_NET_H2_MEMORY_H

#include <nghttp2/nghttp2.h>

/* For sessions that are made and freed by this thread. */
nghttp2_mem *h2_memory(void);

#endif
