/* SPDX-License-Identifier: Apache-2.0
 *
 * weir check: validates the configuration and prints the effective one.
 */
#include "cmd.h"
#include "weir/gate/setup.h"

#include <stdio.h>

int cmd_check(int argc, char **argv)
{
    const char *path;
    if (!cmd_config_path(argc, argv, &path))
        return CMD_USAGE;
    struct buf text = {0};
    struct config *c = config_load(path, &text);
    char err[512];
    if (c)
        config_print(c, &text);
    bool good = c && setup_check(c, err, sizeof err);
    if (c && !good) {
        buf_clear(&text);
        buf_addf(&text, "%s: %s\n", path ? path : "built-in defaults", err);
    }
    fputs(buf_cstr(&text), good ? stdout : stderr);
    buf_fini(&text);
    return good ? CMD_DONE : CMD_USAGE;
}
