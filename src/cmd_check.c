/* SPDX-License-Identifier: Apache-2.0
 *
 * weir check: validates the configuration and prints the effective one.
 */
#include "cmd.h"
#include "weir/gate/points.h"
#include "weir/gate/setup.h"

#include <stdio.h>

/* Its faults stand in other files, and there may be many. */
static bool catalogue_is_good(const struct config *c, struct buf *text, struct buf *notes)
{
    struct buf faults = {0};
    struct catalogue *catalogue = setup_load_catalogue(c, &faults);
    if (catalogue) {
        config_add_notes(c, catalogue, notes);
    } else {
        buf_clear(text);
        buf_add(text, buf_str(&faults));
    }
    catalogue_free(catalogue);
    buf_fini(&faults);
    return catalogue;
}

/* What CloudWatch may cost, where the owner asked for it: a comment, so that it stays YAML. */
static void add_price(const struct config *c, struct buf *out)
{
    uint64_t cents = c->cloudwatch_series * POINTS_CENTS_A_METRIC;
    if (!c->cloudwatch_namespace.len && !c->emf_to.len)
        return;
    buf_addf(out,
             "# metrics.cloudwatch.max_series: at most %llu metrics in CloudWatch, $%llu.%02llu a "
             "month at the list price of custom metrics\n",
             (unsigned long long)c->cloudwatch_series, (unsigned long long)(cents / 100),
             (unsigned long long)(cents % 100));
}

/* What may be right: it stands beside the effective configuration, and changes no exit code. */
static void print_notes(struct str notes)
{
    while (notes.len) {
        struct str line = str_cut(&notes, '\n');
        fprintf(stderr, "weir: note: %.*s\n", STR_ARG(line));
    }
}

int cmd_check(int argc, char **argv)
{
    const char *path;
    if (!cmd_config_path(argc, argv, &path))
        return CMD_USAGE;
    struct buf text = {0}, notes = {0};
    struct config *c = config_load(path, &text);
    char err[512];
    if (c) {
        config_print(c, &text);
        add_price(c, &text);
    }
    bool good = c && catalogue_is_good(c, &text, &notes);
    if (c && !good)
        config_free(c);
    else if (c && !(good = setup_check(c, err, sizeof err))) {
        buf_clear(&text);
        buf_addf(&text, "%s: %s\n", path ? path : "built-in defaults", err);
    }
    fputs(buf_cstr(&text), good ? stdout : stderr);
    if (good)
        print_notes(buf_str(&notes));
    buf_fini(&text);
    buf_fini(&notes);
    return good ? CMD_DONE : CMD_USAGE;
}
