/* SPDX-License-Identifier: Apache-2.0
 *
 * What is added is decided by the configuration's rules; where it goes, by the operation. Bedrock
 * takes 16 entries and 8,500 bytes of the field (its service model, November 2026): when ours do
 * not fit beside the client's, nothing is added.
 */
#include "edit.h"

#include "caching.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/yaml.h"

enum { ENTRIES_MOST = 16, FIELD_MOST = 8500 };

static const struct str metadata_field = STR("x-amzn-bedrock-request-metadata");
static const struct str tier_field = STR("x-amzn-bedrock-service-tier");

/* Edits of one body, under work. */
struct work {
    struct exchange *ex;
    struct json_edit edits[EDITS_MOST];
    size_t n;
    struct edit *out;
};

static void set_field(struct work *w, struct str name, struct str value)
{
    w->out->fields[w->out->n_fields++] = (struct field){name, value};
}

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

/* Behind a brace of the body: the edit, unless the arena is full. */
static void insert(struct work *w, size_t at, struct str text)
{
    if (text.ptr)
        w->edits[w->n++] = (struct json_edit){.at = at, .with = text};
}

static void metadata_into_body(struct work *w, struct buf *entries)
{
    struct str body = body_str(&w->ex->body), own = w->ex->facts.metadata;
    ptrdiff_t brace = own.len ? own.ptr - body.ptr : str_chr(body, '{');
    if (brace < 0)
        return;
    size_t at = (size_t)brace + 1;
    bool more = !is_empty_object(str_from_offset(body, at));
    insert(w, at,
           own.len ? in_front(w->ex, "", entries, "", more)
                   : in_front(w->ex, "\"requestMetadata\":{", entries, "}", more));
}

static void metadata_into_field(struct work *w, struct str own, struct buf *entries)
{
    bool more = own.len && !is_empty_object(str_from_offset(own, 1));
    struct str rest = own.len ? str_from_offset(own, 1) : S("}");
    struct str value = arena_printf(&w->ex->arena, "{%.*s%s%.*s", STR_ARG(buf_str(entries)),
                                    more ? "," : "", STR_ARG(rest));
    if (value.ptr && value.len <= FIELD_MOST)
        set_field(w, metadata_field, value);
}

struct rule_view edit_view(struct exchange *ex)
{
    bool in_body = ex->op->usage == USAGE_CONVERSE;
    return (struct rule_view){
        .client = ex->client_name,
        .workload = ex->workload,
        .model = ex->model,
        .behind = ex->form == MODEL_TO_RESOLVE ? caching_model_id(ex) : S(""),
        .operation = ex->op->name,
        .family = family_of(ex),
        .fields = &ex->request->fields,
        .metadata = in_body ? ex->facts.metadata
                            : str_trim(fields_get(&ex->request->fields, metadata_field)),
        .now_s = ex->setup->config->n_rules ? clock_wall_ms() / 1000 : 0};
}

static void add_metadata(struct work *w)
{
    struct exchange *ex = w->ex;
    bool in_body = ex->op->usage == USAGE_CONVERSE, in_field = ex->op->usage == USAGE_INVOKE;
    if (ex->off || ex->unedited || (!in_body && !in_field) || ex->setup->config->n_rules == 0)
        return;
    if (in_body && (ex->facts.state != FACTS_STRICT || ex->facts.twice[FACT_METADATA] ||
                    (ex->facts.members[FACT_METADATA].times && !ex->facts.metadata.len)))
        return; /* what is there is not what Bedrock wants: it shall say so itself */
    const struct rule_view view = edit_view(ex);
    struct str own = view.metadata;
    const struct yaml_node *set = rules_metadata(ex->setup->config, &view);
    struct buf entries = {0};
    if (set && make_entries(set, own, &entries)) {
        ex->edited = true;
        if (in_body)
            metadata_into_body(w, &entries);
        else
            metadata_into_field(w, own, &entries);
    }
    buf_fini(&entries);
}

/* --- a service tier */

bool edit_can_tier(const struct exchange *ex)
{
    if (ex->op->usage == USAGE_INVOKE)
        return !fields_get(&ex->request->fields, tier_field).ptr;
    enum fact fact = ex->op->usage == USAGE_CONVERSE ? FACT_SERVICE_TIER : FACT_OPENAI_TIER;
    return (ex->op->usage == USAGE_CONVERSE || ex->op->usage == USAGE_CHAT) &&
           ex->facts.state == FACTS_STRICT && ex->facts.members[fact].times == 0;
}

bool edit_can_flex(const struct exchange *ex)
{
    const struct catalogue_model *m = catalogue_find(ex->setup->catalogue, ex->model);
    return m && m->lane_parts[LANE_FLEX] && edit_can_tier(ex);
}

static void add_tier(struct work *w)
{
    struct exchange *ex = w->ex;
    struct str body = body_str(&ex->body), word = lane_word(ex->tier);
    ex->tier_out = ex->tier != LANE_ONDEMAND && !ex->untiered;
    if (!ex->tier_out)
        return;
    if (ex->op->usage == USAGE_INVOKE) {
        set_field(w, tier_field, word);
        return;
    }
    size_t at = (size_t)str_chr(body, '{') + 1; /* strict, and an object: it has members */
    bool more = !is_empty_object(str_from_offset(body, at));
    const char *text = ex->op->usage == USAGE_CONVERSE ? "\"serviceTier\":{\"type\":\"%.*s\"}%s"
                                                       : "\"service_tier\":\"%.*s\"%s";
    insert(w, at, arena_printf(&ex->arena, text, STR_ARG(word), more || w->n ? "," : ""));
}

/* --- cache markers */

static void add_marks(struct work *w)
{
    struct caching *c = w->ex->caching;
    if (!c)
        return;
    c->out = c->n_edits > 0 && !w->ex->unedited;
    if (c->out)
        c->alone = !w->ex->edited;
    for (size_t i = 0; c->out && i < c->n_edits; i++)
        w->edits[w->n++] = c->edits[i];
    w->ex->edited |= c->out;
}

void edit_make(struct exchange *ex, struct edit *out)
{
    struct work w = {.ex = ex, .out = out};
    *out = (struct edit){0};
    sha256_init(&out->hash);
    ex->edited = false;
    add_tier(&w);
    add_metadata(&w);
    add_marks(&w);
    ssize_t n =
        w.n ? json_edit_pieces(w.edits, w.n, body_str(&ex->body), out->pieces, EDIT_PIECES) : 0;
    out->n_pieces = n > 0 ? (size_t)n : 0;
}

/* --- the hash of what comes of it */

bool edit_hash(struct edit *e)
{
    size_t left = JSON_SLICE_BYTES;
    while (e->hashed < e->n_pieces && left > 0) {
        struct str rest = str_from_offset(e->pieces[e->hashed], e->at);
        struct str slice = str_sub(rest, 0, left);
        sha256_add(&e->hash, slice);
        left -= slice.len;
        e->at += slice.len;
        if (slice.len < rest.len)
            continue;
        e->hashed++;
        e->at = 0;
    }
    return e->hashed == e->n_pieces;
}
