#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kills Weir at each named point of a batch job's life, as kill -9 does, and starts it again: 120 callers ask, see their
connections break, and ask the next Weir. Everybody gets an answer, each its own; there is one job for a token, no
record is charged twice but those that Weir itself marked so, and book and bill agree.

    batch_kills.py [--seed N] [--only batch.put] [--long]

Then a night of 600 prompts, in which it is killed 30 times at moments of chance and the callers ask again until they
have their answers. Without --long each point is met once, with it at each of its passings.
"""
import collections
import concurrent.futures
import http.client
import json
import pathlib
import random
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'flow'))

from jobflow import PATH, Road
from rack import check, options, run_cases
from weirflow import Failed, Story, ask, converse, until

# How often each is passed: the output of so many is read in two slices.
POINTS = {'batch.cut': 1, 'batch.put': 1, 'batch.create.before': 1, 'batch.create.after': 1, 'batch.running': 1,
          'batch.read': 2, 'batch.settle': 2, 'batch.clean': 1, 'direct.before': 3, 'direct.after': 3}
CALLERS = 200


def ask_until_killed(road):
    try:
        road.ask_all(CALLERS)
    except OSError:
        pass


def kill(road):
    """It is dead, or dies now."""
    road.weir.may_fail = True
    road.weir.signal(signal.SIGKILL)
    road.weir.wait()
    road.story.processes.remove(road.weir)


def first_life(road):
    """Until the point kills it."""
    road.weir.may_fail = True
    callers = threading.Thread(target=ask_until_killed, args=(road,))
    callers.start()
    status = road.weir.wait(60)
    check(status == -signal.SIGKILL, f'it ended with {status}\n{road.weir.log()}')
    callers.join()
    road.story.processes.remove(road.weir)


def witness(road, callers=CALLERS):
    """The bill against the book, when all is quiet."""
    road.clean()
    jobs = road.batch.jobs()
    check(len({j['token'] for j in jobs}) == len(jobs), f'two jobs with one token: {jobs}')
    check(all(j['token_with_other_wish'] == 0 for j in jobs), f'a token with two wishes: {jobs}')
    records = until('a record of every caller', lambda: (lambda r: r if len(r) >= callers else None)(
        road.weir.records(callers)))
    marked = sum(r['maybe_twice'] for r in records)
    paid = collections.Counter(r['question'] for r in road.batch.sim.rows() if r['charged'])
    twice = sum(n > 1 for n in paid.values())  # one that meets several kills is paid several times, and marked once
    check(twice <= marked, f'{twice} were paid twice, {marked} are marked')
    check(len(records) <= sum(paid.values()), f'{len(records)} records of {sum(paid.values())} charged calls')
    check(len(records) - callers <= marked, f'{len(records)} records, {marked} marked')
    return f'{len(jobs)} jobs, {road.charged() - callers} charged beyond one each'


def at_point(hook):
    with Story() as s:
        road = Road(s, linger='1s', env={**s.keys(), 'WEIR_HOOK': hook})
        if hook.startswith('direct'):
            road.batch.order(order='partial=90')
        first_life(road)
        road.again()
        road.check_answers(road.ask_all(CALLERS))
        return witness(road)


def stubborn(road, text):
    """A caller that asks until it is answered."""
    body, target = json.dumps(converse(text)).encode(), road.weir.url
    for _ in range(200):
        try:
            answer = ask(target, PATH, body, seconds=60)
            if answer.status == 200:
                return text, answer
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.3)
    raise Failed(f'{text}: never answered')


def night(rng, prompts=600, kills=30):
    with Story() as s:
        with socket.create_server(('127.0.0.1', 0)) as probe:
            port = probe.getsockname()[1]
        road = Road(s, linger='2s', listen=[{'address': f'127.0.0.1:{port}'}])
        road.batch.order(job_ms=5000)
        with concurrent.futures.ThreadPoolExecutor(prompts) as callers:
            told = [callers.submit(stubborn, road, f'Night {i}') for i in range(prompts)]
            for _ in range(kills):
                time.sleep(rng.uniform(0.05, 1.5))
                kill(road)
                road.again()
            road.check_answers([t.result() for t in told])
        return witness(road, prompts)


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
    yield 'a night with 30 kills', lambda: case(night, rng)


if __name__ == '__main__':
    arguments = options('at every passing of each point')
    run_cases(arguments, list(cases(arguments)))
