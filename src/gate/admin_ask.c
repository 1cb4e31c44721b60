/* SPDX-License-Identifier: Apache-2.0
 *
 * One request on a loop of its own. Who may read the state directory shows the daemon's word out of
 * it; who may not, but has the admin token, shows that.
 */
#include "weir/gate/admin_ask.h"

#include "secret.h"
#include "weir/aws/endpoint.h"
#include "weir/aws/fetch.h"
#include "weir/base/digest.h"
#include "weir/gate/state.h"
#include "weir/net/dns.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { ANSWER_MOST = 512 * 1024, WAIT_MS = 60 * 1000, COMPACT_MS = 3600 * 1000, CONNECT_MS = 5000 };

struct asking {
    struct loop *loop;
    struct admin_answer *answer;
    char *err;
    size_t err_size;
};

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct asking *ask = arg;
    if (a->end == ORIGIN_DONE) {
        ask->answer->status = a->status;
        buf_add(&ask->answer->body, a->body);
    } else {
        snprintf(ask->err, ask->err_size, "the daemon does not answer: %s", a->why);
    }
    loop_stop(ask->loop);
}

/* The value of Authorization; empty when there is nothing to show. */
static bool make_authorization(const struct config *c, struct buf *out, char *err, size_t err_size)
{
    char word[STATE_TOKEN_CHARS];
    struct str token;
    if (state_read_token(c->state, word) == ERR_OK) {
        buf_addf(out, "Bearer %.*s", STATE_TOKEN_CHARS, word);
        secret_wipe(word, sizeof word);
        return true;
    }
    if (c->admin_token_file.len == 0)
        return true;
    if (!secret_read(c->admin_token_file.ptr, 1, &token, err, err_size))
        return false;
    buf_addf(out, "Bearer %.*s", STR_ARG(token));
    secret_drop(&token);
    return true;
}

static void send_and_wait(const struct endpoint *e, const struct aws_request *request,
                          struct asking *ask)
{
    struct dns *dns = dns_new(ask->loop);
    struct aws_signer *signer = aws_signer_new();
    const struct origin_options o = {
        .host = str_of(e->host), .port = e->port, .connect_ms = CONNECT_MS, .idle_ms = CONNECT_MS};
    const struct aws_target target = {.origin = origin_new(ask->loop, dns, &o),
                                      .authority = str_of(e->authority)};
    bool compacts =
        str_eq(request->target, S("/api/v1/book/compact")); /* as long as the disk takes */
    const struct fetch_limits limits = {ANSWER_MOST, compacts ? COMPACT_MS : WAIT_MS};
    (void)fetch_start(ask->loop, signer, &target, NULL, request, &limits, on_answer, ask);
    loop_run(ask->loop);
    origin_free(target.origin);
    aws_signer_free(signer);
    dns_free(dns);
}

static void wipe(struct buf *b)
{
    if (b->data)
        secret_wipe(b->data, b->cap);
    buf_fini(b);
}

bool admin_ask(const struct config *c, struct str method, struct str target, struct str body,
               struct admin_answer *out, char *err, size_t err_size)
{
    struct buf url = {0}, authorization = {0};
    struct endpoint e;
    buf_addf(&url, "http://%.*s", STR_ARG(c->admin_address));
    *out = (struct admin_answer){0};
    bool good = endpoint_parse(buf_str(&url), &e, err, err_size);
    if (str_ends(c->admin_address, S(":0")))
        snprintf(err, err_size,
                 "admin.address %.*s is another port at every start, which nobody can ask: give it "
                 "a fixed one",
                 STR_ARG(c->admin_address));
    else if (!good)
        snprintf(err, err_size, "a daemon holds %.*s, and admin.address %.*s cannot be asked",
                 STR_ARG(c->state), STR_ARG(c->admin_address));
    good = good && make_authorization(c, &authorization, err, err_size);
    if (good) {
        const struct field fields[] = {{STR("content-type"), STR("application/json")},
                                       {STR("authorization"), buf_str(&authorization)}};
        const struct aws_request request = {.method = method,
                                            .target = target,
                                            .fields = fields,
                                            .n_fields = buf_len(&authorization) ? 2 : 1,
                                            .body = &body,
                                            .n_body = body.len ? 1 : 0};
        struct asking ask = {loop_new(), out, err, err_size};
        send_and_wait(&e, &request, &ask);
        loop_free(ask.loop);
    }
    buf_fini(&url);
    wipe(&authorization);
    return good && out->status != 0;
}

void admin_answer_add_refusal(const struct admin_answer *a, struct buf *out)
{
    cJSON *json = cJSON_ParseWithLength(a->body.data + a->body.head, buf_len(&a->body));
    const char *said = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "message"));
    buf_addf(out, "the daemon answered %d%s%s", a->status, said ? ": " : "", said ? said : "");
    cJSON_Delete(json);
}

void admin_answer_fini(struct admin_answer *a)
{
    wipe(&a->body);
}
