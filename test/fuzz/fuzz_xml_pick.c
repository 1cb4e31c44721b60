/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as XML: what is given lies inside the input, the walk moves on, picked text is never
 * longer than its source, and a failed pick leaves no trace.
 */
#include "weir/wire/xml_pick.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pick(struct str inside, struct str name)
{
    struct buf b = {0};
    int err = xml_pick(inside, name, &b);
    assert(buf_len(&b) <= inside.len && (!err || buf_len(&b) == 0));
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str names[] = {STR("a"), STR("Contents"), STR("Key")};
    struct str all = {(const char *)data, size};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str rest = all, inside;
        for (size_t before = rest.len; xml_pick_next(&rest, names[i], &inside) == 0;) {
            assert(rest.len < before && rest.ptr + rest.len == all.ptr + all.len);
            assert(inside.ptr >= all.ptr && inside.ptr + inside.len <= rest.ptr);
            before = rest.len;
            pick(inside, S("Key"));
        }
        pick(all, names[i]);
    }
    return 0;
}
