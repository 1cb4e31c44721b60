/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever bytes come: entries lie inside the text, lines only grow, and the end is reached.
 */
#include "weir/wire/ini.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void inside(struct str part, struct str text)
{
    assert(part.len == 0 || (part.ptr >= text.ptr && part.ptr + part.len <= text.ptr + text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str text = {(const char *)bytes, n};
    struct ini i;
    struct ini_entry e = {0};
    unsigned line = 0;
    ini_begin(&i, text);
    while (ini_next(&i, &e) == 1) {
        assert(e.line > line && e.section.len);
        inside(e.section, text);
        inside(e.key, text);
        inside(e.value, text);
        line = e.line;
    }
    return 0;
}
