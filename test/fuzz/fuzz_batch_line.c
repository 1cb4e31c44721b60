/* SPDX-License-Identifier: Apache-2.0
 *
 * Any body as a batch's record; the first byte says of which kind and model. Looking and packing
 * agree; what is refused leaves nothing; a line is one line of strict JSON, its tokens are the
 * body's in their order, and taking it once more changes nothing.
 */
#include "weir/base/mem.h"
#include "weir/plan/batch_line.h"
#include "weir/wire/json_scan.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str head = STR("{\"recordId\":\"r\",\"modelInput\":"), foot = STR("}\n");

static void check_tokens(struct str line, struct str body)
{
    struct json_scan of_line, of_body;
    json_init(&of_line, line);
    json_init(&of_body, body);
    for (enum json_token t, u; (t = json_next(&of_line)) != JSON_END;) {
        assert(t > JSON_END);
        while ((u = json_next(&of_body)) != t || !str_eq(json_raw(&of_line), json_raw(&of_body)))
            assert(u > JSON_END);
    }
}

static void check_slices(enum batch_kind kind, struct str model, struct str body, const char *whole)
{
    struct batch_look l;
    const char *why = NULL;
    batch_look_begin(&l, kind, model, body);
    while (batch_look_step(&l, 16, &why))
        assert(!why);
    assert(why == whole);
}

static void check_line(enum batch_kind kind, struct str model, struct str body)
{
    struct buf line = {0}, again = {0};
    const char *why = batch_line_unfit(kind, model, body);
    check_slices(kind, model, body, why);
    int err = batch_line_add(kind, model, S("r"), body, &line);
    assert((err == 0) == (why == NULL) && (err == 0 || (err == ERR_BAD && buf_len(&line) == 0)));
    if (err == 0) {
        struct str l = buf_str(&line), input = str_sub(l, head.len, l.len - head.len - foot.len);
        assert(str_starts(l, head) && str_ends(l, foot) && str_chr(input, '\n') < 0);
        check_tokens(input, body);
        assert(batch_line_add(kind, model, S("r"), input, &again) == 0);
        assert(str_eq(buf_str(&again), l));
    }
    buf_fini(&line);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str models[] = {STR("any"), STR("us.anthropic.claude-x"),
                                        STR("amazon.nova-lite-v1:0"), STR("openai.gpt-oss")};
    if (size < 1)
        return 0;
    char *exact = mem_new(size);
    memcpy(exact, data + 1, size - 1);
    unsigned which = data[0] % 4;
    check_line(which ? BATCH_INVOKE : BATCH_CONVERSE, models[which], str_from(exact, size - 1));
    mem_free(exact);
    return 0;
}
