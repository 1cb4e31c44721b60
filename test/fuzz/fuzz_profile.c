/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as ~/.aws/config and, behind the first form feed, as ~/.aws/credentials: a chain that
 * is made and freed, or a sentence. Nothing is run and nobody is asked.
 */
#include "weir/aws/creds.h"
#include "weir/net/dns.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char paths[2][32];

static const char *environment(const char *name)
{
    if (strcmp(name, "AWS_CONFIG_FILE") == 0)
        return paths[0];
    if (strcmp(name, "AWS_SHARED_CREDENTIALS_FILE") == 0)
        return paths[1];
    if (strcmp(name, "HOME") == 0)
        return "/nonexistent";
    return strcmp(name, "AWS_EC2_METADATA_DISABLED") == 0 ? "true" : NULL;
}

static int put(struct str bytes, char path[32])
{
    int fd = memfd_create("profile", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *loop;
    static struct dns *dns;
    char err[1024] = "";
    struct creds_options o = {.region = S("us-east-1"), .getenv = environment};
    struct str rest = str_from((const char *)data, size);
    struct str config = str_cut(&rest, '\f');
    int fds[2] = {put(config, paths[0]), put(rest, paths[1])};
    if (!loop) {
        loop = loop_new();
        dns = dns_new(loop);
    }
    struct creds_chain *chain = creds_new(loop, dns, &o, NULL, NULL, err, sizeof err);
    assert(chain || err[0]);
    creds_free(chain);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return 0;
}
