#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses the nth allocation of those that may be refused (base/mem.h: mem_try, mem_map), once, and all
of them from the nth on.

    memory.py [--seed N] [--only :12=] [--long]

At the start Weir may end with a sentence. After that no crash, no silence, nothing bought twice; what was
refused once does not hinder the next request, and while all are refused health still answers.
"""
import random

from rack import (Failed, Ground, SANITIZER_WORDS, Story, check, count_fds, http_ask, options, run_cases,
                  settle_fds)

CALLS = (90, 90)  # for the set, with Weir's start: in clear, under TLS


def refused_to_start(ground, why):
    """It may, with a sentence and an exit status of its own."""
    weir = ground.story.processes.pop()
    status = weir.end()
    check(status in (1, 2) and not SANITIZER_WORDS.search(weir.log()) and weir.log().strip(),
          f'{why}\nexit {status}\n{weir.log()[-3000:]}')
    return f'does not start: {weir.log().strip()[-80:]}'


def start(ground, hook):
    try:
        return ground.weir(hook), ''
    except Failed as e:
        return None, refused_to_start(ground, e)


def once(ground, n):
    weir, words = start(ground, f'mem.try:{n}=fail:ENOMEM')
    if not weir:
        return words
    with ground.on(weir):
        before = count_fds(weir)
        results = ground.ask_all(weir.addresses[0])
        ground.works_again(weir.addresses[0])
        ground.check_ledger(results)
        settle_fds(ground, weir, before)
    return ', '.join(f'{r.name}: {o}' for r, o in results if o.kind != 'answered')


def from_then_on(ground, n):
    weir, words = start(ground, f'mem.try:{n}+=fail:ENOMEM')
    if not weir:
        return words
    with ground.on(weir):
        before = count_fds(weir)
        results = ground.ask_all_at_once(weir.addresses[0])
        check(http_ask(weir.admin, 'GET', '/healthz').status == 200, 'health')
        ground.check_ledger(results)
        settle_fds(ground, weir, before)
    return ', '.join(f'{r.name}: {o}' for r, o in results if o.kind != 'answered')


def cases(o, ground, mode):
    dice = random.Random(f'{o.seed} {mode}')
    calls = range(1, CALLS[ground.tls] + 1)
    for n in calls if o.long else sorted(dice.sample(calls, 12)):
        yield f'{mode} mem.try:{n}=', lambda n=n: once(ground, n)
    for n in calls if o.long else sorted(dice.sample(calls, 4)):
        yield f'{mode} mem.try:{n}+=', lambda n=n: from_then_on(ground, n)


def main():
    o = options('every call, not a sample')
    with Story() as clear, Story() as tls:
        run_cases(o, [*cases(o, Ground(clear), 'clear'), *cases(o, Ground(tls, True), 'tls')])


if __name__ == '__main__':
    main()
