#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Weir with 64 descriptors and 200 connections: it does not spin, who is in is served, and when they leave
everything works as before.

    descriptors.py [--only h2]
"""
import contextlib
import resource
import socket
import time

from rack import (H1, Ground, Story, check, count_fds, cpu_seconds, http_ask, options, run_cases, settle_fds,
                  until)

DESCRIPTORS, CONNECTIONS, SECONDS = 64, 200, 2
MOST_CPU = 0.35  # of a core while nothing but refusals goes on; a loop that spins takes 1


def with_few_descriptors(ground):
    """The limit is inherited, and Weir raises its own only up to it."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    weir = ground.weir(workers=2)
    resource.prlimit(weir.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    check(resource.getrlimit(resource.RLIMIT_NOFILE) == limits, 'our own limit')
    return weir


def crowd(stack, address):
    """Connections that say nothing; those that were let in and those that were turned away alike."""
    host, port = address.rsplit(':', 1)
    for _ in range(CONNECTIONS):
        sock = socket.socket()
        sock.setblocking(False)
        stack.enter_context(contextlib.closing(sock))
        sock.connect_ex((host, int(port)))


def ordeal(ground):
    with ground.on(with_few_descriptors(ground)) as weir:
        before = count_fds(weir)
        address = weir.addresses[0]
        inside = H1(address, ground.tls)
        check(inside.ask(ground.again).kind == 'answered', 'the first request')
        with contextlib.ExitStack() as stack:
            crowd(stack, address)
            until('all descriptors in use', lambda: count_fds(weir) >= DESCRIPTORS - 2)
            time.sleep(0.3)
            began = cpu_seconds(weir.pid)
            time.sleep(SECONDS)
            share = (cpu_seconds(weir.pid) - began) / SECONDS
            check(share < MOST_CPU, f'{share:.0%} of a core for nothing')
            outcome = inside.ask(ground.again)
            check(outcome.kind == 'answered', f'who was inside: {outcome}')
        until('health', lambda: healthy(weir))
        results = ground.ask_all(address)
        bad = [f'{r.name}: {o}' for r, o in results if o.kind != 'answered']
        check(not bad, f'afterwards: {bad}')
        inside.close()
        settle_fds(ground, weir, before)
    return f'{share:.1%} of a core'


def healthy(weir):
    try:
        return http_ask(weir.admin, 'GET', '/healthz', seconds=5).status == 200
    except OSError:
        return False


def cases(ground, mode):
    yield f'{mode} {CONNECTIONS} connections, {DESCRIPTORS} descriptors', lambda: ordeal(ground)


def main():
    o = options('nothing more')
    with Story() as clear, Story() as tls:
        run_cases(o, [*cases(Ground(clear), 'clear'), *cases(Ground(tls, True), 'tls')])


if __name__ == '__main__':
    main()
