/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as server-sent events: whole and cut up, the same events; and each event, written
 * again, is read as it was. The first byte says how to cut and how much to hold.
 */
#include "weir/wire/sse.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(struct buf *out, const struct sse_event *e)
{
    buf_addf(out, "%d %zu %zu %zu\n", e->passed_over, e->name.len, e->data.len, e->id.len);
    buf_add(out, e->name);
    buf_add(out, e->data);
    buf_add(out, e->id);
}

static void check_written(const struct sse_event *e)
{
    struct sse s = {.event_most = 1 << 20};
    struct sse_event again;
    struct buf b = {0};
    sse_add(&b, e->name, e->data);
    struct str in = buf_str(&b);
    assert(sse_next(&s, &in, &again) && in.len == 0);
    assert(str_eq(again.name, e->name) && str_eq(again.data, e->data));
    sse_fini(&s);
    buf_fini(&b);
}

static void read_all(struct str all, size_t step, size_t event_most, struct buf *out)
{
    struct sse s = {.event_most = event_most};
    struct sse_event e;
    for (size_t at = 0; at < all.len; at += step) {
        struct str in = str_sub(all, at, step);
        while (sse_next(&s, &in, &e)) {
            assert(e.data.len <= event_most && (!e.passed_over || e.data.len == 0));
            note(out, &e);
            check_written(&e);
        }
        assert(in.len == 0);
    }
    sse_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = {0}, cut = {0};
    if (size < 1)
        return 0;
    struct str all = {(const char *)data + 1, size - 1};
    size_t event_most = data[0] & 1 ? 16 : 1 << 16;
    read_all(all, size, event_most, &whole);
    read_all(all, 1 + (data[0] >> 1), event_most, &cut);
    assert(str_eq(buf_str(&whole), buf_str(&cut)));
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
