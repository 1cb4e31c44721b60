# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""An application inference profile is priced as the model behind it, which is asked for once, whatever
thread serves the first fifty requests; a copy of a geography's profile costs what it does there."""
import concurrent.futures
import json
from weirflow import Story, ask, check, converse, equal, model_path

ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/'
PROFILES = {  # what its id says to the simulator, and what it costs: dollars a million tokens, in and out
    'abc123': ('us.anthropic.claude-sonnet-4-6', 3.3, 16.5),
    'eu.anthropic.claude-sonnet-4-6': ('eu.anthropic.claude-sonnet-4-6', 3.3, 16.5),
    'amazon.nova-lite-v1:0': ('amazon.nova-lite-v1:0', 0.06, 0.24),
}

with Story() as s:
    weir = s.weir()

    def send(n):
        return ask(weir.url, model_path('converse', ARN + list(PROFILES)[n % 3]), converse(f'Question {n}')).status

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        equal(set(pool.map(send, range(50))), {200}, 'answers')
    records = weir.records(50)
    equal(len(records), 50, 'records')
    for r in records:
        model, price_in, price_out = PROFILES[r['asked'].removeprefix(ARN)]
        equal(r['model'], model, 'the model behind it')
        check(not r['provisional'] and not r['unpriced'], 'its price is known')
        cost = r['tokens']['input'] * price_in + r['tokens']['output'] * price_out
        check(cost > 0 and abs(r['cost_usd'] * 1e6 - cost) < 0.001, f'{r["cost_usd"]} dollars for {r["tokens"]}')
    asked = [row for row in s.sim.rows() if row['operation'] == 'GetInferenceProfile']
    equal(sorted(row['model'].removeprefix(ARN) for row in asked), sorted(PROFILES), 'asked once each')

    strict = s.weir(metering='strict', state=str(s.dir / 'strict'))  # its answer waits for the name as well
    s.sim.control('/sim/fault', 'POST', json.dumps({'fault': 'delay=400', 'count': 1, 'match': '/inference-profiles/'}).encode())
    equal(ask(strict.url, model_path('converse', ARN + 'abc123'), converse('The first one')).status, 200)
    equal([(r['model'], r['unpriced']) for r in strict.records(1)], [(PROFILES['abc123'][0], False)], 'the first answer')
