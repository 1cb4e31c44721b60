# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Levers at run time, in one agent's session: with `observe` nothing is marked, x-weir-decision says what would be, and Weir
learns; switched on, the next turn is cached at once; `off` goes as it came and learns nothing. In the ledger each costs so."""
from cacheflow import ALONE, Ledger, as_json, marks_of, prefixes, taken_out, words
from weirflow import Story, ask, check, converse, equal, model_path, place

admin = place()

with Story() as s:
    weir, messages = s.weir(admin={'address': admin}, levers='observe', metering='strict', **ALONE), []

    def turns(n, **headers):
        """What they cost; how many markers Weir set; how many it only spoke of."""
        ledger, said, set_ = Ledger(s.sim), 0, 0
        for _ in range(n):
            messages.append({'role': 'user', 'content': [{'text': words(len(messages), 600)}]})
            body = as_json({**converse('', system=[{'text': words('s', 2000)}]), 'messages': messages})
            answer = ask(weir.url, model_path('converse'), body, headers)
            equal(answer.status, 200, 'status')
            messages.append({'role': 'assistant', 'content': [{'text': 'I see.'}]})
            set_ += len(taken_out(body, s.sim.last()['body']))
            equal(marks_of(answer) or 0, len(taken_out(body, s.sim.last()['body'])), 'x-weir-decision')
            said += 'observe:' in answer.header('x-weir-decision') and 'observe:0' not in answer.header('x-weir-decision')
        return ledger.share(), set_, said

    share, marked, said = turns(10)
    check((share, marked) == (1, 0) and said >= 7, f'observe: {share}, {marked} markers, {said} spoken of')
    weir.command('levers', 'on')
    share, marked, _ = turns(1)
    check(marked, 'the first one is marked')
    share, marked, _ = turns(10)
    print(f'# switched on in mid-session: input costs {share:.3f}')
    check(share < 0.25 and marked >= 10, f'on: {share}, {marked} markers')
    weir.command('levers', 'off')
    known = prefixes(weir)['index']['entries']
    equal((turns(5), prefixes(weir)['index']['entries']), ((1, 0, 0), known), 'off')
    weir.command('levers', 'on')
    equal((turns(5, **{'x-weir': 'off'}), prefixes(weir)['index']['entries']), ((1, 0, 0), known), 'x-weir: off')
    equal(turns(3, **{'x-weir-cache': 'off'})[:2], (1, 0), 'x-weir-cache: off')
    equal({r['arm'] for r in weir.records(34)}, {'none', 'treated'}, 'arms')
