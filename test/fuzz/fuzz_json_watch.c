/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as JSON that passes by: whole and cut up, the same finds; and in a strict object what
 * json_pick finds at the top and one level below. The first byte says how to cut.
 */
#include "weir/base/mem.h"
#include "weir/wire/json_pick.h"
#include "weir/wire/json_watch.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { A, MODEL, IN, IN_A, LIST, LIST_A, LENGTH, PIECES, DEEP, IDS };

static const struct json_names deep;
static const struct json_name at_in[] = {{STR("a"), IN_A, JSON_WATCH_TAKE, NULL},
                                         {STR("d"), DEEP, JSON_WATCH_ENTER, &deep}};
static const struct json_names in = {at_in, 2};
static const struct json_name at_deep[] = {{STR("d"), DEEP, JSON_WATCH_ENTER, &deep},
                                           {STR("l"), LIST, JSON_WATCH_EACH, &deep}};
static const struct json_names deep = {at_deep, 2};
static const struct json_name at_list[] = {{STR("a"), LIST_A, JSON_WATCH_TAKE, NULL}};
static const struct json_names list = {at_list, 1};
static const struct json_name at_top[] = {
    {STR("a"), A, JSON_WATCH_TAKE, NULL},         {STR("model"), MODEL, JSON_WATCH_TAKE, NULL},
    {STR("b"), IN, JSON_WATCH_ENTER, &in},        {STR("l"), LIST, JSON_WATCH_EACH, &list},
    {STR("m"), LENGTH, JSON_WATCH_MEASURE, NULL}, {STR("p"), PIECES, JSON_WATCH_PIECES, NULL}};
static const struct json_names top = {at_top, 6};

struct seen {
    struct buf said, pieces;
    unsigned times[IDS];
    enum json_token kind[IDS];
    struct buf raw[IDS]; /* of the first */
};

static void note(struct seen *s, const struct json_found *f)
{
    if (f->id == PIECES && f->kind == JSON_STRING) {
        buf_add(&s->pieces, f->raw);
        if (f->more)
            return;
        buf_addf(&s->said, "pieces %zu ", buf_len(&s->pieces));
        assert(buf_len(&s->pieces) + 2 == f->size || f->size == 0);
        buf_clear(&s->pieces);
    } else {
        assert(f->raw.len == 0 || f->raw.len == f->size);
        assert(f->size <= JSON_WATCH_MOST || f->raw.len == 0);
    }
    buf_addf(&s->said, "%d %d %zu %d\n", f->id, (int)f->kind, f->size, f->passed_over);
    if (f->id != PIECES)
        buf_add(&s->said, f->raw);
    if (s->times[f->id]++ == 0) {
        s->kind[f->id] = f->kind;
        buf_add(&s->raw[f->id], f->raw);
    }
}

static void watch(struct str all, size_t step, struct seen *s)
{
    struct json_watch w = {.names = &top};
    struct json_found f;
    for (size_t at = 0; at < all.len; at += step) {
        size_t len = all.len - at < step ? all.len - at : step;
        char *exact = mem_new(len);
        memcpy(exact, all.ptr + at, len);
        struct str piece = {exact, len};
        while (json_watch_next(&w, &piece, &f))
            note(s, &f);
        assert(piece.len == 0);
        mem_free(exact);
    }
    assert(buf_len(&w.held) <= JSON_WATCH_MOST);
    json_watch_fini(&w);
}

static void same(const struct json_member *m, const struct seen *s, int id)
{
    assert(m->times == (s->times[id] < 2 ? s->times[id] : 2));
    if (m->times == 0)
        return;
    assert(m->kind == s->kind[id]);
    if (m->raw.len <= JSON_WATCH_MOST)
        assert(str_eq(m->raw, buf_str(&s->raw[id])));
}

static bool picked(struct str all, struct json_member *members, size_t n)
{
    struct json_pick p;
    json_pick_init(&p, all, members, n);
    return json_pick_step(&p) == JSON_END && p.object;
}

static void compare(struct str all, const struct seen *s)
{
    struct json_member want[] = {{.name = STR("a")}, {.name = STR("model")}, {.name = STR("b")}};
    struct json_member inner[] = {{.name = STR("a")}};
    if (!picked(all, want, 3))
        return;
    same(&want[0], s, A);
    same(&want[1], s, MODEL);
    if (want[2].times != 1 || want[2].kind != JSON_OBJECT)
        return;
    assert(picked(want[2].raw, inner, 1));
    same(&inner[0], s, IN_A);
}

static void forget(struct seen *s)
{
    buf_fini(&s->said);
    buf_fini(&s->pieces);
    for (int i = 0; i < IDS; i++)
        buf_fini(&s->raw[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {0}, cut = {0};
    if (size < 1)
        return 0;
    struct str all = {(const char *)data + 1, size - 1};
    watch(all, size, &whole);
    watch(all, 1 + data[0] % 32, &cut);
    assert(str_eq(buf_str(&whole.said), buf_str(&cut.said)));
    compare(all, &whole);
    forget(&whole);
    forget(&cut);
    return 0;
}
