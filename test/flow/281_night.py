# SPDX-License-Identifier: Apache-2.0
# timeout: 500, waits: 60
"""A night of four programs through one Weir: every program gets every answer, each the right one; what a batch takes
runs in jobs of the right size; a loop is not held for long and never fails; and the bill is that of the ledger.

    WEIR_NIGHT=threads=6000,promises=3000,loop=60,again=2940,extras=300     by hand"""
import os
import time
from programflow import MODELS, Night
from weirflow import Story, check, equal

words = os.environ.get('WEIR_NIGHT', 'threads=400,promises=300,loop=8,again=150,extras=20')
counts = {name: int(n) for name, n in (word.split('=') for word in words.split(','))}
extras = counts.pop('extras')

with Story() as s:
    night = Night(s, counts, extras=extras, linger='20s')  # a tenth of it without a new one ends a pool
    began = time.monotonic()
    night.go(seconds=240 + sum(counts.values()) // 8)
    took = time.monotonic() - began
    equal(dict(night.errors) if 'loop' in str(night.errors) else {}, {}, 'errors of the loop')
    night.settled()
    rows = night.charged()
    night.book_is_ledger(rows)
    night.right()
    print(f'{took:.0f} s; peak of RssAnon {night.peak >> 20} MiB; errors noted: {sum(night.errors.values())}, runs: '
          f'{dict(night.runs)}, longest of the loop: {max(night.late.values()):.1f} s')
    equal(night.twice(rows), 0, 'charged more often than asked')
    jobs = night.jobs()
    check(all(job['records'] >= 100 for job in jobs), f'jobs {[job["records"] for job in jobs]}')
    batch = [row for row in rows if row.get('tier') == 'batch']
    for shape, fit in counts.items():
        if shape == 'loop':
            continue
        ran = sum(row['model'] == MODELS[shape] for row in batch)
        check(ran > fit - 100, f'{shape}: {ran} of {fit} in jobs')  # a rest may be below the minimum of a job
        print(f'{shape}: {ran} of {fit} in jobs')
    rest = [row for row in rows if row['model'] != MODELS['loop'] and row['operation'] != 'ConverseStream']
    tools = extras * 3
    print(f'{len(rows)} charges, {len(batch)} in {len(jobs)} jobs; all that is no stream costs {night.share(rest):.3f} of its '
          f'price on demand, {tools} of {len(rest)} with tools among it')
    check(night.share(batch) == 0.5 and night.share(rest) < 0.62, 'the bill of what can wait')
    held = sorted(night.late.values())[-4:]
    check(held[0] < 4 and held[-1] < 20, f'the loop was held: {night.late}')
