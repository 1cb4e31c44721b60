#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hundreds of reloads: under load no request fails and no descriptor is lost; and memory stays where it was.

    reloads.py [--only memory] [--long]

Each reload changes something: an address is opened and closed again, a limit moves, certificates are read
again. --long does 3,000 instead of 300. For a release build: a sanitizer keeps what was freed.
"""
import time

from rack import Ground, Load, Story, check, count_fds, http_ask, memory, options, run_cases, settle_fds, until

GROWTH = 1.05  # after all, to after the first tenth
# What an allocator keeps on top: with TLS each reload reads the system's authorities anew, megabytes in
# thousands of pieces.
SLACK = {False: 2 << 20, True: 8 << 20}


def reload(weir, config):
    weir.write(config)
    answer = http_ask(weir.admin, 'POST', '/api/v1/reload')
    check(answer.status == 200, f'{answer.status} {answer.body[:300]}')


def variants(weir):
    """The configuration as it is, with one more address, and with another limit."""
    plain = weir.config
    more = {**plain, 'listen': [*plain['listen'], {**plain['listen'][0], 'address': '127.0.0.2:0'}]}
    return plain, more, {**plain, 'memory': {'bodies': '512MiB'}}


def under_load(ground, times):
    with ground.on(ground.weir(workers=2)) as weir:
        before, configs = count_fds(weir), variants(weir)
        with Load(ground, weir.addresses[0]) as load:
            for n in range(times):
                reload(weir, configs[n % 3])
                time.sleep(0.01)
            load.more(0.3)
        said = load.check()
        reload(weir, configs[0])
        settle_fds(ground, weir, before)
        check(weir.metric('weir_reloads_total', result='good') == times + 1, 'reloads')
    return said


def settled(weir):
    """When two looks are alike."""
    seen = [memory(weir)]

    def same():
        time.sleep(0.3)
        seen.append(memory(weir))
        return abs(seen[-1] - seen[-2]) < 64 * 1024
    until('resting memory', same)
    return seen[-1]


def quiet(ground, times):
    with ground.on(ground.weir(workers=2)) as weir:
        configs, seen = variants(weir), []
        ground.ask_all(weir.addresses[0])
        for part in (times // 10, times - times // 10):
            for n in range(part):
                reload(weir, configs[n % 3])
            seen.append(settled(weir))
        said = f'{seen[0] / 1048576:.1f} MiB after {times // 10}, {seen[1] / 1048576:.1f} after {times}'
        check(seen[1] <= seen[0] * GROWTH + SLACK[ground.tls], said)
    return said


def main():
    o = options('3,000 reloads')
    times = 3000 if o.long else 300
    with Story() as clear, Story() as tls:
        cases = []
        for mode, ground in ('clear', Ground(clear)), ('tls', Ground(tls, True)):
            cases += [(f'{mode} load', lambda g=ground: under_load(g, times // 3)),
                      (f'{mode} memory', lambda g=ground: quiet(g, times))]
        run_cases(o, cases)


if __name__ == '__main__':
    main()
