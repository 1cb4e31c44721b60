/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of bedrock-runtime's errors, and filling a refusal.
 */
#include "refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of several types with one status the first is the usual one. Where the model has none, the
 * documentation's common errors. 529 exists on the Anthropic-shaped paths. */
static const struct {
    const char *type;
    int status;
} errors[] = {
    {"ValidationException", 400},
    {"ServiceQuotaExceededException", 400},
    {"ConflictException", 400},
    {"SerializationException", 400},
    {"AccessDeniedException", 403},
    {"UnrecognizedClientException", 403},
    {"InvalidSignatureException", 403},
    {"ResourceNotFoundException", 404},
    {"UnknownOperationException", 404},
    {"ModelTimeoutException", 408},
    {"RequestEntityTooLargeException", 413},
    {"ModelErrorException", 424},
    {"ModelStreamErrorException", 424},
    {"ThrottlingException", 429},
    {"ModelNotReadyException", 429},
    {"InternalServerException", 500},
    {"ServiceUnavailableException", 503},
    {"OverloadedException", 529},
};

const char *refusal_type_of(int status)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].status == status)
            return errors[i].type;
    return status < 500 ? "ValidationException" : "InternalServerException";
}

int refusal_status_of(const char *type)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i].type, type) == 0)
            return errors[i].status;
    return 0;
}

const char *refusal_known(const char *type)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i].type, type) == 0)
            return errors[i].type;
    return NULL;
}

bool refusal_set(struct refusal *r, int status, const char *type, const char *format, ...)
{
    va_list args;
    r->status = status;
    r->type = type;
    r->capital = false;
    va_start(args, format);
    vsnprintf(r->message, sizeof r->message, format, args);
    va_end(args);
    return false;
}

bool refusal_invalid(struct refusal *r, const char *format, ...)
{
    va_list args;
    r->status = 400;
    r->type = "ValidationException";
    r->capital = false;
    va_start(args, format);
    vsnprintf(r->message, sizeof r->message, format, args);
    va_end(args);
    return false;
}
