/* SPDX-License-Identifier: Apache-2.0
 *
 * The versions of the network libraries in use.
 */
#include "weir/net/library.h"

#include <ares.h>
#include <ev.h>
#include <nghttp2/nghttp2.h>
#include <openssl/crypto.h>

void library_versions(struct buf *out)
{
    buf_addf(out, "nghttp2 %s, %s, c-ares %s, libev %d.%d", nghttp2_version(0)->version_str,
             OpenSSL_version(OPENSSL_VERSION), ares_version(NULL), ev_version_major(),
             ev_version_minor());
}
