/* SPDX-License-Identifier: Apache-2.0
 *
 * The growing byte buffer. It moves bytes to the front only when that makes the room that is
 * asked for, and otherwise doubles.
 */
#include "weir/base/buf.h"

#include "weir/base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_fini(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){.max = b->max};
}

char *buf_reserve(struct buf *b, size_t n)
{
    size_t len = buf_len(b);
    if (b->max && (n > b->max || len > b->max - n)) {
        b->overflow = true;
        return NULL;
    }
    if (b->cap - b->tail >= n)
        return b->tail ? b->data + b->tail : b->data;
    if (b->cap - len >= n && b->head >= len) {
        memcpy(b->data, b->data + b->head, len);
    } else {
        size_t cap = b->cap ? b->cap : 256;
        while (cap < len + n)
            cap *= 2;
        char *data = mem_grow(NULL, cap);
        if (len)
            memcpy(data, b->data + b->head, len);
        mem_free(b->data);
        b->data = data;
        b->cap = cap;
    }
    b->head = 0;
    b->tail = len;
    return b->data + b->tail;
}

void buf_commit(struct buf *b, size_t n)
{
    assert(b->cap - b->tail >= n);
    b->tail += n;
}

void buf_add(struct buf *b, struct str s)
{
    if (s.len == 0)
        return;
    char *at = buf_reserve(b, s.len);
    if (!at)
        return;
    memcpy(at, s.ptr, s.len);
    b->tail += s.len;
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, (struct str){&c, 1});
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    assert(n >= 0);
    char *at = buf_reserve(b, (size_t)n + 1);
    if (at) {
        vsnprintf(at, (size_t)n + 1, format, again);
        b->tail += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void buf_add_u64(struct buf *b, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    buf_add(b, (struct str){digits + at, sizeof digits - at});
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= buf_len(b));
    b->head += n;
    if (b->head == b->tail)
        b->head = b->tail = 0;
}

void buf_clear(struct buf *b)
{
    b->head = b->tail = 0;
    b->overflow = false;
}

const char *buf_cstr(struct buf *b)
{
    char *at = buf_reserve(b, 1);
    if (!at)
        return "";
    *at = 0;
    return b->data + b->head;
}
