/* SPDX-License-Identifier: Apache-2.0
 *
 * The process's environment, moved.
 */
#include "weir/base/environ.h"

#include "weir/base/mem.h"

#include <string.h>
#include <unistd.h>

void environ_hide(void)
{
    size_t n = 0;
    while (environ && environ[n])
        n++;
    char **moved = mem_new((n + 1) * sizeof *moved);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(environ[i]);
        moved[i] = mem_new(len + 1);
        memcpy(moved[i], environ[i], len);
        explicit_bzero(environ[i], len);
    }
    environ = moved;
}
