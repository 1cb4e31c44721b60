/* SPDX-License-Identifier: Apache-2.0
 *
 * Any form: what is decoded fits into as many bytes as the form has; reading ends.
 */
#include "weir/base/mem.h"
#include "weir/wire/form.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct form f;
    struct str name, value;
    char *room = mem_new(n + 1);
    size_t used = 0;
    form_init(&f, str_from((const char *)bytes, n), room);
    while (form_next(&f, &name, &value) == 1) {
        used += name.len + value.len;
        assert(used <= n && name.ptr[name.len] == '\0' && value.ptr[value.len] == '\0');
    }
    mem_free(room);
    return 0;
}
