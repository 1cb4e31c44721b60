/* SPDX-License-Identifier: Apache-2.0
 *
 * What one key of the configuration alone cannot tell: what does not go together, what is missing,
 * and what is filled in from the Region. Clients, rules and limits have config_clients.c.
 */
#include "config_table.h"
#include "weir/aws/endpoint.h"
#include "weir/gate/config.h"
#include "weir/gate/operation.h"
#include "weir/gate/points.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* With less, larger bodies would wait in vain. */
enum {
    LEAST_BODIES_BYTES = 1024 * 1024,
    LEAST_BOOK_BYTES = 1024 * 1024,
    LEAST_CACHE_BYTES = 1024 * 1024,
    LEAST_SPOOL_BYTES = 16 * 1024 * 1024,
    LEAST_POLL_MS = 1000
};
static const uint64_t MOST_CACHE_BYTES = (uint64_t)64 << 30; /* a thousand million prefixes */
static const uint64_t MOST_BOOK_BYTES = (uint64_t)16
                                        << 40; /* the book is mapped into memory whole */

static const struct yaml_node *place_of(const struct config_reader *r, const char *path)
{
    return config_place(r->root, path);
}

static const struct yaml_node *place_of_listener(const struct config_reader *r, size_t i)
{
    return config_place_of_item(r, OF_config_listen, i);
}

/* A prefix must not look like the beginning of a path of ours. */
static bool hides_an_operation(struct str prefix)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        struct str path = operation_row((enum operation_id)i)->path;
        if (str_starts(path, prefix) && str_starts(str_from_offset(path, prefix.len), S("/")))
            return true;
    }
    return str_eq(prefix, S("/w"));
}

/* Weir holds powers that those who reach it need not have. */
static void check_beyond(struct config_reader *r, const struct config_listen *l,
                         const struct yaml_node *at)
{
    if (r->config->n_clients == 0)
        config_faultf(r, at,
                      "listen %.*s: beyond loopback Weir would sign for anyone who reaches it. Say "
                      "in clients who may come in, or listen on 127.0.0.1",
                      STR_ARG(l->address));
    else if (l->cert.len == 0 && !l->plaintext)
        config_faultf(r, at,
                      "listen %.*s: beyond loopback prompts and keys would be readable on the way. "
                      "Set tls.cert and tls.key, or plaintext: allow where the network is trusted",
                      STR_ARG(l->address));
}

static void check_listener(struct config_reader *r, size_t i)
{
    const struct config_listen *l = &r->config->listen[i];
    const struct yaml_node *at = place_of_listener(r, i);
    if ((l->cert.len == 0) != (l->key.len == 0))
        config_faultf(r, at, "listen %.*s: tls wants both cert and key", STR_ARG(l->address));
    if (l->client_ca.len && l->cert.len == 0)
        config_faultf(r, at, "listen %.*s: tls.client_ca wants tls.cert and tls.key",
                      STR_ARG(l->address));
    if (!config_is_loopback(l->address))
        check_beyond(r, l, at);
    if (l->prefix.len && hides_an_operation(l->prefix))
        config_faultf(r, at,
                      "listen %.*s: prefix %.*s is the beginning of Weir's own paths; take another",
                      STR_ARG(l->address), STR_ARG(l->prefix));
    if (str_eq(l->address, r->config->admin_address) && !str_ends(l->address, S(":0")))
        config_faultf(r, at, "listen %.*s is admin.address, too", STR_ARG(l->address));
}

/* A DNS label: it stands in host names and signatures. */
static bool is_region(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
              s.ptr[i] == '-'))
            return false;
    return s.len > 0 && s.len <= 63;
}

/* The Region's own address, so that the effective configuration says who is called. */
static void fill_endpoint(struct config *c, const char *service, struct str *url)
{
    struct endpoint e;
    if (url->len == 0 && endpoint_of(str_of(service), c->region, &e))
        *url = arena_printf(&c->arena, "https://%s", e.authority);
}

static void check_region(struct config_reader *r)
{
    static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    struct config *c = r->config;
    for (size_t i = 0; i < 2 && c->region.len == 0; i++)
        if (getenv(names[i]))
            c->region = arena_dup(&c->arena, str_of(getenv(names[i])));
    fill_endpoint(c, "bedrock-runtime", &c->runtime_url);
    fill_endpoint(c, "bedrock", &c->control_url);
    fill_endpoint(c, "s3", &c->s3_url);
    fill_endpoint(c, "monitoring", &c->cloudwatch_url);
    fill_endpoint(c, "sts", &c->sts_url);
    const struct yaml_node *at = place_of(r, "region");
    if (c->region.len == 0)
        config_fault(r, at,
                     S("region is not set, and the environment has neither AWS_REGION nor "
                       "AWS_DEFAULT_REGION"));
    else if (!is_region(c->region))
        config_faultf(r, at, "region \"%.*s\" is not a name like us-east-1",
                      STR_ARG(str_sub(c->region, 0, 80)));
    else if (c->runtime_url.len == 0)
        config_faultf(r, at,
                      "region \"%.*s\" is of no AWS partition that Weir knows; set "
                      "endpoints.runtime",
                      STR_ARG(c->region));
}

static void check_listeners(struct config_reader *r)
{
    const struct config *c = r->config;
    if (c->n_listen == 0)
        config_fault(r, r->root, S("listen is empty: nobody could connect"));
    for (size_t i = 0; i < c->n_listen; i++)
        check_listener(r, i);
    for (size_t i = 0; i < c->n_listen; i++)
        for (size_t j = i + 1; j < c->n_listen; j++)
            if (str_eq(c->listen[i].address, c->listen[j].address) &&
                !str_ends(c->listen[i].address, S(":0")))
                config_faultf(r, place_of_listener(r, j), "listen %.*s stands there twice",
                              STR_ARG(c->listen[i].address));
}

static void check_exporters(struct config_reader *r)
{
    const struct config *c = r->config;
    const struct yaml_node *at = place_of(r, "metrics.cloudwatch.namespace");
    if (c->cloudwatch_series < POINTS_METRICS_LEAST)
        config_faultf(
            r, place_of(r, "metrics.cloudwatch.max_series"),
            "metrics.cloudwatch.max_series wants at least %d: so many has what counts as other",
            (int)POINTS_METRICS_LEAST);
    if (c->cloudwatch_namespace.len && c->cloudwatch_url.len == 0)
        config_fault(r, at,
                     S("metrics.cloudwatch: region is of no AWS partition that Weir knows; set "
                       "endpoints.cloudwatch"));
    if (str_starts(c->cloudwatch_namespace, S("AWS/")))
        config_fault(
            r, at,
            S("metrics.cloudwatch.namespace: names that begin with AWS/ are AWS's own; take "
              "another"));
    if (str_ends(c->otlp_url, S("/v1/metrics")))
        config_fault(r, place_of(r, "metrics.otlp.endpoint"),
                     S("metrics.otlp.endpoint wants no /v1/metrics: Weir puts it behind"));
}

static bool is_account(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len == 12;
}

/* arn:aws:iam::123456789012:role/NAME; the account is the bucket's owner, too. */
struct str config_account(struct str role_arn)
{
    for (int i = 0; i < 4; i++)
        (void)str_cut(&role_arn, ':');
    struct str account = str_cut(&role_arn, ':');
    return is_account(account) && str_starts(role_arn, S("role/")) ? account : S("");
}

/* As the service model has s3Uri (November 2026), without what nobody needs. */
static bool is_key(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && !strchr("-_./", s.ptr[i]))
            return false;
    return s.len > 0 && s.len <= 200 && s.ptr[0] != '/' && s.ptr[s.len - 1] != '/';
}

/* As S3 has named new buckets since 2018. */
static bool is_bucket(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!islower((unsigned char)s.ptr[i]) && !isdigit((unsigned char)s.ptr[i]) &&
            s.ptr[i] != '-' && s.ptr[i] != '.')
            return false;
    return s.len >= 3 && s.len <= 63;
}

static void check_batch(struct config_reader *r)
{
    const struct config *c = r->config;
    const struct config_batch *b = &c->batch;
    if (b->bucket.len == 0)
        return;
    if (!config_account(b->role_arn).len)
        config_fault(
            r, place_of(r, "batch.role_arn"),
            S("batch.role_arn wants the role that Bedrock reads and writes batch.bucket as, "
              "like arn:aws:iam::123456789012:role/weir-batch"));
    if (!is_bucket(b->bucket))
        config_fault(r, place_of(r, "batch.bucket"),
                     S("batch.bucket wants a bucket's name alone: 3 to 63 of a-z, 0-9, . and -"));
    if (b->poll_ms < LEAST_POLL_MS)
        config_fault(r, place_of(r, "batch.poll"), S("batch.poll wants at least 1s"));
    if (!is_key(b->prefix))
        config_fault(r, place_of(r, "batch.prefix"),
                     S("batch.prefix wants letters, digits and - _ . / alone, and no slash at its "
                       "ends: Bedrock takes no other characters in keys"));
    if (c->s3_url.len == 0 || c->control_url.len == 0)
        config_fault(r, place_of(r, "batch.bucket"),
                     S("batch: region is of no AWS partition that Weir knows; set endpoints.s3 and "
                       "endpoints.control"));
    if (b->spool_bytes < LEAST_SPOOL_BYTES || b->spool_bytes > MOST_BOOK_BYTES)
        config_fault(r, place_of(r, "batch.spool_max"),
                     S("batch.spool_max wants at least 16MiB and at most 16TiB"));
    if (c->no_credentials)
        config_fault(
            r, place_of(r, "batch.bucket"),
            S("batch wants credentials of Weir's own, and credentials.none says that there "
              "are none"));
}

static void check_credentials(struct config_reader *r)
{
    const struct config *c = r->config;
    bool bearer = c->bearer_file.len;
    if (c->profile.len && bearer)
        config_fault(r, place_of(r, "credentials.bearer_file"),
                     S("credentials wants profile or bearer_file, not both"));
    if (c->no_credentials && (c->profile.len || bearer))
        config_fault(r, place_of(r, "credentials.none"),
                     S("credentials.none goes with neither profile nor bearer_file"));
    if (c->no_credentials && c->n_clients == 0)
        config_fault(r, place_of(r, "credentials.none"),
                     S("credentials.none: nobody could call Bedrock; it is for clients with "
                       "passthrough: bearer"));
    if (c->no_credentials && c->cloudwatch_namespace.len)
        config_fault(r, place_of(r, "metrics.cloudwatch.namespace"),
                     S("metrics.cloudwatch wants credentials of Weir's own, and credentials.none "
                       "says that there are none"));
    for (size_t i = 0; i < c->n_clients; i++) {
        const struct config_client *k = &c->clients[i];
        const struct yaml_node *at = config_place_of_item(r, OF_config_client, i);
        if (c->no_credentials && !k->passthrough)
            config_faultf(r, at,
                          "client %.*s: there is nothing to call Bedrock with for it: "
                          "credentials.none serves passthrough: bearer only",
                          STR_ARG(k->name));
        if (k->role_arn.len && (bearer || c->no_credentials))
            config_faultf(r, config_place(at, "role_arn"),
                          "client %.*s: a role is assumed with AWS keys: not with "
                          "credentials.bearer_file, nor with none",
                          STR_ARG(k->name));
        if (k->role_arn.len && c->sts_url.len == 0)
            config_faultf(r, config_place(at, "role_arn"),
                          "client %.*s: region is of no AWS partition that Weir knows; set "
                          "endpoints.sts",
                          STR_ARG(k->name));
    }
}

void config_check(struct config_reader *r)
{
    const struct config *c = r->config;
    check_region(r);
    check_listeners(r);
    if (!config_is_loopback(c->admin_address) && c->admin_token_file.len == 0)
        config_faultf(r, place_of(r, "admin.address"),
                      "admin.address %.*s: beyond loopback the admin API would serve anyone who "
                      "reaches it. Set admin.token_file, or listen on 127.0.0.1",
                      STR_ARG(c->admin_address));
    check_credentials(r);
    check_batch(r);
    if (c->state.len == 0 || c->state.ptr[0] != '/')
        config_fault(r, place_of(r, "state"), S("state wants an absolute path"));
    check_exporters(r);
    config_check_clients(r);
    if (c->book_bytes < LEAST_BOOK_BYTES || c->book_bytes > MOST_BOOK_BYTES)
        config_fault(r, place_of(r, "book.size"),
                     S("book.size wants at least 1MiB and at most 16TiB"));
    if (c->cache_bytes < LEAST_CACHE_BYTES || c->cache_bytes > MOST_CACHE_BYTES)
        config_fault(r, place_of(r, "cache.memory"),
                     S("cache.memory wants at least 1MiB and at most 64GiB"));
    if (c->bodies_bytes < LEAST_BODIES_BYTES)
        config_fault(r, place_of(r, "memory.bodies"), S("memory.bodies wants at least 1MiB"));
}
