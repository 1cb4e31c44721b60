/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials out of a small JSON answer: a container, IMDS, SSO and a process say the same under
 * different names.
 */
#ifndef WEIR_SRC_AWS_CREDS_JSON_H
#define WEIR_SRC_AWS_CREDS_JSON_H

#include "creds_source.h"

#include <cjson/cJSON.h>

struct creds_names {
    const char *access_key, *secret_key, *session_token, *expiration;
    bool expiration_is_ms; /* a number of milliseconds, else an ISO 8601 string */
};

/* NULL with a sentence when the bytes are not one JSON object. cJSON_Delete it. */
cJSON *creds_json_parse(struct str body, char *err, size_t err_size);
/* A string member; {NULL, 0} when it is not there or not a string. Borrowed. */
struct str creds_json_text(const cJSON *o, const char *name);
/* A set, or NULL with a sentence. A missing expiry means none. */
struct creds *creds_json_take(const cJSON *o, const struct creds_names *names, const char *source,
                              char *err, size_t err_size);
/* Overwrites the strings of a tree that held secrets, and deletes it. */
void creds_json_free(cJSON *o);

#endif
