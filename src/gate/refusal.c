/* SPDX-License-Identifier: Apache-2.0
 *
 * Three forms: {"message":...} of the runtime, {"Message":...} of what stands before it, and
 * {"type":"error","error":{"message":...}} of Anthropic's and OpenAI's own interfaces.
 */
#include "refusal.h"

#include "weir/wire/json_pick.h"
#include "weir/wire/json_string.h"

enum { MESSAGE_MOST = 1024, TEXT_MOST = 16 * 1024 };

static bool pick(struct str object, struct json_member *members, size_t n)
{
    struct json_pick p;
    json_pick_init(&p, object, members, n);
    return json_pick_step(&p) == JSON_END;
}

static struct str find(struct str body)
{
    struct json_member m[] = {
        {.name = STR("message")}, {.name = STR("Message")}, {.name = STR("error")}};
    struct json_member inside = {.name = STR("message")};
    if (!pick(body, m, 3))
        return S("");
    for (int i = 0; i < 2; i++)
        if (m[i].times == 1 && m[i].kind == JSON_STRING)
            return m[i].raw;
    if (m[2].times == 1 && m[2].kind == JSON_OBJECT && pick(m[2].raw, &inside, 1) &&
        inside.times == 1 && inside.kind == JSON_STRING)
        return inside.raw;
    return S("");
}

struct str refusal_message(struct str body, struct arena *a)
{
    struct str raw = find(body), text;
    if (!raw.len || json_string_text(raw, TEXT_MOST, a, &text) != 0)
        return S("");
    return arena_dup(a, str_sub(text, 0, MESSAGE_MOST));
}
