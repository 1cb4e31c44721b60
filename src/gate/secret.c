/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets of files. The buffer that a file was read into is wiped, and what is kept is a copy of
 * exact size that its owner wipes.
 */
#include "secret.h"

#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/base/mem.h"

#include <stdio.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str trim(struct str s)
{
    while (s.len && is_space(s.ptr[0]))
        s = str_from_offset(s, 1);
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static const char *fault_of(struct str s, size_t least)
{
    if (s.len == 0)
        return "is empty";
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
            return "holds more than one word of visible ASCII";
    return s.len < least ? "holds too short a secret" : NULL;
}

static struct str copy_of(struct str s)
{
    char *bytes = mem_new(s.len);
    memcpy(bytes, s.ptr, s.len);
    return str_from(bytes, s.len);
}

bool secret_read(const char *path, size_t least, struct str *out, char *err, size_t err_size)
{
    struct buf text = {0};
    bool good = file_read_private(path, SECRET_MOST, true, &text, err, err_size) == 0;
    struct str word = trim(buf_str(&text));
    const char *fault = good ? fault_of(word, least) : NULL;
    if (fault)
        snprintf(err, err_size, "%s: %s; it wants one of at least %zu characters", path, fault,
                 least);
    good = good && !fault;
    if (good)
        *out = copy_of(word);
    if (text.data)
        secret_wipe(text.data, text.cap);
    buf_fini(&text);
    return good;
}

void secret_drop(struct str *secret)
{
    if (secret->ptr) {
        secret_wipe((char *)secret->ptr, secret->len);
        mem_free((char *)secret->ptr);
    }
    *secret = (struct str){NULL, 0};
}
