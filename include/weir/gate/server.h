/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon: one office (this thread: admin port, credentials, log writing, signals, reload) and N
 * workers.
 */
#ifndef WEIR_GATE_SERVER_H
#define WEIR_GATE_SERVER_H

#include "weir/gate/worker.h"

struct server {
    const char *config_path; /* NULL: built-in defaults */
    struct setup *setups;    /* newest first; the office's */
    struct worker office;
    struct worker **workers;
    unsigned n_workers;
    _Atomic(int64_t) connections;
    struct body_budget bodies;
    atomic_bool draining;
    atomic_bool ready;
    int lock_fd;
    struct timer log_timer, drain_timer;
    atomic_uint running; /* worker threads */
    uint64_t reloads_good, reloads_bad;
    bool force;
};

/* Runs until it was told to stop: the exit status of the command. */
int server_run(const char *config_path);

/* In the office's thread. A bad file changes nothing; `faults` says why. */
bool server_reload(struct server *s, struct buf *faults);
void server_drain(struct server *s);
/* Is it worth sending traffic here? Any thread. */
bool server_ready(struct server *s);

#endif
