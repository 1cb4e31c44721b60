/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a zone's file: what is taken says an offset that a zone may have for every moment.
 */
#include "weir/base/mem.h"
#include "weir/wire/tzif.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t moments[] = {INT64_MIN,  INT32_MIN, -1,         0,         1,
                                      1800000000, INT32_MAX, 4102444800, 1LL << 50, INT64_MAX};
    char *exact = mem_new(size ? size : 1);
    struct tzif z;
    if (size)
        memcpy(exact, data, size);
    if (tzif_read(str_from(exact, size), &z) == 0)
        for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
            int32_t offset = tzif_offset(&z, moments[i]);
            assert(offset >= -25 * 3600 && offset <= 26 * 3600);
        }
    mem_free(exact);
    return 0;
}
