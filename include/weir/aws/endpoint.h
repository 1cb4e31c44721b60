/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a service answers: a URL from the configuration, or the host that a partition's rule gives
 * for a region ("bedrock-runtime.us-east-1.amazonaws.com", "...amazonaws.com.cn").
 */
#ifndef WEIR_AWS_ENDPOINT_H
#define WEIR_AWS_ENDPOINT_H

#include "weir/base/str.h"

struct endpoint {
    bool tls;
    char host[256]; /* no brackets, lower case */
    uint16_t port;
    char authority[272]; /* as sent in Host: brackets for IPv6, port only when not the default */
    char base_path[256]; /* without its last slash */
};

/* http://, https:// with optional port and path; no user info, query or fragment. False with a
 * sentence in err ("wants ..."), which does not hold the URL: there may be a password in it. */
bool endpoint_parse(struct str url, struct endpoint *out, char *err, size_t err_size);
/* localhost, ::1 or 127.0.0.0/8: what is said to it stays on this machine. */
bool endpoint_is_loopback(const struct endpoint *e);
/* A host in the domain of one of AWS's partitions. */
bool endpoint_is_aws(const struct endpoint *e);
/* "bedrock-runtime", "bedrock", "sts", "s3", "monitoring", "portal.sso", "oidc". False when the
 * region's form fits no partition. */
bool endpoint_of(struct str service, struct str region, struct endpoint *out);

#endif
