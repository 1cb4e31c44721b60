/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever bytes stand in a trace: cut into records, each is read or refused with a place inside of
 * it; a row's boundaries grow, and are no more than there is room for.
 */
#include "weir/base/mem.h"
#include "weir/plan/trace.h"
#include "weir/wire/gunzip.h"
#include "weir/wire/json_split.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { ROOM = 64, UNPACKED = 4096 };

static void as_row(struct str record, const struct trace_record *t)
{
    struct cache_site sites[ROOM];
    struct trace_fault fault;
    size_t n;
    if (trace_sites(record, t, sites, ROOM, &n, &fault)) {
        assert(fault.at <= record.len && fault.what);
        return;
    }
    assert(n <= ROOM && n <= t->tokens / TRACE_BLOCK_TOKENS);
    for (size_t i = 0; i < n; i++)
        assert(sites[i].tokens == (i + 1) * TRACE_BLOCK_TOKENS);
}

static void as_record(struct str record)
{
    struct arena a;
    struct trace_record t;
    struct trace_fault fault;
    arena_init(&a, 4096);
    int err = trace_read(record, &a, &t, &fault);
    if (err == ERR_BAD)
        assert(fault.at <= record.len && fault.what);
    else if (err == 0 && t.kind == TRACE_ROW)
        as_row(record, &t);
    else if (err == 0 && t.body.len)
        assert(t.body.ptr >= record.ptr && t.body.ptr + t.body.len <= record.ptr + record.len);
    arena_fini(&a);
}

static void as_text(struct str text, size_t piece)
{
    struct json_split s = {.begun.max = 1000};
    struct str record;
    int got = 0;
    for (size_t at = 0; at < text.len && got == 0; at += piece) {
        struct str part = str_sub(text, at, piece);
        while ((got = json_split_step(&s, &part, &record)) == 1) {
            assert(record.len >= 2 && record.ptr[0] == '{' && s.first <= s.lines);
            as_record(record);
        }
    }
    if (got == 0)
        got = json_split_end(&s);
    assert(got == 0 || s.fault);
    json_split_fini(&s);
}

static void as_gzip(struct str bytes)
{
    struct gunzip *g = gunzip_new();
    char *room = mem_new(UNPACKED);
    size_t n = 0;
    do {
        if (gunzip_step(g, &bytes, room, UNPACKED, &n))
            break;
        assert(n <= UNPACKED);
    } while (bytes.len || n == UNPACKED);
    mem_free(room);
    gunzip_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str all = {(const char *)bytes, n};
    as_text(all, n ? n : 1);
    as_text(all, 7);
    as_record(all);
    if (gunzip_is(all))
        as_gzip(all);
    return 0;
}
