# SPDX-License-Identifier: Apache-2.0
"""What tools/demo shows of prompt caching: agents that work in long sessions, asked without levers and then with
them. What it saved says the simulator's ledger, not Weir."""
import concurrent.futures
import json
import random

import weirflow as w

SESSIONS, TURNS = 6, 25
PRICES = {'input': 1, 'cache_read': 0.1, 'cache_write_5m': 1.25, 'cache_write_1h': 2}


def words(rng, tokens):
    return ' '.join(rng.choice(('river', 'weir', 'sluice', 'gate', 'level', 'flow')) for _ in range(tokens * 2 // 3))


def session(weir, seed, headers):
    """One agent: each request is the last one, its answer and a new result of a tool."""
    shared, own = random.Random(0), random.Random(seed)
    tools = {'tools': [{'toolSpec': {'name': f'tool{n}', 'description': words(shared, 300),
                                     'inputSchema': {'json': {'type': 'object'}}}} for n in range(4)]}
    system = [{'text': words(shared, 1500)}]
    messages = []
    for _ in range(TURNS):
        messages.append({'role': 'user', 'content': [{'text': words(own, 400)}]})
        body = {'toolConfig': tools, 'system': system, 'messages': messages, 'inferenceConfig': {'maxTokens': 64}}
        answer = w.http_ask(weir.url, 'POST', w.model_path('converse'),
                            {'Content-Type': 'application/json', **headers}, json.dumps(body).encode())
        w.equal(answer.status, 200, 'status')
        messages.append({'role': 'assistant', 'content': [{'text': words(own, 60)}]})
    return answer.header('x-weir-decision'), body


def run(s, weir, seed, headers):
    """What the ledger has of all sessions: tokens by kind; and what Weir said of the last request."""
    since = s.sim.summary()['requests']
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        last = list(pool.map(lambda n: session(weir, seed + n, headers), range(SESSIONS)))[-1]
    rows = [row for row in s.sim.rows() if row['id'] > since]
    return {kind: sum(row[kind] for row in rows) for kind in PRICES}, last


def show(s):
    """True when the ledger says that it was much cheaper."""
    weir = s.weir(state=str(s.dir / 'agents'))
    print(f'\nPrompt caching: {SESSIONS} agents of {TURNS} turns each, with x-weir: off and without')
    print(f'{"":16}{"input tokens":>14}{"plain":>12}{"cache read":>12}{"written 5m":>12}{"written 1h":>12}{"cost":>8}')
    shares = []
    for name, seed, headers in (('x-weir: off', 100, {'x-weir': 'off'}), ('levers on', 200, {})):
        sums, (decision, body) = run(s, weir, seed, headers)
        total = sum(sums.values())
        shares.append(sum(sums[kind] * price for kind, price in PRICES.items()) / total)
        print(f'{name:16}{total:14}{sums["input"]:12}{sums["cache_read"]:12}{sums["cache_write_5m"]:12}'
              f'{sums["cache_write_1h"]:12}{shares[-1]:8.3f}')
    print(f'x-weir-decision of the last one: {decision}')
    weir.records(2 * SESSIONS * TURNS)
    print(f'$ weir report --by client\n{weir.command("report", "--since", "1d", "--by", "client")}', end='')
    weir.end()  # what it learned is on the disk now
    (s.dir / 'last.json').write_text(json.dumps(body))
    told = weir.command('explain', '--model', w.MODEL, '--op', 'converse', str(s.dir / 'last.json')).splitlines()
    print(f'\n$ weir explain --model {w.MODEL} --op converse last.json\n' + '\n'.join(told[:8] + ['...'] + told[-16:]))
    return shares[0] == 1 and shares[1] < 0.5
