# SPDX-License-Identifier: Apache-2.0
"""A marker of the client's that Weir would give another TTL, and does not since the prompt is in the control group: it goes out as it came,
and Weir knows that what it marks is cached."""
import json
import re
from cacheflow import words
from weirflow import MODEL, Story, ask, check, equal, model_path


def body(n):
    return {'system': [{'text': words(n, 9000)}, {'cachePoint': {'type': 'default'}}],
            'messages': [{'role': 'user', 'content': [{'text': words(n + 100, 3000)}]}]}


with Story() as s:
    weir = s.weir(cache={'mode': 'always', 'ttl': '1h', 'client_markers': 'retime', 'holdout': '50%'})
    for n in range(40):
        answer = ask(weir.url, model_path('converse'), body(n))
        if answer.header('x-weir-decision').startswith('cache=control;'):
            break
    equal(answer.header('x-weir-decision').split(';')[0], 'cache=control', 'the control group')
    equal(json.loads(s.sim.last()['body']), body(n), 'it goes out as it came')
    weir.end()
    (s.dir / 'body.json').write_text(json.dumps(body(n)))
    told = weir.command('explain', '--model', MODEL, str(s.dir / 'body.json'))
    check(re.search(r"client's alone .* read [1-9]\d+, write 0", told), told)
