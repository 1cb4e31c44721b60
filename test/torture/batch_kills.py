#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kills Weir at each named point of a batch job's life, as kill -9 does, and starts it again: 120 callers ask, see their
connections break, and ask the next Weir. Everybody gets an answer, each its own; there is one job for a token, no
record is charged twice but those that Weir itself marked so, and book and bill agree.

    batch_kills.py [--seed N] [--only batch.put] [--long]

Without --long each point is met once, and three kills come at moments of chance; with it at each of its passings,
and 30 kills come by chance.
"""
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'flow'))

from jobflow import Road
from rack import check, options, run_cases
from weirflow import Failed, Story, until

# How often each is passed: the output of so many is read in two slices.
POINTS = {'batch.cut': 1, 'batch.put': 1, 'batch.create.before': 1, 'batch.create.after': 1, 'batch.running': 1,
          'batch.read': 2, 'batch.settle': 2, 'batch.clean': 1, 'direct.before': 3, 'direct.after': 3}
CALLERS = 200


def ask_until_killed(road):
    try:
        road.ask_all(CALLERS)
    except OSError:
        pass


def first_life(road, seconds=None):
    """Until the point kills it, or after so many seconds."""
    road.weir.may_fail = True
    callers = threading.Thread(target=ask_until_killed, args=(road,))
    callers.start()
    if seconds is not None:
        time.sleep(seconds)
        road.weir.signal(signal.SIGKILL)
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
    twice = sum(bool(r.get('maybe_twice')) for r in records)
    lost = road.charged() - len(records)  # answers of calls that died with Weir
    check(0 <= lost <= twice, f'{road.charged()} charged, {len(records)} in the book, {twice} marked')
    check(len(records) - CALLERS <= twice, f'{len(records)} records, {twice} marked')
    return len(jobs), road.charged() - CALLERS


def ordeal(hook=None, seconds=None):
    with Story() as s:
        keys = s.keys()
        road = Road(s, linger='1s', env={**keys, **({'WEIR_HOOK': hook} if hook else {})})
        if hook and hook.startswith('direct'):
            road.batch.order(order='partial=90')
        first_life(road, seconds)
        road.again()
        road.check_answers(road.ask_all(CALLERS))
        jobs, more = witness(road)
        return f'{jobs} jobs, {more} charged beyond one each'


def case(**how):
    try:
        return ordeal(**how)
    except SystemExit:
        raise Failed('see above') from None


def cases(o):
    rng = random.Random(o.seed)
    for point, times in POINTS.items():
        for nth in range(1, times + 1) if o.long else (rng.randint(1, times),):
            yield f'{point}:{nth}', lambda hook=f'{point}:{nth}=kill': case(hook=hook)
    for _ in range(30 if o.long else 3):
        seconds = rng.uniform(0.05, 4)
        yield f'after {seconds:.3f} s', lambda seconds=seconds: case(seconds=seconds)


if __name__ == '__main__':
    arguments = options('at every passing of each point, and 30 times by chance')
    run_cases(arguments, list(cases(arguments)))
