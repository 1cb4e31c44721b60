# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""weir replay reads Bedrock's invocation logs: bodies of each dialect, tokens as the model counted them, one cache for
each account, Region and model; what has no body, and what cannot be marked, is told."""
import gzip
import json
import subprocess
from weirflow import BUILD, MODEL, Story, check, equal

TEXT = 'word ' * 4000  # of 5,000 tokens 4,990 are this
PLAIN = 'anthropic.claude-sonnet-4-6'
ARN = f'arn:aws:bedrock:us-east-1::foundation-model/{PLAIN}'
CONVERSE = {'system': [{'text': TEXT}], 'messages': [{'role': 'user', 'content': [{'text': 'Why?'}]}]}
MARKED = {'system': [{'text': TEXT}, {'cachePoint': {'type': 'default'}}], 'messages': CONVERSE['messages']}
CLAUDE = {'anthropic_version': 'x', 'system': TEXT, 'messages': [{'role': 'user', 'content': 'Why?'}]}


def record(second, body, operation='Converse', model=PLAIN, arn='role/web', account='1', **more):
    return {'schemaType': 'ModelInvocationLog', 'schemaVersion': '1.0', 'timestamp': f'2025-03-01T10:{second // 60:02}:{second % 60:02}Z',
            'accountId': account, 'region': 'us-east-1', 'operation': operation, 'modelId': model, 'identity': {'arn': arn},
            'input': {'inputBodyJson': body, 'inputTokenCount': 4000, 'cacheReadInputTokenCount': 1000, **more}, 'output': {}}


with Story() as s:
    def replay(records, dump=lambda rs: '\n'.join(map(json.dumps, rs)).encode()):
        (s.dir / 'log').write_bytes(dump(records))
        done = subprocess.run([BUILD / 'src' / 'weir', 'replay', '--trace', 'log', '--format', 'json'], cwd=s.dir,
                              env=s.clean_env(), capture_output=True, timeout=60, text=True, check=True)
        return json.loads(done.stdout), done.stderr

    def is_near(of, read, write, what):
        check(abs(of['read'] - read) < 0.01 and abs(of['write'] - write) < 0.01, f'{what}: {of}')
        check(abs(of['cost'] - (1 - 0.9 * of['read'] + 0.25 * of['write'])) < 1e-5, f'{what}: {of}')

    for body, operation, model in ((CONVERSE, 'ConverseStream', PLAIN), (MARKED, 'Converse', PLAIN), (CLAUDE, 'InvokeModel', ARN)):
        found, said = replay([record(n, body, operation, model) for n in range(4)])
        equal((found['requests'], found['input_tokens'], said), (4, 20000, ''))
        equal(found['policies']['none'], {'cost': 1, 'read': 0, 'write': 0}, 'also where the body has a marker')
        for policy in ('system', 'end', 'clairvoyant', *(['weir'] if body is MARKED else [])):  # keeps the client's own
            is_near(found['policies'][policy], 0.75, 0.25, f'{operation} {policy}')
    apart = [record(0, CONVERSE), record(1, CONVERSE, account='2'), record(2, CONVERSE, model=MODEL), record(3, CONVERSE, arn='b')]
    plain = replay(apart)[0]
    is_near(plain['policies']['system'], 0.25, 0.75, 'of four two share a cache')
    for dump in (lambda rs: gzip.compress('\n'.join(map(json.dumps, rs)).encode()), lambda rs: json.dumps(rs, indent=2).encode(),
                 lambda rs: json.dumps([rs[2], *rs[:2], rs[3]]).encode()):
        equal(replay(apart, dump)[0], plain, 'another form')
    strange = [record(0, CONVERSE), record(1, {'inputText': 'x'}, 'InvokeModel', 'amazon.titan-embed-text-v2:0'),
               record(2, {'messages': {}}), record(3, None, inputBodyS3Path='s3://b/k')]
    found, said = replay(strange)
    equal((found['requests'], found['input_tokens']), (3, 15000))
    for words in ('left out: ', 'counted as plain input: no prompt ', 'counted as plain input: the catalogue '):
        check(f': 1 request {words}' in said, f'{words} is not in {said}')
