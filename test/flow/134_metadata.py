# SPDX-License-Identifier: Apache-2.0
"""Rules add requestMetadata: into Converse bodies and InvokeModel's field; the client's own entries stay and win."""
import json
from weirflow import Story, ask, check, claude, converse, equal, model_path

with Story() as s:
    weir = s.weir(clients=[{'name': 'search', 'loopback': True}], rules=[
        {'name': 'nightly', 'match': {'workload': 'night*', 'op': 'converse', 'model': 'anthropic.*'},
         'set': {'metadata': {'team': 'search', 'cost-center': '42'}}},
        {'name': 'rest', 'match': {'client': 'search', 'header': {'x-app': 'r*'}}, 'set': {'metadata': {'app': 'r'}}}])
    target = model_path('converse')
    plain = {'Content-Type': 'application/json'}

    def seen(path, body, headers=plain):
        from weirflow import http_ask
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        equal(http_ask(weir.url, 'POST', path, headers, data).status, 200, path)
        return s.sim.last()

    body = b' { "messages" : [{"role":"user","content":[{"text":"\\u00fc 1.0"}]}] }'
    got = seen('/w/nightly' + target, body)['body']
    equal(got, body.replace(b'{ "m', b'{"requestMetadata":{"team":"search","cost-center":"42"}, "m', 1), 'bytes')
    own = b'{"requestMetadata":{"team":"mine"},"messages":[{"role":"user","content":[{"text":"hi"}]}]}'
    got = seen('/w/nightly' + target, own)['body']
    equal(json.loads(got)['requestMetadata'], {'team': 'mine', 'cost-center': '42'}, 'the client wins')
    equal(got, own.replace(b'{"team', b'{"cost-center":"42","team'), 'bytes')
    equal(seen(target, own)['body'], own, 'no rule fits')
    loose = own[:-1] + b',"requestMetadata":{}}'
    equal(s.sim.summary()['requests'], 3, 'calls')

    field = 'x-amzn-bedrock-request-metadata'
    for mine, wanted in ((None, {'app': 'r'}), ('{"app":"x","b":"1"}', None), (' {"b":"1"} ', {'app': 'r', 'b': '1'})):
        headers = {**plain, 'x-app': 'reports', **({field: mine} if mine else {})}
        fields = {k.lower(): v for k, v in seen(model_path('invoke'), claude('hi'), headers)['headers']}
        equal(json.loads(fields[field]), wanted or json.loads(mine), 'field')
    off = {**plain, 'x-app': 'reports', 'x-weir': 'off'}
    check(field not in {k.lower() for k, _ in seen(model_path('invoke'), claude('hi'), off)['headers']}, 'x-weir: off')

    # Bedrock refuses what Weir put in: once more without it.
    before = s.sim.summary()['requests']
    s.sim.control('/sim/fault', 'POST', json.dumps({'fault': 'status=400', 'count': 1, 'match': '/converse'}).encode())
    equal(seen('/w/nightly' + target, body)['body'], body, 'without it')
    equal(s.sim.summary()['requests'] - before, 2, 'calls')
    equal(weir.metric('weir_upstream_resent_total', reason='edit'), 1.0, 'sent again')
