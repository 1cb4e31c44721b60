# SPDX-License-Identifier: Apache-2.0
"""Agents mark the end of their prompts themselves, for five minutes, and come back every ten: that costs more than no caching.
With `client_markers: retime` their markers get an hour once that has been seen, nothing else of them changes, and in the ledger
input costs a fraction; with `keep` they stay as they are, whatever it costs."""
import json
from cacheflow import ALONE, Ledger, as_json, check_markers, prefixes, taken_out, words
from exports import Clock
from weirflow import MODEL, Story, ask, check, claude, equal, model_path

CONTROL, AGENTS, TURNS = {'cache_control': {'type': 'ephemeral'}}, 6, 12


def run(s, clock, weir):
    """Their sessions; the TTLs of all markers of the last prompt."""
    agents = [[] for _ in range(AGENTS)]
    for turn in range(TURNS):
        for n, messages in enumerate(agents):
            clock.forward(600 // AGENTS)
            s.sim.control('/sim/clock', 'POST', json.dumps({'cache_ms': clock.ahead * 1000}).encode())
            messages.append({'role': 'user', 'content': words(f'{n} {turn}', 600)})
            newest = {'role': 'user', 'content': [{'type': 'text', 'text': messages[-1]['content'], **CONTROL}]}
            body = as_json(claude(system=words('s', 1500), messages=[*messages[:-1], newest]))
            equal(ask(weir.url, model_path('invoke'), body).status, 200, f'turn {turn}')
            arrived = s.sim.last()['body']
            taken_out(body, arrived.replace(b',"ttl":"1h"}', b'}'))
            messages.append({'role': 'assistant', 'content': words(f'said {turn}', 50)})
    return check_markers(arrived)


with Story() as s:
    s.simulator()
    clock, shares = Clock(s), {}
    for how in ('keep', 'retime'):
        weir = s.weir(clock.env(), cache={**ALONE['cache'], 'client_markers': how}, state=str(s.dir / how))
        ledger = Ledger(s.sim)
        found = run(s, clock, weir)
        print(f'# {how}: input costs {ledger.share():.3f}, the last had markers of {found}')
        check(set(found) == {'1h'} if how == 'retime' else found[-1] == '5m', f'{how}: {found}')
        shares[how] = ledger.share()
        equal(prefixes(weir, MODEL), set(), 'refused')
        weir.end()
        clock.forward(4000)
    check(shares['retime'] < 0.4 < shares['keep'], f'the ledger says {shares}')
