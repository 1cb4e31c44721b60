/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as hours: what is taken names no file outside of the zones' folder, and says something
 * of every moment.
 */
#include "weir/base/mem.h"
#include "weir/plan/window.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = mem_new(size ? size : 1);
    struct window w;
    struct str zone;
    if (size)
        memcpy(exact, data, size);
    if (!window_parse(str_from(exact, size), &w, &zone)) {
        unsigned held = 0;
        assert(w.days && w.days < 128 && w.begin_s >= 0 && w.begin_s != w.end_s);
        assert(zone.len == 0 || (zone.ptr[0] != '/' && str_chr(zone, '.') < 0));
        w.utc = true;
        for (int64_t minute = 0; minute < 7 * 24 * 60; minute++)
            held += window_holds(&w, minute * 60);
        assert(held);
    }
    mem_free(exact);
    return 0;
}
