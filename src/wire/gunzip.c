/* SPDX-License-Identifier: Apache-2.0
 *
 * zlib's inflate, begun anew behind each member.
 */
#include "weir/wire/gunzip.h"

#include "weir/base/mem.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16 };

struct gunzip {
    z_stream z;
    bool begun; /* a member, which has not ended */
};

static voidpf allocate(voidpf arg, uInt n, uInt size)
{
    return mem_new((size_t)n * size);
}

static void release(voidpf arg, voidpf at)
{
    mem_free(at);
}

bool gunzip_is(struct str bytes)
{
    return str_starts(bytes, S("\x1f\x8b"));
}

struct gunzip *gunzip_new(void)
{
    struct gunzip *g = mem_new(sizeof *g);
    g->z.zalloc = allocate;
    g->z.zfree = release;
    int good = inflateInit2(&g->z, GZIP_WINDOW);
    assert(good == Z_OK);
    return g;
}

void gunzip_free(struct gunzip *g)
{
    if (!g)
        return;
    (void)inflateEnd(&g->z);
    mem_free(g);
}

int gunzip_step(struct gunzip *g, struct str *in, char *out, size_t room, size_t *out_len)
{
    int result = Z_OK;
    assert(in->len < UINT_MAX && room < UINT_MAX);
    g->z.next_in = (z_const Bytef *)in->ptr;
    g->z.avail_in = (uInt)in->len;
    g->z.next_out = (Bytef *)out;
    g->z.avail_out = (uInt)room;
    do {
        g->begun |= g->z.avail_in > 0;
        result = inflate(&g->z, Z_NO_FLUSH);
        if (result != Z_STREAM_END)
            continue;
        g->begun = false;
        result = inflateReset(&g->z);
    } while (result == Z_OK && g->z.avail_in && g->z.avail_out);
    *in = str_from_offset(*in, in->len - g->z.avail_in);
    *out_len = room - g->z.avail_out;
    return result == Z_OK || result == Z_BUF_ERROR ? 0 : ERR_BAD;
}

bool gunzip_is_whole(const struct gunzip *g)
{
    return !g->begun;
}
