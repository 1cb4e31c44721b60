# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Agents under `levers: observe`: nothing is changed, and the report says what it would have cost. The same traffic in other
words then costs about that with the levers on, which believe nothing cached of what was withheld: the first round is marked."""
import json
from cacheflow import ALONE, Ledger, as_json, marks_of, words
from weirflow import MODEL, Story, ask, check, converse, equal, http_ask, model_path, place

AGENTS, TURNS = 8, 12
PRICE = {'input': 5, 'output': 25, 'read': 0.5, 'write_5m': 6.25, 'write_1h': 10}

admin = place()

with Story() as s:
    weir = s.weir(admin={'address': admin}, levers='observe', metering='strict', prices={'overrides': {MODEL: PRICE}}, **ALONE)
    sessions = {seed: [[] for _ in range(AGENTS)] for seed in ('taught', 'seen', 'real')}

    def turns(seed, n):
        """What the simulator's ledger says it cost; how many prompts were marked in each turn."""
        ledger, marked = Ledger(s.sim), []
        for turn in range(n):
            marked.append(0)
            for agent, messages in enumerate(sessions[seed]):
                messages.append({'role': 'user', 'content': [{'text': words((seed, agent, len(messages)), 500)}]})
                body = as_json({**converse('', system=[{'text': words(seed, 2500)}]), 'messages': messages})
                marked[-1] += bool(marks_of(ask(weir.url, model_path('converse'), body)))
                check(marked[-1] or s.sim.last()['body'] == body, 'as it came')
                messages.append({'role': 'assistant', 'content': [{'text': 'I see.'}]})
        return sum(row[k] * PRICE[k.removeprefix('cache_')] for row in ledger.rows() for k in
                   ('input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h')) / 1e6, marked

    taught, marked = turns('taught', TURNS)
    before = http_ask(weir.admin, 'GET', '/api/v1/savings').json()['total']['observed']['would_have_cost_usd']
    cost, more = turns('seen', TURNS)
    told = json.loads(weir.command('report', '--format', 'json'))['total']['observed']
    equal((told['requests'], round(told['cost_usd'] - taught - cost, 5), sum(marked + more)), (2 * AGENTS * TURNS, 0, 0), 'as it was')
    weir.command('levers', 'on')
    real, marked = turns('real', TURNS)
    would = told['would_have_cost_usd'] - before
    print(f'# observed ${cost:.4f}; would have cost ${would:.4f}, then cost ${real:.4f}; marked by turn: {marked}')
    check(abs(would / real - 1) < 0.1 and real < 0.5 * cost, 'what was told comes true')
    check(marked[0] >= AGENTS / 2 and min(marked[1:]) == AGENTS, 'the first round is marked')
    check(f'levers: observe: {told["requests"]} requests; with what was withheld' in weir.command('report'), 'in words')
    equal(round(sum(r['observed_usd'] or 0 for r in weir.records(24 * TURNS)) - told['would_have_cost_usd'], 5), 0, 'records')
    weir.end()
    weir.command('book', 'check')
