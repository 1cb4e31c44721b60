# SPDX-License-Identifier: Apache-2.0
"""Lanes obey the levers: under observe nothing is changed and the decision says what would be, off says nothing at all, both
at run time and by x-weir: off for one request."""
from laneflow import FLEX, rule, tiers
from weirflow import Story, ask, check, converse, equal, model_path, place

admin = place()

with Story() as s:
    weir = s.weir(rules=[rule()], levers='observe', admin={'address': admin})

    def decision(**headers):
        answer = ask(weir.url, model_path('converse', FLEX), converse(), headers)
        equal(answer.status, 200, 'answered')
        return answer.header('x-weir-decision')

    check('lane=observe:flex' in decision(), 'observe')
    weir.command('levers', 'on')
    check('lane=flex' in decision(), 'on')
    check('lane=flex' not in (decision(**{'x-weir': 'off'}) or ''), 'for one request')
    weir.command('levers', 'off')
    check('flex' not in (decision() or ''), 'off')
    weir.command('levers', 'observe')
    check('lane=observe:flex' in decision(), 'observe again')
    equal(tiers(s.sim), [(None, 200), ('flex', 200), (None, 200), (None, 200), (None, 200)], 'what went out')
    equal(sorted(row['lane'] for row in weir.records(5)), ['flex'] + ['ondemand'] * 4, 'the book')
