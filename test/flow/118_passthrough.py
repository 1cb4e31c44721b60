# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""A client's own Bedrock API key goes upstream as it is, from a Weir that has no AWS credentials at all; the
calls are metered as that client's; the key is nowhere else. What Bedrock says of a bad key is the client's."""
import concurrent.futures
import json
import subprocess
from weirflow import BEARER, KEY, Story, check, claude, converse, equal, http_ask, model_path, until

OTHER = 'ABSK+other/key=='
CLIENTS = [{'name': 'agents', 'passthrough': 'bearer'}]

with Story() as s:
    s.simulator('--bearer', OTHER)

    def post(token, target=model_path('converse'), body=None, name='Authorization', **more):
        value = f'Bearer {token}' if name == 'Authorization' else token
        fields = {'Content-Type': 'application/json', name: value, **more}
        return http_ask(weir.url, 'POST', target, fields, json.dumps(body or converse()).encode())

    def sent():
        return {k.lower(): v for k, v in s.sim.last()['headers']}

    for credentials, env in (({'none': True}, {}), ({}, None)):
        weir = s.weir(clients=CLIENTS, credentials=credentials, env=env, state=str(s.dir / f'{len(credentials)}'))
        equal(http_ask(weir.admin, 'GET', '/readyz').status, 200, 'ready')
        for token in (BEARER, OTHER):
            equal(post(token).status, 200)
            equal(sent()['authorization'], f'Bearer {token}', 'upstream')
            check('x-amz-date' not in sent() and KEY not in str(sent()), 'signed')
            equal(post(token, model_path('converse-stream')).status, 200)
        equal(post(BEARER, '/anthropic/v1/messages', claude(model='anthropic.claude-opus-4-5'), 'x-api-key').status, 200)
        equal(sent()['authorization'], f'Bearer {BEARER}', 'x-api-key upstream')
        bad = post('no-such-key')
        equal((bad.status, bad.header('x-amzn-errortype').split(':')[0]), (403, 'AccessDeniedException'), 'Bedrock says so')
        same = {'amz-sdk-invocation-id': 'one-and-the-same'}
        slow, calls = converse('[[sim:delay=500]] twice'), weir.metric('weir_upstream_calls_total')
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            first = pool.submit(post, BEARER, body=slow, **same)
            until('the first', lambda: weir.metric('weir_upstream_calls_total') > calls)
            equal((post('no-such-key', body=slow, **same).status, first.result().status), (403, 200), 'joined to another key')
        until('records', lambda: weir.metric('weir_tokens_total', client='agents', kind='input') > 0)
        equal(weir.metric('weir_tokens_total'), weir.metric('weir_tokens_total', client='agents'), 'all are its own')
        kept = subprocess.run(['grep', '-rlaF', BEARER, str(s.dir / f'{len(credentials)}')], capture_output=True, text=True, check=False)
        check(BEARER not in weir.log() and OTHER not in weir.log() and not kept.stdout, f'kept: {kept.stdout}')
        weir.end()
