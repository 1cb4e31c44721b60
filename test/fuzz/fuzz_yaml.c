/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as YAML: a tree whose every node is sound, or a fault with a place.
 */
#include "weir/wire/yaml.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct yaml_node *node, int depth)
{
    size_t n = 0;
    assert(depth <= YAML_DEPTH_MOST && node->line && node->column);
    for (const struct yaml_node *child = node->first; child; child = child->next, n++) {
        assert((node->kind == YAML_MAPPING) == (child->key != NULL));
        assert(!child->key || yaml_get(node, child->key->text) == child);
        walk(child, depth + 1);
    }
    assert(n == node->n);
    if (node->kind == YAML_SCALAR)
        assert(n == 0 && strlen(node->text.ptr) == node->text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct yaml_fault fault = {0};
    const struct yaml_node *root;
    arena_init(&arena, 4 << 20);
    int err = yaml_parse(&arena, str_from((const char *)data, size), &root, &fault);
    if (err)
        assert(fault.line && fault.column && fault.sentence[0]);
    else
        walk(root, 1);
    arena_fini(&arena);
    return 0;
}
