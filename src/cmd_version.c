/* SPDX-License-Identifier: Apache-2.0
 *
 * weir version: its own, and those of the libraries that it runs with.
 */
#include "cmd.h"
#include "weir/book/store.h"
#include "weir/net/library.h"

#include <stdio.h>

int cmd_version(int argc, char **argv)
{
    const char *path;
    if (argc > 2 && !cmd_config_path(argc, argv, &path))
        return CMD_USAGE;
    struct buf libraries = {0};
    library_versions(&libraries);
    buf_add(&libraries, S(", "));
    store_version(&libraries);
    printf("weir %s (%s)\n", WEIR_VERSION, buf_cstr(&libraries));
    buf_fini(&libraries);
    return CMD_DONE;
}
