# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Where Weir finds its keys: environment, shared files, a profile, a process, a bearer file. The simulator
takes none but the right ones."""
import json
from weirflow import BEARER, KEY, SECRET, Story, ask, converse, equal, model_path

GOOD = {'AccessKeyId': KEY, 'SecretAccessKey': SECRET, 'Version': 1}

with Story() as s:
    s.simulator()
    aws = s.dir / '.aws'
    aws.mkdir()
    (aws / 'credentials').write_text(f'[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n'
                                     '[wrong]\naws_access_key_id = AKIDNOBODY\naws_secret_access_key = x\n')
    (s.dir / 'keys.json').write_text(json.dumps(GOOD))
    (aws / 'config').write_text(f'[profile run]\ncredential_process = cat {s.dir}/keys.json\n')
    (s.dir / 'bearer').write_text(BEARER + '\n')
    (s.dir / 'bearer').chmod(0o600)
    cases = {
        'environment': (s.keys(), {}, KEY, 200),
        'default profile': ({}, {}, KEY, 200),
        'a named profile': ({}, {'profile': 'wrong'}, None, 403),
        'AWS_PROFILE': ({'AWS_PROFILE': 'run'}, {}, KEY, 200),
        'credential_process': ({}, {'profile': 'run'}, KEY, 200),
        'bearer_file': ({}, {'bearer_file': str(s.dir / 'bearer')}, None, 200),
        'AWS_BEARER_TOKEN_BEDROCK': ({'AWS_BEARER_TOKEN_BEDROCK': BEARER}, {}, None, 200),
    }
    for name, (env, credentials, key, status) in cases.items():
        weir = s.weir(env=env, credentials=credentials, state=str(s.dir / name.replace(' ', '-')))
        answer = ask(weir.url, model_path('converse'), converse(name))
        equal(answer.status, status, f'{name}: {answer.body[:200]}')
        if key:
            equal(s.sim.last()['access_key'], key, name)
        weir.end()
    (aws / 'credentials').unlink()
    weir = s.weir(env={}, state=str(s.dir / 'none'))
    answer = ask(weir.url, model_path('converse'), converse())
    equal((answer.status, answer.header('x-amzn-errortype')), (503, 'ServiceUnavailableException'))
    weir.line(r' exchange .*outcome=no-credentials')
