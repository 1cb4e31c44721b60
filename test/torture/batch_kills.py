#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kills Weir at each named point of a batch job's life, as kill -9 does, and starts it again: many callers ask, see their
connections break, and ask the next Weir. Everybody gets an answer, each its own; there is one job for a token, no
record is charged twice but those that Weir itself marked so, and book and bill agree.

    batch_kills.py [--seed N] [--only batch.put] [--long]

Without --long each point is met once, with it at each of its passings. At moments of chance it is killed by story 282.
"""
import collections
import pathlib
import random
import signal
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'flow'))

from jobflow import Road
from rack import check, options, run_cases
from weirflow import Failed, Story, until

# How often each is passed: the output of so many is read in two slices.
POINTS = {'batch.cut': 1, 's3.part': 1, 'batch.put': 1, 'batch.create.before': 1, 'batch.create.after': 1, 'batch.running': 1,
          'batch.read': 2, 'batch.settle': 2, 'batch.clean': 1, 'direct.before': 3, 'direct.after': 3}
CALLERS = 200
LONG = {'s3.part': 'x' * 60000}  # an input of more than one part


def ask_until_killed(road, text):
    try:
        road.ask_all(CALLERS, text)
    except OSError:
        pass


def first_life(road, text):
    """Until the point kills it."""
    road.weir.may_fail = True
    callers = threading.Thread(target=ask_until_killed, args=(road, text))
    callers.start()
    status = road.weir.wait(60)
    check(status == -signal.SIGKILL, f'it ended with {status}\n{road.weir.log()}')
    callers.join()
    road.story.processes.remove(road.weir)


def witness(road):
    """The bill against the book, when all is quiet."""
    road.clean()
    jobs = road.batch.jobs()
    check(len({j['token'] for j in jobs}) == len(jobs), f'two jobs with one token: {jobs}')
    check(all(j['token_with_other_wish'] == 0 for j in jobs), f'a token with two wishes: {jobs}')
    records = until('a record of every caller', lambda: (lambda r: r if len(r) >= CALLERS else None)(
        road.weir.records(CALLERS)))
    marked = sum(r['maybe_twice'] for r in records)
    paid = collections.Counter(r['question'] for r in road.batch.sim.rows() if r['charged'])
    twice = sum(n > 1 for n in paid.values())  # one that meets several kills is paid several times, and marked once
    check(twice <= marked, f'{twice} were paid twice, {marked} are marked')
    check(len(records) <= sum(paid.values()), f'{len(records)} records of {sum(paid.values())} charged calls')
    check(len(records) - CALLERS <= marked, f'{len(records)} records, {marked} marked')
    return f'{len(jobs)} jobs, {road.charged() - CALLERS} charged beyond one each'


def at_point(hook):
    text = LONG.get(hook.partition(':')[0], 'Question')
    with Story() as s:
        road = Road(s, env={**s.keys(), 'WEIR_HOOK': hook})
        if hook.startswith('direct'):
            road.batch.order(order='partial=90')
        first_life(road, text)
        road.again()
        road.check_answers(road.ask_all(CALLERS, text))
        return witness(road)


def case(run, *how):
    try:
        return run(*how)
    except SystemExit:
        raise Failed('see above') from None


def cases(o):
    rng = random.Random(o.seed)
    for point, times in POINTS.items():
        for nth in range(1, times + 1) if o.long else (rng.randint(1, times),):
            yield f'{point}:{nth}', lambda hook=f'{point}:{nth}=kill': case(at_point, hook)


if __name__ == '__main__':
    arguments = options('at every passing of each point')
    run_cases(arguments, list(cases(arguments)))
