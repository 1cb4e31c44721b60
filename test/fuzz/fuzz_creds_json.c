/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever a metadata service, a portal or a program answers: no set, with a sentence, or one whose
 * parts could stand in a header.
 */
#include "../../src/aws/creds_json.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void fit_for_a_header(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        assert(s.ptr[i] > ' ' && s.ptr[i] < 0x7f);
}

static void take(const cJSON *o, const struct creds_names *names)
{
    char err[256] = "";
    struct creds *set = creds_json_take(o, names, "fuzz", err, sizeof err);
    assert(set || err[0]);
    if (!set)
        return;
    assert(set->access_key.len && set->secret_key.len && set->expires_s >= 0);
    fit_for_a_header(set->access_key);
    fit_for_a_header(set->secret_key);
    fit_for_a_header(set->session_token);
    creds_unref(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct creds_names usual = {"AccessKeyId", "SecretAccessKey", "Token",
                                             "Expiration", false};
    static const struct creds_names portal = {"accessKeyId", "secretAccessKey", "sessionToken",
                                              "expiration", true};
    char err[256] = "";
    cJSON *o = creds_json_parse(str_from((const char *)bytes, n), err, sizeof err);
    assert(o || err[0]);
    if (o) {
        take(o, &usual);
        take(cJSON_GetObjectItemCaseSensitive(o, "roleCredentials"), &portal);
    }
    creds_json_free(o);
    return 0;
}
