# SPDX-License-Identifier: Apache-2.0
"""x-weir-cache is Weir's own: whatever it says the request succeeds, and no header of that name goes upstream."""
from weirflow import MODEL, Story, ask, check, equal

BODY = {'messages': [{'role': 'user', 'content': [{'text': 'ping'}]}]}

with Story() as s:
    weir = s.weir()
    for word in ('auto', 'always', 'off', 'OFF', 'maybe', '', 'x' * 200):
        answer = ask(weir.url, f'/model/{MODEL}/converse', BODY, {'x-weir-cache': word, 'X-Weir-Other': '1'})
        equal(answer.status, 200, f'x-weir-cache: {word}')
        seen = s.sim.last()
        check(not [name for name, _ in seen['headers'] if name.lower().startswith('x-weir')], f'{seen["headers"]}')
        check(b'cachePoint' not in seen['body'], 'so short a prompt is not marked')
