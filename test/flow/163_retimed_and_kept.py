# SPDX-License-Identifier: Apache-2.0
"""A marker of the client's that Weir would give another TTL, and does not since levers observe: it goes out as it came,
and Weir knows that what it marks is cached."""
import json
import re
from cacheflow import words
from weirflow import MODEL, Story, ask, check, equal, model_path

BODY = {'system': [{'text': words(1, 9000)}, {'cachePoint': {'type': 'default'}}],
        'messages': [{'role': 'user', 'content': [{'text': words(2, 3000)}]}]}

with Story() as s:
    weir = s.weir(levers='observe', cache={'mode': 'always', 'ttl': '1h', 'client_markers': 'retime', 'holdout': '0%'})
    answer = ask(weir.url, model_path('converse'), BODY)
    equal(answer.header('x-weir-decision').split(';')[0], 'cache=observe:2@system,messages', 'what it would do')
    equal(json.loads(s.sim.last()['body']), BODY, 'and does not')
    weir.end()
    (s.dir / 'body.json').write_text(json.dumps(BODY))
    told = weir.command('explain', '--model', MODEL, str(s.dir / 'body.json'))
    check(re.search(r"client's alone .* read [1-9]\d+, write 0", told), told)
