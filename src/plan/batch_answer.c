/* SPDX-License-Identifier: Apache-2.0
 *
 * A line of a job's output: {"recordId":"...","modelInput":{...},"modelOutput":{...}}, or with
 * "error":{"errorCode":400,"errorMessage":"..."} in place of the last (docs and samples of AWS,
 * read 2026-11). What stands twice, or is null, is not there.
 */
#include "weir/plan/batch_line.h"

#include "weir/base/text.h"
#include "weir/wire/json_pick.h"

enum { CODE_MOST = 999999 };

static bool pick(struct str text, struct json_member *members, size_t n)
{
    struct json_pick p;
    json_pick_init(&p, text, members, n);
    return json_pick_step(&p) == JSON_END;
}

static bool is_there(const struct json_member *m)
{
    return m->times == 1 && m->kind != JSON_NULL;
}

static struct str inside(const struct json_member *m)
{
    bool text = is_there(m) && m->kind == JSON_STRING;
    return text ? str_sub(m->raw, 1, m->raw.len - 2) : S("");
}

static void read_error(struct str raw, struct batch_answer *out)
{
    struct json_member m[] = {{.name = STR("errorCode")}, {.name = STR("errorMessage")}};
    uint64_t code;
    if (!pick(raw, m, 2))
        return;
    if (is_there(&m[0]) && m[0].kind == JSON_NUMBER && text_u64(m[0].raw, &code) &&
        code <= CODE_MOST)
        out->error_code = (int)code;
    out->error = inside(&m[1]);
}

int batch_answer_read(struct str line, struct batch_answer *out)
{
    struct json_member m[] = {
        {.name = STR("recordId")}, {.name = STR("modelOutput")}, {.name = STR("error")}};
    struct batch_answer a = {0};
    if (!pick(line, m, 3))
        return ERR_BAD;
    a.id = inside(&m[0]);
    a.has_error = is_there(&m[2]);
    if (a.has_error)
        read_error(m[2].raw, &a);
    if (is_there(&m[1]) && m[1].kind == JSON_OBJECT) /* as every model's answer is */
        a.output = m[1].raw;
    if (a.id.len == 0 || (!a.has_error && !a.output.len))
        return ERR_BAD;
    *out = a;
    return ERR_OK;
}
