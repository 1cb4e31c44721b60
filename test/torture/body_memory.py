#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Twenty clients with 5 MB each where memory.bodies is 8 MiB: each is answered or refused with 503, memory
stays within its bound, and afterwards everything works.

    body_memory.py [--only h2]

For a release build: a sanitizer's memory is not Weir's.
"""
import concurrent.futures
import threading
import time

from rack import (H1, H2, Ground, Request, Story, check, claude, count_fds, memory, model_path, options,
                  run_cases, settle_fds, until)

CLIENTS, BODIES = 20, 8 << 20
MOST = BODIES + (2 * CLIENTS << 20) + (8 << 20)  # and of each mapping what is kept for the next; the rest


def large(ground, n):
    request = Request(f'5 MB {n}', model_path('invoke'), claude(f'{n} ' + 'lorem ipsum ' * 416000))
    ground.learn(request)
    return request


class Watch:
    """The most memory that was in use."""

    def __init__(self, weir):
        self.weir, self.most, self.stop = weir, 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stop.wait(0.01):
            self.most = max(self.most, memory(self.weir))

    def end(self):
        self.stop.set()
        self.thread.join()
        return self.most


def ask(ground, address, request, over_h2):
    if over_h2:
        return H2(address, ground.tls).ask([request])
    client = H1(address, ground.tls)
    outcome = client.ask(request)
    client.close()
    return [(request, outcome)]


def ordeal(ground, bodies, over_h2):
    with ground.on(ground.weir(workers=2, memory={'bodies': '8MiB'})) as weir:
        before, base, address = count_fds(weir), memory(weir), weir.addresses[0]
        watch = Watch(weir)
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            runs = [pool.submit(ask, ground, address, r, over_h2(n)) for n, r in enumerate(bodies)]
            results = [result for run in runs for result in run.result()]
        took = time.monotonic() - began
        most = watch.end() - base
        kinds = [outcome.kind for _, outcome in results]
        odd = [f'{r.name}: {o}' for r, o in results
               if o.kind != 'answered' and not o.words.startswith('503') and o.kind != 'broken']
        check(not odd, f'neither answered nor 503: {odd}')
        check(most < MOST, f'{most / 1048576:.1f} MiB were used')
        until('memory given back', lambda: weir.metric('weir_body_memory_bytes') == 0)
        ground.check_ledger(results)
        again = [f'{r.name}: {o}' for r, o in ground.ask_all(address) if o.kind != 'answered']
        check(not again, f'afterwards: {again}')
        settle_fds(ground, weir, before)
    return f'{kinds.count("answered")} answered, {kinds.count("refused")} refused, {kinds.count("broken")} broken ' \
           f'in {took:.1f} s, {most / 1048576:.1f} MiB'


def main():
    o = options('nothing more')
    with Story() as s:
        ground = Ground(s)
        bodies = [large(ground, n) for n in range(CLIENTS)]
        run_cases(o, [('over HTTP/1.1', lambda: ordeal(ground, bodies, lambda n: False)),
                      ('over HTTP/2', lambda: ordeal(ground, bodies, lambda n: True)),
                      ('over both', lambda: ordeal(ground, bodies, lambda n: n % 2))])


if __name__ == '__main__':
    main()
