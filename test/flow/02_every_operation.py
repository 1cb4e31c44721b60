# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Every operation that Weir knows: the same request at the simulator, the same answer from it."""
from weirflow import (MODEL, Story, ask, claude, converse, equal, model_path, same_answer, same_request)

TEXT = [{'role': 'user', 'content': 'Which river?'}]
RESPONSE = {'model': 'us.openai.gpt-5.6-sol', 'input': 'Which river?'}
GUARDED = {'source': 'INPUT', 'content': [{'text': {'text': 'hi'}}]}
CHECKS = {'messages': [{'role': 'user', 'content': [{'text': 'hi'}]}],
          'checks': {'promptAttack': {'categories': [{'category': 'JAILBREAK'}]}}}
REEL = {'modelId': 'amazon.nova-reel-v1:0', 'modelInput': {'a': 1}, 'clientRequestToken': 'one-token-for-both',
        'outputDataConfig': {'s3OutputDataConfig': {'s3Uri': 's3://bucket/prefix'}}}
ANTHROPIC = {'anthropic-version': '2023-06-01'}

OPERATIONS = [
    ('POST', model_path('converse'), converse('Which river?'), {}),
    ('POST', model_path('converse-stream'), converse('Which river?'), {}),
    ('POST', model_path('invoke'), claude('Which river?'), {'x-amzn-bedrock-trace': 'ENABLED'}),
    ('POST', model_path('invoke-with-response-stream'), claude('Which river?'), {'x-amzn-bedrock-accept': '*/*'}),
    ('POST', model_path('count-tokens'), {'input': {'converse': converse('Which river?')}}, {}),
    ('POST', '/guardrail/gr123456/version/1/apply', GUARDED, {}),
    ('POST', '/guardrail-checks/invoke', CHECKS, {}),
    ('POST', '/async-invoke', REEL, {}),
    ('GET', '/async-invoke?maxResults=5&statusEquals=Completed', b'', {}),
    ('POST', '/anthropic/v1/messages', {'model': 'us.' + MODEL, 'max_tokens': 64, 'messages': TEXT}, ANTHROPIC),
    ('POST', '/anthropic/v1/messages', {'model': 'us.' + MODEL, 'max_tokens': 64, 'messages': TEXT,
                                        'stream': True}, ANTHROPIC),
    ('POST', '/anthropic/v1/messages/count_tokens', {'model': 'us.' + MODEL, 'messages': TEXT}, ANTHROPIC),
    ('POST', '/openai/v1/chat/completions', {'model': 'openai.gpt-oss-120b-1:0', 'messages': TEXT}, {}),
    ('POST', '/openai/v1/chat/completions', {'model': 'openai.gpt-oss-120b-1:0', 'messages': TEXT,
                                             'stream': True}, {}),
    ('POST', '/openai/v1/responses', {**RESPONSE, 'store': False}, {}),
    ('POST', '/openai/v1/responses', {**RESPONSE, 'stream': True, 'store': False}, {}),
    ('GET', '/openai/v1/responses/resp_none', b'', {}),
    ('DELETE', '/openai/v1/responses/resp_none', b'', {}),
    ('POST', '/openai/v1/responses/resp_none/cancel', {}, {}),
]

with Story() as s:
    weir = s.weir()
    for method, path, body, fields in OPERATIONS:
        print(method, path)
        straight, seen_straight = ask(s.sim.url, path, body, fields, method), s.sim.last()
        through, seen_through = ask(weir.url, path, body, fields, method), s.sim.last()
        same_request(seen_straight, seen_through)
        same_answer(straight, through)
        equal(straight.status, 404 if 'resp_none' in path else 200, path)
    equal(s.sim.summary()['requests'], 2 * len(OPERATIONS), 'requests at the simulator')
