/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of zlib around a buffer. The level is the cheapest: metrics are short words that come
 * again and again, which it finds as well.
 */
#include "weir/wire/gzip.h"

#include "weir/base/mem.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>

enum { LEVEL = 1, GZIP_WINDOW = 15 + 16, MEMORY = 8 };

static voidpf allocate(voidpf arg, uInt n, uInt size)
{
    return mem_new((size_t)n * size);
}

static void release(voidpf arg, voidpf at)
{
    mem_free(at);
}

void gzip_add(struct buf *out, struct str bytes)
{
    z_stream z = {.zalloc = allocate, .zfree = release};
    assert(bytes.len < UINT_MAX);
    int good = deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY);
    assert(good == Z_OK);
    uLong most = deflateBound(&z, (uLong)bytes.len);
    char *room = buf_reserve(out, most);
    if (room) {
        z.next_in = (z_const Bytef *)bytes.ptr;
        z.avail_in = (uInt)bytes.len;
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)most;
        good = deflate(&z, Z_FINISH);
        assert(good == Z_STREAM_END); /* there is room for all of it */
        buf_commit(out, z.total_out);
    }
    (void)deflateEnd(&z);
}
