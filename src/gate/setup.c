/* SPDX-License-Identifier: Apache-2.0
 *
 * From a configuration to what the threads use. Everything that can fail fails here, before anyone
 * has seen the new setup.
 */
#include "weir/gate/setup.h"

#include "secret.h"
#include "spooling.h"
#include "weir/base/clock.h"
#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/base/mem.h"
#include "weir/base/text.h"
#include "weir/wire/uri.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* It opens everything at once, and is written by a program. */
enum { ADMIN_TOKEN_LEAST = 32 };

static const char *cstr_or_null(struct str s)
{
    return s.len ? s.ptr : NULL; /* strings of a config end in NUL */
}

static bool make_listen_tls(struct setup *s, struct setup *old, char *err, size_t err_size)
{
    for (size_t i = 0; i < s->config->n_listen; i++) {
        const struct config_listen *l = &s->config->listen[i];
        if (l->cert.len == 0)
            continue;
        struct tls *before = NULL;
        for (size_t j = 0; old && j < old->config->n_listen; j++)
            if (str_eq(old->config->listen[j].address, l->address))
                before = old->listen_tls[j];
        if (file_check_private(l->key.ptr, err, err_size) < 0)
            return false;
        const struct tls_server_files files = {l->cert.ptr, l->key.ptr, cstr_or_null(l->client_ca)};
        s->listen_tls[i] = tls_server_new(&files, before, err, err_size);
        if (!s->listen_tls[i])
            return false;
        if (tls_not_after(s->listen_tls[i]) <= clock_wall_ms() / 1000) {
            snprintf(err, err_size, "certificate %s: it has expired", files.cert);
            return false;
        }
    }
    return true;
}

/* User and password stand percent-encoded in the URL and go as they are into the header. */
static void make_proxy_authorization(struct setup *s, struct str coded)
{
    char user[CONFIG_PROXY_USER_MOST];
    struct buf basic = {0};
    ssize_t n = uri_decode_segment(coded, user, sizeof user);
    buf_add(&basic, S("Basic "));
    text_add_base64(&basic, str_from(user, n < 0 ? 0 : (size_t)n));
    snprintf(s->proxy_authorization, sizeof s->proxy_authorization, "%s", buf_cstr(&basic));
    secret_wipe(user, sizeof user);
    buf_fini(&basic);
}

static bool make_proxy(struct setup *s, char *err, size_t err_size)
{
    struct str url = s->config->egress_proxy;
    char plain[600];
    if (url.len == 0)
        return true;
    struct str rest = str_from_offset(url, sizeof "http://" - 1);
    ptrdiff_t at = str_chr(rest, '@');
    if (at >= 0) {
        make_proxy_authorization(s, str_sub(rest, 0, (size_t)at));
        rest = str_from_offset(rest, (size_t)at + 1);
    }
    snprintf(plain, sizeof plain, "http://%.*s", STR_ARG(rest));
    s->has_proxy = endpoint_parse(str_of(plain), &s->proxy, err, err_size);
    return s->has_proxy;
}

/* Files may hold something else than before. */
static bool same_roots(const struct config *a, const struct config *b)
{
    return a->ca_file.len == 0 && b->ca_file.len == 0;
}

static bool same_credentials(const struct config *a, const struct config *b)
{
    return same_roots(a, b) && a->no_credentials == b->no_credentials &&
           str_eq(a->profile, b->profile) && str_eq(a->bearer_file, b->bearer_file) &&
           str_eq(a->region, b->region) && str_eq(a->sts_url, b->sts_url) &&
           str_eq(a->egress_proxy, b->egress_proxy);
}

static struct str proxy_host(const struct setup *s)
{
    return s->has_proxy ? str_of(s->proxy.host) : S("");
}

static bool make_creds(struct setup *s, struct setup *old, struct loop *office, struct dns *dns,
                       void (*changed)(void *arg), void *arg, char *err, size_t err_size)
{
    const struct config *c = s->config;
    if (c->no_credentials)
        return true;
    if (old && same_credentials(c, old->config)) {
        s->creds = old->creds;
        return true;
    }
    const struct creds_options o = {.profile = c->profile,
                                    .bearer_file = c->bearer_file,
                                    .region = c->region,
                                    .sts_endpoint = c->sts_url,
                                    .ca_file = cstr_or_null(c->ca_file),
                                    .proxy_host = proxy_host(s),
                                    .proxy_port = s->proxy.port,
                                    .proxy_authorization = str_of(s->proxy_authorization)};
    s->creds = creds_new(office, dns, &o, changed, arg, err, err_size);
    return s->creds != NULL;
}

static struct client_role *same_role(const struct setup *s, const struct setup *old, size_t i)
{
    const struct config_client *c = &s->config->clients[i];
    for (size_t j = 0; old && j < old->config->n_clients; j++)
        if (old->roles[j] && client_role_fits(old->roles[j], s->creds, c))
            return old->roles[j];
    return NULL;
}

static bool make_roles(struct setup *s, const struct setup *old, char *err, size_t err_size)
{
    for (size_t i = 0; i < s->config->n_clients; i++) {
        const struct config_client *c = &s->config->clients[i];
        if (c->role_arn.len == 0)
            continue;
        s->roles[i] = same_role(s, old, i);
        if (s->roles[i])
            s->roles[i]->setups++;
        else
            s->roles[i] = client_role_new(s->creds, c, err, err_size);
        if (!s->roles[i])
            return false;
    }
    return true;
}

/* `others`: the rest of the list. */
static void setup_free(struct setup *s, const struct setup *others)
{
    bool shared = false;
    for (const struct setup *o = others; o; o = o->next)
        shared = shared || o->creds == s->creds;
    for (size_t i = 0; i < s->config->n_clients; i++)
        client_role_drop(s->roles[i]);
    for (size_t i = 0; i < CONFIG_MOST_LISTENERS; i++)
        tls_unref(s->listen_tls[i]);
    tls_unref(s->origin_tls);
    catalogue_free(s->catalogue);
    clients_free(s->clients);
    if (!shared)
        creds_free(s->creds);
    config_free(s->config);
    secret_wipe(s->proxy_authorization, sizeof s->proxy_authorization);
    mem_free(s);
}

struct catalogue *setup_load_catalogue(const struct config *config, struct buf *faults)
{
    const struct catalogue_terms terms = {config->discount_parts, config->overrides, config->name};
    return catalogue_load(cstr_or_null(config->catalogue), &terms, faults);
}

static bool make_catalogue(struct setup *s, char *err, size_t err_size)
{
    struct buf faults = {0};
    s->catalogue = setup_load_catalogue(s->config, &faults);
    if (!s->catalogue) { /* the first fault; `weir check` tells all */
        struct str all = buf_str(&faults), first = str_cut(&all, '\n');
        snprintf(err, err_size, "%.*s", STR_ARG(first));
    }
    buf_fini(&faults);
    return s->catalogue;
}

static bool read_admin_token(struct setup *s, char *err, size_t err_size)
{
    struct str token;
    if (s->config->admin_token_file.len == 0)
        return true;
    if (!secret_read(s->config->admin_token_file.ptr, ADMIN_TOKEN_LEAST, &token, err, err_size))
        return false;
    sha256_of(token, s->admin_sha256);
    s->has_admin_token = true;
    secret_drop(&token);
    return true;
}

/* The file itself is made when there is something to write. */
static bool has_emf_folder(const struct config *c, char *err, size_t err_size)
{
    char folder[PATH_MAX];
    struct stat st;
    if (!str_starts(c->emf_to, S("/")))
        return true;
    size_t len = c->emf_to.len;
    while (c->emf_to.ptr[len - 1] != '/')
        len--;
    snprintf(folder, sizeof folder, "%.*s", STR_ARG(str_sub(c->emf_to, 0, len)));
    if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    snprintf(err, err_size, "metrics.emf.to: there is no folder %s", folder);
    return false;
}

/* It is read again when the spool opens. */
static bool has_spool_key(const struct config *c, char *err, size_t err_size)
{
    unsigned char key[SEAL_KEY_BYTES];
    bool any;
    bool good = spooling_key(c, key, &any, err, err_size);
    secret_wipe(key, sizeof key);
    return good;
}

/* All that needs neither a loop nor the network. */
static bool prepare(struct setup *s, struct setup *old, char *err, size_t err_size)
{
    if (!endpoint_parse(s->config->runtime_url, &s->runtime, err, err_size) ||
        !make_proxy(s, err, err_size) || !make_listen_tls(s, old, err, err_size) ||
        !make_catalogue(s, err, err_size) || !has_emf_folder(s->config, err, err_size) ||
        !has_spool_key(s->config, err, err_size))
        return false;
    const char *bearer = cstr_or_null(s->config->bearer_file);
    if (bearer && file_check_private(bearer, err, err_size) < 0)
        return false;
    s->clients = clients_new(s->config, err, err_size);
    if (!s->clients || !read_admin_token(s, err, err_size))
        return false;
    s->trusts_runtime = s->runtime.tls || endpoint_is_loopback(&s->runtime);
    if (s->runtime.tls)
        s->origin_tls = tls_client_new(cstr_or_null(s->config->ca_file), true, err, err_size);
    return s->origin_tls || !s->runtime.tls;
}

struct setup *setup_new(struct config *config, struct setup *old, struct loop *office,
                        struct dns *dns, void (*changed)(void *arg), void *arg, char *err,
                        size_t err_size)
{
    struct setup *s = mem_new(sizeof *s);
    s->config = config;
    s->next = old;
    if (prepare(s, old, err, err_size) &&
        make_creds(s, old, office, dns, changed, arg, err, err_size) &&
        make_roles(s, old, err, err_size))
        return s;
    setup_free(s, old);
    return NULL;
}

void setup_withdraw(struct setup **list)
{
    struct setup *s = *list;
    *list = s->next;
    setup_free(s, *list);
}

void setup_reap(struct setup **list, bool all)
{
    struct setup **at = list;
    while (*at) {
        struct setup *s = *at;
        bool newest = s == *list && at == list;
        if (atomic_load(&s->users) || (newest && !all)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        setup_free(s, *list);
    }
}

bool setup_same_origin(const struct setup *a, const struct setup *b)
{
    const struct config *x = a->config, *y = b->config;
    return same_roots(x, y) && str_eq(x->runtime_url, y->runtime_url) &&
           str_eq(x->region, y->region) && str_eq(x->egress_proxy, y->egress_proxy) &&
           x->connect_ms == y->connect_ms;
}

static void nobody_waits(void *arg)
{
}

bool setup_check(struct config *config, char *err, size_t err_size)
{
    struct loop *loop = loop_new();
    struct dns *dns = dns_new(loop);
    struct setup *s = setup_new(config, NULL, loop, dns, nobody_waits, NULL, err, err_size);
    bool good = s != NULL;
    setup_reap(&s, true);
    dns_free(dns);
    loop_free(loop);
    return good;
}

bool setup_control(const struct setup *s, struct bedrock_control_options *out)
{
    const struct config *c = s->config;
    char ignored[256];
    *out =
        (struct bedrock_control_options){.region = c->region,
                                         .ca_file = c->ca_file.len ? c->ca_file.ptr : NULL,
                                         .proxy_host = s->has_proxy ? str_of(s->proxy.host) : S(""),
                                         .proxy_port = s->proxy.port,
                                         .proxy_authorization = str_of(s->proxy_authorization)};
    return endpoint_parse(c->control_url, &out->at, ignored, sizeof ignored);
}
