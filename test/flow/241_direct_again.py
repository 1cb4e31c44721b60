# SPDX-License-Identifier: Apache-2.0
# waits: 15
"""Calls for what waits that do not go well: throttling and errors of Bedrock's are tried again, a refusal is the answer,
and what was sent again after a lost answer may have been paid for twice: it says so."""
import json
from holdflow import PATH as MODEL_PATH, holding, workload
from weirflow import Story, ask, check, converse, equal, until

PATH = workload('night') + MODEL_PATH
FAULTS = {'throttled': 'once=429', 'away': 'once=503', 'broken': 'once=500', 'refused': 'status=400',
          'forbidden': 'status=403'}

with Story() as s:
    weir = holding(s, linger='1s', metering='strict')
    urls = {}
    for name, fault in FAULTS.items():
        urls[name] = ask(weir.url, PATH, converse(f'[[sim:{fault}]] {name}'), {'x-weir-reply': 'ticket'}).json()['status_url']
    s.sim.control('/sim/fault', 'POST', json.dumps({'fault': 'cut=head', 'count': 1, 'match': '/converse'}).encode())
    lost = ask(weir.url, PATH, converse('lost'), {'x-weir-reply': 'ticket'})
    urls['first'] = lost.json()['status_url']

    got = {}

    def answered():
        for name, url in urls.items():
            answer = ask(weir.url, url, method='GET')
            if answer.status != 202:
                got[name] = answer
        return len(got) == len(urls)
    until('answers', answered, seconds=60)
    statuses = {name: a.status for name, a in got.items()}
    equal(statuses, {'throttled': 200, 'away': 200, 'broken': 200, 'refused': 400, 'forbidden': 403, 'first': 200}, 'answers')
    equal(got['refused'].header('x-amzn-errortype'), 'ValidationException', 'its type')
    check('message' in got['refused'].json(), 'its sentence')
    records = weir.records(6)
    equal(len(records), 6, 'one row each')
    equal(sum(r['maybe_twice'] for r in records), 1, 'maybe twice')
    equal(weir.metric('weir_batch_maybe_twice_total'), 1.0, 'counted')
    check(weir.metric('weir_batch_maybe_twice_usd') > 0, 'its money')
    equal(sorted(r['status'] for r in records), [200, 200, 200, 200, 400, 403], 'rows')
    equal(weir.metric('weir_batch_answered_total', by='error'), 2.0, 'errors')
