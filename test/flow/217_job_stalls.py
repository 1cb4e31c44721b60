# SPDX-License-Identifier: Apache-2.0
"""A job that stalls does not keep anybody beyond their deadline: it is stopped; where it does not stop, its records go
on demand, marked as perhaps paid twice, and what it says of them later is metered and dropped. timeout: 200 waits: 48"""
import time
from jobflow import Road
from weirflow import Story, check, equal, until

with Story() as s:
    road = Road(s, linger='6s', deadline='26s')
    road.warm(1500)

    road.batch.order(order='stall=InProgress')
    began = time.monotonic()
    road.check_answers(road.ask_all(120, 'Stop'))
    check(time.monotonic() - began < 26, f'{time.monotonic() - began:.1f} s, and the deadline was 26 s')
    equal(road.charged(), 120, 'charged: the half that was processed is not sent again')

    road.batch.order(order='stall=InProgress stops-never')
    began = time.monotonic()
    road.check_answers(road.ask_all(120, 'Never'))
    check(time.monotonic() - began < 26, f'{time.monotonic() - began:.1f} s, and the deadline was 26 s')
    road.weir.line(r'120 records go on demand: their deadline comes.*may be paid twice, \$[0-9.]+ today, and batch.max_twice is')
    records = road.weir.records(240)
    equal(sum(r['maybe_twice'] for r in records), 120, 'marked')

    road.batch.sim.control('/sim/clock', 'POST', b'{"advance_ms": 90000000}')  # the job expires, half of it processed
    until('what came late is in the book', lambda: len(road.weir.records(300)) == road.charged() + road.warmed == 1800)
    road.weir.line('60 came late')
    road.clean()
