# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A minimum that is higher than the catalogue believes: markers that write nothing cost nothing, and after some of them no
prompt of that length is marked any more; longer ones are, and are cached. /api/v1/prefixes says what was learned."""
from cacheflow import Ledger, as_json, marks_of, prefixes, taken_out, words
from weirflow import Story, ask, check, converse, equal, model_path

HAIKU = 'us.anthropic.claude-haiku-4-5-20251001-v1:0'  # 4,096 in truth
LISTED = '''date: "2026-11-20"
geos: [us]
models:
  anthropic.claude-haiku-4-5: {input: 1, output: 5, read: 0.1, write_5m: 1.25, write_1h: 2,
    cache: {min_tokens: 1024, max_markers: 4, fields: [tools, system, messages], ttls: [5m, 1h], after_tool_result: true}}
'''

with Story() as s:
    (s.dir / 'catalogue.yaml').write_text(LISTED)
    weir = s.weir(catalogue=str(s.dir / 'catalogue.yaml'), cache={'mode': 'always', 'holdout': '0%'})

    def turn(n, tokens):
        body = as_json(converse(words(f'said {n}', 30), system=[{'text': words('s', tokens)}]))
        answer = ask(weir.url, model_path('converse', HAIKU), body)
        equal((answer.status, len(taken_out(body, s.sim.last()['body']))), (200, marks_of(answer)), f'prompt {n}')
        return marks_of(answer)

    short = Ledger(s.sim)
    told = [turn(n, 2000) for n in range(40)]
    silent = sum(marks > 0 for marks in told)
    print(f'# {silent} of 40 prompts were marked until it was learned that they are too short')
    check(told[0] > 0 and 2 < silent < 15 and not any(told[-20:]), f'{told}')
    equal(short.share(), 1, 'what the ledger says of them')
    least = prefixes(weir)['verdicts'][0]['least_tokens']
    check(2000 <= least <= 4096, f'least_tokens: {least}')

    long = Ledger(s.sim)
    check(all(turn(n, 6000) for n in range(100, 120)), 'longer ones are marked')
    check(long.share() < 0.3, f'what the ledger says of them: {long.share()}')
    equal([turn(n, 2000) for n in range(200, 205)], [0] * 5, 'the short ones still are not')
