/* SPDX-License-Identifier: Apache-2.0
 *
 * A chunked body by itself: read alike however cut, data inside the input and never more than the
 * chunk promised, and a state that only moves on.
 */
#include "http1_differ.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void walk(struct str in)
{
    struct http1_chunked c = {0};
    struct http1_fault fault = {0};
    for (int got = HTTP1_CHUNK_DATA; got == HTTP1_CHUNK_DATA;) {
        size_t used = 0;
        struct str data = {0};
        got = http1_chunk_next(&c, in, &used, &data, &fault);
        assert(got >= 0 || ((got == ERR_BAD || got == ERR_TOO_BIG) && fault.sentence));
        assert(used <= in.len);
        assert(got != HTTP1_CHUNK_MORE || used == in.len);
        assert(got != HTTP1_CHUNK_DATA ||
               (data.len && data.ptr + data.len == in.ptr + used && used >= data.len));
        in = str_from_offset(in, used);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str s = {(const char *)bytes, n};
    struct drive fresh = {.in_body = true, .body = HTTP1_BODY_CHUNKED};
    struct drive d = differ(fresh, s);
    drive_fini(&d);
    walk(s);
    return 0;
}
