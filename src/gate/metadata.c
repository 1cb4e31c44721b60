/* SPDX-License-Identifier: Apache-2.0
 *
 * What is added is decided by the configuration's rules; where it goes, by the operation. Bedrock
 * takes 16 entries and 8,500 bytes of the field (its service model, November 2026): when ours do
 * not fit beside the client's, nothing is added.
 */
#include "metadata.h"

#include "weir/base/text.h"
#include "weir/gate/rules.h"
#include "weir/wire/json_edit.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/yaml.h"

enum { ENTRIES_MOST = 16, FIELD_MOST = 8500 };

const struct str metadata_field = STR("x-amzn-bedrock-request-metadata");

static struct str family_of(const struct exchange *ex)
{
    switch (ex->op->usage) {
    case USAGE_CONVERSE:
        return S("converse");
    case USAGE_INVOKE:
        return S("invoke");
    case USAGE_MESSAGES:
        return S("messages");
    case USAGE_CHAT:
        return S("chat");
    case USAGE_RESPONSES:
        return S("responses");
    case NO_USAGE:
        break;
    }
    return S("");
}

/* How many entries the object has; SIZE_MAX when it is none that can be relied on. */
static size_t count_entries(struct str object)
{
    struct json_scan s;
    size_t n = 0;
    json_init(&s, object);
    if (json_next(&s) != JSON_OBJECT)
        return SIZE_MAX;
    for (;;) {
        enum json_token t = json_next(&s);
        if (t == JSON_OBJECT_END)
            return n;
        if (t != JSON_KEY || json_skip(&s) == JSON_BAD)
            return SIZE_MAX;
        n++;
    }
}

static bool has_entry(struct str object, struct str name)
{
    struct json_member m = {.name = name};
    struct json_pick pick;
    json_pick_init(&pick, object, &m, 1);
    return object.len && json_pick_step(&pick) == JSON_END && m.times;
}

static void add_string(struct buf *b, struct str s)
{
    buf_add_char(b, '"');
    text_add_json(b, s, s.len);
    buf_add_char(b, '"');
}

/* "name":"value",... of those that `own` (an object, or empty) does not have. False: they do not
 * fit beside it. */
static bool make_entries(const struct yaml_node *set, struct str own, struct buf *out)
{
    size_t n = own.len ? count_entries(own) : 0;
    if (n == SIZE_MAX)
        return false;
    for (const struct yaml_node *e = set->first; e; e = e->next) {
        if (has_entry(own, e->key->text))
            continue;
        if (buf_len(out))
            buf_add_char(out, ',');
        add_string(out, e->key->text);
        buf_add_char(out, ':');
        add_string(out, e->text);
        n++;
    }
    return n <= ENTRIES_MOST && buf_len(out) > 0;
}

/* Behind the opening brace of an object that has entries or none. */
static struct str in_front(struct exchange *ex, const char *before, struct buf *entries,
                           const char *after, bool more)
{
    return arena_printf(&ex->arena, "%s%.*s%s%s", before, STR_ARG(buf_str(entries)), after,
                        more ? "," : "");
}

static bool is_empty_object(struct str behind_brace)
{
    size_t i = 0;
    while (i < behind_brace.len && (unsigned char)behind_brace.ptr[i] <= ' ')
        i++;
    return i < behind_brace.len && behind_brace.ptr[i] == '}';
}

static void into_body(struct exchange *ex, struct buf *entries, struct metadata_edit *out)
{
    struct str body = body_str(&ex->body), own = ex->facts.metadata;
    ptrdiff_t brace = own.len ? own.ptr - body.ptr : str_chr(body, '{');
    if (brace < 0)
        return;
    bool more = !is_empty_object(str_from_offset(body, (size_t)brace + 1));
    struct json_edit e = {.at = (size_t)brace + 1};
    e.with = own.len ? in_front(ex, "", entries, "", more)
                     : in_front(ex, "\"requestMetadata\":{", entries, "}", more);
    ssize_t n = e.with.ptr ? json_edit_pieces(&e, 1, body, out->pieces, METADATA_PIECES) : -1;
    out->n_pieces = n > 0 ? (size_t)n : 0;
}

static void into_field(struct exchange *ex, struct str own, struct buf *entries,
                       struct metadata_edit *out)
{
    bool more = own.len && !is_empty_object(str_from_offset(own, 1));
    struct str rest = own.len ? str_from_offset(own, 1) : S("}");
    struct str value = arena_printf(&ex->arena, "{%.*s%s%.*s", STR_ARG(buf_str(entries)),
                                    more ? "," : "", STR_ARG(rest));
    if (value.len <= FIELD_MOST)
        out->field = value;
}

void metadata_edit(struct exchange *ex, struct metadata_edit *out)
{
    bool in_body = ex->op->usage == USAGE_CONVERSE, in_field = ex->op->usage == USAGE_INVOKE;
    *out = (struct metadata_edit){0};
    if (ex->off || (!in_body && !in_field) || ex->setup->config->n_rules == 0)
        return;
    if (in_body && (ex->facts.state != FACTS_STRICT || ex->facts.twice[FACT_METADATA] ||
                    (ex->facts.members[FACT_METADATA].times && !ex->facts.metadata.len)))
        return; /* what is there is not what Bedrock wants: it shall say so itself */
    struct str own =
        in_body ? ex->facts.metadata : str_trim(fields_get(&ex->request->fields, metadata_field));
    const struct rule_view view = {.client = ex->client_name,
                                   .workload = ex->workload,
                                   .model = ex->model,
                                   .operation = ex->op->name,
                                   .family = family_of(ex),
                                   .fields = &ex->request->fields,
                                   .metadata = own};
    const struct yaml_node *set = rules_metadata(ex->setup->config, &view);
    struct buf entries = {0};
    if (set && make_entries(set, own, &entries)) {
        if (in_body)
            into_body(ex, &entries, out);
        else
            into_field(ex, own, &entries, out);
    }
    buf_fini(&entries);
}
