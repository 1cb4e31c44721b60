# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Each client's calls are signed with its own role's keys, whatever it sends; STS hears whom they are for. A
role that is denied is its client's trouble alone, and says so without naming the role."""
from doubles import Sts
from weirflow import KEY, SECRET, Story, ask_as, check, converse, equal, http_ask, model_path, until

ARN = 'arn:aws:iam::123456789012:role/'
CLIENTS = {'search': ARN + 'search', 'agents': ARN + 'path/agents', 'lost': ARN + 'lost', 'plain': None}

with Story() as s, Sts((KEY, SECRET), {arn: name for name, arn in CLIENTS.items() if arn}) as sts:
    s.simulator(*sts.options())
    sts.denied.add(CLIENTS['lost'])
    clients = [s.client(name, **({'role_arn': arn} if arn else {})) for name, arn in CLIENTS.items()]
    weir = s.weir(clients=clients, endpoints={'sts': sts.url})

    def post(name, **fields):
        return ask_as(name, weir.url, model_path('converse'), converse(), fields)

    lost = post('lost')
    equal((lost.status, lost.header('x-amzn-errortype')), (503, 'ServiceUnavailableException'))
    check("client's role" in lost.json()['message'] and ARN not in lost.body.decode(), lost.body)
    weir.line(r'role .*client lost: .*AccessDenied.*its requests are refused')
    tricks = {'X-Amz-Security-Token': 'other', 'X-Weir-Role': ARN + 'search', 'X-Amz-Account-Id': '999999999999',
              'X-Amz-Region': 'eu-west-1', 'X-Forwarded-Host': 'evil.example'}
    for n in range(10):
        for name, key in (('search', sts.keys('search', 0)[0]), ('agents', sts.keys('agents', 0)[0]), ('plain', KEY)):
            equal(post(name, **tricks).status, 200, f'{name}, while another is refused')
            seen = s.sim.last()
            equal(seen['access_key'], key, f'{name} is signed as')
            sent = {k.lower(): v for k, v in seen['headers']}
            check('/us-east-1/bedrock/' in sent['authorization'], 'the Region that is configured')
            equal(sent['host'], s.sim.address, 'the host that is configured')
            check(not {'x-weir-role', 'x-amz-account-id', 'x-amz-region', 'x-forwarded-host'} & set(sent), sent)
    equal(http_ask(weir.admin, 'GET', '/readyz').status, 200, 'ready all the same')
    asked = {c['RoleArn']: (c['RoleSessionName'], c['Tags.member.1.Key'], c['Tags.member.1.Value']) for c in sts.calls}
    equal(asked, {arn: (f'weir-{name}', 'weir:client', name) for name, arn in CLIENTS.items() if arn})
    equal(len([c for c in sts.calls if 'lost' not in c['RoleArn']]), 2, 'one AssumeRole for all workers')
    sts.denied.clear()
    until('the role', lambda: post('lost').status == 200)
    equal(s.sim.last()['access_key'], sts.keys('lost', 0)[0])
    weir.line(r'role .*client lost: its role is had again')
    check(not any(word in weir.log() for word in ('secret/', 'token+', 'token-of-')), 'a secret in the log')
