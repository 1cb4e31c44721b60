/* SPDX-License-Identifier: Apache-2.0
 *
 * The closed tables of operations and of header fields that pass. Paths are compared segment by
 * segment as raw bytes, so that what the router sees is what is signed and sent; an escaped slash
 * never becomes a separator.
 */
#include "weir/gate/operation.h"

#include "back.h"
#include "weir/wire/uri.h"

static const struct operation rows[OPERATIONS] = {
#define OPERATION(id_, name_, realm_, method_, path_, dialect_, passes_, usage_, answers_) \
    [OP_##id_] = {.id = OP_##id_,                                                          \
                  .name = STR(name_),                                                      \
                  .realm = REALM_##realm_,                                                 \
                  .method = STR(method_),                                                  \
                  .path = STR(path_),                                                      \
                  .dialect = DIALECT_##dialect_,                                           \
                  .passes = passes_,                                                       \
                  .usage = usage_,                                                         \
                  .back = &back_##answers_},
#include "weir/gate/operations.def"
#undef OPERATION
};

struct pass_row {
    struct str name; /* without the star */
    bool prefix;
    unsigned groups;
};

#define STARRED(lit) ((lit)[sizeof(lit) - 2] == '*')
static const struct pass_row pass_rows[] = {
#define PASS_FIELD(name_, groups_) \
    {{name_, sizeof(name_) - 1 - STARRED(name_)}, STARRED(name_), groups_},
#include "weir/gate/pass_fields.def"
#undef PASS_FIELD
};

const struct operation *operation_row(enum operation_id id)
{
    return &rows[id];
}

static bool path_fits(struct str template, struct str path, struct str *first)
{
    bool captured = false;
    while (template.ptr && path.ptr) {
        struct str want = str_cut(&template, '/');
        struct str have = str_cut(&path, '/');
        if (str_eq(want, S("{}"))) {
            if (have.len == 0)
                return false;
            if (!captured)
                *first = have;
            captured = true;
        } else if (!str_eq(want, have)) {
            return false;
        }
    }
    return !template.ptr && !path.ptr;
}

/* HEAD is GET without a body where Weir itself answers. */
static bool takes(const struct operation *op, struct str method)
{
    return str_eq(op->method, method) ||
           (str_eq(method, S("HEAD")) && str_eq(op->method, S("GET")) && op->back != &back_bedrock);
}

const struct operation *operation_find(enum realm realm, struct str method, struct str path,
                                       struct str *first, enum outcome *why)
{
    struct str captured = {NULL, 0};
    *why = OUTCOME_UNKNOWN_OPERATION;
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (rows[i].realm != realm || !path_fits(rows[i].path, path, &captured))
            continue;
        if (takes(&rows[i], method)) {
            *first = captured;
            return &rows[i];
        }
        *why = OUTCOME_BAD_METHOD;
    }
    return NULL;
}

struct str operation_model(struct str segment, struct arena *a)
{
    char *room = segment.len ? arena_new(a, segment.len) : NULL;
    ssize_t n = room ? uri_decode_segment(segment, room, segment.len) : -1;
    return n > 0 ? str_from(room, (size_t)n) : (struct str){NULL, 0};
}

void operation_add_allow(struct buf *b, enum realm realm, struct str path)
{
    struct str first;
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (rows[i].realm != realm || !path_fits(rows[i].path, path, &first))
            continue;
        if (buf_len(b))
            buf_add(b, S(", "));
        buf_add(b, rows[i].method);
    }
}

enum dialect operation_dialect(struct str path)
{
    if (str_starts(path, S("/anthropic/")))
        return DIALECT_ANTHROPIC;
    return str_starts(path, S("/openai/")) ? DIALECT_OPENAI : DIALECT_AWS;
}

static bool passes(unsigned groups, struct str name)
{
    for (size_t i = 0; i < sizeof pass_rows / sizeof *pass_rows; i++) {
        const struct pass_row *row = &pass_rows[i];
        if (!(row->groups & groups))
            continue;
        if (row->prefix ? str_starts(name, row->name) : str_eq(name, row->name))
            return true;
    }
    return false;
}

int operation_pass_fields(const struct operation *op, const struct fields *in, struct field *out,
                          int most)
{
    int n = 0;
    for (size_t i = 0; i < in->n; i++) {
        if (!passes(op->passes, in->at[i].name))
            continue;
        if (n == most)
            return -1;
        out[n++] = in->at[i];
    }
    return n;
}
