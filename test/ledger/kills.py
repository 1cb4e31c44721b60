#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Weir under load, killed with SIGKILL at random moments, its state kept.

    kills.py [--kills 6] [--seed N]

After each kill the book must open, agree with itself, and have each answer that a client got whole
longer ago than what metering allows: 100 ms and a commit, with `metering: strict` nothing. No request is
in it twice, and none that the simulator did not charge.
"""
import argparse
import collections
import os
import pathlib
import random
import signal
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'flow')]

import book
import drive
import mix
from weirflow import Failed, Story, Weir, check

COMMIT_S = 0.25  # the longest commit that a busy machine's disk is allowed
LOST_S = {'on': 0.1 + COMMIT_S, 'strict': float('-inf')}  # how long before the kill what may be lost ended


class Kills:
    def __init__(self, story, metering, seed):
        self.s, self.seed, self.metering = story, seed, metering
        self.rng = random.Random(f'{seed} {metering}')
        self.specs, self.ids, self.serial, self.lives, self.latest = {}, {}, 0, 0, 0.0
        story.simulator('--no-auth', '--ledger', '1000000')
        self.config = story.config(metering=metering, timeouts={'answer': '4s'}, settle={'drain': '3s'},
                                   cache={'mode': 'off'})  # a row is known by its body's digest

    def requests(self):
        while True:
            self.serial += 1
            spec = mix.make(self.seed, self.serial, profiles=False)
            if spec.fault.split('=')[0] in ('', 'once', 'tool', 'exception'):  # those that end soon
                self.specs[spec.key] = spec
                yield spec

    def life(self):
        """One Weir from its start to the kill; what its clients got whole, and when it was killed."""
        weir = Weir(self.s, self.config, self.s.clean_env(**self.s.keys()))
        self.lives += 1
        # Every other time a slow one: then the clerk's clock commits, and not the number of records.
        how = {'parallel': 32} if self.lives % 2 else {'parallel': 1, 'pause': 0.01}
        driver = drive.Drive(lambda: ('127.0.0.1', weir.port), **how)
        thread = threading.Thread(target=driver.run, args=[self.requests()], daemon=True)
        thread.start()
        time.sleep(self.rng.uniform(0.3, 1.5))
        killed = time.time()
        weir.signal(signal.SIGKILL)
        driver.stop = True
        weir.wait()
        weir.may_fail = True
        self.s.processes.remove(weir)
        thread.join(30)
        check(not thread.is_alive(), 'a client still waits for a Weir that is gone')
        self.weir = weir
        self.ids.update(driver.ids)
        return driver.whole, killed

    def once(self):
        whole, killed = self.life()
        check(whole, 'no request came to its end')
        self.weir.command('book', 'check')
        records = self.weir.records()
        there = collections.Counter(r['id'] for r in records)
        lost = [killed - at for id, at in whole.items() if id not in there]
        self.latest = max([self.latest, *lost])
        check(all(age <= LOST_S[self.metering] for age in lost), f'{len(lost)} of {len(whole)} whole answers are not in the '
              f'book, the oldest was {max(lost, default=0) * 1000:.0f} ms old at the kill')
        check(all(n == 1 for n in there.values()), f'twice: {[i for i, n in there.items() if n > 1][:3]}')
        check(book.sums_of(self.weir) == book.sums_of_records(records), 'the sums are not those of the records')
        return len(lost), len(whole)

    def never_twice(self):
        """No more records of a request than the ledger has charged rows, and each with their tokens."""
        found = book.Comparison(self.specs, book.rows_of(self.s.sim), self.weir.records(), self.ids)
        found.sort()
        for whole, records in found.told_records.items():
            check(len(records) <= len(found.told_rows.get(whole, [])), f'in the book, and not charged so: {whole}')
        check(not found.problems, f'{found.problems}: {found.examples}')
        return len(found.records)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--kills', type=int, default=int(os.environ.get('WEIR_LEDGER_KILLS', 6)))
    parser.add_argument('--seed', type=int, default=int(os.environ.get('WEIR_SEED', random.randrange(10**6))))
    o = parser.parse_args()
    print(f'# seed {o.seed}\n1..2', flush=True)
    bad = 0
    for number, metering in enumerate(LOST_S, 1):
        try:
            with Story() as s:
                k = Kills(s, metering, o.seed)
                lost, whole = map(sum, zip(*[k.once() for _ in range((o.kills + 1) // 2)]))
                kept = k.never_twice()
            print(f'ok {number} - metering {metering}: {(o.kills + 1) // 2} kills, {whole} whole answers, {lost} of them '
                  f'lost, the oldest {k.latest * 1000:.0f} ms before the kill; {kept} records', flush=True)
        except Failed as e:
            bad = 1
            print(f'not ok {number} - metering {metering}\n' + '\n'.join('#  ' + line for line in str(e).split('\n')), flush=True)
    sys.exit(bad)


if __name__ == '__main__':
    main()
