# SPDX-License-Identifier: Apache-2.0
"""Agents in long sessions by the SDKs for JavaScript: ConverseStream over HTTP/2, InvokeModel and /anthropic messages whole
and streamed, OpenAI's Responses. The simulator's ledger says what input costs; the answers are those without Weir."""
from cacheflow import ALONE, Ledger
from weirflow import HERE, Story, check, equal, need_clients

TURNS = 30
# gpt-5.6 caches by itself at the same price: it is left alone.
MOST = {'converse-stream': 0.3, 'invoke': 0.3, 'invoke-stream': 0.3, 'messages': 0.3, 'messages-stream': 0.3}

need_clients()
with Story() as s:
    weir = s.weir(metering='strict', **ALONE)

    def session(kind, seed, *off):
        text = s.run(['node', HERE / 'clients' / 'agent.mjs', kind, TURNS, seed, *off], s.client_env(weir))
        answers = [line for line in text.split('\n') if line[:1] in ('"', '[')]
        equal(len(answers), TURNS, f'answers of {kind}: {text[-500:]}')
        return answers

    for kind, most in MOST.items():
        plain = Ledger(s.sim)
        wanted = session(kind, kind, 'off')
        equal(plain.share(), 1, f'{kind} with x-weir: off')
        cached = Ledger(s.sim)
        equal(session(kind, kind), wanted, f'answers of {kind}')
        print(f'# {kind}: input costs {cached.share():.3f}')
        check(cached.share() < most, f'{kind}: the ledger says {cached.share()}')

    wanted = session('responses', 'r', 'off')
    s.sim.control('/sim/clock', 'POST', b'{"cache_ms":3600000}')  # what it cached is over
    equal(session('responses', 'r'), wanted, 'answers of responses')
    records = weir.records(12 * TURNS)
    equal({r['decision'] for r in records if r['operation'] == 'Responses'} - {'off'}, {'lane=ondemand;model=same'}, 'responses')
    equal(sum(r['cost_usd'] > r['untouched_usd'] * 1.5 for r in records), 0, 'dear requests')
