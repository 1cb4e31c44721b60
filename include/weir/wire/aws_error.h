/* SPDX-License-Identifier: Apache-2.0
 *
 * What an AWS service calls its error. REST services tell it in the field x-amzn-errortype, those
 * that speak "AWS JSON" in the body's __type, the query protocol in x-amzn-query-error; layers
 * before a service have only `code`. Each may have a name space before it ("com.amazon#") and an
 * address (":http://...") or a blame (";Sender") behind (smithy.io, restJson1 and awsJson1_0, read
 * 2026-11).
 */
#ifndef WEIR_WIRE_AWS_ERROR_H
#define WEIR_WIRE_AWS_ERROR_H

#include "weir/wire/fields.h"

/* "ValidationException"; empty when it is told nowhere. `body`: JSON, or anything, or empty where
 * it is not there (yet). Borrowed from one of both. */
struct str aws_error_type(const struct fields *fields, struct str body);

/* The credentials are not known any more: there may be newer ones. */
bool aws_error_stale(struct str type);
/* The signature is refused: the clock is wrong, or the secret is. */
bool aws_error_signature(struct str type);

#endif
