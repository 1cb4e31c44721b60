/* SPDX-License-Identifier: Apache-2.0
 *
 * What Weir reads from a request's body.
 */
#include "weir/gate/facts.h"

enum facts_state facts_read(struct facts *f, struct str body, struct str model_name)
{
    if (!f->begun) {
        f->begun = true;
        f->state = body.len ? FACTS_MORE : FACTS_NONE;
        f->member.name = model_name;
        json_pick_init(&f->pick, body, &f->member, 1);
    }
    if (f->state != FACTS_MORE)
        return f->state;
    json_slice(&f->pick.scan, JSON_SLICE_BYTES);
    enum json_token token = json_pick_step(&f->pick);
    if (token == JSON_PAUSE)
        return f->state;
    f->state = token == JSON_END ? FACTS_STRICT : FACTS_LOOSE;
    if (token == JSON_END && f->member.times == 1 && f->member.kind == JSON_STRING)
        f->model = str_sub(f->member.raw, 1, f->member.raw.len - 2);
    return f->state;
}
