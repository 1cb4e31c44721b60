/* SPDX-License-Identifier: Apache-2.0
 *
 * Any body: what is taken for an error's name stands in it, and is plain.
 */
#include "weir/base/text.h"
#include "weir/wire/aws_error.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct fields none;
    struct str body = str_from((const char *)bytes, n);
    struct str type = aws_error_type(&none, body);
    assert(type.len == 0 || (type.ptr > body.ptr && type.ptr + type.len < body.ptr + n));
    assert(text_is_plain(type));
    return 0;
}
