/* SPDX-License-Identifier: Apache-2.0
 *
 * What reading, checking and printing the configuration share: the table of keys (directives.def),
 * the lists of sections in it, and where a fault stands.
 */
#ifndef WEIR_SRC_GATE_CONFIG_TABLE_H
#define WEIR_SRC_GATE_CONFIG_TABLE_H

#include "config_value.h"
#include "weir/gate/config.h"
#include "weir/wire/yaml.h"

/* Whose field a key fills: the configuration's own, or that of an item of a list. */
enum config_owner { OF_config, OF_config_listen, OF_config_client, OF_config_rule, CONFIG_OWNERS };

struct config_directive {
    struct str path;
    enum config_kind kind;
    enum config_owner owner;
    size_t offset;
    struct str fallback;
};
extern const struct config_directive config_directives[];
extern const size_t config_n_directives;

/* By owner; of OF_config nothing is set. */
struct config_list {
    struct str name;
    size_t item_size;
    size_t offset, n_offset; /* of items and of their number, in struct config */
    size_t most;
};
extern const struct config_list config_lists[CONFIG_OWNERS];

struct config_reader {
    struct config *config;
    void *item; /* of a list, being read */
    struct str name;
    struct buf *faults;
    bool bad;
    /* Where things stand in the file, for what one key alone cannot tell. NULL: nowhere. */
    const struct yaml_node *root, *items[CONFIG_OWNERS][CONFIG_MOST_CLIENTS];
};

void config_fault(struct config_reader *r, const struct yaml_node *at, struct str sentence);
__attribute__((format(printf, 3, 4))) void
config_faultf(struct config_reader *r, const struct yaml_node *at, const char *format, ...);

/* Where "admin.address" stands, seen from `from`; what is not there stands where the deepest
 * section that is there does. */
const struct yaml_node *config_place(const struct yaml_node *from, const char *path);
static inline const struct yaml_node *config_place_of_item(const struct config_reader *r,
                                                           enum config_owner owner, size_t i)
{
    return r->items[owner][i] ? r->items[owner][i] : r->root;
}

/* What only the whole can tell. */
void config_check(struct config_reader *r);
void config_check_clients(struct config_reader *r); /* and rules and limits */
void config_check_rule(struct config_reader *r, size_t i);

#endif
