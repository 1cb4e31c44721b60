# SPDX-License-Identifier: Apache-2.0
"""A key made while Weir runs works at once, in every SDK and on every worker; its secret is found in no file, log,
answer or environment."""
import json
import os
import pathlib
import re
from weirflow import HERE, MODEL, Story, check, converse, equal, http_ask, model_path, need_clients, place, signed, until

admin = place()  # the command asks the admin port that the configuration names
need_clients()
BODY = json.dumps(converse()).encode()

with Story() as s:
    weir = s.weir(admin={'address': admin}, workers=4, clients=[{'name': 'search'}, {'name': 'agents'}],
                  log={'level': 'debug'})

    def new(*arguments):
        return [line.split('=', 1)[1] for line in weir.command('keys', 'new', *arguments).splitlines() if '=' in line]

    def drive(kind, **env):
        said = s.run(['node', HERE / 'clients/drive.mjs', kind, '8'], {**s.client_env(weir), **env})
        return {json.loads(line)['ok'] for line in said.splitlines() if line[:1] == '{'}

    key, secret = new('--client', 'search')
    fields = signed(weir.url, model_path('converse'), BODY, key=key, secret=secret)
    equal({http_ask(weir.url, 'POST', model_path('converse'), fields, BODY).status for _ in range(32)}, {200}, 'each worker')
    client = s.boto3(weir.url, keys={'aws_access_key_id': key, 'aws_secret_access_key': secret})
    check(client.converse(modelId=MODEL, messages=converse()['messages'])['output'], 'boto3')
    for kind in ('aws-h2', 'aws-http1-stream', 'anthropic'):
        equal(drive(kind, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret), {True}, kind)
    [token] = new('--client', 'agents', '--bearer')
    for kind in ('anthropic-messages', 'openai', 'openai-stream'):
        equal(drive(kind, DRIVE_BEARER=token), {True}, kind)
    until('both in the book', lambda: weir.metric('weir_tokens_total', client='search') > 0 and
          weir.metric('weir_tokens_total', client='agents') > 0)

    told = [weir.metrics().encode(), weir.command('keys', 'ls').encode(), weir.command('check').encode()]
    told += [http_ask(weir.admin, 'GET', f'/api/v1/{what}').body for what in ('keys', 'config', 'clients', 'decisions', 'usage')]
    told += [pathlib.Path(f'/proc/{weir.pid}/{what}').read_bytes() for what in ('environ', 'cmdline')]
    limits = pathlib.Path(f'/proc/{weir.pid}/limits').read_text()
    check(re.search(r'Max core file size +0 +0 ', limits), limits)
    weir.end()
    told += [weir.log().encode(), *(p.read_bytes() for p in pathlib.Path(s.dir / 'state').rglob('*') if p.is_file())]
    for what in (secret, token, token[5:], secret[4:24], token[9:29]):
        equal(sum(text.count(what.encode()) for text in told), 0, 'a secret')
    equal([oct(os.stat(s.dir / 'state' / f).st_mode)[-3:] for f in ('keys', 'seal.key', 'lock')], ['600'] * 3, 'modes')
