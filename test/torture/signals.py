#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Signals under load: SIGHUP by the hundred, SIGPIPE, a stop of two seconds, SIGINT and SIGTERM with streams
open, SIGTERM twice.

    signals.py [--only SIGTERM] [--long]

No request fails but by the second SIGTERM, no descriptor is lost, and Weir ends well each time. --long
sends ten times as many.
"""
import concurrent.futures
import signal
import time

from rack import (H1, H2, Ground, Load, Request, Story, check, converse, count_fds, model_path, options,
                  run_cases, settle_fds, until)

STREAMS = 12


def under_load(ground, disturb):
    with ground.on(ground.weir(workers=2)) as weir:
        before = count_fds(weir)
        with Load(ground, weir.addresses[0]) as load:
            load.more(0.3)
            disturb(weir)
            load.more(0.3)
        said = load.check()
        settle_fds(ground, weir, before)
    return said


def storm(weir, number, times):
    for _ in range(times):
        weir.signal(number)
        time.sleep(0.01)


def hang_up(weir, times):
    """Signals of one kind melt together, so the last reload may be the answer to many."""
    storm(weir, signal.SIGHUP, times)
    until('reloads', lambda: weir.metric('weir_reloads_total', result='good') > 1)
    check(weir.metric('weir_reloads_total', result='refused') == 0, 'a reload was refused')


def pause(weir):
    weir.signal(signal.SIGSTOP)
    time.sleep(2)
    weir.signal(signal.SIGCONT)


def slow_streams(ground):
    """Streams of about a second, and what they answer without Weir."""
    streams = [Request(f'stream {n}', model_path('converse-stream'),
                       converse(f'[[sim:chunks=10]] [[sim:slow=100]] {n}')) for n in range(STREAMS)]
    with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
        list(pool.map(ground.learn, streams))
    return streams


def begin(ground, pool, address, streams):
    """Half of them on connections of their own, half on one; returns when the simulator has all."""
    runs = [pool.submit(lambda r=r: [(r, H1(address, ground.tls).ask(r))]) for r in streams[::2]]
    runs.append(pool.submit(H2(address, ground.tls).ask, streams[1::2]))
    until('streams at the simulator', lambda: ground.sim.summary()['open'] == STREAMS)
    return runs


def ends(ground, first, second=None):
    streams = slow_streams(ground)
    weir = ground.weir(workers=2)
    with ground.on(weir), concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
        runs = begin(ground, pool, weir.addresses[0], streams)
        idle = H1(weir.addresses[0], ground.tls)
        check(idle.ask(ground.again).kind == 'answered', 'before the signal')
        weir.signal(first)
        weir.line(r' drain ')
        began = time.monotonic()
        if second:
            weir.signal(second)
        status = weir.wait(15)
        took = time.monotonic() - began
        results = [result for run in runs for result in run.result()]
        cut = [f'{r.name}: {o}' for r, o in results if o.kind != 'answered']
        check(status == 0, f'exit {status}')
        check(second or not cut, f'cut by the first signal: {cut}')
        check(not second or took < 5, f'it took {took:.1f} s to end after the second')
        check(not second or cut, 'nothing was cut by the second: the test came too late')
        ground.check_ledger(results)
    return f'ended in {took:.1f} s, {len(cut)} cut'


def cases(o, ground, mode):
    times = 1000 if o.long else 100
    yield f'{mode} SIGHUP {times} times', lambda: under_load(ground, lambda w: hang_up(w, times))
    if not ground.tls:
        yield f'{mode} SIGPIPE {times} times', lambda: under_load(ground, lambda w: storm(w, signal.SIGPIPE, times))
        yield f'{mode} SIGSTOP, SIGCONT', lambda: under_load(ground, pause)
        yield f'{mode} SIGINT', lambda: ends(ground, signal.SIGINT)
    yield f'{mode} SIGTERM', lambda: ends(ground, signal.SIGTERM)
    yield f'{mode} SIGTERM twice', lambda: ends(ground, signal.SIGTERM, signal.SIGTERM)


def main():
    o = options('ten times as many signals')
    with Story() as clear, Story() as tls:
        run_cases(o, [*cases(o, Ground(clear), 'clear'), *cases(o, Ground(tls, True), 'tls')])


if __name__ == '__main__':
    main()
