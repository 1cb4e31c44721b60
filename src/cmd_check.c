/* SPDX-License-Identifier: Apache-2.0
 *
 * weir check: validates the configuration and prints the effective one.
 */
#include "cmd.h"
#include "weir/gate/config.h"

#include <stdio.h>

int cmd_check(int argc, char **argv)
{
    const char *path;
    if (!cmd_config_path(argc, argv, &path))
        return CMD_USAGE;
    struct buf text = {0};
    struct config *c = config_load(path, &text);
    int status = c ? CMD_DONE : CMD_USAGE;
    if (c)
        config_print(c, &text);
    fputs(buf_cstr(&text), c ? stdout : stderr);
    config_free(c);
    buf_fini(&text);
    return status;
}
