/* SPDX-License-Identifier: Apache-2.0
 *
 * Any edits on any text against a plain model that goes through the text byte by byte. Input: how
 * many edits (0..15), three bytes for each (offset, length, number of bytes that come), the text.
 */
#include "weir/base/buf.h"
#include "weir/wire/json_edit.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EDITS_MOST = 15 };

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

/* In the order given, which is that of insertions at one place; false when it cannot be. */
static bool model(const struct json_edit *edits, size_t n, struct str text, struct buf *out)
{
    size_t gone = 0;
    for (size_t i = 0; i <= text.len; i++) {
        for (int pass = 0; pass < 2; pass++)
            for (size_t e = 0; e < n; e++) {
                if (edits[e].at != i || (edits[e].len > 0) != pass)
                    continue;
                if (gone || edits[e].len > text.len - i)
                    return false;
                buf_add(out, edits[e].with);
                gone = edits[e].len;
            }
        if (gone)
            gone--;
        else
            buf_add(out, str_sub(text, i, 1));
    }
    for (size_t e = 0; e < n; e++)
        if (edits[e].at > text.len)
            return false;
    return true;
}

static void check(struct json_edit *edits, size_t n, struct str text)
{
    struct str pieces[JSON_EDIT_PIECES(EDITS_MOST)];
    struct buf want = {0}, got = {0};
    bool possible = model(edits, n, text, &want);
    ssize_t count = json_edit_pieces(edits, n, text, pieces, JSON_EDIT_PIECES(n));
    assert(possible ? count >= 0 : count == ERR_BAD);
    for (ssize_t i = 0; i < count; i++) {
        assert(pieces[i].len);
        buf_add(&got, pieces[i]);
    }
    assert(!possible || str_eq(buf_str(&got), buf_str(&want)));
    if (count > 0)
        assert(json_edit_pieces(edits, n, text, pieces, (size_t)count - 1) == ERR_TOO_BIG);
    buf_fini(&want);
    buf_fini(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_edit edits[EDITS_MOST];
    size_t n = size ? data[0] % (EDITS_MOST + 1) : 0;
    if (size < 1 + 3 * n)
        return 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *three = data + 1 + 3 * i;
        edits[i] = (struct json_edit){three[0], three[1], {letters + i, three[2] % 8u}};
    }
    check(edits, n, str_from((const char *)data + 1 + 3 * n, size - 1 - 3 * n));
    return 0;
}
