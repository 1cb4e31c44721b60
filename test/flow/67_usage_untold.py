# SPDX-License-Identifier: Apache-2.0
"""What tells no usage: estimated where a model worked, never zero; not metered where none did, or where it was before."""
import json
from weirflow import BUILD, MODEL, Story, ask, check, claude, converse, equal, model_path

SAID = [{'role': 'user', 'content': 'Which river?'}]
BREAKS = '[[sim:exception=modelStreamErrorException]] Which river?'
SILENT = {'model': 'openai.gpt-oss-120b-1:0', 'stream': True, 'messages': SAID}
MESSAGES = {'model': MODEL, 'max_tokens': 64, 'stream': True, 'messages': [{'role': 'user', 'content': BREAKS}]}
KEPT = {'model': 'us.openai.gpt-5.6-sol', 'input': 'Which river?'}

with Story() as s:
    weir = s.weir(metering='strict')

    def records():
        text = s.run([BUILD / 'src' / 'weir', 'book', 'export', '-c', weir.path])
        return [json.loads(line) for line in text.splitlines()]

    # A model worked: the tokens are an estimate, but those of input where a stream's first event told them.
    for target, body, tells_input in [(model_path('converse-stream'), converse(BREAKS), False),
                                      (model_path('invoke-with-response-stream'), claude(BREAKS), True),
                                      ('/anthropic/v1/messages', MESSAGES, True),
                                      ('/openai/v1/chat/completions', SILENT, False)]:
        equal(ask(weir.url, target, body).status, 200, target)
        record, row = records()[-1], s.sim.rows()[-1]
        equal((record['estimated'], record['unreadable']), (True, False), target)
        check(record['tokens']['input'] > 0 and record['tokens']['output'] > 0, f'{target}: {record["tokens"]}')
        equal(tells_input and record['tokens']['input'], tells_input and row['input'], f'{target}: input')

    # Metered when it was made, not when it is read again. Counting asks no model.
    made = ask(weir.url, '/openai/v1/responses', KEPT).json()
    equal(ask(weir.url, f'/openai/v1/responses/{made["id"]}', method='GET').json()['usage'], made['usage'], 'usage')
    counted = {'input': {'converse': converse('Which river?')}}
    equal(ask(weir.url, model_path('count-tokens'), counted).status, 200, 'CountTokens')
    refused = ask(weir.url, model_path('converse'), converse('[[sim:status=400]]'))
    equal(refused.status, 400, 'a refusal')
    kept = records()[4:]
    equal([r['operation'] for r in kept], ['Responses', 'GetResponse', 'CountTokens', 'Converse'], 'operations')
    row = next(row for row in s.sim.rows() if row['operation'] == 'Responses')
    equal(kept[0]['tokens']['input'], row['input'], 'the response')
    for record in kept[1:]:
        equal((sum(record['tokens'].values()), record['estimated']), (0, False), record['operation'])
