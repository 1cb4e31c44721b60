# SPDX-License-Identifier: Apache-2.0
"""Every dialect in both shapes: the book has the very tokens that the simulator charged, request by request."""
import json
from weirflow import BUILD, MODEL, Story, ask, claude, converse, equal, model_path

KINDS = ('input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'cache_write_30m')
NOVA, OPEN, GPT = 'amazon.nova-pro-v1:0', 'openai.gpt-oss-120b-1:0', 'us.openai.gpt-5.6-sol'
SAID = [{'role': 'user', 'content': 'Which river?'}]
NOVA_BODY = {'schemaVersion': 'messages-v1', 'messages': [{'role': 'user', 'content': [{'text': 'Which river?'}]}]}
CHAT = {'model': OPEN, 'messages': SAID}
CHUNKS = '[[sim:chunks=7]] '
BIG = '[[sim:bytes=3000000]] '
ASKS = [
    (model_path('converse'), converse('Which river?')),
    (model_path('converse'), converse(BIG)),
    (model_path('converse-stream'), converse('Which river?')),
    (model_path('converse-stream'), converse(BIG)),
    (model_path('converse-stream'), converse('[[sim:bad-crc]] A damaged message is the client\'s to find.')),
    (model_path('invoke'), claude('Which river?')),
    (model_path('invoke', NOVA), NOVA_BODY),
    (model_path('invoke', OPEN), {'messages': SAID}),
    (model_path('invoke-with-response-stream'), claude(CHUNKS)),
    (model_path('invoke-with-response-stream'), claude(BIG)),
    (model_path('invoke-with-response-stream', NOVA), NOVA_BODY),
    (model_path('invoke-with-response-stream', OPEN), {'messages': SAID}),
    ('/anthropic/v1/messages', {'model': MODEL, 'max_tokens': 64, 'messages': SAID}),
    ('/anthropic/v1/messages', {'model': MODEL, 'max_tokens': 64, 'messages': SAID, 'stream': True}),
    ('/openai/v1/chat/completions', CHAT),
    ('/openai/v1/chat/completions', {**CHAT, 'stream': True, 'stream_options': {'include_usage': True}}),
    ('/openai/v1/responses', {'model': GPT, 'input': 'Which river?', 'store': False}),
    ('/openai/v1/responses', {'model': GPT, 'input': BIG, 'stream': True, 'store': False}),
]

with Story() as s:
    weir = s.weir(metering='strict')
    answers = [ask(weir.url, target, body) for target, body in ASKS]
    text = s.run([BUILD / 'src' / 'weir', 'book', 'export', '-c', weir.path])
    records, rows = {(r := json.loads(line))['id']: r for line in text.splitlines()}, s.sim.rows()
    equal((len(records), len(rows)), (len(ASKS), len(ASKS)), 'records and rows')
    for (target, body), answer, row in zip(ASKS, answers, rows):
        equal(answer.status, 200, target)
        record = records[answer.header('x-weir-request-id')]
        equal(record['tokens'], {kind: row[kind] for kind in KINDS}, f'{target} {json.dumps(body)[:60]}')
        equal((record['operation'], record['estimated'], record['unreadable']), (row['operation'], False, False), target)
