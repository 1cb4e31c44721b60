# SPDX-License-Identifier: Apache-2.0
"""Nobody gets out of a budget by the way a body names its model: escapes are read, a name that stands there
twice is refused, and a max_tokens that no number holds reserves no less for it."""
from limitflow import at_rest, clients, nanousd, spent
from weirflow import MODEL, Story, check, equal, http_ask

with Story() as s:
    s.simulator()
    weir = s.weir(**clients(s, {'name': 'search', 'budget': {'usd_per_day': 1, 'then': 'reject'},
                                'limits': {'tokens_per_minute': 1000000}}))
    rest = ',"max_tokens":MOST,"messages":[{"role":"user","content":"?"}]}'

    def post(model, most='20'):
        body = '{' + model + rest.replace('MOST', most)
        fields = {'Authorization': 'Bearer token-of-search-0123456789', 'anthropic-version': '2023-06-01'}
        return http_ask(weir.url, 'POST', '/anthropic/v1/messages', fields, body.encode(), seconds=60)

    before = 0
    for name in (MODEL, MODEL.replace('.', '\\u002e'), MODEL.replace('-', '\\u002d')):
        equal(post(f'"model":"{name}"').status, 200, name)
        now = spent(weir, 'search')
        check(now > before, f'{name} cost nothing')
        before = now
    twice = post(f'"model":"{MODEL}","mod\\u0065l":"{MODEL}"')
    equal(twice.status, 400, 'a model that stands there twice')
    equal(post(f'"model":"{MODEL}"', str(2**64 - 1)).status, 429, 'more tokens than a minute has')
    equal(s.sim.summary()['requests'], 3, 'calls upstream')
    equal(nanousd(at_rest(weir, 'search')['budget']['day']['reserved_usd']), 0, 'reserved')
    equal({r['model'] for r in weir.records(5) if r['status'] == 200}, {MODEL}, 'models in the book')
