# SPDX-License-Identifier: Apache-2.0
"""A spent budget with `then: flex`: what the Flex tier has goes there, the rest is refused; a client's own tier stays.
What went there would have cost the price of on demand."""
import json
from weirflow import Story, check, converse, equal, http_ask, model_path

with Story() as s:
    weir = s.weir(clients=[{'name': 'night', 'loopback': True, 'budget': {'usd_per_day': '0.000001', 'then': 'flex'}}])
    nova, fields = 'us.amazon.nova-pro-v1:0', {'Content-Type': 'application/json'}

    def post(path, body, **more):
        return http_ask(weir.url, 'POST', path, {**fields, **more}, json.dumps(body).encode())

    nova_body = {'messages': [{'role': 'user', 'content': [{'text': 'hi'}]}]}
    equal(post(model_path('converse', nova), converse('one')).status, 200, 'converse')
    body = json.loads(s.sim.last()['body'])
    equal(body.pop('serviceTier'), {'type': 'flex'}, 'tier')
    equal(body, converse('one'), 'the rest')
    equal(post(model_path('invoke', nova), nova_body).status, 200, 'invoke')
    equal({k.lower(): v for k, v in s.sim.last()['headers']}['x-amzn-bedrock-service-tier'], 'flex', 'field')
    equal([row['tier'] for row in s.sim.rows()], ['flex', 'flex'], 'served')
    for row in weir.records(2):
        equal((row['lane'], row['moved'], row['unmarked_usd']), ('flex', True, row['cost_usd']), 'lane')
        equal(round(row['untouched_usd'] / row['cost_usd'], 6), 2, 'half the price')
    own = converse('two', serviceTier={'type': 'priority'})
    for path, asked in ((model_path('converse', nova), own), (model_path('converse'), converse('three'))):
        answer = post(path, asked)
        equal((answer.status, answer.header('x-amzn-errortype')), (400, 'ServiceQuotaExceededException'), 'refused')
    check('usd_per_day' in answer.json()['message'], answer.json()['message'])
    equal(len(s.sim.rows()), 2, 'calls')
    weir.line('has spent its budget')
