# SPDX-License-Identifier: Apache-2.0
"""Service tiers in the simulator: who serves Flex, what is said in the answer and in the ledger, and Flex alone being
throttled."""
import json
from weirflow import Story, ask, converse, equal, model_path

FLEX, QUIET = 'openai.gpt-oss-120b-1:0', 'us.anthropic.claude-sonnet-4-6'
HEADER = {'x-amzn-bedrock-service-tier': 'flex', 'content-type': 'application/json'}


def tier(sim, model, name, text='Hello.'):
    return ask(sim.url, model_path('converse', model), converse(text, **({'serviceTier': {'type': name}} if name else {})))


with Story() as s:
    sim = s.simulator('--no-auth')
    for name in ('flex', 'priority'):
        refused = tier(sim, QUIET, name)
        equal((refused.status, refused.json()['message']),
              (400, 'The provided service tier is not supported for this model.'), name)
    equal(tier(sim, FLEX, 'flex').json()['serviceTier'], {'type': 'flex'}, 'in the answer')
    chat = json.dumps({'messages': [{'role': 'user', 'content': 'Hi'}]}).encode()
    equal(ask(sim.url, model_path('invoke', FLEX), chat, HEADER).header('x-amzn-bedrock-service-tier'), 'flex', 'header')
    equal(ask(sim.url, model_path('invoke', QUIET), chat, HEADER).status, 400, 'header of a model without')
    charged = [(r['operation'], r.get('tier')) for r in sim.rows() if r['charged']]
    equal(charged, [('Converse', 'flex'), ('InvokeModel', 'flex')], 'charged')
    sim.control('/sim/fault', 'POST', b'{"fault":"throttle tier=flex","count":2}')
    asked = [tier(sim, FLEX, name).status for name in (None, 'flex', 'priority', 'flex', 'flex')]
    equal(asked, [200, 429, 200, 429, 200], 'ordered')
    equal(ask(sim.url, model_path('invoke', FLEX), chat, {'content-type': 'application/json'}).status, 200, 'no tier')
    asked = [tier(sim, FLEX, name, '[[sim:tier=flex]] [[sim:throttle]]').status for name in (None, 'flex')]
    equal(asked, [200, 429], 'by the prompt')
    summary = {(r['operation'], r.get('tier')): r['charged'] for r in sim.summary()['rows'] if r['status'] == 200}
    equal(summary[('Converse', 'flex')], 2, 'summary')
