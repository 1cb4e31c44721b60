# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A model without a price shows tokens and no dollars; one born tomorrow costs what its family does, and
says so; an override prices both."""
import json
from weirflow import BUILD, Story, ask, converse, equal, model_path

UNPRICED, TOMORROW = 'global.anthropic.claude-mythos-5', 'global.anthropic.claude-opus-6-20270101-v1:0'

with Story() as s:
    weir = s.weir()

    def use(model):
        equal(ask(weir.url, model_path('converse', model), converse('What does it cost?')).status, 200)

    use(UNPRICED)
    use(TOMORROW)
    nothing, family = sorted(weir.records(2), key=lambda r: r['model'] == TOMORROW)
    equal((nothing['unpriced'], nothing['cost_usd'], nothing['untouched_usd']), (True, None, None))
    equal(nothing['tokens']['input'] > 0 and nothing['tokens']['output'] > 0, True, 'tokens are counted')
    equal((family['provisional'], family['unpriced']), (True, False))
    equal(round(family['cost_usd'] * 1e9),
          family['tokens']['input'] * 5000 + family['tokens']['output'] * 25000, 'as an Opus')
    table = s.run([BUILD / 'src' / 'weir', 'report', '-c', weir.path])
    equal('unpriced' in table and 'provisional' in table, True, table)

    own = {UNPRICED.removeprefix('global.'): {'input': 1, 'output': 2}, TOMORROW: {'input': 3, 'output': 4}}
    weir.reload({**weir.config, 'prices': {'overrides': own, 'discount': 0.5}})
    use(UNPRICED)
    use(TOMORROW)
    for r in weir.records(4)[2:]:
        first, second = (500, 1000) if r['model'] == UNPRICED else (1500, 2000)
        equal((r['provisional'], r['unpriced']), (False, False))
        equal(round(r['cost_usd'] * 1e9), r['tokens']['input'] * first + r['tokens']['output'] * second)
