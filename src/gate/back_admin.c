/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin port's own answers. They run in the office's thread.
 */
#include "back.h"
#include "weir/gate/daemon.h"
#include "weir/gate/export_prom.h"

static enum step_result own_buf(struct exchange *ex, struct str type, struct buf *b)
{
    enum step_result r = exchange_own(ex, 200, type, buf_str(b));
    buf_fini(b);
    return r;
}

static enum step_result start_metrics(struct exchange *ex)
{
    struct buf b = {0};
    export_prom(ex->worker->daemon, &b);
    return own_buf(ex, S("text/plain; version=0.0.4; charset=utf-8"), &b);
}
const struct back back_metrics = {"metrics", start_metrics, NULL, NULL, NULL};

static enum step_result start_config(struct exchange *ex)
{
    struct buf b = {0};
    config_print(ex->worker->daemon->setups->config, &b);
    return own_buf(ex, S("application/yaml"), &b);
}
const struct back back_config = {"config", start_config, NULL, NULL, NULL};

static enum step_result start_reload(struct exchange *ex)
{
    struct buf faults = {0};
    struct str said;
    enum step_result r;
    if (daemon_reload(ex->worker->daemon, &faults))
        r = exchange_own(ex, 200, S("application/json"), S("{\"reloaded\":true}\n"));
    else {
        said = buf_str(&faults);
        said.len -= str_ends(said, S("\n"));
        r = exchange_fail(ex, OUTCOME_BAD_CONFIG, said);
    }
    buf_fini(&faults);
    return r;
}
const struct back back_reload = {"reload", start_reload, NULL, NULL, NULL};

static enum step_result start_drain(struct exchange *ex)
{
    enum step_result r = exchange_own(ex, 202, S("application/json"), S("{\"draining\":true}\n"));
    daemon_drain(ex->worker->daemon);
    return r;
}
const struct back back_drain = {"drain", start_drain, NULL, NULL, NULL};
