/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever bytes come: in slices and by vectors the scanner says what the exact reader says of the
 * whole; tokens stand in order inside the text; strings read back as what they mean; json_pick and
 * json_skip reach the same verdict. The first byte of the input is the size of a slice.
 */
#include "weir/base/mem.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/json_string.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t run_none(const unsigned char *p, size_t n)
{
    return 0;
}

static void check_string(struct str raw)
{
    char *out = mem_new(raw.len);
    size_t len = 0;
    int err = json_string_copy(raw, out, raw.len - 2, &len);
    assert(err == 0 || err == ERR_BAD);
    assert(err || json_string_is(raw, str_from(out, len)));
    if (err == 0 && len > 0)
        assert(json_string_copy(raw, out, len - 1, &len) == ERR_TOO_BIG);
    mem_free(out);
}

static enum json_token next_sliced(struct json_scan *s, size_t slice)
{
    enum json_token t;
    while ((t = json_next(s)) == JSON_PAUSE)
        s->stop += slice;
    return t;
}

static enum json_token check_tokens(struct str text, size_t slice)
{
    struct json_scan exact, quick;
    enum json_token t;
    size_t last = 0;
    json_init(&exact, text);
    json_init(&quick, text);
    exact.run = run_none;
    quick.stop = 0;
    while ((t = json_next(&exact)) > JSON_END) {
        assert(next_sliced(&quick, slice) == t);
        assert(exact.at == quick.at && exact.pos == quick.pos && exact.depth == quick.depth);
        assert(exact.at >= last && exact.pos > exact.at && exact.pos <= text.len);
        last = exact.pos;
        if (t == JSON_STRING || t == JSON_KEY)
            check_string(json_raw(&exact));
    }
    assert(next_sliced(&quick, slice) == t && t != JSON_PAUSE);
    assert(t == JSON_END || (exact.fault == quick.fault && exact.fault_at == quick.fault_at));
    assert(t == JSON_END || exact.fault_at <= text.len);
    return t;
}

static enum json_token picked(struct str text, size_t slice)
{
    struct json_member want[] = {{.name = STR("a")}, {.name = STR("model")}};
    struct json_pick p;
    enum json_token t;
    json_pick_init(&p, text, want, 2);
    p.scan.stop = 0;
    while ((t = json_pick_step(&p)) == JSON_PAUSE)
        p.scan.stop += slice;
    for (int i = 0; i < 2 && t == JSON_END; i++)
        assert(!want[i].times || check_tokens(want[i].raw, slice) == JSON_END);
    return t;
}

static enum json_token skipped(struct str text)
{
    struct json_scan s;
    json_init(&s, text);
    return json_skip(&s) == JSON_BAD ? JSON_BAD : json_skip(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t slice = data[0] + 1u;
    struct str text = {(const char *)data + 1, size - 1};
    enum json_token verdict = check_tokens(text, slice);
    assert(picked(text, slice) == verdict);
    assert(skipped(text) == verdict);
    return 0;
}
