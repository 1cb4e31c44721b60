#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kills Weir at the points of a held request's life: before and after the commits of the spool, when its client would
be told, before its answer goes out, and when it is out. Its caller asks again with the same invocation id, as
SDKs do, and the next Weir knows it: one answer, one charge, one record in the book; for each of the three replies.

    held_kills.py [--seed N] [--only held.answer] [--long]

Without --long each point is met once, with it at each of the first passings.
"""
import http.client
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'flow'))

from holdflow import PATH, again, holding, look, workload
from rack import check, options, run_cases
from weirflow import Failed, Story, ask, converse, equal, until

POINTS = {'spool.before_commit': 4, 'spool.after_commit': 4, 'held.told': 1, 'held.answer': 1, 'held.over': 1}


class Caller:
    def __init__(self, s, weir, reply):
        self.s, self.weir, self.reply = s, weir, reply

    def living(self):
        if not self.weir.alive():
            self.weir = again(self.s, self.weir)
        return self.weir

    def attempt(self, send):
        try:
            return send(self.living())
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
            return None

    def ask(self):
        headers = {'amz-sdk-invocation-id': 'held', **({'x-weir-reply': 'ticket'} if self.reply == 'ticket' else {})}
        return self.attempt(lambda weir: ask(weir.url, workload('kills') + PATH, converse('held'), headers))

    def look(self, url):
        return self.attempt(lambda weir: look(weir, url))

    def answer(self):
        """As a client of that reply comes to it."""
        first = until('a word', self.ask)
        if first.status == 202:
            return until('an answer', lambda: (lambda a: a if a and a.status == 200 else None)(
                self.look(first.header('location'))), 30)
        return until('an answer', lambda: (lambda a: a if a and a.status == 200 else None)(
            first if first.status == 200 else self.ask()), 30)


def start(s, hook, reply):
    terms = {'linger': '1s', 'reply': 'wait' if reply == 'ticket' else reply}
    try:
        return holding(s, env={**s.keys(), 'WEIR_HOOK': hook}, **terms)
    except Failed:
        dead = s.processes[-1]
        dead.may_fail = True
        check(dead.wait() == -9, f'ended with {dead.popen.returncode} before it was ready')
        return holding(s, **terms)


def at(hook, reply):
    with Story() as s:
        caller = Caller(s, start(s, hook, reply), reply)
        equal(caller.answer().json()['stopReason'], 'end_turn', 'its answer')
        time.sleep(0.5)  # held.over comes when the caller has its answer
        weir = caller.living()
        until('quiet', lambda: weir.metric('weir_batch_outbox') == 0)
        records = weir.records()
        charged = sum(row['charged'] for row in s.sim.rows())
        equal(len(records), 1, 'records')
        # A call that may have been under way is made again, and marked so.
        check(1 <= charged <= 1 + records[0]['maybe_twice'], f'{charged} charged: {records}')
        return 'killed' if sum(p.name == 'weir' for p in s.processes) > 1 else 'not killed'


def case(hook, reply):
    try:
        return at(hook, reply)
    except SystemExit:
        raise Failed('see above') from None


def cases(o):
    rng = random.Random(o.seed)
    for point, times in POINTS.items():
        for nth in range(1, times + 1) if o.long else (rng.randint(1, times),):
            for reply in ('wait', 'retry', 'ticket'):
                yield f'{reply} {point}:{nth}', lambda h=f'{point}:{nth}=kill', r=reply: case(h, r)


if __name__ == '__main__':
    arguments = options('at each of the first passings of the commits')
    run_cases(arguments, list(cases(arguments)))
