/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever bytes come from the disk: a row of the prefix index, or of a scale, is refused, or what
 * it says makes sense and is written the same again. The checksum is made right first, so that the
 * fuzzer gets behind it.
 */
#include "weir/plan/prefix.h"

#include "weir/base/digest.h"
#include "weir/plan/ask.h"
#include "weir/plan/tokens.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { KEY = 8, VERSION = 2, CRC = 4, MOST = 256 };

static void as_row(uint64_t key, struct str row)
{
    struct prefix p, again;
    struct buf b = {0};
    if (prefix_read(key, row, &p) != 0)
        return;
    assert(p.key == key && !p.dirty && p.gap >= 0 && p.line_gap >= 0);
    assert(p.ttl <= ASK_1H && p.section < ASK_SECTIONS);
    prefix_write(&p, &b);
    assert(buf_len(&b) <= PREFIX_ROW_MOST);
    assert(prefix_read(key, buf_str(&b), &again) == 0);
    assert(memcmp(&p, &again, sizeof p) == 0);
    buf_fini(&b);
}

static void as_scale(struct str row)
{
    struct tokens_scale s, again;
    struct buf b = {0};
    if (tokens_scale_read(row, &s) != 0)
        return;
    assert(tokens_scaled(&s, 1000) <= 16000);
    tokens_scale_write(&s, &b);
    assert(tokens_scale_read(buf_str(&b), &again) == 0 && memcmp(&s, &again, sizeof s) == 0);
    tokens_scale_learn(&s, 1000, 1300);
    assert(s.factor > 0 && s.factor <= 16 && s.error >= 0 && s.error <= 1);
    buf_fini(&b);
}

static void mend(struct str row, uint32_t crc)
{
    memcpy((char *)row.ptr + VERSION, &crc, sizeof crc);
}

/* A prefix' key, then the row. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char copy[MOST];
    uint64_t key;
    if (n < KEY + VERSION + CRC || n > MOST)
        return 0;
    memcpy(&key, bytes, sizeof key);
    memcpy(copy, bytes, n);
    struct str row = {copy + KEY, n - KEY}, rest = str_from_offset(row, VERSION + CRC);
    as_row(key, row);
    as_scale(row);
    mend(row, crc32_add(crc32_add(0, str_from(copy, KEY)), rest));
    as_row(key, row);
    mend(row, crc32_add(0, rest));
    as_scale(row);
    return 0;
}
