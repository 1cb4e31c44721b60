/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials out of JSON, with cJSON: these answers are small, come from AWS's own services or the
 * operator's programs, and are never a client's.
 */
#include "creds_json.h"

#include "weir/base/digest.h"
#include "weir/base/text.h"

#include <stdio.h>
#include <string.h>

cJSON *creds_json_parse(struct str body, char *err, size_t err_size)
{
    cJSON *o = cJSON_ParseWithLength(body.ptr ? body.ptr : "", body.len);
    if (cJSON_IsObject(o))
        return o;
    creds_json_free(o);
    snprintf(err, err_size, "not a JSON object");
    return NULL;
}

struct str creds_json_text(const cJSON *o, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsString(item) ? str_of(item->valuestring) : (struct str){NULL, 0};
}

static bool read_expiry(const cJSON *o, const struct creds_names *names, int64_t *out_s)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, names->expiration);
    *out_s = 0;
    if (!item || cJSON_IsNull(item))
        return true;
    if (names->expiration_is_ms) {
        double s = cJSON_IsNumber(item) ? item->valuedouble / 1000 : -1;
        if (!(s > 0 && s < 1e11))
            return false;
        *out_s = (int64_t)s;
        return true;
    }
    return cJSON_IsString(item) && text_parse_iso_time(str_of(item->valuestring), out_s) &&
           *out_s > 0;
}

struct creds *creds_json_take(const cJSON *o, const struct creds_names *names, const char *source,
                              char *err, size_t err_size)
{
    int64_t expires_s;
    if (!read_expiry(o, names, &expires_s)) {
        snprintf(err, err_size, "%s is not a time", names->expiration);
        return NULL;
    }
    return creds_make(creds_json_text(o, names->access_key), creds_json_text(o, names->secret_key),
                      creds_json_text(o, names->session_token), expires_s, source, err, err_size);
}

static void wipe(cJSON *o)
{
    for (; o; o = o->next) {
        if (o->valuestring)
            secret_wipe(o->valuestring, strlen(o->valuestring));
        wipe(o->child);
    }
}

void creds_json_free(cJSON *o)
{
    wipe(o);
    cJSON_Delete(o);
}
