/* SPDX-License-Identifier: Apache-2.0
 *
 * weir serve: runs the proxy until it is told to stop.
 */
#include "cmd.h"
#include "weir/gate/daemon.h"

int cmd_serve(int argc, char **argv)
{
    const char *path;
    if (!cmd_config_path(argc, argv, &path))
        return CMD_USAGE;
    return daemon_run(path);
}
