# SPDX-License-Identifier: Apache-2.0
"""A pool that never fills goes on demand: each record once, as the client sent it, its answer to the one who asked, and
one row in the book at the price on demand."""
import json
from batchflow import BATCH_MODEL
from holdflow import PATH as MODEL_PATH, holding, workload
from weirflow import Story, ask, check, converse, equal, until

PATH = workload('night') + MODEL_PATH

with Story() as s:
    weir = holding(s, linger='1s', metering='strict')
    bodies = [json.dumps(converse(f'Question {i}'), indent=i).encode() for i in range(5)]
    tickets = [ask(weir.url, PATH, body, {'x-weir-reply': 'ticket'}) for body in bodies]
    equal([t.status for t in tickets], [202] * 5, 'tickets')
    urls = [t.json()['status_url'] for t in tickets]

    def answers():
        got = [ask(weir.url, url, method='GET') for url in urls]
        return got if all(a.status == 200 for a in got) else None
    got = until('answers', answers)
    rows = [r for r in s.sim.rows() if r.get('operation') != 'job' and r['charged']]
    equal(len(rows), 5, 'calls')
    for body, answer in zip(bodies, got):
        direct = ask(s.sim.url, MODEL_PATH, body)
        equal(answer.json()['output'], direct.json()['output'], 'the right answer')
    records = [r for r in weir.records(5) if r['client'] or True]
    equal(sorted({r['lane'] for r in records}), ['ondemand'], 'lanes')
    equal(len(records), 5, 'one row each')
    check(all(r['workload'] == 'n-night' and r['model'] == BATCH_MODEL and not r['maybe_twice'] for r in records), records[0])
    equal(weir.metric('weir_batch_answered_total', by='direct'), 5.0, 'metric')
