/* SPDX-License-Identifier: Apache-2.0
 *
 * A prefix as a stored row: version, checksum over key and bytes, then the entry as it lies in
 * memory behind its key, without the zeros at its end (most are seen once, and short). Rows are of
 * one machine: on one that writes numbers the other way round the version reads wrong. Who changes
 * struct prefix gives the next version; rows of another one are refused, and learned again.
 */
#include "weir/base/digest.h"
#include "weir/plan/ask.h"
#include "weir/plan/prefix.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const uint16_t version = 0x5701;

enum {
    AT_CRC = sizeof version,
    AT_BYTES = AT_CRC + sizeof(uint32_t),
    BEHIND_KEY = offsetof(struct prefix, key) + sizeof(uint64_t),
    BYTES_MOST = sizeof(struct prefix) - BEHIND_KEY
};
_Static_assert(AT_BYTES + BYTES_MOST == PREFIX_ROW_MOST, "as the door says");

static uint32_t checksum(uint64_t key, struct str bytes)
{
    return crc32_add(crc32_add(0, str_from((const char *)&key, sizeof key)), bytes);
}

void prefix_write(const struct prefix *p, struct buf *out)
{
    struct prefix clean = *p;
    clean.dirty = 0;
    struct str bytes = {(const char *)&clean + BEHIND_KEY, BYTES_MOST};
    while (bytes.len && bytes.ptr[bytes.len - 1] == 0)
        bytes.len--;
    uint32_t crc = checksum(p->key, bytes);
    buf_add(out, str_from((const char *)&version, sizeof version));
    buf_add(out, str_from((const char *)&crc, sizeof crc));
    buf_add(out, bytes);
}

static bool is_seconds(float f)
{
    return isfinite(f) && f >= 0;
}

int prefix_read(uint64_t key, struct str bytes, struct prefix *out)
{
    struct prefix p = {.key = key};
    uint32_t crc;
    if (bytes.len < AT_BYTES || bytes.len > AT_BYTES + BYTES_MOST ||
        memcmp(bytes.ptr, &version, sizeof version) != 0)
        return ERR_BAD;
    memcpy(&crc, bytes.ptr + AT_CRC, sizeof crc);
    bytes = str_from_offset(bytes, AT_BYTES);
    if (checksum(key, bytes) != crc)
        return ERR_BAD;
    memcpy((char *)&p + BEHIND_KEY, bytes.ptr, bytes.len);
    if (!is_seconds(p.gap) || !is_seconds(p.line_gap) || p.ttl > ASK_1H ||
        p.section >= ASK_SECTIONS || p.dirty)
        return ERR_BAD;
    *out = p;
    return 0;
}
