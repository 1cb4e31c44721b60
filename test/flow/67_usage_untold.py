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

    def record_of(answer):
        text = s.run([BUILD / 'src' / 'weir', 'book', 'export', '-c', weir.path])
        return next(r for r in map(json.loads, text.splitlines()) if r['id'] == answer.header('x-weir-request-id'))

    # A model worked: the tokens are an estimate, but those of input where a stream's first event told them.
    for target, body, tells_input in [(model_path('converse-stream'), converse(BREAKS), False),
                                      (model_path('invoke-with-response-stream'), claude(BREAKS), True),
                                      ('/anthropic/v1/messages', MESSAGES, True),
                                      ('/openai/v1/chat/completions', SILENT, False)]:
        answer = ask(weir.url, target, body)
        equal(answer.status, 200, target)
        record, row = record_of(answer), s.sim.rows()[-1]
        equal((record['estimated'], record['unreadable']), (True, False), target)
        check(record['tokens']['input'] > 0 and record['tokens']['output'] > 0, f'{target}: {record["tokens"]}')
        equal(tells_input and record['tokens']['input'], tells_input and row['input'], f'{target}: input')

    # Metered when it was made, not when it is read again. Counting asks no model.
    made = ask(weir.url, '/openai/v1/responses', KEPT)
    equal(record_of(made)['tokens']['input'], s.sim.rows()[-1]['input'], 'the response')
    again = ask(weir.url, f'/openai/v1/responses/{made.json()["id"]}', method='GET')
    equal(again.json()['usage'], made.json()['usage'], 'usage')
    counted = ask(weir.url, model_path('count-tokens'), {'input': {'converse': converse('Which river?')}})
    refused = ask(weir.url, model_path('converse'), converse('[[sim:status=400]]'))
    equal((again.status, counted.status, refused.status), (200, 200, 400), 'statuses')
    for answer in (again, counted, refused):
        record = record_of(answer)
        equal((sum(record['tokens'].values()), record['estimated']), (0, False), record['operation'])
