# SPDX-License-Identifier: Apache-2.0
# timeout: 90, waits: 30
"""SDKs that meet a limit come again and get in: boto3 in its three retry modes, the AWS SDK for JavaScript after
the time that Retry-After says. A spent budget none of them tries again."""
import json
from limitflow import body_of, clients, post
from weirflow import MODEL, Story, check, equal, until

with Story() as s:
    s.simulator()
    often = {'legacy': 15, 'standard': 15, 'adaptive': 15, 'js': 6}  # Node takes its time to start
    rows = [{'name': name, 'limits': {'requests_per_minute': n}} for name, n in often.items()]
    weir = s.weir(**clients(s, *rows, {'name': 'poor', 'budget': {'usd_per_day': 0.0001}}))
    hello = [{'role': 'user', 'content': [{'text': 'Hello.'}]}]

    def empty(name):
        until('a refusal', lambda: post(weir, name, body_of('?')).status == 429)
        return weir.metric('weir_limited_total', client=name)

    def boto3(name, mode):
        client = s.boto3(weir.url, retries={'mode': mode, 'total_max_attempts': 8})

        def as_client(request, **_):
            request.headers['Authorization'] = f'Bearer token-of-{name}-0123456789'
        client.meta.events.register('before-send.bedrock-runtime.*', as_client)
        return client

    for mode in ('legacy', 'standard', 'adaptive'):
        client = boto3(mode, mode)
        before = empty(mode)
        answer = client.converse(modelId=MODEL, messages=hello)
        retries = answer['ResponseMetadata']['RetryAttempts']
        check(1 <= retries < 8, f'{mode}: {retries} retries')
        equal(weir.metric('weir_limited_total', client=mode), before + retries, f'{mode}: refusals')

    def node(name):
        return json.loads(s.node('clients/come_again.mjs', weir, TOKEN=f'token-of-{name}-0123456789').splitlines()[-1])

    before = empty('js')
    said = node('js')
    check(said['attempts'] >= 2, f'{said}')
    equal(weir.metric('weir_limited_total', client='js'), before + said['attempts'] - 1, 'js: refusals')

    client = boto3('poor', 'standard')
    try:
        client.converse(modelId=MODEL, messages=hello)
        check(False, 'a spent budget let it in')
    except client.exceptions.ServiceQuotaExceededException as error:
        check('usd_per_day' in str(error), str(error))
        equal(error.response['ResponseMetadata'].get('RetryAttempts'), 0, 'boto3: tried again')
    said = node('poor')
    equal((said['error'], said['attempts']), ('ServiceQuotaExceededException', 1), 'js: tried again')
