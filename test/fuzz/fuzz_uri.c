/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths and queries: the segments are the path again; a path that may go on decodes segment by
 * segment to UTF-8 text without controls; what was decoded, encoded and decoded again is itself,
 * and encoded it is a path that may go on too.
 */
#include "weir/base/mem.h"
#include "weir/wire/uri.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool is_dots(struct str s)
{
    return str_eq(s, S(".")) || str_eq(s, S(".."));
}

static void encode_again(struct str text)
{
    struct buf b = {0};
    uri_encode_segment(&b, text);
    char *room = mem_try(text.len + 1);
    ssize_t n = uri_decode_segment(buf_str(&b), room, text.len);
    assert(n >= 0 && str_eq(str_from(room, (size_t)n), text));
    mem_free(room);
    buf_fini(&b);
}

static void check_segment(struct str segment)
{
    char *room = mem_try(segment.len + 1);
    ssize_t n = uri_decode_segment(segment, room, segment.len);
    assert(n >= 0 && (size_t)n <= segment.len);
    struct str text = str_from(room, (size_t)n);
    assert(!is_dots(segment) && !is_dots(text));
    for (size_t i = 0; i < text.len; i++)
        assert((unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f);
    encode_again(text);
    mem_free(room);
}

static void check_path(struct str path)
{
    bool good = uri_check_path(path) == 0;
    for (struct str rest = path; good && rest.len;)
        check_segment(str_cut(&rest, '/'));
}

static void check_query(struct str query)
{
    struct str rest = query, name, value;
    while (uri_next_param(&rest, &name, &value)) {
        assert(str_chr(name, '=') < 0 && str_chr(name, '&') < 0 && str_chr(value, '&') < 0);
        char *room = mem_try(name.len + 1);
        ssize_t n = uri_decode_segment(name, room, name.len);
        assert(n == ERR_BAD || (n >= 0 && (size_t)n <= name.len));
        mem_free(room);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str path, query;
    uri_split((struct str){(const char *)bytes, n}, &path, &query);
    check_path(path);
    check_query(query);
    return 0;
}
