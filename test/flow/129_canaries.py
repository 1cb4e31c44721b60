# SPDX-License-Identifier: Apache-2.0
# asan: yes
# timeout: 120
"""Canaries in prompts, answers, keys, tokens, header fields, metadata and the environment: after a mixed load none
of them is in the log of either format, /metrics, the admin API, reports, the state, or the process's environment."""
import http.client
import json
import pathlib
import signal
import stat
from weirflow import Story, check, claude, converse, equal, http_ask, model_path, signed

C = 'CANARY0815'
ENVIRONMENT = {'AWS_ACCESS_KEY_ID': 'AKIDWEIR', 'AWS_SECRET_ACCESS_KEY': 'weir/secret+of+the+proxy', 'AWS_REGION': 'us-east-1',
               'UNUSED': C + 'environment'}
HIDDEN = [C, ENVIRONMENT['AWS_SECRET_ACCESS_KEY'], 'Signature=']

with Story() as s:
    def secret(name, text):
        (s.dir / name).write_text(text + '\n')
        (s.dir / name).chmod(0o600)
        return str(s.dir / name)

    clients = [{'name': 'plain', 'bearer_file': secret('token', C + 'bearer-0123456789'), 'data': {'persist': 'spool'}},
               {'name': 'signing', 'sigv4': {'access_key_id': 'AKIDSIGNING', 'secret_file': secret('pair', C + 'secret')}},
               {'name': 'tight', 'bearer_file': secret('tight', C + 'tight-0123456789'), 'limits': {'requests_per_minute': 1}},
               {'name': 'passing', 'passthrough': 'bearer'}, {'name': 'issued'}]
    rest = {'clients': clients, 'admin': {'address': '127.0.0.1:0', 'token_file': secret('admin', C + 'admin' + 32 * 'x')}}
    admin = {'Authorization': f'Bearer {C}admin' + 32 * 'x'}
    weir = s.weir(ENVIRONMENT, log={'level': 'debug', 'format': 'text'}, **rest)
    made = [http_ask(weir.admin, 'POST', '/api/v1/keys', admin, json.dumps({'client': 'issued', 'kind': kind}).encode())
            for kind in ('sigv4', 'bearer')]
    HIDDEN += [v for m in made for k, v in m.json().items() if k == 'secret']
    equal(len(HIDDEN), 5, 'with the secrets that were shown once')

    for form in ('text', 'json'):
        weir.write(s.config(log={'level': 'debug', 'format': form}, **rest))
        weir.signal(signal.SIGHUP)
        weir.line(r'"event":"reload"' if form == 'json' else r' reload ')
        for fault in ('', '[[sim:throttle]]', '[[sim:cut=40]]', '[[sim:error=ValidationException]]', '[[sim:bad-crc]]'):
            words, entries = f'{C} {fault}', {'team': C + 'metadata'}
            for token in ('bearer-0123456789', 'tight-0123456789', 'nobody', 'passed'):
                for path, body in ((model_path('converse'), converse(words, requestMetadata=entries)),
                                   (model_path('invoke'), claude(words)), (model_path('converse-stream'), converse(words))):
                    fields = {'Authorization': f'Bearer {C}{token}', 'x-api-key': C, 'X-Own': C, 'Cookie': C, 'User-Agent': C,
                              'X-Amzn-Bedrock-Request-Metadata': json.dumps(entries), 'amz-sdk-invocation-id': C}
                    try:
                        http_ask(weir.url, 'POST', path + f'?{C}', fields, json.dumps(body).encode())
                    except (OSError, http.client.HTTPException):
                        pass  # a cut answer is what was asked for
        body = json.dumps(converse(C)).encode()
        for key in (C + 'secret', C + 'wrong'):
            http_ask(weir.url, 'POST', model_path('converse'),
                     signed(weir.url, model_path('converse'), body, key='AKIDSIGNING', secret=key), body)
    weir.records(40)
    told = {path: http_ask(weir.admin, 'GET', path, admin).body.decode() for path in
            ('/metrics', *(f'/api/v1/{name}' for name in ('config', 'clients', 'keys', 'usage', 'savings', 'decisions')))}
    told |= {' '.join(words): weir.command(*words) for words in
             (['report', '--by', 'client,workload,model'], ['report', '--format', 'json'], ['book', 'export'], ['check'])}
    told['environment'] = pathlib.Path(f'/proc/{weir.pid}/environ').read_bytes().decode(errors='replace')
    weir.end()
    weir.command('book', 'compact')
    told['log'] = weir.log()
    check('signing' in told['report --by client,workload,model'] and '"outcome":"client-refused"' in told['log'], 'nothing was told at all')
    for path in (s.dir / 'state').rglob('*'):
        told[str(path)] = path.read_bytes().decode('latin-1') if path.is_file() else ''
        mode = 0o700 if path.is_dir() else 0o600
        equal(oct(stat.S_IMODE(path.stat().st_mode)), oct(mode), f'mode of {path}')
    equal(stat.S_IMODE((s.dir / 'state').stat().st_mode), 0o700, 'mode of the state')
    for place, text in told.items():
        for words in HIDDEN:
            check(words not in text, f'{words} in {place}: {text[max(0, text.find(words) - 200):][:300]!r}')
    check(ENVIRONMENT['AWS_REGION'] not in told['environment'], 'the environment is to be seen')
