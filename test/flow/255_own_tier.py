# SPDX-License-Identifier: Apache-2.0
"""A tier that the client chose always wins, with a deadline and with a rule that names another: bodies and headers arrive
byte for byte, and a refusal is the client's. (Null counts as chosen: a second member would be a duplicate.)"""
import json
from laneflow import FIELD, FLEX, QUIET, rule
from weirflow import Story, ask, check, converse, equal, http_ask, model_path, signed

CHAT = {'model': FLEX, 'messages': [{'role': 'user', 'content': 'Hi'}]}


def post(weir, path, body, headers=None):
    text = json.dumps(body).encode()
    answer = http_ask(weir.url, 'POST', path, signed(weir.url, path, text, headers), text)
    return answer, text


with Story() as s:
    weir = s.weir(rules=[rule(match={'workload': 'night'}), rule('fast', {'workload': 'day'}, lane=['priority'])])
    for workload in ('night', 'day'):
        for tier in ({'type': 'default'}, {'type': 'priority'}, {'type': 'flex'}):
            path = f'/w/{workload}' + model_path('converse', FLEX)
            answer, text = post(weir, path, converse(serviceTier=tier))
            equal((answer.status, s.sim.last()['body']), (200, text), f'converse {workload} {tier}')
        for tier in ('default', 'priority', 'flex'):
            path = f'/w/{workload}' + model_path('invoke', FLEX)
            answer, text = post(weir, path, {'messages': CHAT['messages']}, {FIELD: tier})
            seen = s.sim.last()
            fields = [value for name, value in seen['headers'] if name.lower() == FIELD]
            equal((answer.status, seen['body'], fields), (200, text, [tier]), f'invoke {workload} {tier}')
            answer, text = post(weir, f'/w/{workload}/openai/v1/chat/completions', {**CHAT, 'service_tier': tier})
            equal((answer.status, s.sim.last()['body']), (200, text), f'chat {workload} {tier}')
    answer, text = post(weir, '/w/night' + model_path('converse', QUIET), converse(serviceTier={'type': 'flex'}))
    check(answer.status == 400 and 'service tier is not supported' in answer.json()['message'], 'the client asked for it')
    equal(s.sim.last()['body'], text, 'as it came')
    equal([row['status'] for row in s.sim.rows()], [200] * 18 + [400], 'each once')
    kept = ask(weir.url, '/w/night' + model_path('converse', FLEX), converse(serviceTier=None))
    equal(json.loads(s.sim.last()['body'])['serviceTier'], None, f'null ({kept.status})')
