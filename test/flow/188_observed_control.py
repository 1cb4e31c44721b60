# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Under `levers: observe` prompts that would be in the control group are told so and count as they are, the client's own
markers as they go out; what is not to be cached is not counted."""
from cacheflow import as_json, words
from weirflow import Story, ask, check, converse, equal, model_path

BEGINNINGS, TIMES = 16, 4
OWN = {'cachePoint': {'type': 'default'}}

with Story() as s:
    weir = s.weir(levers='observe', cache={'mode': 'always', 'holdout': '50%'})

    def prompt(n, own=(), **headers):
        body = as_json({**converse('What now?'), 'system': [{'text': words(n, 3000)}, *own]})
        answer = ask(weir.url, model_path('converse'), body, headers)
        equal((answer.status, s.sim.last()['body']), (200, body), 'as it came')

    for _ in range(TIMES):
        for n in range(BEGINNINGS):
            prompt(n)
    records = weir.records(TIMES * BEGINNINGS)
    equal({r['arm'] for r in records}, {'none'}, 'nothing to compare')
    control = [r for r in records if r['decision'].startswith('cache=observe:control;')]
    check(TIMES < len(control) < len(records) - TIMES and len(control) % TIMES == 0, f'{len(control)} would be left alone')
    check(all(r['observed_usd'] == r['cost_usd'] for r in control), 'as they are')
    check(all(r['observed_usd'] != r['cost_usd'] for r in records if r not in control), 'the others are not')

    for _ in range(TIMES):
        prompt('own', own=[OWN])
    prompt('off', **{'x-weir-cache': 'off'})
    known = {r['id'] for r in records}  # within a millisecond they have no order
    later = [r for r in weir.records(TIMES * (BEGINNINGS + 1) + 1) if r['id'] not in known]
    own = [r for r in later if r['observed_usd'] is not None]
    equal(sum(r['tokens']['cache_read'] > 0 for r in own), TIMES - 1, 'its own markers are read')
    equal(len(own), TIMES, 'off is not observed')
    paid, would = (sum(r[k] for r in own) for k in ('cost_usd', 'observed_usd'))
    check(abs(would / paid - 1) < 0.02, f'paid {paid}, would have paid {would}')
