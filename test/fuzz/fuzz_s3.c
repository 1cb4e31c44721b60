/* SPDX-License-Identifier: Apache-2.0
 *
 * Two bytes of a status, and any bytes as an answer of S3: it has one meaning and a sentence, and
 * as a list it has keys that lie one behind the other.
 */
#include "../../src/aws/s3_ask.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(int status, struct str body)
{
    static const struct s3 s = {.o.bucket = STR("acme")};
    static const struct fields none;
    struct s3_verdict v;
    s3_judge(&s, ORIGIN_DONE, NULL, status, &none, body, &v);
    assert(memchr(v.why, 0, sizeof v.why) && memchr(v.code, 0, sizeof v.code));
    assert(v.end == S3_GOOD ? !v.why[0] && !v.again : str_find(str_of(v.why), S("acme")) >= 0);
    assert(!v.again || v.end == S3_FAILED);
    assert(v.end != S3_GOOD || (status >= 200 && status < 300));
}

static void list(struct str body)
{
    size_t ends[S3_KEYS_MOST], n = 0, at = 0;
    struct buf room = {0};
    bool good = s3_read_keys(body, &room, ends, &n);
    assert(n <= S3_KEYS_MOST);
    for (size_t i = 0; good && i < n; i++) {
        assert(ends[i] >= at && ends[i] <= buf_len(&room));
        at = ends[i];
    }
    buf_fini(&room);
}

static void uploads(struct str body)
{
    struct buf key = {0}, id = {0};
    struct str rest = body;
    while (s3_read_upload(&rest, &key, &id) == 0)
        assert(rest.len < body.len);
    buf_fini(&key);
    buf_fini(&id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct str body = str_from((const char *)data + 2, size - 2);
    judge(100 + (data[0] << 8 | data[1]) % 500, body);
    list(body);
    uploads(body);
    return 0;
}
