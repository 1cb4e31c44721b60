/* SPDX-License-Identifier: Apache-2.0
 *
 * STATE/keys, whatever stands there: a fault that names a line, or rows that are written again as
 * the same rows. And the bodies by which keys are asked for and answered.
 */
#include "../../src/gate/keyring_rows.h"
#include "weir/gate/issue.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void write_all(const struct keyring_rows *rows, struct buf *out)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct key *k = &rows->rows[i].key;
        assert(k->id.len && k->id.len <= KEYRING_ID_MOST && k->client.len <= KEYRING_CLIENT_MOST);
        assert(k->admin == (k->client.len == 0) && k->made_s >= 0 && k->revoked_s >= 0);
        assert(keyring_rows_find(rows, k->id) == &rows->rows[i]);
        keyring_rows_add(&rows->rows[i], out);
    }
}

static void read_rows(struct str text)
{
    struct keyring_rows rows, again;
    struct buf once = {0}, twice = {0};
    char why[160] = "";
    bool good = keyring_rows_read(text, &rows, why, sizeof why);
    assert(good || (why[0] >= '1' && why[0] <= '9'));
    if (good) {
        write_all(&rows, &once);
        good = keyring_rows_read(buf_str(&once), &again, why, sizeof why);
        assert(good && again.n == rows.n);
        write_all(&again, &twice);
        assert(str_eq(buf_str(&once), buf_str(&twice)));
        keyring_rows_fini(&again);
    }
    keyring_rows_fini(&rows);
    buf_fini(&once);
    buf_fini(&twice);
}

static void read_order(struct str text)
{
    struct issue i, again;
    struct buf sentence = {0}, body = {0}, id = {0}, secret = {0};
    bool good = issue_read(text, &i, &sentence);
    assert(good == (buf_len(&sentence) == 0));
    if (good) {
        issue_add_request(&i, &body);
        good = issue_read(buf_str(&body), &again, &sentence);
        assert(good && str_eq(again.client, i.client) && again.kind == i.kind);
    }
    if (issue_read_key(text, &id, &secret) == 0)
        assert(buf_len(&id) + buf_len(&secret) <= text.len);
    buf_fini(&sentence);
    buf_fini(&body);
    buf_fini(&id);
    buf_fini(&secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str text = str_from((const char *)bytes, n);
    read_rows(text);
    read_order(text);
    return 0;
}
