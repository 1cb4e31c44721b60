/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an answer of GetInferenceProfile: a model's id, or nothing.
 */
#include "weir/aws/bedrock_control.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char model[BEDROCK_CONTROL_MODEL_MOST];
    memset(model, 'x', sizeof model);
    if (bedrock_control_model(str_from((const char *)data, size), model))
        assert(memchr(model, 0, sizeof model) && model[0]);
    return 0;
}
