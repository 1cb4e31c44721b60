/* SPDX-License-Identifier: Apache-2.0
 *
 * The error of a record of a job, as the operation itself would have said it: SDKs make their
 * exceptions from x-amzn-errortype.
 */
#include "batch_private.h"

/* Bedrock's runtime API, InvokeModel and Converse (service model of 2026-11). */
static const struct {
    int status;
    struct str type;
} types[] = {{400, STR("ValidationException")},       {403, STR("AccessDeniedException")},
             {404, STR("ResourceNotFoundException")}, {408, STR("ModelTimeoutException")},
             {424, STR("ModelErrorException")},       {429, STR("ThrottlingException")},
             {500, STR("InternalServerException")},   {503, STR("ServiceUnavailableException")}};

struct str batch_error_type(int status)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].status == status)
            return types[i].type;
    return status < 500 ? S("ValidationException") : S("InternalServerException");
}

void batch_error_body(struct str message, struct buf *out)
{
    buf_add(out, S("{\"message\":\""));
    buf_add(out, message);
    buf_add(out, S("\"}"));
}
