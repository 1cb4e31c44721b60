# SPDX-License-Identifier: Apache-2.0
"""120 callers wait for their answers, and one job gives them all: each its own, from the batch's price list; nothing is
left in S3, and book and bill agree.

    WEIR_JOB=records=1000,bytes=1000000    by hand: an output of 1 GB"""
import os
import re
from jobflow import Road
from weirflow import Story, check, equal, until

words = os.environ.get('WEIR_JOB', 'records=120,bytes=200')
n, size = (int(word.split('=')[1]) for word in words.split(','))

with Story() as s:
    road = Road(s, linger='10s')
    got = road.ask_all(n, f'[[sim:bytes={size}]]', seconds=60 + n)
    road.check_answers(got)
    equal(road.charged('BatchConverse'), n, 'records that the job was charged for')
    equal(road.charged(), n, 'charged calls')
    jobs = road.batch.jobs()
    equal([(j['records'], j['kind'], j['state']) for j in jobs], [(n, 'Converse', 'Completed')])
    check(re.fullmatch('weir-[0-9a-f]{8}-1-[0-9a-f]{8}', jobs[0]['name']), f"the name {jobs[0]['name']}")
    road.clean()
    records = until('the records are in the book', lambda: (lambda r: r if len(r) == n else None)(
        [r for r in road.weir.records(n) if r['lane'] == 'batch']))
    tokens = sum(r['input'] + r['output'] for r in road.batch.sim.rows() if r['operation'] == 'BatchConverse')
    equal(sum(r['tokens']['input'] + r['tokens']['output'] for r in records), tokens, 'tokens in book and ledger')
    print(f'RssAnon {road.weir.anon_bytes() >> 20} MiB')
