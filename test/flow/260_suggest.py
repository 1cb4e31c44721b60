# SPDX-License-Identifier: Apache-2.0
"""weir batch suggest, without a daemon and beside one: nightly work is found in a book of ten nights, with its hours,
its money, and what stands in the way; people in the day are not."""
import json
from batchflow import BATCH_MODEL, BUCKET, ROLE
from nightflow import batch, make_book, night, nights
from weirflow import Story, check, equal

with Story() as s:
    clients = [s.client(n, data={'persist': 'spool'}) for n in ('reports', 'chat', 'agents', 'slow')] + [s.client('shy')]
    make_book(s, nights(), nights(client='chat', kind='stream'), nights(client='agents', kind='tools', workload='-'),
              nights(client='slow', at_once=1, latency_ms=1000), nights(client='shy', hour=23),
              nights(client='reports', workload='old', model='anthropic.claude-opus-5-unlisted'),
              [line for hour in range(9, 18) for line in nights(hour=hour, n=40, workload='people')], night(0, 3, workload='once'))
    weir = s.weir(clients=clients, batch={'bucket': BUCKET, 'role_arn': ROLE})
    told = json.loads(batch(s, weir, 'suggest', '--format', 'json'))
    by = {one['name']: one for one in told['suggestions']}
    equal(sorted(by), ['agents-nightly', 'chat-nightly', 'reports-nightly', 'reports-old', 'shy-nightly', 'slow-nightly'], 'names')
    first = by['reports-nightly']
    equal([first[k] for k in ('client', 'workload', 'model', 'nights', 'requests', 'at_once', 'batchable', 'why', 'accepted')],
          ['reports', 'nightly', BATCH_MODEL, 10, 150, 120, True, None, False], 'what fits')
    check(first['hours'].startswith('02:00-03:00') and by['shy-nightly']['hours'].startswith('23:00-24:00'), first['hours'])
    equal(round(first['saves_usd'], 9), round(first['cost_usd'] / 2, 9), 'half')
    for name, word in (('agents', 'tools'), ('chat', 'streams'), ('shy', 'persist'), ('slow', 'at most 1 requests')):
        check(word in by[f'{name}-nightly']['why'], by[f'{name}-nightly'])
    check('not offered' in by['reports-old']['why'], by['reports-old'])
    text = batch(s, weir, 'suggest')
    check('as it is: weir batch accept reports-nightly' in text and 'not as it is: it streams' in text, text)
    weir.end()
    equal(batch(s, weir, 'suggest'), text, 'without a daemon')
    for name, status, word in (('agents-nightly', 1, 'tools'), ('nobody-nightly', 1, 'is called'), ('a"b', 2, 'say which')):
        check(word in batch(s, weir, 'accept', name, status=status), name)
    check('is called' in batch(s, weir, '--format', 'table', 'accept', '--reply', 'retry', 'nobody', status=1), 'a name behind options')
