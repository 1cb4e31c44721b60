# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""An agent in a long session, by boto3's Converse: tools, a system prompt, results of tools. The simulator's ledger says
that input costs a fraction, the answers are those without Weir, and the book has each token as it was charged."""
from cacheflow import ALONE, CLAUDE, Ledger, words
from weirflow import ARN, Story, check, equal

TURNS = 40
TOOLS = {'tools': [{'toolSpec': {'name': f'tool{n}', 'description': words(n, 300),
                                 'inputSchema': {'json': {'type': 'object'}}}} for n in range(5)]}


def session(client, seed):
    """The answers: what the model says, and what it used."""
    messages, answers = [{'role': 'user', 'content': [{'text': words(f'task {seed}', 200)}]}], []
    for turn in range(TURNS):
        said = client.converse(modelId=ARN, messages=messages, toolConfig=TOOLS, system=[{'text': words('s', 1500)}],
                               inferenceConfig={'maxTokens': 100})
        answers.append((said['output'], said['stopReason'], said['usage']['outputTokens']))
        use = {'toolUseId': f't{turn}', 'name': 'tool1', 'input': {'n': turn}}
        result = {'toolUseId': f't{turn}', 'content': [{'text': words(f'{seed} {turn}', 500)}], 'status': 'success'}
        messages += [{'role': 'assistant', 'content': [*said['output']['message']['content'], {'toolUse': use}]},
                     {'role': 'user', 'content': [{'toolResult': result}]}]
    return answers


with Story() as s:
    weir = s.weir(metering='strict', **ALONE)
    through = s.boto3(weir.url, retries={'total_max_attempts': 1})
    off = s.boto3(weir.url, retries={'total_max_attempts': 1})
    off.meta.events.register('before-sign', lambda request, **_: request.headers.add_header('x-weir', 'off'))

    plain = Ledger(s.sim)
    wanted = [session(off, seed) for seed in (1, 2)]
    equal(plain.share(), 1, 'x-weir: off costs as much as without Weir')
    cached = Ledger(s.sim)
    equal([session(through, seed) for seed in (1, 2)], wanted, 'answers')
    share = cached.share()
    print(f'# boto3 Converse: input costs {share:.3f}')
    check(share < 0.25, f'the ledger says {share}')

    records = sorted((r for r in weir.records(4 * TURNS)), key=lambda r: r['time'])[2 * TURNS:]
    kinds = [*CLAUDE, 'output']
    equal(sorted(tuple(r['tokens'][k] for k in kinds) for r in records),
          sorted(tuple(row[k] for k in kinds) for row in cached.rows()), 'the book')
    equal({r['arm'] for r in records}, {'treated'}, 'arms')
    saved = sum(r['untouched_usd'] - r['cost_usd'] for r in records)
    paid = sum(r['input_usd'] for r in records)
    check(abs(paid / (paid + saved) - share) < 0.01, f'saved {saved} of {paid + saved}, the ledger says {share}')
