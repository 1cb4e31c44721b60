/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits that a client meets, each with its reason. What an owner may choose is in the
 * configuration; what stands here is how the protocols stay bounded.
 */
#ifndef WEIR_BASE_LIMITS_H
#define WEIR_BASE_LIMITS_H

enum {
    /* A handshake is two round trips and one signature. A peer that needs longer is not coming. */
    LIMIT_HANDSHAKE_MS = 10 * 1000,
    /* A head is one to three packets of one write; counted from its first byte. */
    LIMIT_HEAD_MS = 10 * 1000,
    /* A body may stall for a lost packet and its retransmissions, not for a nap; and after ten
     * seconds it must have kept up 1 KiB/s, far below any link that carries 25 MB. */
    LIMIT_BODY_IDLE_MS = 30 * 1000,
    LIMIT_BODY_GRACE_MS = 10 * 1000,
    LIMIT_BODY_BYTES_PER_S = 1024,
    /* Longer than the pools of the SDKs keep an idle connection (boto3, fetch: 60 s or less), so
     * that it is they who close and no request meets a closing connection. */
    LIMIT_IDLE_MS = 75 * 1000,
    /* An idle connection gives its read buffer back after this. */
    LIMIT_IDLE_BUFFER_MS = 5 * 1000,
    /* A reader that takes nothing for a minute holds our memory for nothing. */
    LIMIT_WRITE_STALL_MS = 60 * 1000,

    /* An HTTP/2 client that got its answer before it had sent its whole body may read it so long
     * before its stream is reset. */
    LIMIT_UNREAD_BODY_MS = 1000,

    /* Read ahead of the request that is being answered; the rest stays in the kernel. */
    LIMIT_READ_AHEAD_BYTES = 16 * 1024,
    /* HTTP/2: streams of one connection, and bytes under way on it that no sink has taken yet (a
     * stream's own window is 64 KiB until its body is wanted). Envoy's edge figures. */
    LIMIT_H2_STREAMS = 128,
    LIMIT_H2_CONN_WINDOW = 1024 * 1024,
    LIMIT_H2_HEADER_BYTES = 64 * 1024,

    /* Answers that a worker reads on to their usage after their clients left. Each holds a call to
     * the origin for up to timeouts.answer; beyond it the usage is estimated. */
    LIMIT_READING_ON = 1000,

    /* TLS handshakes of one source address, on each worker. A host that starts opens a pool of ten
     * to some hundred connections at once, and a NAT gateway stands for many hosts; 200 handshakes
     * a second take a tenth of a core (P-256) to a third (RSA 2048). */
    LIMIT_HANDSHAKES_UNDER_WAY = 200,
    LIMIT_HANDSHAKES_PER_S = 200,
    LIMIT_HANDSHAKES_BURST = 1000,

    /* What prompt caching learned by name. A client's learner (96 KiB) stays, so clients beyond
     * so many share one; of models, and of models by client, those unused for longest give way. */
    LIMIT_CACHE_CLIENTS = 256,
    LIMIT_CACHE_MODELS = 512,
    LIMIT_CACHE_SCALES = 2048,
    LIMIT_CACHE_WATCHES = 64, /* 20 KiB each */

    /* What lanes learned by name: those unused for longest give way. A pool is a client, a model
     * and a kind; its callers are the client's workloads. Some 150 bytes each. */
    LIMIT_LANES_MODELS = 512,
    LIMIT_LANES_POOLS = 2048,
    LIMIT_LANES_CALLERS = 4096,

    /* With so many of memory.connections open, an HTTP/1 connection ends with its answer: who
     * keeps one without using it makes room. */
    LIMIT_CROWDED_PERCENT = 90,

    /* Connections taken in one turn, so that an accept storm does not starve streams. */
    LIMIT_ACCEPTS_PER_TURN = 64,
    /* Out of descriptors: how long the listening socket rests. */
    LIMIT_ACCEPT_REST_MS = 100
};

#endif
