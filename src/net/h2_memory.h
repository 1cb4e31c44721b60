/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for nghttp2's server sessions.
 */
#ifndef WEIR_SRC_NET_H2_MEMORY_H
#define WEIR_SRC_NET_H2_MEMORY_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

/* For one session. *refused becomes true when memory was: nghttp2 has then left something undone,
 * of which not every call tells, and the session must end. */
nghttp2_mem h2_memory(bool *refused);

#endif
