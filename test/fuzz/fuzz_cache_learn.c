/* SPDX-License-Identifier: Apache-2.0
 *
 * A learner's row as it comes from the disk, its checksum made right: it is refused, and the
 * learner is as new, or plans with it are lawful and what it would write is read again.
 */
#include "weir/base/digest.h"
#include "weir/plan/cache_plan.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { FORM = 2, CRC = 4, MOST = 8192, SITES = 40 };

static void plan(struct cache_learner *l)
{
    static const struct cache_terms terms = {.fields = 7,
                                             .ttls = 3,
                                             .most_markers = 4,
                                             .least_tokens = 1024,
                                             .renews = true,
                                             .read = 0.1F,
                                             .write_5m = 1.25F,
                                             .write_1h = 2,
                                             .hit = 1,
                                             .exploring = 0.004F};
    struct cache_site sites[SITES];
    struct prefix index[SITES];
    struct cache_plan out;
    memset(index, 0, sizeof index);
    for (uint32_t now = 1000; now < 100000; now += 9000) {
        for (uint32_t i = 0; i < SITES; i++) {
            sites[i] = (struct cache_site){
                .key = i + 1, .tokens = 500 * (i + 1), .section = ASK_MESSAGES, .open = true};
            cache_see(&sites[i], &index[i], SITES - 1 - i, now);
        }
        cache_plan(l, &terms, sites, SITES, 0, now, false, &out);
        assert(out.n <= ASK_MARKERS_MOST);
        for (size_t i = 0; i < out.n_notes; i++)
            cache_note(&index[out.notes[i].block], &out.notes[i], now);
        for (size_t i = 0; i < out.n; i++)
            cache_mark(&index[out.marks[i].block], &out.marks[i], 0, now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static _Alignas(16) unsigned char memory[CACHE_LEARNER_BYTES];
    char copy[MOST];
    struct buf again = {0};
    if (n < FORM + CRC || n > MOST)
        return 0;
    memcpy(copy, bytes, n);
    struct str row = {copy, n};
    uint32_t crc = crc32_add(0, str_from_offset(row, FORM + CRC));
    memcpy(copy + FORM, &crc, sizeof crc);
    struct cache_learner *l = cache_learner_init(memory);
    if (cache_learner_read(l, row) != 0)
        return 0;
    plan(l);
    cache_learner_write(l, &again);
    assert(cache_learner_read(l, buf_str(&again)) == 0);
    buf_fini(&again);
    return 0;
}
