/* SPDX-License-Identifier: Apache-2.0
 *
 * A spool that cannot be opened is no reason not to serve: what would have waited goes on demand.
 */
#include "spooling.h"

#include "accepting.h"
#include "weir/base/digest.h"
#include "weir/base/file.h"
#include "weir/base/log.h"
#include "weir/gate/batch.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LOOK_MS = 20 };

bool spooling_key(const struct config *c, unsigned char out[SEAL_KEY_BYTES], bool *out_any,
                  char *err, size_t err_size)
{
    struct buf bytes = {0};
    *out_any = c->batch.spool_key_file.len > 0;
    if (!*out_any)
        return true;
    bool good = file_read_private(c->batch.spool_key_file.ptr, FILE_MOST_BYTES, true, &bytes, err,
                                  err_size) == 0;
    if (good && buf_len(&bytes) != SEAL_KEY_BYTES) {
        snprintf(err, err_size,
                 "batch.spool_key_file %s wants exactly %d bytes; make one with: head -c 32 "
                 "/dev/urandom > FILE",
                 c->batch.spool_key_file.ptr, SEAL_KEY_BYTES);
        good = false;
    }
    if (good)
        memcpy(out, buf_str(&bytes).ptr, SEAL_KEY_BYTES);
    if (bytes.data)
        secret_wipe(bytes.data, bytes.cap);
    buf_fini(&bytes);
    return good;
}

static void trouble(void *arg, const char *sentence)
{
    (void)arg;
    if (sentence)
        log_say(LOG_ERROR, "spool", "%s; what could wait goes on demand", sentence);
    else
        log_say(LOG_INFO, "spool", "the spool is written again");
}

static void waits(void *arg, struct str client, uint64_t nanousd)
{
    struct daemon *d = arg;
    limits_wait(d->limits, client, nanousd);
}

/* What waits there is owed an answer, whatever the configuration says today. */
static bool is_there(const char *dir)
{
    struct stat s;
    return stat(dir, &s) == 0;
}

void spooling_open(struct daemon *d)
{
    const struct config *c = d->setups->config;
    unsigned char key[SEAL_KEY_BYTES];
    char dir[PATH_MAX], err[512];
    bool sealed;
    accepting_init(d);
    accepting_follow(c);
    snprintf(dir, sizeof dir, "%.*s/spool", STR_ARG(c->state));
    if (!c->batch.bucket.len) {
        if (is_there(dir))
            log_say(LOG_WARN, "spool",
                    "batch.bucket is not set, and %s is there: what may wait in it is not answered",
                    dir);
        return;
    }
    if (!spooling_key(c, key, &sealed, err, sizeof err)) {
        log_say(LOG_ERROR, "spool", "%s", err); /* it was there a moment ago */
        return;
    }
    const struct spool_options o = {.dir = dir,
                                    .size_bytes = c->batch.spool_bytes,
                                    .key = sealed ? key : NULL,
                                    .keep_ms = c->batch.keep_ms,
                                    .replay_ms = c->batch.replay_ms,
                                    .clerk = d->clerk,
                                    .ready = daemon_hold_state,
                                    .trouble = trouble,
                                    .waits = waits,
                                    .arg = d};
    d->spool = spool_new(&o);
    secret_wipe(key, sizeof key);
    d->batch = batch_new(d);
}

void spooling_follow(struct daemon *d, struct setup *setup)
{
    accepting_follow(setup->config);
    if (!d->spool)
        return;
    spool_keep(d->spool, setup->config->batch.keep_ms, setup->config->batch.replay_ms);
    batch_follow(d->batch, setup);
    shared_lanes_reopen(d->lanes);
}

static void see_if_over(void *arg)
{
    struct daemon *d = arg;
    struct batch_counts c = {0};
    if (d->batch)
        batch_count(d->batch, &c);
    if (c.direct_running && timer_running(&d->drain_timer)) {
        timer_start(&d->calls_timer, LOOK_MS);
        return;
    }
    d->calls_over(d);
}

void spooling_finish(struct daemon *d, void (*over)(void *arg))
{
    d->calls_over = over;
    timer_init(&d->calls_timer, d->office.loop, see_if_over, d);
    see_if_over(d);
}

void spooling_close(struct daemon *d)
{
    if (d->spool) {
        batch_free(d->batch);
        spool_free(d->spool);
    }
    later_cancel(&d->accepting.turn);
    d->batch = NULL;
    d->spool = NULL;
}
