/* SPDX-License-Identifier: Apache-2.0
 *
 * Sort, then walk once: what stands between the end of the last edit and the next one is a piece
 * of the original. There are a handful of edits (Bedrock takes four cache markers), so insertion
 * sort is right, and it keeps the order of equals.
 */
#include "weir/wire/json_edit.h"

/* At one place, what only inserts comes first. */
static bool before(const struct json_edit *a, const struct json_edit *b)
{
    return a->at != b->at ? a->at < b->at : a->len == 0 && b->len != 0;
}

static void sort(struct json_edit *edits, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct json_edit e = edits[i];
        size_t to = i;
        for (; to > 0 && before(&e, &edits[to - 1]); to--)
            edits[to] = edits[to - 1];
        edits[to] = e;
    }
}

static bool add(struct str piece, struct str *out, size_t max, size_t *count)
{
    if (piece.len == 0)
        return true;
    if (*count == max)
        return false;
    out[(*count)++] = piece;
    return true;
}

ssize_t json_edit_pieces(struct json_edit *edits, size_t n, struct str original, struct str *out,
                         size_t max)
{
    size_t count = 0, from = 0;
    sort(edits, n);
    for (size_t i = 0; i < n; i++) {
        const struct json_edit *e = &edits[i];
        if (e->at < from || e->at > original.len || e->len > original.len - e->at)
            return ERR_BAD;
        if (!add(str_sub(original, from, e->at - from), out, max, &count) ||
            !add(e->with, out, max, &count))
            return ERR_TOO_BIG;
        from = e->at + e->len;
    }
    if (!add(str_from_offset(original, from), out, max, &count))
        return ERR_TOO_BIG;
    return (ssize_t)count;
}
