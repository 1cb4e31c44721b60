/* SPDX-License-Identifier: Apache-2.0
 *
 * Made whole or not at all; given up at the end of a turn, since the last user lets go inside a
 * callback of the very origin.
 */
#include "weir/gate/way.h"

#include "weir/base/mem.h"

#include <assert.h>
#include <stdio.h>

enum { REST_MS = 2000, PING_MS = 0, CONNECTIONS_MOST = 4 };

static void bury(void *arg)
{
    struct way *w = arg;
    if (w->target.origin)
        origin_retire(w->target.origin);
    tls_unref(w->tls);
    mem_free(w);
}

static struct origin *open_origin(struct way *w, struct dns *dns, const struct setup *s,
                                  enum way_proxy proxy)
{
    struct origin_options o = {.host = str_of(w->at.host),
                               .port = w->at.port,
                               .tls = w->tls,
                               .connect_ms = s->config->connect_ms,
                               .idle_ms = REST_MS,
                               .ping_ms = PING_MS,
                               .most_connections = CONNECTIONS_MOST};
    if (proxy == WAY_BY_PROXY && s->has_proxy) {
        o.proxy_host = str_of(s->proxy.host);
        o.proxy_port = s->proxy.port;
        o.proxy_authorization = str_of(s->proxy_authorization);
    }
    return origin_new(w->loop, dns, &o);
}

struct way *way_new(struct loop *l, struct dns *dns, const struct setup *setup, struct str url,
                    struct str service, enum way_proxy proxy, char *err, size_t err_size)
{
    struct str ca = setup->config->ca_file;
    struct way *w = mem_new(sizeof *w);
    w->loop = l;
    w->users = 1;
    snprintf(w->region, sizeof w->region, "%.*s", STR_ARG(setup->config->region));
    later_init(&w->bury, bury, w);
    bool good = endpoint_parse(url, &w->at, err, err_size);
    if (good && w->at.tls)
        good = (w->tls = tls_client_new(ca.len ? ca.ptr : NULL, false, err, err_size)) != NULL;
    if (!good) {
        bury(w);
        return NULL;
    }
    w->trusted = w->at.tls || endpoint_is_loopback(&w->at);
    w->target = (struct aws_target){.authority = str_of(w->at.authority),
                                    .base_path = str_of(w->at.base_path),
                                    .region = str_of(w->region),
                                    .service = service,
                                    .origin = open_origin(w, dns, setup, proxy)};
    return w;
}

struct way *way_ref(struct way *w)
{
    w->users++;
    return w;
}

void way_unref(struct way *w)
{
    if (w && --w->users == 0)
        loop_later(w->loop, &w->bury);
}

void way_close(struct way *w)
{
    if (!w)
        return;
    assert(w->users == 1);
    bury(w);
}
