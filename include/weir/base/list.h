/* SPDX-License-Identifier: Apache-2.0
 *
 * Intrusive doubly linked list: a node lives inside the thing that it lists. The head is a node
 * too. A node out of any list points at itself, so removing twice is harmless.
 */
#ifndef WEIR_BASE_LIST_H
#define WEIR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

/* The thing around a node: LIST_OF(node, struct conn, idle_node). */
/* clang-format off */
#define LIST_OF(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))
/* clang-format on */

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Behind the last, and before the first. The node must be out of any list. */
static inline void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_prepend(struct list *head, struct list *node)
{
    list_append(head->next, node);
}

/* The first node, taken out; NULL when the list is empty. */
static inline struct list *list_take(struct list *head)
{
    struct list *first = head->next;
    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

#endif
