/* SPDX-License-Identifier: Apache-2.0
 *
 * rules[].match.hours: the text, and its zone's file, which is read once with the configuration: an
 * update of the tz database counts from the next reload on.
 */
#include "config_hours.h"

#include "weir/base/file.h"
#include "weir/plan/window.h"

#include <stdio.h>

#define ZONES "/usr/share/zoneinfo/"

enum { ZONE_MOST_BYTES = 64 * 1024 };

/* *out_why: what is wrong; static. */
static bool read_zone(struct config *c, const char *path, struct tzif *out, const char **out_why)
{
    struct buf file = {0};
    char why[256];
    int err = file_read(path, ZONE_MOST_BYTES, &file, why, sizeof why);
    struct str bytes = err ? S("") : arena_dup(&c->arena, buf_str(&file));
    buf_fini(&file);
    if (err == 0)
        err = bytes.ptr ? tzif_read(bytes, out) : ERR_NO_MEMORY;
    *out_why = err == ERR_NOT_FOUND     ? "is not there. Is the zone's name right, and the package "
                                          "tzdata installed?"
               : err == ERR_UNSUPPORTED ? "counts leap seconds, which no clock here does"
                                        : "cannot be read as a time zone";
    return err == 0;
}

const struct window *config_hours_read(struct config_reader *r, const struct config_rule *rule,
                                       const struct yaml_node *at)
{
    struct window w, *kept;
    struct str zone;
    char path[256];
    const char *why = window_parse(rule->hours, &w, &zone);
    if (why) {
        config_faultf(r, at, "rule %.*s: %s", STR_ARG(rule->name), why);
        return NULL;
    }
    snprintf(path, sizeof path, ZONES "%.*s", STR_ARG(zone));
    if (!w.utc && !read_zone(r->config, path, &w.zone, &why)) {
        config_faultf(r, at, "rule %.*s: %s %s", STR_ARG(rule->name), path, why);
        return NULL;
    }
    kept = arena_new(&r->config->arena, sizeof *kept);
    if (kept)
        *kept = w;
    return kept;
}
