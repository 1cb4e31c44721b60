# SPDX-License-Identifier: Apache-2.0
# waits: 8
"""What goes on demand out of the spool takes the Flex tier where its model has it, and leaves it where that is refused
or throttled: at once, and no further call asks for it."""
import json
from batchflow import BUCKET, ROLE, Batch
from weirflow import ROOT, Story, ask, check, converse, equal, model_path, until

NOVA = 'us.amazon.nova-pro-v1:0'
PATH, INVOKE = '/w/night' + model_path('converse', NOVA), '/w/night' + model_path('invoke', NOVA)


def tickets(weir, bodies):
    urls = [ask(weir.url, path, body, {'x-weir-reply': 'ticket'}).json()['status_url'] for path, body in bodies]
    def answers():
        got = [ask(weir.url, url, method='GET') for url in urls]
        return got if all(a.status != 202 for a in got) else None
    return until('answers', answers, seconds=60)


with Story() as s:
    text = (ROOT / 'conf' / 'catalogue.yaml').read_text()
    row = next(line for line in text.splitlines() if line.startswith('  amazon.nova-pro-v1:'))
    (s.dir / 'models.yaml').write_text(text.replace(row, row.replace('flex: 0.5', 'flex: 0.6')))  # a batch is cheaper
    night = {'name': 'night', 'match': {'workload': 'night'}, 'set': {'deadline': '8h', 'lane': ['batch', 'flex']}}
    alone = {'name': 'alone', 'match': {}, 'set': {'deadline': '8h', 'lane': ['batch']}}
    weir = s.weir(endpoints={'s3': Batch(s).url}, rules=[night, alone], catalogue=str(s.dir / 'models.yaml'), metering='strict',
                  batch={'bucket': BUCKET, 'role_arn': ROLE, 'linger': '1s', 'poll': '1s'})
    nova = {'schemaVersion': 'messages-v1', 'messages': [{'role': 'user', 'content': [{'text': 'Which river?'}]}]}
    got = tickets(weir, [(PATH, converse('Which one?')), (INVOKE, nova)])
    equal([(a.status, a.header('x-weir-decision')) for a in got], [(200, 'lane=flex;model=same')] * 2, 'answers')
    records = weir.records(2)
    equal({r['lane'] for r in records}, {'flex'}, 'lanes')
    check(all(r['moved'] and r['untouched_usd'] > 1.6 * r['cost_usd'] > 0 for r in records), records)
    check(weir.metric('weir_saved_usd_total', lever='flex') > 0, 'saved')
    equal(ask(weir.url, PATH, converse('And held?')).status, 200, 'held')
    weir.line(r' exchange .*op=Converse .*outcome=answered .*lane=flex waited_ms=')
    tickets(weir, [(model_path('converse', NOVA), converse('Not me.'))])
    equal([r['lane'] for r in weir.records(4)][3], 'ondemand', 'its rule does not allow it')
    s.sim.control('/sim/fault', 'POST', json.dumps({'fault': 'tier=flex status=400', 'count': 100}).encode())
    got = tickets(weir, [(PATH, converse(f'And {i}?')) for i in range(3)])
    equal([a.status for a in got], [200] * 3, 'answers without it')
    equal(sorted(r['lane'] for r in weir.records(7)), ['flex'] * 3 + ['ondemand'] * 4, 'lanes then')
    refused = [r for r in s.sim.rows() if r['status'] == 400]
    equal(len(refused), 1, 'the tier was asked for once more')
