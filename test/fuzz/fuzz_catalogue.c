/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a catalogue, or as overrides over the built-in one, and behind the first NUL any
 * bytes as a model: one that can be looked into, or faults of which each says where, on a line of
 * its own.
 */
#include "weir/book/catalogue.h"
#include "weir/wire/yaml.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_faults(const struct buf *faults)
{
    assert(str_ends(buf_str(faults), S("\n")));
    for (struct str rest = buf_str(faults); rest.len;) {
        struct str line = str_cut(&rest, '\n');
        assert(str_find(line, S(": ")) > 0);
    }
}

static void check_model(const struct catalogue *c, struct str model)
{
    struct str id;
    enum model_form form = model_form(model, &id);
    assert(id.ptr == NULL || (id.ptr >= model.ptr && id.ptr + id.len <= model.ptr + model.len));
    assert(form == MODEL_PLAIN || str_eq(id, model));
    for (size_t lane = 0; lane < LANES; lane++) {
        struct price p = {{1, 2, 3, 4, 5, 6}}, before = p;
        const struct catalogue_model *m = catalogue_find(c, model);
        enum catalogue_priced how = catalogue_price(c, model, (enum lane)lane, &p);
        assert(how != UNPRICED || memcmp(&p, &before, sizeof p) == 0);
        assert(how != UNPRICED || !m || !m->priced);
        assert(!m || m->name.len > 0);
        struct usage u = {{1000, 1000, 1000, 1000, 1000, 1000}};
        (void)price_cost(&p, &u);
    }
}

static void check(struct catalogue *c, const struct buf *faults, struct str model)
{
    if (!c) {
        check_faults(faults);
        return;
    }
    assert(buf_len(faults) == 0);
    check_model(c, model);
    check_model(c, S("us.anthropic.claude-opus-6-20270101-v1:0"));
    catalogue_free(c);
}

static void as_a_file(struct str text, struct str model)
{
    const struct catalogue_terms terms = {.discount_parts = 120000};
    struct buf faults = {0};
    char path[64];
    int fd = memfd_create("catalogue", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    check(catalogue_load(path, &terms, &faults), &faults, model);
    buf_fini(&faults);
    close(fd);
}

static void as_overrides(struct str text, struct str model)
{
    struct arena arena;
    struct yaml_fault fault;
    struct catalogue_terms terms = {.overrides_name = S("o")};
    struct buf faults = {0};
    arena_init(&arena, 64 << 20);
    if (yaml_parse(&arena, text, &terms.overrides, &fault) == 0)
        check(catalogue_load(NULL, &terms, &faults), &faults, model);
    buf_fini(&faults);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str model = str_from((const char *)data, size), text = str_cut(&model, 0);
    if (!model.ptr)
        model = text;
    as_a_file(text, model);
    as_overrides(text, model);
    return 0;
}
