# SPDX-License-Identifier: Apache-2.0
"""Who was told to come again comes to what was promised, also when its rule's hours are over, or say another lane by now:
sent on demand it would be paid for twice. What is not there goes where it is cheapest, as ever."""
from datetime import datetime, timedelta, timezone
from holdflow import NIGHTLY, PATH, holding, pooled, workload
from weirflow import Story, ask, converse, equal, place, until

now = datetime.now(timezone.utc)
HOURS = [f'{now + timedelta(hours=begin):%H}:{now:%M}-{now + timedelta(hours=begin + 2):%H}:{now:%M}' for begin in (-1, 2)]

with Story() as s:
    def follow(hours, **more):
        rule = {**NIGHTLY, 'match': {'workload': 'n-*', 'hours': hours}, 'set': {'deadline': '8h', 'reply': 'retry', **more}}
        weir.reload({**weir.config, 'rules': [rule]})

    def comes(text):
        return ask(weir.url, workload('retry') + PATH, converse(text)).status

    weir = holding(s, reply='retry', linger='60s', admin={'address': place()})
    follow(HOURS[0])
    equal(comes('promised'), 429, 'within its hours')
    for n, change in enumerate(((HOURS[1], {}), (HOURS[0], {'lane': ['flex']}))):
        follow(change[0], **change[1])
        equal((comes('promised'), comes(f'new {n}')), (429, 200), f'{change}')
    pooled(weir, 1)
    equal(sum(row['charged'] for row in s.sim.rows()), 2, 'those that are new')
    weir.command('batch', 'flush', 'p1')
    until('its answer', lambda: weir.metric('weir_batch_records', state='done') == 1)
    follow(HOURS[1])
    equal(comes('promised'), 200, 'it is there')
    equal(sum(row['charged'] for row in s.sim.rows()), 3, 'and it once')
