# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A profile that nobody knows, or that Weir may not ask for: its requests are answered all the same and
counted without a price; it is asked for once, and one line says which permission is missing."""
from weirflow import Story, ask, check, converse, equal, model_path

ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/'

with Story() as s:
    weir = s.weir()
    for n in range(5):
        for name in ('missing-one', 'invalid-one', 'denied-one', 'broken-one'):
            equal(ask(weir.url, model_path('converse', ARN + name), converse(f'{n}')).status, 200)
    records = weir.records(20)
    for r in records:
        equal((r['model'], r['unpriced'], r['cost_usd']), (r['asked'], True, None))
        check(r['tokens']['input'] > 0 and r['tokens']['output'] > 0, 'tokens are counted')
    equal(s.sim.summary()['rows'] and sum(r['requests'] for r in s.sim.summary()['rows']
                                          if r['operation'] == 'GetInferenceProfile'), 4, 'each was asked for once')
    for name in ('missing-one', 'denied-one'):
        lines = [line for line in weir.lines if ' names ' in line and name in line]
        equal(len(lines), 1, f'lines about {name}')
        check('bedrock:GetInferenceProfile' in lines[0], lines[0])

    weir.reload({**weir.config, 'prices': {'discount': 0.1}})  # begins anew: perhaps it is allowed now
    equal(ask(weir.url, model_path('converse', ARN + 'denied-one'), converse('again')).status, 200)
    weir.records(21)
    equal(sum(r['operation'] == 'GetInferenceProfile' for r in s.sim.rows()), 5, 'asked again after a reload')
