/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever a refusal says and whatever was stored: nothing is learned of what was not marked, a
 * text that is about something else teaches nothing, and what is read is written again alike.
 */
#include "weir/plan/verdict.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void stored(struct str bytes)
{
    struct verdict v, again;
    struct buf b = {0};
    if (verdict_read(bytes, &v) != 0)
        return;
    verdict_write(&v, &b);
    int rc = verdict_read(buf_str(&b), &again);
    assert(rc == 0 && memcmp(v.until_s, again.until_s, sizeof v.until_s) == 0);
    struct cache_terms terms = {.fields = 7, .ttls = 3, .least_tokens = 1024};
    (void)verdict_apply(&v, 1780000000, &terms);
    assert(terms.least_tokens >= 1024 && terms.hit >= 0 && terms.hit <= 1);
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct verdict v = {0};
    if (n < 1)
        return 0;
    struct str text = {(const char *)bytes + 1, n - 1};
    unsigned marked = bytes[0] & 7;
    bool hour = bytes[0] & 8, about = verdict_refused(&v, text, marked, hour, 1780000000);
    for (unsigned i = 0; i < VERDICTS; i++) {
        assert(about || v.until_s[i] == 0);
        if (i <= VERDICT_MESSAGES)
            assert(v.until_s[i] == 0 || marked & 1U << i);
    }
    assert(hour || v.until_s[VERDICT_1H] == 0);
    stored(text);
    return 0;
}
