#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fails the nth accept, connect, read or write of a Weir with an errno, for each errno.

    sockets.py [--seed N] [--only net.read] [--long]

A fixed set of requests runs against it, in clear (HTTP/1.1 to the origin) and under TLS (HTTP/2 to the
origin). Whatever fails: no crash, no silence, nothing bought twice, no descriptor lost, and the next
request works. EINTR and EAGAIN are nothing at all: everything must be answered. Without --long a
sample, one n for each; with it all of them (an hour).
"""
import random

from rack import Ground, Story, check, count_fds, options, run_cases, settle_fds

ERRNOS = ('ECONNRESET', 'EPIPE', 'EAGAIN', 'EINTR', 'ETIMEDOUT', 'EMFILE')
# How often each is called for the set: in clear, under TLS.
CALLS = {'net.accept': (6, 6), 'net.connect': (3, 1), 'net.read': (110, 230), 'net.write': (30, 225)}
HARMLESS = {('net.accept', 'EAGAIN'), ('net.read', 'EAGAIN'), ('net.write', 'EAGAIN'),
            *((point, 'EINTR') for point in CALLS)}


def ordeal(ground, hook, harmless):
    with ground.on(ground.weir(hook)) as weir:
        before = count_fds(weir)
        address = weir.addresses[0]
        results = ground.ask_all(address)
        bad = [f'{r.name}: {o}' for r, o in results if o.kind != 'answered']
        check(not (harmless and bad), f'{hook} must not be seen: {bad}')
        ground.works_again(address)
        ground.check_ledger(results)
        settle_fds(ground, weir, before)
    return ', '.join(bad)


def cases(o, ground, mode):
    dice = random.Random(f'{o.seed} {mode}')
    for point, calls in CALLS.items():
        most = calls[ground.tls]
        for name in ERRNOS:
            for n in range(1, most + 1) if o.long else [dice.randint(1, most)]:
                hook = f'{point}:{n}=fail:{name}'
                yield f'{mode} {hook}', lambda h=hook, p=point, e=name: ordeal(ground, h, (p, e) in HARMLESS)


def main():
    o = options('every call, not a sample')
    with Story() as clear, Story() as tls:
        run_cases(o, [*cases(o, Ground(clear), 'clear'), *cases(o, Ground(tls, True), 'tls')])


if __name__ == '__main__':
    main()
