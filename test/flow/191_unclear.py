# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Why a prompt was not marked stands in x-weir-decision: it could not be read in one way only, or the model behind an application
inference profile is still asked for; nothing of it where caching is off or the model takes no markers."""
import json
import time
from weirflow import Story, ask, converse, equal, model_path

ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/'
GOOD, PLAIN = json.dumps(converse('Why?')).encode(), 'lane=ondemand;model=same'
UNCLEAR = {'messages twice': GOOD[:-1] + b',"messages":[]}', 'a byte order mark': b'\xef\xbb\xbf' + GOOD, 'no JSON': b'hello',
           'an end that is missing': GOOD[:-1], 'nothing': b'', 'role twice': GOOD.replace(b'"role":', b'"role":"user","role":')}

with Story() as s:
    weir = s.weir()

    def told(body, *model, **headers):
        return ask(weir.url, model_path('converse', *model), body, {k.replace('_', '-'): v for k, v in headers.items()}).header('x-weir-decision')

    equal(told(GOOD), f'cache=0;{PLAIN}', 'a good one')
    for name, body in UNCLEAR.items():
        equal(told(body), f'cache=unclear;{PLAIN}', name)
        equal(told(body, x_weir_cache='off'), PLAIN, f'{name}, caching off')
        equal(told(body, 'meta.llama3-3-70b-instruct-v1:0'), PLAIN, f'{name}, no markers')
        equal(told(body, x_weir='off'), 'off', f'{name}, x-weir: off')

    s.sim.control('/sim/fault', 'POST', json.dumps({'fault': 'delay=800', 'count': 1, 'match': '/inference-profiles/'}).encode())
    equal(told(GOOD, ARN + 'abc123'), f'cache=unknown-model;{PLAIN}', 'asked for')
    equal(told(GOOD, ARN + 'abc123', x_weir_cache='off'), PLAIN, 'caching off')
    until = time.monotonic() + 20
    while (said := told(GOOD, ARN + 'abc123')).startswith('cache=unknown-model') and time.monotonic() < until:
        pass
    equal(said, f'cache=0;{PLAIN}', 'known')
