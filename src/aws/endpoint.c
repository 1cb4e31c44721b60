/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a service answers. Every service that Weir calls follows one rule,
 * "{service}.{region}.{suffix of the partition}", so that the only table is that of the partitions:
 *
 *     us - gov - west - 1
 *     ^^^^^^^^   ^^^^   ^
 *     prefix     word   number      the prefix alone says the partition
 *
 * FIPS and dual-stack hosts are not made here: who wants them writes the URL.
 */
#include "weir/aws/endpoint.h"

#include "weir/base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Suffixes and prefixes of botocore's partitions.json version 1.1 (commit 0e6e2404,
 * 2026-08-07); the rule from its endpoint rule sets of bedrock-runtime, bedrock, sts, s3,
 * cloudwatch and logs. The pseudo-regions ("aws-global") name no place that could be called. */
static const struct partition {
    const char *suffix;
    struct str prefixes; /* separated by spaces */
} partitions[] = {
    {"amazonaws.com", STR("us eu ap sa ca me af il mx")},
    {"amazonaws.com.cn", STR("cn")},
    {"amazonaws.com", STR("us-gov")},
    {"amazonaws.eu", STR("eusc-de")},
    {"c2s.ic.gov", STR("us-iso")},
    {"sc2s.sgov.gov", STR("us-isob")},
    {"cloud.adc-e.uk", STR("eu-isoe")},
    {"csp.hci.ic.gov", STR("us-isof")},
};

enum { LABEL_MOST = 63, PORT_HTTP = 80, PORT_HTTPS = 443 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
}

/* Takes "-" and the last part, all of one kind, off the end. */
static bool take_last(struct str *s, bool (*kind)(char c))
{
    size_t n = 0;
    while (n < s->len && kind(s->ptr[s->len - n - 1]))
        n++;
    if (n == 0 || n == s->len || s->ptr[s->len - n - 1] != '-')
        return false;
    s->len -= n + 1;
    return true;
}

static const struct partition *partition_of(struct str region)
{
    struct str prefix = region;
    if (region.len > LABEL_MOST || !take_last(&prefix, is_digit) || !take_last(&prefix, is_word))
        return NULL;
    for (size_t i = 0; i < sizeof partitions / sizeof *partitions; i++)
        for (struct str rest = partitions[i].prefixes; rest.len;)
            if (str_eq(str_cut(&rest, ' '), prefix))
                return &partitions[i];
    return NULL;
}

bool endpoint_of(struct str service, struct str region, struct endpoint *out)
{
    const struct partition *p = partition_of(region);
    if (!p || service.len == 0 || service.len > LABEL_MOST)
        return false;
    *out = (struct endpoint){.tls = true, .port = PORT_HTTPS};
    snprintf(out->host, sizeof out->host, "%.*s.%.*s.%s", STR_ARG(service), STR_ARG(region),
             p->suffix);
    memcpy(out->authority, out->host, strlen(out->host) + 1);
    return true;
}

bool endpoint_is_aws(const struct endpoint *e)
{
    struct str host = str_of(e->host);
    for (size_t i = 0; i < sizeof partitions / sizeof *partitions; i++) {
        struct str suffix = str_of(partitions[i].suffix);
        if (str_ends(host, suffix) && host.len > suffix.len &&
            host.ptr[host.len - suffix.len - 1] == '.')
            return true;
    }
    return false;
}

static bool no(char *err, size_t err_size, const char *why)
{
    snprintf(err, err_size, "%s", why);
    return false;
}

bool endpoint_is_loopback(const struct endpoint *e)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, e->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcmp(e->host, "localhost") == 0 || strcmp(e->host, "::1") == 0;
}

static bool lower_name(struct str name, char *out, size_t size)
{
    if (name.len == 0 || name.len >= size || name.ptr[0] == '.' || name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        if (!is_word(c) && c != '-' && (c != '.' || name.ptr[i - 1] == '.'))
            return false;
        out[i] = c;
    }
    return true;
}

/* An address between brackets, in its shortest form. */
static bool ipv6(struct str text, char *out, size_t size)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    if (text.len >= sizeof copy || size < sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    return inet_pton(AF_INET6, copy, &addr) == 1 &&
           inet_ntop(AF_INET6, &addr, out, (socklen_t)size) != NULL;
}

/* Splits "host", "host:port", "[::1]:port". */
static bool host_and_port(struct str authority, struct endpoint *out)
{
    struct str port = {0};
    bool bracket = authority.len && authority.ptr[0] == '[', has_port;
    if (bracket) {
        ptrdiff_t end = str_chr(authority, ']');
        if (end < 0 || !ipv6(str_sub(authority, 1, (size_t)end - 1), out->host, sizeof out->host))
            return false;
        port = str_from_offset(authority, (size_t)end + 1);
        has_port = port.len > 0;
        if (has_port && *port.ptr != ':')
            return false;
        port = str_from_offset(port, 1);
    } else {
        struct str rest = authority, name = str_cut(&rest, ':');
        has_port = rest.ptr != NULL;
        port = rest;
        if (!lower_name(name, out->host, sizeof out->host))
            return false;
    }
    uint64_t n = out->port;
    if (has_port && (port.len > 5 || !text_u64(port, &n) || n == 0 || n > UINT16_MAX))
        return false;
    bool usual = n == out->port;
    out->port = (uint16_t)n;
    snprintf(out->authority, sizeof out->authority, bracket ? "[%s]" : "%s", out->host);
    if (!usual) {
        size_t len = strlen(out->authority);
        snprintf(out->authority + len, sizeof out->authority - len, ":%u", (unsigned)n);
    }
    return true;
}

/* What may stand in a path as it goes on the wire: no query, fragment or backslash. */
static bool path_ok(struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr("?#\\\"<>^`{|}", c))
            return false;
    }
    return true;
}

bool endpoint_parse(struct str url, struct endpoint *out, char *err, size_t err_size)
{
    struct endpoint e = {0};
    struct str rest;
    if (str_istarts(url, S("https://"))) {
        e.tls = true;
        e.port = PORT_HTTPS;
        rest = str_from_offset(url, 8);
    } else if (str_istarts(url, S("http://"))) {
        e.port = PORT_HTTP;
        rest = str_from_offset(url, 7);
    } else {
        return no(err, err_size, "wants a URL that begins with https:// or http://");
    }
    ptrdiff_t slash = str_chr(rest, '/');
    struct str authority = slash < 0 ? rest : str_sub(rest, 0, (size_t)slash);
    struct str path = str_from_offset(rest, authority.len);
    if (str_chr(authority, '@') >= 0)
        return no(err, err_size, "wants a URL without user name and password");
    if (!host_and_port(authority, &e))
        return no(err, err_size, "wants a URL with a well-formed host and port");
    if (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    if (path.len >= sizeof e.base_path || !path_ok(path))
        return no(err, err_size,
                  "wants a URL with a shorter path, or without query, fragment and bytes that must "
                  "be percent-encoded");
    if (path.len)
        memcpy(e.base_path, path.ptr, path.len);
    *out = e;
    return true;
}
