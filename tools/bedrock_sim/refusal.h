/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a request is refused, before it is put into a dialect: status, AWS error type, sentence.
 */
#ifndef SIM_REFUSAL_H
#define SIM_REFUSAL_H

#include <stdbool.h>

struct refusal {
    int status;
    const char *type; /* static: "ValidationException" */
    bool capital;     /* the authentication layer writes "Message" instead of "message" */
    char message[512];
};

/* Fills it and returns false, so that a check can end with `return refusal_set(...)`. */
bool refusal_set(struct refusal *r, int status, const char *type, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same with 400 ValidationException. */
bool refusal_invalid(struct refusal *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The error type that Bedrock's runtime gives a status, and the other way round (0 when unknown;
 * published service model 2023-09-30, copy of August 2026). */
const char *refusal_type_of(int status);
int refusal_status_of(const char *type);
/* The table's own copy of the name; NULL when it has none. */
const char *refusal_known(const char *type);

#endif
