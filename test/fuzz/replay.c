/* SPDX-License-Identifier: Apache-2.0
 *
 * A fuzz target without a fuzzer: hands it nothing, then every seed of a folder, whole and cut
 * short at every length. So the ordinary suite runs every target, with any compiler.
 */
#include "weir/base/file.h"
#include "weir/base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_MOST = 1 << 20, CUTS_MOST = 2048 };

/* In memory of its exact size, so that a sanitizer sees a step past the end. */
static void hand_over(struct str bytes)
{
    uint8_t *exact = mem_new(bytes.len ? bytes.len : 1);
    if (bytes.len)
        memcpy(exact, bytes.ptr, bytes.len);
    LLVMFuzzerTestOneInput(exact, bytes.len);
    mem_free(exact);
}

static bool replay(const char *path)
{
    struct buf seed = {0};
    char err[256];
    if (file_read(path, SEED_MOST, &seed, err, sizeof err)) {
        printf("# %s\n", err);
        return false;
    }
    struct str whole = buf_str(&seed);
    for (size_t len = 0; len < whole.len && len < CUTS_MOST; len++)
        hand_over(str_sub(whole, 0, len));
    hand_over(whole);
    buf_fini(&seed);
    return true;
}

static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    int seeds = 0;
    if (!dir)
        return 0;
    for (struct dirent *e; (e = readdir(dir));) {
        char path[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (!replay(path)) {
            seeds = -1;
            break;
        }
        seeds++;
    }
    closedir(dir);
    return seeds;
}

int main(int argc, char **argv)
{
    hand_over(S(""));
    int seeds = argc > 1 ? replay_folder(argv[1]) : -1;
    printf("1..1\n%s 1 - %d seeds\n", seeds < 0 ? "not ok" : "ok", seeds);
    return seeds < 0;
}
