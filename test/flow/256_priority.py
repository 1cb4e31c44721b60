# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Priority is asked for where a rule names it and the model has it, for what has no deadline, and nowhere else: Converse, a
stream, InvokeModel and OpenAI's chat; refused, it is taken back at once and remembered."""
import json
from laneflow import FLEX, QUIET, rule, tiers
from weirflow import Story, ask, check, converse, equal, model_path

CHAT = {'messages': [{'role': 'user', 'content': 'Hi'}]}

with Story() as s:
    weir = s.weir(rules=[rule('fast', {'workload': 'fast'}, lane=['priority'])])

    def post(path, body, workload='fast'):
        answer = ask(weir.url, f'/w/{workload}' + path, json.dumps(body).encode())
        equal(answer.status, 200, path)
        return answer.header('x-weir-decision')

    check('lane=priority' in post(model_path('converse', FLEX), converse()), 'decision')
    post(model_path('converse-stream', FLEX), converse())
    post(model_path('invoke', FLEX), CHAT)
    post('/openai/v1/chat/completions', {'model': FLEX, **CHAT})
    equal(tiers(s.sim), [('priority', 200)] * 4, 'each way')
    check('lane=ondemand' in post(model_path('converse', FLEX), converse(), 'slow'), 'no rule')
    post(model_path('converse', QUIET), converse())
    equal(tiers(s.sim)[4:], [(None, 200)] * 2, 'nobody else')
    rows = weir.records(6)  # within a millisecond they have no order
    equal(sorted(row['lane'] for row in rows), ['ondemand'] * 2 + ['priority'] * 4, 'the book')
    cost = {row['lane']: row['cost_usd'] for row in rows if row['operation'] == 'Converse' and 'gpt-oss' in row['model']}
    check(cost['priority'] > cost['ondemand'], 'it costs more')
    s.sim.control('/sim/fault', 'POST', b'{"fault":"error=ValidationException tier=priority","count":1}')
    for _ in range(2):
        check('lane=ondemand' in post(model_path('converse', FLEX), converse()), 'taken back')
    equal(tiers(s.sim)[6:], [('priority', 400), (None, 200), (None, 200)], 'and remembered')
