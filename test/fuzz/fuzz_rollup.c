/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever bytes come: a rollup or a record is refused, or it is whole and comes back the same. The
 * checksum is made right first, so that the fuzzer gets behind it.
 */
#include "weir/book/rollup.h"

#include "weir/base/digest.h"
#include "weir/base/mem.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void as_rollup(struct str bytes)
{
    struct rollup r = {0}, again = {0}, sum = {0};
    struct buf b = {0};
    if (rollup_read(bytes, &r) == 0) {
        rollup_write(&r, &b);
        assert(buf_len(&b) <= ROLLUP_BYTES_MOST);
        assert(rollup_read(buf_str(&b), &again) == 0);
        rollup_merge(&sum, &r);
        rollup_merge(&sum, &again);
        for (size_t i = 0; i < ROLLUP_HISTOGRAMS; i++) {
            const struct histogram *h = &sum.histograms[i];
            assert(h->count == 2 * r.histograms[i].count && h->n == r.histograms[i].n);
            assert(histogram_at(h, 0) <= histogram_at(h, 500));
            assert(histogram_at(h, 500) <= histogram_at(h, 1000));
            assert(histogram_below(h, UINT64_MAX) == h->count);
        }
    }
    rollup_fini(&r);
    rollup_fini(&again);
    rollup_fini(&sum);
    buf_fini(&b);
}

static void as_record(struct str bytes)
{
    struct record r;
    struct buf b = {0};
    if (record_read(bytes, &r) == 0) {
        assert(r.lane < LANES && r.end < RECORD_ENDS);
        assert(r.client.len <= RECORD_TEXT_MOST && r.decision.len <= RECORD_TEXT_MOST);
        record_write(&r, &b);
        assert(buf_len(&b) <= RECORD_BYTES_MOST);
        assert(record_read(buf_str(&b), &r) == 0);
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str all = {(const char *)bytes, n};
    as_rollup(all);
    as_record(all);
    if (n < 5)
        return 0;
    uint32_t crc = crc32_add(0, str_from_offset(all, 5));
    char *copy = mem_new(n);
    memcpy(copy, bytes, n);
    copy[0] = (char)(1 + bytes[0] % 2); /* every version */
    memcpy(copy + 1, &crc, sizeof crc);
    as_rollup(str_from(copy, n));
    as_record(str_from(copy, n));
    mem_free(copy);
    return 0;
}
