# SPDX-License-Identifier: Apache-2.0
"""120 callers wait for their answers, and one job gives them all: each its own, from the batch's price list; nothing is
left in S3, and book and bill agree."""
import re
from jobflow import Road
from weirflow import Story, check, equal, until

with Story() as s:
    road = Road(s)
    got = road.ask_all(120)
    road.check_answers(got)
    equal(road.charged('BatchConverse'), 120, 'records that the job was charged for')
    equal(road.charged(), 120, 'charged calls')
    jobs = road.batch.jobs()
    equal([(j['records'], j['kind'], j['state']) for j in jobs], [(120, 'Converse', 'Completed')])
    check(re.fullmatch('weir-[0-9a-f]{8}-1-[0-9a-f]{8}', jobs[0]['name']), f"the name {jobs[0]['name']}")
    road.clean()
    records = until('the records are in the book', lambda: (lambda r: r if len(r) == 120 else None)(
        [r for r in road.weir.records(120) if r['lane'] == 'batch']))
    tokens = sum(r['input'] + r['output'] for r in road.batch.sim.rows() if r['operation'] == 'BatchConverse')
    equal(sum(r['tokens']['input'] + r['tokens']['output'] for r in records), tokens, 'tokens in book and ledger')
