/* SPDX-License-Identifier: Apache-2.0
 *
 * Any line of a batch's output: what is read of it lies inside it, and is what it says to be.
 */
#include "weir/base/mem.h"
#include "weir/plan/batch_line.h"
#include "weir/wire/json_scan.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lies_in(struct str part, struct str line)
{
    if (part.len)
        assert(part.ptr > line.ptr && part.ptr + part.len < line.ptr + line.len);
}

static void is_json(struct str value)
{
    struct json_scan s;
    json_init(&s, value);
    assert(json_skip(&s) > JSON_END && json_skip(&s) == JSON_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = mem_new(size ? size : 1);
    struct str line = str_from(exact, size);
    struct batch_answer a = {.error_code = -1};
    if (size)
        memcpy(exact, data, size);
    if (batch_answer_read(line, &a) == 0) {
        lies_in(a.id, line);
        lies_in(a.output, line);
        lies_in(a.error, line);
        assert(a.id.len && (a.output.len || a.has_error) && a.error_code >= 0);
        assert(a.has_error || (a.error_code == 0 && a.error.len == 0));
        if (a.output.len)
            is_json(a.output);
    } else {
        assert(a.error_code == -1);
    }
    mem_free(exact);
    return 0;
}
