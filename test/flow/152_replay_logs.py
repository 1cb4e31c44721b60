# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""weir replay reads Bedrock's invocation logs: bodies of each dialect, tokens as the model counted them, one cache for
each account, Region and model; what has no body, and what cannot be marked, is told."""
import gzip
import json
import subprocess
from weirflow import BUILD, MODEL, Story, check, equal

TEXT = 'word ' * 4000  # of 5,000 tokens 4,990 are this


def record(second, body, operation='Converse', model='anthropic.claude-sonnet-4-6', arn='role/web', account='1', **more):
    return {'schemaType': 'ModelInvocationLog', 'schemaVersion': '1.0', 'timestamp': f'2025-03-01T10:{second // 60:02}:{second % 60:02}Z',
            'accountId': account, 'region': 'us-east-1', 'operation': operation, 'modelId': model, 'identity': {'arn': arn},
            'input': {'inputBodyJson': body, 'inputTokenCount': 4000, 'cacheReadInputTokenCount': 1000, **more}, 'output': {}}


CONVERSE = {'system': [{'text': TEXT}], 'messages': [{'role': 'user', 'content': [{'text': 'Why?'}]}]}
MARKED = {'system': [{'text': TEXT}, {'cachePoint': {'type': 'default'}}], 'messages': CONVERSE['messages']}
CLAUDE = {'anthropic_version': 'x', 'system': TEXT, 'messages': [{'role': 'user', 'content': 'Why?'}]}

with Story() as s:
    def replay(records, dump=lambda rs: '\n'.join(map(json.dumps, rs)).encode()):
        (s.dir / 'log').write_bytes(dump(records))
        done = subprocess.run([BUILD / 'src' / 'weir', 'replay', '--trace', 'log', '--format', 'json'], cwd=s.dir,
                              env=s.clean_env(), capture_output=True, timeout=60, text=True)
        equal(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), done.stderr

    def is_near(of, read, write, what):
        check(abs(of['read'] - read) < 0.01 and abs(of['write'] - write) < 0.01, f'{what}: {of}')
        check(abs(of['cost'] - (1 - 0.9 * of['read'] + 0.25 * of['write'])) < 1e-5, f'{what}: {of}')

    for body, operation in ((CONVERSE, 'ConverseStream'), (MARKED, 'Converse'), (CLAUDE, 'InvokeModel')):
        found, said = replay([record(n, body, operation) for n in range(4)])
        equal((found['requests'], found['input_tokens'], said), (4, 20000, ''))
        equal(found['policies']['none'], {'cost': 1, 'read': 0, 'write': 0}, 'without markers, also where the body has one')
        for policy in ('system', 'end', 'clairvoyant'):
            is_near(found['policies'][policy], 0.75, 0.25, f'{operation} {policy}')
    apart = [record(0, CONVERSE), record(1, CONVERSE, account='2'), record(2, CONVERSE, model=MODEL), record(3, CONVERSE, arn='b')]
    is_near(replay(apart)[0]['policies']['system'], 0.25, 0.75, 'of four two share a cache')
    plain = replay(apart)
    for dump in (lambda rs: gzip.compress('\n'.join(map(json.dumps, rs)).encode()), lambda rs: json.dumps(rs, indent=2).encode(),
                 lambda rs: json.dumps([rs[2], *rs[:2], rs[3]]).encode()):
        equal(replay(apart, dump)[0], plain[0], 'another form')
    strange = [record(0, CONVERSE), record(1, {'inputText': 'x'}, 'InvokeModel', 'amazon.titan-embed-text-v2:0'),
               record(2, {'messages': {}}), record(3, None, inputBodyS3Path='s3://b/k')]
    found, said = replay(strange)
    equal((found['requests'], found['input_tokens']), (3, 15000))
    for words in ('1 request left out: ', '1 request counted as plain input: no prompt ', '1 request counted as plain input: the catalogue '):
        check(words in said, f'{words} is not in {said}')
