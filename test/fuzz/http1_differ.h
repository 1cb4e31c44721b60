/* SPDX-License-Identifier: Apache-2.0
 *
 * The same bytes whole, byte by byte, and in pieces chosen by the bytes themselves must be read
 * alike. Shared by the http1 targets.
 */
#ifndef WEIR_FUZZ_HTTP1_DIFFER_H
#define WEIR_FUZZ_HTTP1_DIFFER_H

#include "../unit/wire/http1_drive.h"

#include <assert.h>

static unsigned differ_seed(struct str bytes)
{
    unsigned seed = 0;
    for (size_t i = 0; i < bytes.len; i++)
        seed = seed * 31 + (unsigned char)bytes.ptr[i];
    return seed;
}

/* Returns what the whole was read as; free with drive_fini. */
static struct drive differ(struct drive fresh, struct str bytes)
{
    unsigned seed = differ_seed(bytes);
    struct drive whole = fresh;
    drive_feed(&whole, bytes);
    for (unsigned most = 1; most <= 64; most *= 8) {
        struct drive d = fresh;
        drive_pieces(&d, bytes, most, seed);
        assert(str_eq(buf_str(&d.text), buf_str(&whole.text)));
        assert(d.err == whole.err && (d.err || d.at == whole.at));
        drive_fini(&d);
    }
    return whole;
}

#endif
