# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Who is heard on caching: x-weir: off, then the levers (on every worker at once), then x-weir-cache, a rule, cache.mode. The
decision says it, and what came to the simulator proves it."""
from weirflow import MODEL, Story, ask, check, equal, place

admin = place()
BODY = {'system': [{'text': 'word ' * 8000}], 'messages': [{'role': 'user', 'content': [{'text': 'ping'}]}]}
MARKED, PLAIN, OBSERVED = ('cache=1@messages', True), ('lane=ondemand', False), ('cache=observe:1@messages', False)

with Story() as s:
    weir = s.weir(admin={'address': admin}, workers=3, cache={'mode': 'always', 'holdout': 0},
                  rules=[{'name': 'off', 'match': {'workload': 'plain*'}, 'set': {'cache': 'off'}},
                         {'name': 'late', 'match': {'workload': 'plain'}, 'set': {'cache': 'always'}}])

    def told(workload='', **headers):
        path = f'/w/{workload}/model' if workload else '/model'
        answer = ask(weir.url, f'{path}/{MODEL}/converse', BODY, {k.replace('_', '-'): v for k, v in headers.items()})
        equal(answer.status, 200, 'status')
        return answer.header('x-weir-decision').split(';')[0], b'cachePoint' in s.sim.last()['body']

    equal(told(), MARKED, 'cache.mode')
    equal(told('plain'), PLAIN, 'the first rule')
    equal(told('plain', x_weir_cache='always'), MARKED, 'the header before the rule')
    equal(told(x_weir_cache='Off'), PLAIN, 'the header before cache.mode')
    equal(told(x_weir_cache='always', x_weir='off'), ('off', False), 'x-weir: off before all')
    for _ in range(3):
        equal(told('plain', x_weir_cache='sometimes'), PLAIN, 'no word of ours')
    weir.line(r' cache .*ignored="x-weir-cache wants')
    equal(weir.log().count('x-weir-cache wants'), 1, 'once a minute')
    check('sometimes' not in weir.log(), 'not what it was')

    for word, wanted in (('observe', OBSERVED), ('off', PLAIN), ('on', MARKED)):  # connections enough for every worker
        weir.command('levers', word)
        equal({told(x_weir_cache='always') for _ in range(20)}, {wanted}, f'levers: {word}')
