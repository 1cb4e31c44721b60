/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever bytes come from the disk: a row of the spool is refused, or what it says makes sense and
 * is written the same again. The checksum is made right first, so that the fuzzer gets behind it.
 */
#include "../../src/book/spool_rows.h"

#include "weir/base/digest.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { VERSION = 1, CRC = 4, MOST = 1024, NUMBER = 7 };

static struct buf out;

static void as_row(struct str row)
{
    struct spool_row r, again;
    if (spool_row_read(NUMBER, row, &r) != 0)
        return;
    assert(r.attempts.len % SPOOL_ATTEMPT == 0 && r.status <= 999 && r.kind <= BATCH_INVOKE);
    buf_clear(&out);
    spool_row_write(NUMBER, &r, &out);
    assert(spool_row_read(NUMBER, buf_str(&out), &again) == 0);
    assert(str_eq(again.client, r.client) && str_eq(again.attempts, r.attempts) &&
           again.body_bytes == r.body_bytes && memcmp(again.key, r.key, sizeof r.key) == 0);
}

static void as_place(struct str row)
{
    struct spool_place p, again;
    if (spool_place_read(NUMBER, row, &p) != 0)
        return;
    assert(p.state < SPOOL_STATES && p.reply <= SPOOL_TICKET);
    struct spool_key key = spool_key_place(NUMBER, &p);
    assert(spool_key_end(spool_key_str(&key)) == NUMBER);
    buf_clear(&out);
    spool_place_write(NUMBER, &p, &out);
    assert(spool_place_read(NUMBER, buf_str(&out), &again) == 0);
    assert(again.bytes == p.bytes && again.flags == p.flags && again.of == p.of &&
           again.cost_nanousd == p.cost_nanousd && again.ticketed == p.ticketed);
}

static void as_others(struct str row)
{
    static const unsigned char key[32] = {1};
    struct spool_whose w, again;
    struct spool_gone g;
    if (spool_whose_read(NUMBER, row, &w) == 0) {
        buf_clear(&out);
        spool_whose_write(NUMBER, &w, &out);
        assert(spool_whose_read(NUMBER, buf_str(&out), &again) == 0);
        assert(str_eq(again.model, w.model) && str_eq(again.role, w.role));
    }
    (void)!spool_gone_read(NUMBER, row, &g);
    buf_clear(&out);
    assert(spool_piece_read(key, 'b', NUMBER, 0, row, &out) != 0 || row.ptr[0] == 1);
}

static void as_all(struct str row)
{
    as_row(row);
    as_place(row);
    as_others(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char copy[MOST];
    const unsigned char number[8] = {0, 0, 0, 0, 0, 0, 0, NUMBER};
    if (n < VERSION + CRC || n > MOST)
        return 0;
    memcpy(copy, bytes, n);
    struct str row = {copy, n};
    as_all(row);
    uint32_t crc = crc32_add(crc32_add(0, str_from((const char *)number, sizeof number)),
                             str_from_offset(row, VERSION + CRC));
    memcpy(copy + VERSION, &crc, sizeof crc);
    copy[0] = 1;
    as_all(row);
    return 0;
}
