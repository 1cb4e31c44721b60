#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kills Weir at each of its named points (src: HOOK), as kill -9 does, and starts it again at once.

    kill_points.py [--seed N] [--only relay.head] [--long]

The client sees a broken connection; the next Weir takes the same state directory and the same address
without waiting, and serves; nothing was bought twice. Without --long each point is met at a sampled
moment, with it at the first ten.
"""
import random
import signal
import subprocess

from rack import Failed, Ground, Story, check, options, run_cases

# How often each point is passed for the set of requests: in clear, under TLS.
POINTS = {'dispatch.send': (10, 10), 'relay.head': (10, 10), 'relay.bytes': (30, 60), 'exchange.settle': (10, 10),
          'net.accept': (6, 6), 'net.connect': (3, 1), 'net.read': (110, 230), 'net.write': (30, 225),
          'mem.try': (100, 100)}


def over(weir, seconds=0.3):
    try:
        return weir.popen.wait(seconds) is not None
    except subprocess.TimeoutExpired:
        return False


def killed(ground, hook):
    """(its address or None, what became of the requests)"""
    try:
        weir = ground.weir(hook)
    except Failed:
        weir = ground.story.processes[-1]  # it died before it was ready
        check(weir.wait() == -9, f'ended with {weir.popen.returncode} before it was ready\n{weir.log()}')
        ground.story.processes.remove(weir)
        return None, []
    with ground.on(weir):
        weir.may_fail = True
        results = ground.ask_all(weir.addresses[0])
        if all(outcome.kind == 'answered' for _, outcome in results) and not over(weir):
            weir.signal(signal.SIGTERM)  # the point was not passed so often; or it will be now
        check(weir.wait() in (0, -9), f'ended with {weir.popen.returncode}')
        ground.story.processes.remove(weir)
    return weir.addresses[0], results


def ordeal(ground, hook):
    address, results = killed(ground, hook)
    again = ground.weir(at=address or '127.0.0.1:0', forget=False)
    with ground.on(again):
        check(address in (None, again.addresses[0]), f'{again.addresses} instead of {address}')
        ground.works_again(again.addresses[0], tries=1)
        ground.check_ledger(results)
    cut = [r.name for r, o in results if o.kind != 'answered']
    return f'cut short: {", ".join(cut)}' if cut else 'nothing was cut short'


def cases(o, ground, mode):
    dice = random.Random(f'{o.seed} {mode}')
    for point, calls in POINTS.items():
        most = calls[ground.tls]
        for n in range(1, min(10, most) + 1) if o.long else [dice.randint(1, most)]:
            yield f'{mode} {point}:{n}=kill', lambda h=f'{point}:{n}=kill': ordeal(ground, h)
    for point in ('file.open', 'file.read'):
        yield f'{mode} {point}:1=kill', lambda h=f'{point}:1=kill': ordeal(ground, h)


def main():
    o = options('the first ten of each, not one')
    with Story() as clear, Story() as tls:
        run_cases(o, [*cases(o, Ground(clear), 'clear'), *cases(o, Ground(tls, True), 'tls')])


if __name__ == '__main__':
    main()
