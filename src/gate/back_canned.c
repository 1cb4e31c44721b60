/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that are known without asking anyone: health and readiness.
 */
#include "back.h"
#include "weir/gate/daemon.h"

static enum step_result start_health(struct exchange *ex)
{
    return exchange_own(ex, 200, S("text/plain"), S("ok\n"));
}
const struct back back_health = {"health", start_health, NULL, NULL, NULL};

static enum step_result start_ready(struct exchange *ex)
{
    if (!daemon_ready(ex->worker->daemon))
        return exchange_fail(ex, OUTCOME_NOT_READY, S(""));
    return exchange_own(ex, 200, S("text/plain"), S("ready\n"));
}
const struct back back_ready = {"ready", start_ready, NULL, NULL, NULL};

static enum step_result start_none(struct exchange *ex)
{
    return exchange_fail(ex, OUTCOME_UNKNOWN_OPERATION, S(""));
}
const struct back back_none = {"none", start_none, NULL, NULL, NULL};
