# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Keys from a container's endpoint (ECS, EKS) with its token file, and from web identity through STS;
each is asked once for all workers."""
import json
import time
from doubles import HttpDouble
from weirflow import SECRET, Story, ask, check, converse, equal, model_path

KEY, TOKEN = 'ASIATEMPORARY', 'session-token'


def stamp(seconds):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + seconds))


def container(method, path, headers, body):
    if headers.get('Authorization') != 'container-secret':
        return 403, '{}'
    return 200, json.dumps({'AccessKeyId': KEY, 'SecretAccessKey': SECRET, 'Token': TOKEN, 'Expiration': stamp(3600)})


def sts(method, path, headers, body):
    ask_for = body.decode() + path
    if 'AssumeRoleWithWebIdentity' not in ask_for or 'the-web-token' not in ask_for or headers.get('Authorization'):
        return 400, '<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>'
    return 200, ('<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                 '<AssumeRoleWithWebIdentityResult><Credentials>'
                 f'<AccessKeyId>{KEY}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>'
                 f'<SessionToken>{TOKEN}</SessionToken><Expiration>{stamp(3600)}</Expiration>'
                 '</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>')


with Story() as s:
    s.simulator('--key', f'{KEY}:{SECRET}:{TOKEN}')
    (s.dir / 'token').write_text('container-secret')
    (s.dir / 'web').write_text('the-web-token')
    with HttpDouble(container) as ecs, HttpDouble(sts) as double:
        for name, env, more in (
                ('container', {'AWS_CONTAINER_CREDENTIALS_FULL_URI': ecs.url + '/creds',
                               'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': str(s.dir / 'token')}, {}),
                ('web-identity', {'AWS_WEB_IDENTITY_TOKEN_FILE': str(s.dir / 'web'),
                                  'AWS_ROLE_ARN': 'arn:aws:iam::123456789012:role/weir'}, {'sts': double.url})):
            weir = s.weir(env=env, endpoints={'runtime': s.sim.url, **more}, state=str(s.dir / name))
            for n in range(20):
                equal(ask(weir.url, model_path('converse'), converse(f'{name} {n}')).status, 200, name)
            fields = {k.lower(): v for k, v in s.sim.last()['headers']}
            equal(fields.get('x-amz-security-token'), TOKEN, 'session token')
            check('x-amz-security-token' in fields['authorization'], 'it is not signed')
            weir.end()
        equal((len(ecs.seen), len(double.seen)), (1, 1), 'each was asked once for all workers')
