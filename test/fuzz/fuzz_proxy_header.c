/* SPDX-License-Identifier: Apache-2.0
 *
 * net/proxy_header: any bytes. A verdict on a part must not change when more comes.
 */
#include "weir/net/proxy_header.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    struct proxy_header part, whole;
    ssize_t all = proxy_header_read((struct str){(const char *)bytes, n}, &whole);
    assert(all <= (ssize_t)n && all <= PROXY_HEADER_MOST);
    for (size_t i = 0; i < n && i < 128; i++) {
        ssize_t r = proxy_header_read((struct str){(const char *)bytes, i}, &part);
        assert(r == 0 || r == all);
    }
    return 0;
}
